"""What a report says where one training is tested at many lengths: which of them it trained on, and where a length
is solved though a shorter one isn't."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.analysis import reach
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import Column, clean
from rnnbench.suite import TaskEntry


def columns(task: TaskEntry) -> list[Column]:
    """A column for each tested length, those beyond what is trained on marked."""
    return [Column(f"{marks.BEYOND}{length}" if length in task.beyond else str(length)) for length in task.lengths]


def about(task: TaskEntry) -> str:
    """What stands behind the words on a table's scores."""
    if not task.train:
        return ""
    start, over = task.train.get("from"), task.train.get("over")
    first = f", up to {start} at first and all after {over:,} steps" if start else ""
    return f"; one training on lengths up to {task.trained[-1]}, one a batch{first}; {marks.BEYOND} beyond them"


def trained(task: TaskEntry) -> list[str]:
    """The headings of the trainings."""
    return [f"{'up to ' if task.train else ''}{length}" for length in task.trained]


def holes(climbs: Sequence[Climb]) -> list[str]:
    """Where seeds solve a length though they don't solve a shorter one, in one line."""
    told = [
        f"{clean(climb.ladder.variant.name)} at {', '.join(f'{length} ({n})' for length, n in found.items())}"
        for climb in climbs
        if climb.ladder.task.train and (found := reach.holes(climb))
    ]
    return [f"solved, though a shorter length isn't (seeds): {'; '.join(told)}"] if told else []
