"""How many seeds each effect of a suite needs, from the seeds that there are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from rnnbench.analysis import effects, flips, power, stats
from rnnbench.analysis.spans import lengths
from rnnbench.plan.ladders import Climb

OCTAVE = 1.0  # the effect that is to be found


@dataclass(frozen=True)
class Need:
    """How many seeds it takes that the report tells of an effect of one octave in four suites of five: by the deviation
    that the n pairs had, and by the most that it may be (`cautious`; Browne, 1995); None where no number that is tried
    is enough. `detectable` is the least effect that these n are told of. `bound`: some pair is at an end of the ladder,
    so that it may be more; `flat`: every span is at the same end, so that nothing is known of it."""

    task: str
    variant: str
    base: str
    n: int
    deviation: float
    seeds: int | None
    cautious: int | None
    detectable: float
    bound: bool
    flat: bool


def needs(climbs: Iterable[Climb]) -> list[Need]:
    """Of every variant that differs from another by one part, in a family of all of them; those with fewer than two
    pairs are left out."""
    every = list(climbs)
    spacings = {base.ladder.task.name: effects.spacing(lengths(base)) for _, base in effects.differences(every)}
    found = [e for e in effects.effects(every) if e.n > 1]
    rows = flips.rows([e.differences for e in found])
    threshold = cache(lambda n: power.null_threshold(rows, n))
    out = []
    for e in found:
        known = [d for d in e.differences if not math.isnan(d)]
        deviation, most = stats.deviation_bound(known)
        wide = spacings[e.task]
        seeds, cautious = (power.seeds_needed(OCTAVE, x, wide, threshold) for x in (deviation, most))
        names = e.task, e.variant, e.base
        out.append(Need(*names, e.n, deviation, seeds, cautious, e.detectable, bool(e.bound), e.top or e.bottom))
    return out
