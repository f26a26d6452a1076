"""What a report says of what was trained on: one training at many lengths, which of them it is tested at and where one
is solved though a shorter one isn't; a set of examples; inputs so few that what is tested was trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rnnbench import registry
from rnnbench.analysis import reach
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Column, clean, counted
from rnnbench.suite import TaskEntry, rungs


def columns(task: TaskEntry) -> list[Column]:
    """A column for each tested length, those beyond what is trained on marked; or for each number of examples."""
    marked = dict.fromkeys(task.beyond, marks.BEYOND)
    return [Column(marked.get(place, "") + rungs.heading(task, place)) for place in task.places]


def about(task: TaskEntry) -> str:
    """What stands behind the words on a table's scores."""
    if task.headline == "need":
        return f"; at length {task.lengths[0]}, trained on so many examples, drawn once a seed"
    if task.examples:
        return f"; each trained on {counted(task.examples[0], 'example')}, drawn once a seed, in a new order each pass"
    if not task.train:
        return ""
    start, over = task.train.get("from"), task.train.get("over")
    first = f", up to {start} at first and all after {over:,} steps" if start else ""
    return f"; one training on lengths up to {task.trained[-1]}, one a batch{first}; {marks.BEYOND} beyond them"


def seen(task: TaskEntry) -> list[str]:
    """Where what is tested was trained on too, as there is nothing else, in one line; of a set of examples drawn with
    replacement, at most how much of what is tested is expected to be in it."""
    trained = [length for length in task.lengths if length not in task.beyond]
    found = registry.all_seen(task.task, trained)
    if not found:
        return []
    where = "" if len(found) == len(trained) else f" at {', '.join(map(str, found))}"
    least, most = min(found.values()), max(found.values())
    many = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    share = 1 - (1 - 1 / least) ** (max(task.examples, default=0) or math.inf)
    what = "all inputs" if share > 0.995 else f"up to {100 * share:.0f}{NBSP}% of the inputs tested"
    return [f"{what} seen in training{where}: there are only {many} different ones"]


def places(task: TaskEntry) -> tuple[int, ...]:
    """Where the rungs of the trainings are, one for each heading."""
    return task.examples if task.headline == "need" else task.trained


def trained(task: TaskEntry) -> list[str]:
    """The headings of the trainings."""
    return [f"{'up to ' if task.train else ''}{rungs.heading(task, place)}" for place in places(task)]


def holes(climbs: Sequence[Climb]) -> list[str]:
    """Where seeds solve a length though they don't solve a shorter one, or with fewer examples, in one line."""
    told = [
        f"{clean(climb.ladder.variant.name)} at {', '.join(f'{place} ({n})' for place, n in found.items())}"
        for climb in climbs
        if climb.ladder.task.headline != "span" and (found := reach.holes(climb))
    ]
    need = any(climb.ladder.task.headline == "need" for climb in climbs)
    without = "with more examples it isn't" if need else "a shorter length isn't"
    return [f"solved, though {without} (seeds): {'; '.join(told)}"] if told else []
