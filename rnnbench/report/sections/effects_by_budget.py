"""What each part does to the span at each budget of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import budgets
from rnnbench.analysis.effects import Effect
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.model import NBSP, Cell, Column, Table, clean
from rnnbench.report.sections import FLAT
from rnnbench.report.sections.effects import bound
from rnnbench.suite import TaskEntry

EVERY = True
ENDS = "top, bottom: every span of both is at that end of the ladder, which can't tell them apart"


def table(task: TaskEntry, climbs: Sequence[Climb]) -> Table | None:
    """Parts x budgets: the effect at each, where there are several."""
    asked = views.budgets(climbs)
    by_budget = [{(e.variant, e.base): e for e in budgets.effects_at(climbs, budget)} for budget in asked]
    every = [e for effects in by_budget for e in effects.values()]
    if not any(e.n for effects in by_budget[1:] for e in effects.values()):
        return None
    most = max(e.n for e in every)
    rows = []
    for variant, base in dict.fromkeys((e.variant, e.base) for e in every):
        own = [effects.get((variant, base)) for effects in by_budget]
        cells = [_cell(e, most) if e else Cell(("",)) for e in own]
        rows.append((Cell((clean(variant),), clean(variant)), Cell((clean(base),), clean(base)), *cells))
    return Table(
        title=f"{clean(task.name)}: effects by steps",
        about="span of the variant less that of its base with so many times the steps, paired by seed, in octaves: "
        f"mean ± half the 95{NBSP}% t interval; without p: what is tested is the effect with the stated steps",
        columns=(Column("", False), Column("against", False), *(Column(f"×{budget}") for budget in asked)),
        rows=tuple(rows),
        notes=(
            *([ENDS] if any(e.top or e.bottom for e in every) else []),
            *([bound()] if any(e.bound for e in every) else []),
            *([FLAT] if any(e.n > 1 and marks.flat(e.octaves) and not (e.top or e.bottom) for e in every) else []),
        ),
    )


def _cell(effect: Effect, most: int) -> Cell:
    """`−0.5 ±0.4`, with n where it is of fewer pairs than others; or the end that all are at."""
    if effect.top or effect.bottom:
        return marks.mark("top" if effect.top else "bottom", 1)
    n = f"n={effect.n}" if 0 < effect.n < most else ""
    return Cell((*marks.effect(effect.octaves, effect.bound).parts, n), effect.octaves.value)


def values(climbs: Sequence[Climb]) -> list[dict[str, Any]]:
    """Each effect at each budget, where there are several."""
    asked = views.budgets(climbs)
    found = [(budget, e) for budget in asked for e in budgets.effects_at(climbs, budget)] if len(asked) > 1 else []
    return [
        {"task": e.task, "variant": e.variant, "base": e.base, "budget": budget, "n": e.n, "bound": e.bound}
        | {"octaves": e.octaves._asdict()}
        for budget, e in found
    ]
