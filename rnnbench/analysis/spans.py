"""How far a variant reaches: the scores of a rung, the span of each seed by Spearman and Kaerber, and their mean.

The span measures what can be trained to span the gap within the budget. Of a seed it is how many rungs it solves, times
their spacing (`ladder.py`), and known only up to the rungs; of a variant the mean over its seeds, with an interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rnnbench.analysis import decisions, ladder, reach, stats
from rnnbench.analysis.ranges import Range
from rnnbench.analysis.stats import Estimate
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record

Bound = Literal["", "≥", "≤", "?"]  # exact, at least, at most, either


@dataclass(frozen=True)
class Span:
    """The span of a seed: it solves `rungs` of them, and lies at `octaves` (log2 of a length), which says that it is at
    least `low` (0: it solves none) and below `high` (inf: it solves the longest), in lengths.

    `holes` are the lengths that it doesn't solve though it solves a longer one. `provisional`: runs that are missing or
    broke could still move it; they count as unsolved for all but `high`.
    """

    octaves: float
    rungs: int
    low: float
    high: float
    holes: tuple[int, ...] = ()
    provisional: bool = False

    @property
    def top(self) -> bool:
        """The longest rung was solved: the ladder doesn't reach what this could span."""
        return not self.provisional and math.isinf(self.high)

    @property
    def bottom(self) -> bool:
        """No rung was solved: the ladder begins above what this can span."""
        return not self.provisional and not self.low

    @property
    def known(self) -> Range:
        """The lengths that it can be."""
        return Range(self.low, self.high, low_open=not self.low, high_open=True)


@dataclass(frozen=True)
class Need(Span):
    """The need of a seed, a span of what isn't enough: `rungs` of them have too few examples. It is more than `low` (0:
    the fewest do) and at most `high` (inf: not even the most do); at the `top` these don't, at the `bottom` the fewest
    do. Runs that are missing or broke count as unsolved for all but `low`."""

    @property
    def known(self) -> Range:
        """The numbers of examples that it can be."""
        return Range(self.low, self.high, low_open=True, high_open=math.isinf(self.high))


@dataclass(frozen=True)
class VariantSpan:
    """The span of a variant: the mean of its seeds' in `octaves`, with an interval that is wide enough for what is
    known of each seed only up to its rungs (nan at one seed, infinite beyond an end of the ladder).

    `bound`: some seed is at an end of the ladder, so that the mean is at least ("≥") or at most ("≤") what is shown, or
    both can be ("?"). `top`, `bottom`: all of them are, and the ladder ends at `longest` or begins at `shortest`.
    `holes`: how many of the n seeds have any. `provisional`: of some seed it isn't known yet; `solved`: whether any
    rung is. Of a `need` all lengths are numbers of examples, and at its top the most, at its bottom the fewest.
    """

    octaves: Estimate
    n: int
    bound: Bound
    top: bool
    bottom: bool
    holes: int
    provisional: bool
    solved: bool
    shortest: int
    longest: int
    need: bool = False

    @property
    def length(self) -> float:
        """As a length, or a number of examples: the geometric mean of the seeds' spans."""
        return float(2.0**self.octaves.value)


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

    @property
    def share(self) -> Estimate:
        """The share of seeds that solved it, with Jeffreys' interval."""
        return stats.proportion(self.solved, self.n)


def points(record: Record) -> float:
    """The score that a finished record counts with: 0 where it diverged or its score is no number."""
    usable = record.status != "diverged" and record.score is not None and math.isfinite(record.score)
    return float(record.score) if usable and record.score is not None else 0.0


def score(step: RungState) -> Score:
    """The scores of a rung. A pruned one has none, whatever else a store holds: it is missing, not 0. Nor has one of a
    search, where what a seed came to elsewhere decides whether it is trained here: of that, which seeds solve it.

    Only where all steps were spent (`stop: never`) has the mean an interval, cut at 0 and 1: scores of runs that
    stopped when they were solved lie at the bar or far below it, and no interval of their mean covers; that of the
    share does.
    """
    if step.state == "pruned":
        return Score(stats.mean([]), 0, 0, 0, 0, len(step.records))
    done = step.finished
    diverged = sum(r.status == "diverged" for r in done)
    if step.implied:
        known = [verdict for verdict in step.verdicts if verdict is not None]
        return Score(stats.mean([]), len(known), sum(known), diverged, len(step.broken), step.missing)
    value, low, high = stats.mean([points(r) for r in done])
    spent = step.rung.settings.get("stop") == "never"
    values = Estimate(value, max(0.0, low), min(1.0, high)) if spent else Estimate(value, math.nan, math.nan)
    return Score(values, len(done), step.solved, diverged, len(step.broken), step.missing)


@lru_cache(maxsize=10_000)  # of many seeds most have a span that another had
def _span(lengths: tuple[int, ...], verdicts: tuple[bool | None, ...]) -> Span:
    """The span of a seed, given for each rung whether it was solved (None: unknown), shortest first."""
    least, most = [v is True for v in verdicts], [v is not False for v in verdicts]
    place = ladder.octaves(lengths, least)
    low, _ = ladder.between(lengths, place)
    _, high = ladder.between(lengths, ladder.octaves(lengths, most))
    longest = max((k for k, solved in enumerate(least) if solved), default=-1)
    holes = tuple(length for length, v in zip(lengths[: max(0, longest)], verdicts, strict=False) if v is False)
    return Span(place, sum(least), low, math.inf if most[-1] else high, holes, None in verdicts)


def _need(numbers: tuple[int, ...], verdicts: tuple[bool | None, ...]) -> Need:
    """The need of a seed, given for each rung whether it was solved with so many examples and all that are more (None:
    unknown), fewest first."""
    least, most = [v is False for v in verdicts], [v is not True for v in verdicts]
    low, _ = ladder.between(numbers, ladder.octaves(numbers, least))
    place = ladder.octaves(numbers, most)
    _, high = ladder.between(numbers, place)
    return Need(place, sum(most), low, high, (), None in verdicts)


def lengths(climb: Climb) -> tuple[int, ...]:
    """The lengths of a ladder's rungs, shortest first; or their numbers of examples, fewest first."""
    return climb.places[::-1] if needed(climb) else climb.places


def needed(climb: Climb) -> bool:
    """Whether its rungs are numbers of examples, which are climbed from the most."""
    return climb.ladder.task.headline == "need"


def solved(climb: Climb) -> list[int]:
    """How many rungs each seed solves."""
    return [len(climb.steps) - s.rungs if isinstance(s, Need) else s.rungs for s in seed_spans(climb)]


def seed_spans(climb: Climb) -> tuple[Span, ...]:
    """The span of each seed, in the suite's order of seeds; () where the variant can't do the task."""
    rungs = lengths(climb)
    each = [reach.counted(climb, v) for v in zip(*map(_solved, climb.steps), strict=True)]
    return tuple(_need(rungs, v[::-1]) for v in each) if needed(climb) else tuple(_span(rungs, v) for v in each)


def _solved(step: RungState) -> list[bool | None]:
    """Whether each seed solved a rung."""
    return list(step.verdicts)


def span(climb: Climb) -> VariantSpan | None:
    """The span of a variant on a task, over the seeds whose own is known; before that is any, over all, as far as it is
    known. None where the variant can't do the task."""
    if not climb.steps:
        return None
    rungs, every = lengths(climb), seed_spans(climb)
    known = [s for s in every if not s.provisional]
    found = known or every
    interval = decisions.mean(tuple(s.known.log2() for s in found), stats.LEVEL)
    return VariantSpan(
        Estimate(stats.mean([s.octaves for s in found]).value, interval.low, interval.high),
        n=len(known),
        bound=bound(found),
        top=bool(known) and all(s.top for s in known),
        bottom=bool(known) and all(s.bottom for s in known),
        holes=sum(bool(s.holes) for s in known),
        provisional=len(known) < len(every),
        solved=any(solved(climb)),
        shortest=rungs[0],
        longest=rungs[-1],
        need=needed(climb),
    )


def bound(found: Iterable[Span]) -> Bound:
    """What the ends of the ladder make of a mean of spans."""
    ends = {"top" if s.top else "bottom" if s.bottom else "" for s in found}
    return "?" if {"top", "bottom"} <= ends else "≥" if "top" in ends else "≤" if "bottom" in ends else ""


def _solving(step: RungState) -> int:
    """How many seeds solve a rung, or would as their other rungs tell."""
    return step.tally.solved + step.tally.implied_solved


def so_far(climb: Climb) -> float:
    """The mean of the seeds' spans in octaves from the counts of its rungs alone, which is the same, since it is linear
    in what is solved; whatever is unknown counts as unsolved. Of a ladder with rungs."""
    rungs = ladder.rungs(lengths(climb))
    shares = [0.0 if s.state == "pruned" or not s.asked else _solving(s) / s.asked for s in climb.steps]
    if needed(climb):
        shares = [1 - share for share in reversed(shares)]
    return rungs.edges[0] + sum(w * share for w, share in zip(rungs.widths, shares, strict=True))
