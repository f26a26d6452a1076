"""What each part does to the score, rung by rung."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import effects
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, sections
from rnnbench.report.model import NBSP, Cell, Column, Table, clean
from rnnbench.report.sections import FLAT
from rnnbench.suite import TaskEntry, rungs


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Parts x rungs: what each part does to the score."""
    found = effects.score_effects(climbs)
    if not any(e.n for e in found):
        return None
    by_name = {(e.variant, e.place): e for e in found}
    headings = [Column(rungs.heading(task, place)) for place in task.places]
    rows = []
    for variant, base in dict.fromkeys((e.variant, e.base) for e in found):
        every = [by_name.get((variant, place)) for place in task.places]
        cells = [Cell(marks.signed(e.score, 2), e.score.value) if e else Cell(("",)) for e in every]
        rows.append((Cell((clean(variant),), clean(variant)), Cell((clean(base),), clean(base)), *cells))
    return Table(
        title=f"{clean(task.name)}: effects on the score",
        about=f"score of the variant less that of its base at each {rungs.words(task).one}, paired by seed: mean ± "
        f"half the 95{NBSP}% t interval; without p, since there are many",
        columns=(Column("", False), Column("against", False), *headings),
        rows=tuple(rows),
        notes=(FLAT,) if any(e.n > 1 and marks.flat(e.score) for e in found) else (),
    )


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    keys = sections.keys(climbs)
    found = effects.score_effects(climbs)
    return [sections.placed(e, keys[e.task]) | {"score": e.score._asdict()} for e in found]
