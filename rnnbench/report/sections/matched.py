"""How large the variants are that match their base, and by how much they miss it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import sizes
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import Cell, Column, Table, clean
from rnnbench.suite import TaskEntry


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Variants x (what was chosen, their count, the base's, the mismatch)."""
    found = sizes.matched(climbs)
    if not found:
        return None
    rows = []
    for m in found:
        names = Cell((clean(m.variant),), clean(m.variant)), Cell((clean(m.base),), clean(m.base))
        counts = Cell((f"{m.count:,}",), m.count), Cell((f"{m.target:,}",), m.target)
        percent = Cell((marks.difference(100 * m.mismatch), "%"), 100 * m.mismatch)
        chosen = Cell((f"{clean(m.knob)} {m.value}",), m.value)
        rows.append((*names, Cell((m.what,), m.what), chosen, *counts, percent))
    return Table(
        title=f"{clean(task.name)}: matched",
        about="what was chosen so that a variant has as nearly as can be as many parameters, or numbers of state, as "
        "its base on this task, and by how much it misses that",
        columns=(
            *(Column(title, False) for title in ("", "against", "of", "chosen")),
            *(Column(title) for title in ("count", "base's", "mismatch")),
        ),
        rows=tuple(rows),
    )


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(m) | {"mismatch": m.mismatch} for m in sizes.matched(climbs)]
