"""What each part does to the span."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import effects, stats
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Cell, Column, Table, clean, counted
from rnnbench.report.sections import FLAT
from rnnbench.suite import TaskEntry

BOUND = "≥, ≤, ?: at least, at most, or either: in some pair one span is at an end of the ladder"


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Parts x measures: what each part does to the span. p values only where n and the parts could reach one."""
    found = effects.effects(climbs)
    if not any(e.n for e in found):
        return None
    tell = any(e.least <= 1 - stats.LEVEL for e in found)
    ends = ["both at the top" if e.top else "both at the bottom" if e.bottom else "" for e in found]
    rows = []
    for e, end in zip(found, ends, strict=True):
        names = Cell((clean(e.variant),), clean(e.variant)), Cell((clean(e.base),), clean(e.base))
        sizes = [Cell((bound, *marks.signed(x)), x.value) for x, bound in ((e.rungs, e.bound), (e.octaves, e.bound))]
        chances = (marks.p_value(e.p), marks.p_value(e.holm), marks.p_value(e.least)) if tell else ()
        remark = (Cell((end,), end, "quiet"),) if any(ends) else ()
        rows.append((*names, Cell((str(e.n),), e.n), *sizes, *chances, *remark))
    tested = counted(sum(e.n > 0 for e in found), "part")
    least = marks.p_value(min(e.least for e in found)).text
    numbers = ("n", "rungs", "octaves", *(("p", "Holm", "least") if tell else ()))
    return Table(
        title=f"{clean(task.name)}: effects",
        about=f"{task.headline} of the variant less that of its base, paired by seed, in rungs and octaves (log2): "
        f"mean ± half the 95{NBSP}% t interval"
        + (f"; two-sided sign-flip p, Holm's adjustment over {tested}, the least it could reach" if tell else ""),
        columns=(
            *(Column("", False), Column("against", False)),
            *(Column(title) for title in numbers),
            *([Column("", False)] if any(ends) else []),
        ),
        rows=tuple(rows),
        notes=(
            *([] if tell else [f"n too small for p values: over {tested} the least that could be reached is {least}"]),
            *([BOUND] if any(e.bound for e in found) else []),
            *([FLAT] if any(e.n > 1 and marks.flat(e.octaves) for e in found) else []),
        ),
    )


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    def one(effect: effects.Effect) -> dict[str, Any]:
        estimates = {name: getattr(effect, name)._asdict() for name in ("rungs", "octaves")}
        return {field.name: getattr(effect, field.name) for field in dataclasses.fields(effect)} | estimates

    return [one(effect) for effect in effects.effects(climbs)]
