"""What two parts do together beyond what each does alone.

    interaction = effect of both - effect of the first - effect of the second
                = both - first - second + base            spans in octaves (log2) or rungs, seed by seed

0 where the parts act on their own: each doubles the span, or halves it, whether the other is there or not. The four
spans of a seed are known up to the ladder's ends, and so is what they add up to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rnnbench.analysis import effects, flips, ladder, spans, stats
from rnnbench.analysis.ranges import Range
from rnnbench.analysis.spans import Bound, Span
from rnnbench.analysis.stats import Estimate
from rnnbench.plan.ladders import Climb

Four = tuple[Span, Span, Span, Span]  # both parts changed, the first, the second, neither


@dataclass(frozen=True)
class Size:
    """An effect as a mean in octaves, and whether the ladder's ends make it a bound."""

    octaves: float
    bound: Bound


@dataclass(frozen=True)
class Interaction:
    """What the two parts in which `variant` differs from its base do together on a task: means over the n seeds whose
    four spans are all known, with t intervals.

    `pair` are the variants that differ by one of the parts; `first`, `second` and `both` the effects, over the same
    seeds. `p` is the sign flips' for the octaves, 1 where what lies beyond the ends of the ladder could make the mean
    0; `adjusted` is the same over all pairs that it is shown with, `least` the smallest that n seeds could reach.
    `bound`: the mean is at least ("≥") or at most ("≤") what is shown, or anything ("?").
    """

    task: str
    variant: str
    base: str
    pair: tuple[str, ...]
    n: int
    first: Size
    second: Size
    both: Size
    rungs: Estimate
    octaves: Estimate
    p: float
    adjusted: float
    least: float
    bound: Bound
    sums: tuple[float, ...] = ()


def interactions(climbs: Iterable[Climb]) -> list[Interaction]:
    """The interaction of every pair of which all four climbs are there, in their order, as one family."""
    every = list(climbs)
    found: list[Interaction] = []
    by_name = {(c.ladder.task.name, c.ladder.variant.name, spans.lengths(c)): c for c in every}
    for both, base in effects.differences(every):
        task, variant = both.ladder.task.name, both.ladder.variant
        keys = [(task, name, spans.lengths(base)) for name in variant.pair]
        alone = [by_name[key] for key in keys if key in by_name]
        if len(alone) == 2:
            found.append(_interaction(both, alone[0], alone[1], base))
    told = flips.max_t(flips.rows([i.sums for i in found])) if found else []
    return [replace(i, adjusted=i.p if math.isnan(p) else p) for i, p in zip(found, told, strict=True)]


def _interaction(both: Climb, first: Climb, second: Climb, base: Climb) -> Interaction:
    """As if it were the only pair."""
    quadruples = list(zip(*map(spans.seed_spans, (both, first, second, base)), strict=True))
    sums = [math.nan if any(s.provisional for s in four) else _joined([s.octaves for s in four]) for four in quadruples]
    found = [four for four, x in zip(quadruples, sums, strict=True) if not math.isnan(x)]
    octaves = [x for x in sums if not math.isnan(x)]
    rungs = [_joined([s.rungs for s in four]) for four in found]
    estimate, bound = stats.mean(octaves), _bound(found)
    told = _told(estimate.value, bound)
    p = flips.sign_flip(octaves) if told else 1.0
    variant = both.ladder.variant
    return Interaction(
        task=both.ladder.task.name,
        variant=variant.name,
        base=base.ladder.variant.name,
        pair=variant.pair,
        n=len(found),
        first=_size([(first, base) for _, first, _, base in found]),
        second=_size([(second, base) for _, _, second, base in found]),
        both=_size([(both, base) for both, _, _, base in found]),
        rungs=stats.mean(rungs),
        octaves=estimate,
        p=p,
        adjusted=p,
        least=flips.smallest_p(len(found)),
        bound=bound,
        sums=tuple(sums) if told else (),
    )


def _joined(four: Sequence[float]) -> float:
    both, first, second, base = four
    return round(both - first - second + base, ladder.DIGITS)


def _bound(found: Sequence[Four]) -> Bound:
    sums = [both - first - second + base for both, first, second, base in (map(_beyond, four) for four in found)]
    least, most = any(s.high > 0 for s in sums), any(s.low < 0 for s in sums)
    return "?" if least and most else "≥" if least else "≤" if most else ""


def _beyond(span: Span) -> Range:
    """How much shorter or longer than it is placed a span may be: anything beyond an end of the ladder."""
    return Range(-math.inf if span.bottom else 0.0, math.inf if span.top else 0.0)


def _told(mean: float, bound: Bound) -> bool:
    """Whether the mean is on its side of 0 wherever the spans beyond the ends of the ladder are."""
    return bound == "" or (bound == "≥" and mean > 0) or (bound == "≤" and mean < 0)


def _size(found: Sequence[tuple[Span, Span]]) -> Size:
    return Size(stats.mean([effects.lost(pair) for pair in found]).value, effects.bound(found))
