"""What a part does to the span: differences between a variant and its base, paired by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rnnbench.analysis import censored, flips, ladder, power, stats
from rnnbench.analysis.ranges import Range
from rnnbench.analysis.spans import Bound, Span, lengths, points, seed_spans
from rnnbench.analysis.stats import Estimate
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record

MARGIN = 0.5  # octaves: less than that is "no difference"
ENOUGH = 6  # seeds: the first at which a two-sided sign test can reach .05

Outcome = Literal["differs", "alike", ""]


@dataclass(frozen=True)
class Effect:
    """What a part does on a task: the span with it as in `variant` less the span as in `base`, paired by seed.

    `differences` are those of the seeds in octaves (log2), in the suite's order, nan where one of the two spans isn't
    known; `octaves` and `rungs` their means over the n others, with t intervals. `bound`: in some pair one span is at
    an end of the ladder, so that the effect is at least ("≥") or at most ("≤") what is shown, and its interval has that
    end alone, or, where some pairs say this and some that, anything ("?"); `estimate` is then what it would be if spans
    beyond the ladder were normal (`censored.py`), nan where that can't be told. `top`, `bottom`: every span of both is
    at that end, so that the ladder can't tell them apart.

    `p` is the sign flips', `adjusted` the same over all effects that it is shown with (`primary` ones have most of the
    level), `least` the smallest that n seeds can reach, `detectable` the least effect that n seeds of this spread would
    be told of in four suites of five. `same` is the p of its lying within MARGIN of 0. `outcome`: told to
    differ, or to be alike; "" is neither.
    """

    task: str
    variant: str
    base: str
    part: str
    n: int
    rungs: Estimate
    octaves: Estimate
    p: float
    adjusted: float
    least: float
    top: bool
    bottom: bool
    bound: Bound = ""
    estimate: Estimate = censored.NOTHING
    same: float = math.nan
    detectable: float = math.nan
    outcome: Outcome = ""
    primary: bool = False
    differences: tuple[float, ...] = ()


def differences(climbs: Iterable[Climb]) -> Iterator[tuple[Climb, Climb]]:
    """Every variant that differs from another, and that other, on each task that both can do, where their ladders have
    the same rungs: a selection may have left some of one."""
    by_name = {(c.ladder.task.name, c.ladder.variant.name): c for c in climbs}
    for (task, _), climb in by_name.items():
        base = by_name.get((task, climb.ladder.variant.base or ""))
        if base is not None and climb.steps and lengths(climb) == lengths(base):
            yield climb, base


def pairs(climb: Climb, base: Climb) -> list[tuple[Span, Span] | None]:
    """The spans of a variant and its base, seed by seed; None where one isn't known."""
    if lengths(base) != lengths(climb):
        raise ValueError(f"expected the rungs of {base.ladder.variant.name}, got those of {climb.ladder.variant.name}")
    both = zip(seed_spans(climb), seed_spans(base), strict=True)
    return [None if a.provisional or b.provisional else (a, b) for a, b in both]


def lost(pair: tuple[Span, Span] | None) -> float:
    """The difference of two spans in octaves; nan of none."""
    return math.nan if pair is None else round(pair[0].octaves - pair[1].octaves, ladder.DIGITS)


def effect(climb: Climb, base: Climb, estimates: bool = True) -> Effect:
    """The effect of the part in which a variant differs from its base, as if it were the only one; `estimates`: what
    takes drawing or searching, too."""
    every = pairs(climb, base)
    found = [pair for pair in every if pair is not None]
    octaves = [lost(pair) for pair in found]
    variant, end = climb.ladder.variant, bound(found)
    p = flips.sign_flip(octaves)
    return Effect(
        task=climb.ladder.task.name,
        variant=variant.name,
        base=base.ladder.variant.name,
        part=variant.part or variant.name,
        n=len(found),
        rungs=_one_sided(stats.mean([a.rungs - b.rungs for a, b in found]), end),
        octaves=_one_sided(stats.mean(octaves), end),
        p=p,
        adjusted=p,
        least=flips.smallest_p(len(found)),
        top=bool(found) and all(a.top and b.top for a, b in found),
        bottom=bool(found) and all(a.bottom and b.bottom for a, b in found),
        bound=end,
        estimate=_estimate(found, lengths(base)) if end and estimates else censored.NOTHING,
        same=math.nan if end else same(octaves, lengths(base)),
        differences=tuple(map(lost, every)),
    )


def bound(found: Sequence[tuple[Span, Span]]) -> Bound:
    """What the ends of the ladder make of a mean of differences of spans."""
    least = any(a.top > b.top or a.bottom < b.bottom for a, b in found)
    most = any(a.top < b.top or a.bottom > b.bottom for a, b in found)
    return "?" if least and most else "≥" if least else "≤" if most else ""


def _one_sided(found: Estimate, end: Bound) -> Estimate:
    """A mean that is a bound keeps the end of its interval on the side that it bounds."""
    low = -math.inf if end in ("≤", "?") else found.low
    return Estimate(found.value, low, math.inf if end in ("≥", "?") else found.high)


def _estimate(found: Sequence[tuple[Span, Span]], rungs: tuple[int, ...]) -> Estimate:
    """By what is known of each difference: half a rung, or that it lies beyond what the ladder's end leaves of it."""
    half = spacing(rungs) / 2
    ranges = []
    for a, b in found:
        value = lost((a, b))
        low = -math.inf if a.bottom or b.top else value - half
        high = math.inf if a.top or b.bottom else value + half
        ranges.append(Range(low, high))
    return censored.normal(ranges)


def spacing(rungs: tuple[int, ...]) -> float:
    """The mean distance of a ladder's rungs in octaves."""
    widths = ladder.rungs(rungs).widths
    return sum(widths) / len(widths)


def same(octaves: Sequence[float], rungs: tuple[int, ...], margin: float = MARGIN) -> float:
    """The p of a mean difference's lying within the margin: that of two one-sided t tests (Schuirmann, 1987), or 1
    where what the rungs leave open could carry it beyond: seeds that all step over the same rung don't show how near
    they were. nan under ENOUGH seeds."""
    if len(octaves) < ENOUGH:
        return math.nan
    wide = spacing(rungs)
    near = abs(stats.mean(octaves).value) + wide / 2 <= margin + 1e-9 and wide <= margin + 0.01
    return stats.equivalence(octaves, margin) if near else 1.0


def effects(climbs: Iterable[Climb], estimates: bool = True) -> list[Effect]:
    """The effects of every variant that differs from another by one part, in the order of the climbs, as one family: p
    is adjusted over all of them, on whatever task. What two parts do together is a question, and a family, of its own:
    `interactions.py`."""
    parts = [(climb, base) for climb, base in differences(climbs) if not climb.ladder.variant.pair]
    found = [replace(effect(a, b, estimates), primary=a.ladder.variant.name in a.ladder.task.primary) for a, b in parts]
    return together(found, [spacing(lengths(b)) for _, b in parts] if estimates else ())


def together(found: Sequence[Effect], spacings: Sequence[float]) -> list[Effect]:
    """Effects as one family; `spacings` are those of their ladders, () where it isn't asked what would be told."""
    if not found:
        return []
    rows = flips.rows([e.differences for e in found])
    adjusted = flips.family(rows, [e.primary for e in found])
    least = [math.nan] * len(found)
    if spacings:
        reach = power.threshold(rows)
        known = [[d for d in e.differences if not math.isnan(d)] for e in found]
        least = [power.detectable(each, wide, reach) for each, wide in zip(known, spacings, strict=True)]
    out = []
    for e, p, detectable in zip(found, adjusted, least, strict=True):
        outcome: Outcome = "differs" if p <= 1 - stats.LEVEL else "alike" if e.same <= 1 - stats.LEVEL else ""
        out.append(replace(e, adjusted=p, outcome=outcome, detectable=detectable))
    return out


@dataclass(frozen=True)
class ScoreEffect:
    """What a part does to the score at one place of the ladder, a length or a number of examples, paired by the n seeds
    that finished with and without it."""

    task: str
    variant: str
    base: str
    place: int
    n: int
    score: Estimate


def score_effects(climbs: Iterable[Climb]) -> list[ScoreEffect]:
    """Rung by rung, of every variant that differs from another; only where all steps were spent (`stop: never`), since
    a run that stopped when it was solved has a score that sits at the bar."""
    out = []
    for climb, base in differences(climbs):
        names = climb.ladder.task.name, climb.ladder.variant.name, base.ladder.variant.name
        for place, a, b in zip(climb.places, climb.steps, base.steps, strict=True):
            if not climb.searches and "never" == a.rung.settings.get("stop") == b.rung.settings.get("stop"):
                done = [(points(x), points(y)) for x, y in finished_pairs(a, b)]
                found = stats.paired([x for x, _ in done], [y for _, y in done])
                out.append(ScoreEffect(*names, place, len(done), found))
    return out


def finished_pairs(step: RungState, base: RungState) -> list[tuple[Record, Record]]:
    """The records of a rung with and without a part, seed by seed, where both finished and neither was pruned."""
    if "pruned" in (step.state, base.state):
        return []
    both = zip(step.records, base.records, strict=True)
    return [(x, y) for x, y in both if x and y and x.finished and y.finished]
