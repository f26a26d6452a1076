"""How far a variant reaches: the scores of a rung, the span of a ladder, of each seed and of a variant.

The span measures what can be trained to span the gap within the budget. It is known only up to the ladder's rungs:
between the last one solved and the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rnnbench.analysis import reach, stats
from rnnbench.analysis.stats import Estimate
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record


@dataclass(frozen=True)
class Span:
    """At least `low` (None: not even the shortest rung) and below `high` (None: no rung is known to be too long).

    `provisional`: runs that are missing or broke could still move it.

    >>> str(Span(40, 80)), str(Span(160, None)), str(Span(None, 10)), str(Span(20, None, provisional=True))
    ('40..80', '>= 160', '< 10', '>= 20 so far')
    """

    low: int | None
    high: int | None
    provisional: bool = False

    @property
    def top(self) -> bool:
        """The longest rung was solved: the ladder doesn't reach what this could span."""
        return self.low is not None and self.high is None and not self.provisional

    def __str__(self) -> str:
        if self.low is None:
            text = "unknown" if self.high is None else f"< {self.high}"
        else:
            text = f">= {self.low}" if self.high is None else f"{self.low}..{self.high}"
        return f"{text} so far" if self.provisional and text != "unknown" else text


@dataclass(frozen=True)
class Score:
    """The scores of a rung over its seeds: their mean with its t interval, over the n that finished. A diverged run
    counts with 0; `failed` ones broke and `missing` ones never ran: neither is in n."""

    score: Estimate
    n: int
    solved: int
    diverged: int
    failed: int
    missing: int


def points(record: Record) -> float:
    """The score that a finished record counts with: 0 where it diverged or its score is no number."""
    usable = record.status != "diverged" and record.score is not None and math.isfinite(record.score)
    return float(record.score) if usable and record.score is not None else 0.0


def score(step: RungState) -> Score:
    """The scores of a rung. A pruned one has none, whatever else a store holds: it is missing, not 0. Nor has one of a
    search, where what a seed came to elsewhere decides whether it is trained here: of that, which seeds solve it."""
    if step.state == "pruned":
        return Score(stats.mean([]), 0, 0, 0, 0, len(step.records))
    done = step.finished
    diverged = sum(r.status == "diverged" for r in done)
    if step.implied:
        known = [verdict for verdict in step.verdicts if verdict is not None]
        return Score(stats.mean([]), len(known), sum(known), diverged, len(step.broken), step.missing)
    values = stats.mean([points(r) for r in done])
    return Score(values, len(done), step.solved, diverged, len(step.broken), step.missing)


@lru_cache(maxsize=10_000)  # of many seeds most have a span that another had
def _span(lengths: tuple[int, ...], verdicts: tuple[bool | None, ...]) -> Span:
    """The span, given for each rung whether it was solved (None: unknown), shortest first."""
    low = None
    for length, verdict in zip(lengths, verdicts, strict=True):
        if verdict is not True:
            break
        low = length
    high = next((length for length, verdict in zip(lengths, verdicts, strict=True) if verdict is False), None)
    between = [length for length in lengths if (low is None or length > low) and (high is None or length < high)]
    return Span(low, high, provisional=bool(between))


def lengths(climb: Climb) -> tuple[int, ...]:
    """The lengths of a ladder's rungs, shortest first."""
    return tuple(s.rung.length for s in climb.steps)


def span(climb: Climb) -> Span | None:
    """The longest rung up to which every rung was solved by at least half of the seeds; None where the variant
    can't do the task."""
    return _span(lengths(climb), tuple(s.passed for s in climb.steps)) if climb.steps else None


def seed_spans(climb: Climb) -> tuple[Span, ...]:
    """The span of each seed by itself, in the suite's order of seeds; () where the variant can't do the task."""
    rungs = lengths(climb)
    return tuple(_span(rungs, reach.counted(climb, v)) for v in zip(*map(_solved, climb.steps), strict=True))


def _solved(step: RungState) -> list[bool | None]:
    """Whether each seed solved a rung."""
    return list(step.verdicts)


def octaves(span: Span, shortest: int) -> float:
    """log2 of a span; one octave under the shortest rung where that wasn't reached.

    >>> octaves(Span(64, 128), 16), octaves(Span(None, 16), 16)
    (6.0, 3.0)
    """
    return math.log2(span.low) if span.low is not None else math.log2(shortest) - 1


def reached(span: Span, lengths: Sequence[int]) -> int:
    """How many of a ladder's rungs a span takes in."""
    return sum(length <= (span.low or 0) for length in lengths)
