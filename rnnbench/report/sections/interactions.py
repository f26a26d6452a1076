"""What two parts do to the span together beyond what each does alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import interactions, stats
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, sections
from rnnbench.report.model import NBSP, Cell, Column, Table, clean, counted
from rnnbench.report.sections import FLAT, ByTask

SIDES = "p is 1 where that could make an interaction 0"


def tables(by_task: ByTask) -> list[Table]:
    """Pairs x measures, all tasks in one table: what two parts do together that they don't do alone."""
    found = interactions.interactions(sections.every(by_task))
    if not any(i.n for i in found):
        return []
    tell = any(i.least <= 1 - stats.LEVEL for i in found)
    rows = []
    for i in found:
        alone = [
            Cell((size.bound, marks.difference(size.octaves)), size.octaves) for size in (i.first, i.second, i.both)
        ]
        chances = (marks.p_value(i.p), marks.p_value(i.adjusted)) if tell else ()
        names = [Cell((clean(name),), clean(name)) for name in (i.variant, i.task)]
        size = Cell((i.bound, *marks.signed(i.octaves)), i.octaves.value)
        rows.append((*names, Cell((str(i.n),), i.n), *alone, size, *chances))
    tested = counted(sum(i.n > 0 for i in found), "pair")
    least = marks.p_value(min(i.least for i in found)).text
    numbers = ("n", "first", "second", "both", "octaves", *(("p", "adjusted") if tell else ()))
    bounds = {bound for i in found for bound in (i.bound, i.first.bound, i.second.bound, i.both.bound)}
    needs = all(task.headline == "need" for task, _ in by_task)
    bound = (
        f"≥, ≤, ?: at least, at most, or either: for some seed one of the {'needs' if needs else 'spans'} is at an end "
        "of the ladder"
    )
    table = Table(
        title="interactions",
        about="effect of both parts less that of the first and that of the second alone (each in octaves), paired by "
        f"seed: mean ± half the 95{NBSP}% t interval; 0 where each does the same with the other as without it"
        + (f"; two-sided sign-flip p; adjusted over {tested} (step-down max-T)" if tell else ""),
        columns=(Column("", False), Column("task", False), *(Column(title) for title in numbers)),
        rows=tuple(rows),
        notes=(
            *([] if tell else [f"n too small for p values: the least that could be reached is {least}"]),
            *([f"{bound}; {SIDES}" if tell else bound] if bounds != {""} else []),
            *([FLAT] if any(i.n > 1 and marks.flat(i.octaves) for i in found) else []),
        ),
    )
    return [table]


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    def one(found: interactions.Interaction) -> dict[str, Any]:
        estimates = {name: getattr(found, name)._asdict() for name in ("rungs", "octaves")}
        return dataclasses.asdict(found) | estimates

    return [one(found) for found in interactions.interactions(climbs)]
