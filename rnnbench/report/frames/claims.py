"""A row a claim of the suite: what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rnnbench.analysis import verdicts
from rnnbench.plan.ladders import Climb
from rnnbench.report.frames import Column
from rnnbench.suite import Suite

COLUMNS = {
    "number": Column("int64", "which of the suite's claims it is, from 1"),
    "says": Column("str", "the sentence"),
    "that": Column("str", "the expression that decides it"),
    "verdict": Column("str", "holds, fails, undecided"),
    "why": Column("str", "what decided it, or what is lacking"),
}


def rows(suite: Suite, climbs: Sequence[Climb]) -> Iterator[tuple[Any, ...]]:
    """In the suite's order."""
    for found in verdicts.verdicts(suite, climbs):
        yield (found.claim.number, found.claim.says, found.claim.that, found.outcome, found.why)
