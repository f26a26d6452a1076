"""What a part does: differences of spans and of scores between a variant and its base, paired by seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench.analysis import stats
from rnnbench.analysis.spans import Span, lengths, octaves, points, reached, seed_spans
from rnnbench.analysis.stats import Estimate
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record

Bound = Literal["", "≥", "≤", "?"]


@dataclass(frozen=True)
class Effect:
    """What a part does on a task: the span with it as in `variant` less the span as in `base`, paired by seed.

    `rungs` and `octaves` (log2 of the span) are means over the n seeds whose two spans are known, with t intervals.
    `p` is the sign flips' for the octaves, `holm` adjusted over the parts of the task, `least` the smallest that
    n and this many parts could reach. `top`, `bottom`: every span of both is at that end of the ladder, which
    therefore can't tell them apart. A span below the ladder counts as half its shortest rung. `bound`: some pair has
    one span at an end of the ladder, so that the effect is at least ("≥") or at most ("≤") what is shown, or, where
    some pairs say this and some that, anything ("?").
    """

    task: str
    variant: str
    base: str
    part: str
    n: int
    rungs: Estimate
    octaves: Estimate
    p: float
    holm: float
    least: float
    top: bool
    bottom: bool
    bound: Bound = ""


def differences(climbs: Iterable[Climb]) -> Iterator[tuple[Climb, Climb]]:
    """Every variant that differs from another, and that other, on each task that both can do, where their ladders have
    the same rungs: a selection may have left some of one."""
    by_name = {(c.ladder.task.name, c.ladder.variant.name): c for c in climbs}
    for (task, _), climb in by_name.items():
        base = by_name.get((task, climb.ladder.variant.base or ""))
        if base is not None and climb.steps and lengths(climb) == lengths(base):
            yield climb, base


def pairs(climb: Climb, base: Climb) -> list[tuple[Span, Span]]:
    """The spans of a variant and its base, seed by seed, where both are known."""
    if lengths(base) != lengths(climb):
        raise ValueError(f"expected the rungs of {base.ladder.variant.name}, got those of {climb.ladder.variant.name}")
    both = zip(seed_spans(climb), seed_spans(base), strict=True)
    return [(a, b) for a, b in both if not (a.provisional or b.provisional)]


def octaves_lost(found: Sequence[tuple[Span, Span]], shortest: int) -> NDArray[np.float64]:
    """Pairs of spans -> the difference of each in octaves (n,)."""
    return np.array([octaves(a, shortest) - octaves(b, shortest) for a, b in found])


def effect(climb: Climb, base: Climb) -> Effect:
    """The effect of the part in which a variant differs from its base, as if it were the task's only part."""
    rungs = lengths(base)
    found = pairs(climb, base)
    steps = [reached(a, rungs) - reached(b, rungs) for a, b in found]
    spans = octaves_lost(found, rungs[0])
    p = stats.sign_flip(spans)
    variant = climb.ladder.variant
    return Effect(
        task=climb.ladder.task.name,
        variant=variant.name,
        base=base.ladder.variant.name,
        part=variant.part or variant.name,
        n=len(found),
        rungs=stats.mean(np.array(steps, dtype=np.float64)),
        octaves=stats.mean(spans),
        p=p,
        holm=p,
        least=stats.smallest_p(len(found)),
        top=bool(found) and all(a.top and b.top for a, b in found),
        bottom=bool(found) and all(a.low is None and b.low is None for a, b in found),
        bound=bound(found),
    )


def bound(found: Sequence[tuple[Span, Span]]) -> Bound:
    """What the ends of the ladder make of a mean of differences of spans."""
    least = any(a.top > b.top or (a.low is not None) > (b.low is not None) for a, b in found)
    most = any(a.top < b.top or (a.low is not None) < (b.low is not None) for a, b in found)
    return "?" if least and most else "≥" if least else "≤" if most else ""


def effects(climbs: Iterable[Climb]) -> list[Effect]:
    """The effects of every variant that differs from another by one part, in the order of the climbs; Holm's adjustment
    runs over the parts of each task, those without a single pair left out. What two parts do together is a question,
    and a family, of its own: `interactions.py`."""
    found: dict[str, list[Effect]] = {}
    for climb, base in differences(climbs):
        if not climb.ladder.variant.pair:
            found.setdefault(climb.ladder.task.name, []).append(effect(climb, base))
    out = []
    for group in found.values():
        tests = sum(e.n > 0 for e in group)
        adjusted = stats.holm([e.p for e in group])
        out += [replace(e, holm=h, least=stats.smallest_p(e.n, tests)) for e, h in zip(group, adjusted, strict=True)]
    return out


@dataclass(frozen=True)
class Power:
    """How many seeds it takes to find an effect of one octave: by the deviation that the pilot's n pairs had, and by
    the most that it may be (`cautious`). `bound`: some pair is at an end of the ladder, so that it may be more; `flat`:
    every span is at the same end, so that nothing is known of it."""

    task: str
    variant: str
    base: str
    n: int
    deviation: float
    seeds: int
    cautious: int
    bound: bool
    flat: bool


def powers(climbs: Iterable[Climb]) -> list[Power]:
    """For every variant that differs from another; those with fewer than two pairs are left out."""
    out = []
    for climb, base in differences(climbs):
        found = pairs(climb, base)
        if len(found) > 1:
            deviation, most = stats.deviation_bound(octaves_lost(found, lengths(base)[0]))
            needed = stats.seeds_needed(deviation), stats.seeds_needed(most)
            top, bottom = all(a.top and b.top for a, b in found), all(a.low is None and b.low is None for a, b in found)
            names = climb.ladder.task.name, climb.ladder.variant.name, base.ladder.variant.name
            out.append(Power(*names, len(found), deviation, *needed, bool(bound(found)), top or bottom))
    return out


@dataclass(frozen=True)
class ScoreEffect:
    """What a part does to the score at one length, paired by the n seeds that finished with and without it."""

    task: str
    variant: str
    base: str
    length: int
    n: int
    score: Estimate


def score_effects(climbs: Iterable[Climb]) -> list[ScoreEffect]:
    """By length, of every variant that differs from another; only where all steps were spent (`stop: never`), since a
    run that stopped when it was solved has a score that sits at the bar."""
    out = []
    for climb, base in differences(climbs):
        names = climb.ladder.task.name, climb.ladder.variant.name, base.ladder.variant.name
        for a, b in zip(climb.steps, base.steps, strict=True):
            if not climb.searches and "never" == a.rung.settings.get("stop") == b.rung.settings.get("stop"):
                done = [(points(x), points(y)) for x, y in finished_pairs(a, b)]
                found = stats.paired([x for x, _ in done], [y for _, y in done])
                out.append(ScoreEffect(*names, a.rung.length, len(done), found))
    return out


def finished_pairs(step: RungState, base: RungState) -> list[tuple[Record, Record]]:
    """The records of a rung with and without a part, seed by seed, where both finished and neither was pruned."""
    if "pruned" in (step.state, base.state):
        return []
    both = zip(step.records, base.records, strict=True)
    return [(x, y) for x, y in both if x and y and x.finished and y.finished]
