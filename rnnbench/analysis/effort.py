"""How much longer it takes to solve a task without a part: ratios of the steps to solve, paired by seed.

Steps are known from one look to the next, and censored: a run that did not solve takes more than it was given, one that
diverged never would have. So a seed's ratio is known to lie in an interval, or to be at least something, or at most
something, or not at all, and so is their median. Nothing is imputed,
and no distribution assumed: the interval runs between order statistics (Thompson, 1936), the lower end that of the
least that the ratios can be and the upper that of the most, and p is the sign test's (Dixon & Mood, 1946).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rnnbench.analysis import decisions, effects, flips
from rnnbench.analysis.ranges import Range
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.plan.reach import folded
from rnnbench.records import Record
from rnnbench.settings import LOOK, Settings


def taken(record: Record) -> Range:
    """Steps to solve of a run that finished: from the look before to the one by which it was solved. More than were
    trained where its test says that it wasn't, whatever its validation said; more than its budget where it diverged,
    since no steps would have done. At any time up to its end where only its test says that it was solved."""
    if record.status == "solved":
        return _solved(record.solved_at, record.steps)
    return _unsolved(Settings.of(record.run.rung).steps if record.status == "diverged" else record.steps)


@lru_cache(maxsize=10_000)  # of many seeds most took as long as another did, to the look
def _solved(at: int | None, steps: int) -> Range:
    """Whatever a record says, nothing is solved in less than a step."""
    return Range(0 if at is None else (at - 1) // LOOK * LOOK, max(1, at or steps), low_open=True)


@lru_cache(maxsize=10_000)
def _unsolved(trained: int) -> Range:
    return Range(trained, math.inf, low_open=True)


@lru_cache(maxsize=100_000)
def _octaves(variant: Range, base: Range) -> Range:
    """log2 of a ratio of steps."""
    return variant.log2() - base.log2()


def middle(step: RungState) -> Range | None:
    """Steps to solve of a rung's middle run (the sooner of two), as far as known: without an upper end if and only if
    more than half of those that finished did not solve. None where none finished."""
    found = [taken(record) for record in step.finished]
    if not found:
        return None
    k = (len(found) - 1) // 2
    return Range(sorted(r.low for r in found)[k], sorted(r.high for r in found)[k], low_open=True)


@dataclass(frozen=True)
class Ratio:
    """Steps to solve of a variant over those of its base at one rung, over the n seeds of which both runs finished:
    `median`, and the interval around it (low and high in one; 0 and inf where it has no end), which six seeds are the
    first to have. For `sooner` of the seeds the variant is known to have been faster, for `later` slower; of the
    others, among them all that were solved by the same look, nobody knows."""

    place: int
    n: int
    sooner: int
    later: int
    median: Range
    interval: Range

    @property
    def known(self) -> int:
        """Of how many seeds the order is known."""
        return self.sooner + self.later

    @property
    def told(self) -> bool:
        """Whether anything is known of the median."""
        return self.median.low > 0 or math.isfinite(self.median.high)


@dataclass(frozen=True)
class Pace:
    """What a part does to the steps to solve on a task, rung by rung.

    `p` is the sign test's at `place`: the hardest at which the order of so many seeds is known that it could be small,
    or else the hardest of those at which that of the most is known (None: of none anywhere). Unknown orders are held
    against it. `adjusted` is the same over all parts that it is shown with, `least` the smallest that n seeds could
    reach. `orders` are the seeds' there, 1 for later and -1 for sooner, in the suite's order, nan where a run is
    missing.
    """

    task: str
    variant: str
    base: str
    ratios: tuple[Ratio, ...]
    place: int | None
    p: float
    adjusted: float
    least: float
    orders: tuple[float, ...] = ()


def paces(climbs: Iterable[Climb]) -> list[Pace]:
    """Of every variant that differs from another by one part, in the order of the climbs, as one family. None of a
    search: which seeds it trains at a length depends on what they came to."""
    parts = [(a, b) for a, b in effects.differences(map(folded, climbs))  # steps are a training's
             if not a.ladder.variant.pair and not a.searches]  # fmt: skip
    found = [_pace(a, b) for a, b in parts]
    adjusted = flips.max_t(flips.rows([pace.orders for pace in found])) if found else []
    return [replace(pace, adjusted=p if pace.orders else pace.p) for pace, p in zip(found, adjusted, strict=True)]


def _pace(climb: Climb, base: Climb) -> Pace:
    """As if its part were the only one."""
    ratios = tuple(map(_ratio, climb.places, climb.steps, base.steps))
    known = [min(ratio.known, decisions.heads(ratio.n)) for ratio in ratios]  # more than suffice are no better
    at = max(range(len(ratios)), key=lambda k: (known[k], k))
    best = ratios[at]
    names = climb.ladder.task.name, climb.ladder.variant.name, base.ladder.variant.name
    if not best.known:
        return Pace(*names, ratios, None, math.nan, math.nan, 1.0)
    p = min(1.0, 2 * decisions.tail(best.n, max(best.sooner, best.later)))
    orders = _orders(climb.steps[at], base.steps[at], best)
    return Pace(*names, ratios, best.place, p, p, flips.smallest_p(best.n), orders)


def _orders(step: RungState, base: RungState, ratio: Ratio) -> tuple[float, ...]:
    """Who was later, seed by seed; where that isn't known, against what most say."""
    against = 1.0 if ratio.sooner >= ratio.later else -1.0
    out = []
    for x, y in zip(step.records, base.records, strict=True):
        if not (x and y and x.finished and y.finished):
            out.append(math.nan)
            continue
        order = _octaves(taken(x), taken(y))
        out.append(1.0 if order.compare(">") else -1.0 if order.compare("<") else against)
    return tuple(out)


def _ratio(place: int, step: RungState, base: RungState) -> Ratio:
    logs = [_octaves(taken(a), taken(b)) for a, b in effects.finished_pairs(step, base)]
    least, most = [r.low for r in logs], [r.high for r in logs]
    sooner, later = (sum(r.compare(sign) is True for r in logs) for sign in "<>")
    median = _powers(statistics.median(least), statistics.median(most)) if logs else _powers(-math.inf, math.inf)
    interval = _powers(_order(least, -1), _order(most, 1))
    return Ratio(place, len(logs), sooner, later, median, interval)


def _order(values: Sequence[float], side: int) -> float:
    """The lower (side -1) or upper (1) end of the interval of a median: too many values lie beyond it for the median to
    do so as well; infinite where n is too small."""
    n, needed = len(values), decisions.heads(len(values))
    return side * math.inf if needed > n else sorted(values)[n - needed if side < 0 else needed - 1]


def _powers(low: float, high: float) -> Range:
    """From octaves to ratios. Neither end is one of them: steps lie after the look before, or after all there were."""
    return Range(2.0**low, 2.0**high, low_open=True, high_open=True)
