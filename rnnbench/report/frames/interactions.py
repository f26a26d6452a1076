"""A row a pair of parts and task: what both do together beyond what each does alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import interactions
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import CENSORED, Column
from rnnbench.suite import Suite

COLUMNS = {
    "variant": Column("str", "which differs from its base by both parts"),
    "base": Column("str", "the variant that it differs from"),
    "first_variant": Column("str", "which differs by the first part alone"),
    "second_variant": Column("str", "which differs by the second part alone"),
    "task": Column("str", "its name in the suite"),
    "n": Column("int64", "seeds of which all four spans are known"),
    "first": Column("float64", "effect of the first part, in octaves, over these seeds"),
    "second": Column("float64", "effect of the second part"),
    "both": Column("float64", "effect of both"),
    "octaves": Column("float64", "both less first less second: 0 where each does the same with the other as without"),
    "low": Column("float64", "the lower end of its 95 % t interval; infinite on a side that is censored"),
    "high": Column("float64", "the upper end"),
    "censored": Column("str", "above: it is at least that; below: at most; both: either; empty: neither"),
    "p": Column("float64", "two-sided, by sign flips; 1 where what is censored could make it 0"),
    "adjusted": Column("float64", "p over all pairs of the suite (step-down max-T)"),
    "least": Column("float64", "the least p that n seeds can reach"),
}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of all tasks as one family."""
    for i in interactions.interactions(views.at(climbs)):
        names = i.variant, i.base, *i.pair, i.task
        alone = i.first.octaves, i.second.octaves, i.both.octaves
        yield (*names, i.n, *alone, *i.octaves, CENSORED[i.bound], i.p, i.adjusted, i.least)
