"""What the frames of spans, reaches and needs have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import spans
from rnnbench.analysis.spans import VariantSpan
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import CENSORED, Column

DIGITS = 9  # of a length, or a number of examples: exact where it is a rung


def columns(name: str, about: str) -> dict[str, Column]:
    """Those of a headline."""
    return {
        "variant": Column("str", "its name in the suite"),
        "task": Column("str", "its name in the suite"),
        name: Column("float64", about),
        "censored": Column("str", "above: it is at least that; below: at most; both: either; empty: neither"),
        "low": Column("float64", "the lower end of its 95 % interval; nan of one seed"),
        "high": Column("float64", "the upper end; infinite where the ladder ends below it"),
        "octaves": Column("float64", "the same as log2, in which means and intervals are taken"),
        "octaves_low": Column("float64", "the lower end"),
        "octaves_high": Column("float64", "the upper end"),
        "n": Column("int64", "seeds of which it is known"),
        "holes": Column("int64", "of them, those that solve a longer length than one that they don't solve"),
        "provisional": Column("bool", "whether runs that are missing or broke could change it"),
    }


def rows(headline: str, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """Of each variant on each task of that headline that it can do."""
    for climb in views.at(climbs):
        found = spans.span(climb) if climb.ladder.task.headline == headline else None
        if found is not None:
            yield (
                climb.ladder.variant.name,
                climb.ladder.task.name,
                *told(found),
            )


def told(found: VariantSpan) -> tuple[Any, ...]:
    """One of them, as its columns have it."""
    length, low, high = (round(2.0**octaves, DIGITS) for octaves in found.octaves)
    return (length, CENSORED[found.bound], low, high, *found.octaves, found.n, found.holes, found.provisional)
