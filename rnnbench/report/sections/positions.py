"""Where in an example answers are right, at the longest length that one training is tested at."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import reach
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import Cell, Column, Table, clean
from rnnbench.suite import TaskEntry


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Variants x parts of an example: the share of answers that are right."""
    found = reach.positions(climbs)
    if not found:
        return None
    parts = max(len(each.right) for each in found)
    rows = []
    for each in found:
        name = Cell((clean(each.variant),), clean(each.variant))
        cells = [Cell((marks.fixed(share),), share, marks.tone(share)) for share in each.right]
        rows.append((name, Cell((str(each.n),), each.n), *cells, *[Cell(("",))] * (parts - len(cells))))
    return Table(
        title=f"{clean(task.name)}: by position",
        about=f"share of right answers at {found[0].length}, the longest length tested, by their position in an "
        f"example: of {parts} equal parts from the first to the last; mean over n seeds",
        columns=(Column("", False), Column("n"), *(Column(str(part)) for part in range(1, parts + 1))),
        rows=tuple(rows),
    )


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(each) for each in reach.positions(climbs)]
