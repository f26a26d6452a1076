"""A row a variant, task and budget of steps: the span at each, and what the steps since the budget before bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import budgets
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import CENSORED, Column, _headlines
from rnnbench.suite import Suite

ABOUT = "of a task: span, reach or need, each as a length, or a number of examples: the geometric mean over seeds"

COLUMNS = {
    **_headlines.columns("span", ABOUT),
    "budget": Column("int64", "how many times the steps that the suite states"),
    "gain": Column("float64", "octaves for each doubling of the steps since the budget before, paired by seed; nan of "
                   "the first"),
    "gain_low": Column("float64", "the lower end of its 95 % t interval"),
    "gain_high": Column("float64", "the upper end"),
    "gain_censored": Column("str", "as `censored`, of the gain"),
    "gain_n": Column("int64", "seeds of which both spans are known"),
    "levelled": Column("boolean", "whether the same rungs are solved as with the budget before, short of the ladder's "
                       "top; NA where that isn't known"),
}  # fmt: skip


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """None where all have one budget."""
    for growth in budgets.growths(climbs):
        gains = dict(zip(growth.budgets[1:], growth.gains, strict=True))
        for budget, found in zip(growth.budgets, growth.spans, strict=True):
            if found is not None:
                gain = gains.get(budget)
                grown: tuple[Any, ...] = (None, None, None, "", 0, None)
                if gain is not None:
                    grown = (*gain.slope, CENSORED[gain.bound], gain.n, gain.levelled)
                yield (growth.variant, growth.task, *_headlines.told(found), budget, *grown)
