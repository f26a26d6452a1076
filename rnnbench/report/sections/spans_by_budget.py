"""Spans against steps: how far each variant is trained to remember with each budget."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from rnnbench.analysis import budgets
from rnnbench.analysis.budgets import Growth
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report import broken, marks, within
from rnnbench.report.model import NBSP, Cell, Column, Table, clean
from rnnbench.report.sections import FLAT
from rnnbench.report.sections.effects import bound
from rnnbench.suite import TaskEntry

EVERY = True
LEVELLED = "levelled off: with the larger budget half or more of the seeds solve the same lengths and no other"


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Variants x budgets: the span at each, and what doubling the steps brings."""
    found = budgets.growths(climbs)
    if not found:
        return None
    asked = views.budgets(climbs)
    gains = [gain for growth in found for gain in growth.gains]
    most = max(gain.n for gain in gains)
    remarks = [_levelled(growth) for growth in found]
    rows = []
    for growth, remark in zip(found, remarks, strict=True):
        own = dict(zip(growth.budgets, growth.spans, strict=True))
        shown = [marks.span(own[budget], started=True) if budget in own else Cell(("",)) for budget in asked]
        slopes = [
            Cell(
                (*marks.effect(gain.slope, gain.bound).parts, f"n={gain.n}" if 0 < gain.n < most else ""),
                gain.slope.value,
            )
            for gain in growth.gains
        ]
        rows.append((Cell((clean(growth.variant),), clean(growth.variant)), *shown, *slopes, Cell((remark,), remark)))
    more = [climb for climb in climbs if climb.ladder.budget > 1]
    return Table(
        title=f"{clean(task.name)}: spans against steps",
        about=f"span when trained within {within.steps(views.at(climbs))} and within so many times as many; octaves of "
        f"span for each doubling of the steps, paired by seed: mean ± half the 95{NBSP}% t interval",
        columns=(
            Column("", False),
            *(Column(f"×{budget}") for budget in asked),
            *(Column(f"×{few} to ×{many}") for few, many in pairwise(asked)),
            Column("", False),
        ),
        rows=tuple(rows),
        notes=(
            *([LEVELLED] if any(remarks) else []),
            *([bound()] if any(gain.bound for gain in gains) else []),
            *([FLAT] if any(gain.n > 1 and marks.flat(gain.slope) for gain in gains) else []),
            *broken.notes(more),
        ),
    )


def _levelled(growth: Growth) -> str:
    """From which budget on more steps move no rung."""
    last = next((k for k, gain in reversed(list(enumerate(growth.gains))) if not gain.levelled), -1)
    return "levelled off" + f" from ×{growth.budgets[last + 1]}" if last + 1 < len(growth.gains) else ""


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    def one(growth: Growth) -> dict[str, Any]:
        gains = [dataclasses.asdict(gain) | {"slope": gain.slope._asdict()} for gain in growth.gains]
        return dataclasses.asdict(growth) | {"gains": gains}

    return [one(growth) for growth in budgets.growths(climbs)]
