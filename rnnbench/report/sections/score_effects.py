"""What each part does to the score, length by length."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import effects
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Cell, Column, Table, clean
from rnnbench.report.sections import FLAT
from rnnbench.suite import TaskEntry


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Parts x lengths: what each part does to the score."""
    found = effects.score_effects(climbs)
    if not any(e.n for e in found):
        return None
    by_name = {(e.variant, e.length): e for e in found}
    rows = []
    for variant, base in dict.fromkeys((e.variant, e.base) for e in found):
        every = [by_name.get((variant, length)) for length in task.places]
        cells = [Cell(marks.signed(e.score, 2), e.score.value) if e else Cell(("",)) for e in every]
        rows.append((Cell((clean(variant),), clean(variant)), Cell((clean(base),), clean(base)), *cells))
    return Table(
        title=f"{clean(task.name)}: effects on the score",
        about=f"score of the variant less that of its base at each length, paired by seed: mean ± half the 95{NBSP}% t "
        "interval; without p, since there are many",
        columns=(Column("", False), Column("against", False), *(Column(str(length)) for length in task.places)),
        rows=tuple(rows),
        notes=(FLAT,) if any(e.n > 1 and marks.flat(e.score) for e in found) else (),
    )


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    return [dataclasses.asdict(e) | {"score": e.score._asdict()} for e in effects.score_effects(climbs)]
