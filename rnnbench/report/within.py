"""Within how many steps things were trained, in words: what a span speaks of."""

from __future__ import annotations

from collections.abc import Iterable

from rnnbench.plan.ladders import Climb
from rnnbench.report.model import clean
from rnnbench.settings import Settings

MOST = 3  # different numbers of steps that are told apart


def steps(climbs: Iterable[Climb]) -> str:
    """`1,500 steps`; `1,000 (copy) and 1,600 (adding) steps` where tasks differ; `200 to 1,600 steps` where variants
    do, or there are many."""
    by_task: dict[str, set[int]] = {}
    for climb in climbs:
        for state in climb.steps:
            by_task.setdefault(climb.ladder.task.name, set()).add(Settings.of(state.rung).steps)
    found = sorted(set().union(*by_task.values()))
    if not found:
        return "the budget"
    if len(found) == 1:
        return f"{found[0]:,} steps"
    if len(found) > MOST or any(len(own) > 1 for own in by_task.values()):
        return f"{found[0]:,} to {found[-1]:,} steps"
    groups = [
        f"{number:,} ({', '.join(clean(task) for task, own in by_task.items() if own == {number})})" for number in found
    ]
    return f"{', '.join(groups[:-1])} and {groups[-1]} steps"
