"""A row a part and task: what it does to the span, or to what else is the task's headline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import effects
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import CENSORED, Column
from rnnbench.suite import Suite

COLUMNS = {
    "variant": Column("str", "which differs from its base by one part"),
    "base": Column("str", "the variant that it differs from"),
    "part": Column("str", "`-forget_gate`, `+peepholes`, `layers: 2`"),
    "task": Column("str", "its name in the suite"),
    "primary": Column("bool", "whether it was declared to be looked at first"),
    "n": Column("int64", "seeds of which both spans are known"),
    "octaves": Column("float64", "mean difference of the spans, paired by seed, in octaves (log2)"),
    "low": Column("float64", "the lower end of its 95 % t interval; infinite on a side that is censored"),
    "high": Column("float64", "the upper end"),
    "censored": Column("str", "above: it is at least that; below: at most; both: either; empty: neither"),
    "estimate": Column("float64", "octaves, were spans beyond the ladder normal; nan where nothing is censored"),
    "estimate_low": Column("float64", "the lower end of its 95 % interval"),
    "estimate_high": Column("float64", "the upper end"),
    "p": Column("float64", "two-sided, by sign flips"),
    "adjusted": Column("float64", "p over all effects of the suite (step-down max-T)"),
    "least": Column("float64", "the least p that n seeds can reach"),
    "detectable": Column("float64", "octaves that would be told of in four suites of five"),
    "same": Column("float64", "p of lying within half an octave of 0 (two one-sided tests)"),
    "outcome": Column("str", "differs, alike, or empty: neither is told"),
}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of all tasks as one family."""
    for e in effects.effects(views.at(climbs)):
        who = e.variant, e.base, e.part, e.task, e.primary
        size = *e.octaves, CENSORED[e.bound], *e.estimate
        yield (*who, e.n, *size, e.p, e.adjusted, e.least, e.detectable, e.same, e.outcome)
