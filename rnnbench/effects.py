"""What records say of a variant: the score of a rung, the span of a ladder, the effect of a part.

The span measures what can be trained to span the gap within the budget. It is known only up to the ladder's rungs:
between the last one solved and the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench import stats
from rnnbench.plan import Climb, Step
from rnnbench.records import Record
from rnnbench.stats import Estimate


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


def score(step: Step) -> Score:
    """The scores of a rung. A pruned one has none, whatever else a store holds: it is missing, not 0."""
    if step.state == "pruned":
        return Score(stats.mean([]), 0, 0, 0, 0, len(step.records))
    done = step.finished
    diverged = sum(r.status == "diverged" for r in done)
    values = stats.mean([points(r) for r in done])
    return Score(values, len(done), step.solved, diverged, len(step.broken), step.missing)


def _span(lengths: Sequence[int], verdicts: Sequence[bool | None]) -> Span:
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
    return _span(lengths(climb), [s.passed for s in climb.steps]) if climb.steps else None


def seed_spans(climb: Climb) -> tuple[Span, ...]:
    """The span of each seed by itself, in the suite's order of seeds; () where the variant can't do the task."""
    count = len(climb.steps[0].records) if climb.steps else 0
    return tuple(_span(lengths(climb), [_solved(s, k) for s in climb.steps]) for k in range(count))


def _solved(step: Step, k: int) -> bool | None:
    """Whether the k-th seed solved a rung."""
    record = step.records[k]
    if step.state == "pruned":
        return False
    return None if record is None or not record.finished else record.status == "solved"


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


def octaves(span: Span, shortest: int) -> float:
    """log2 of a span; one octave under the shortest rung where that wasn't reached.

    >>> octaves(Span(64, 128), 16), octaves(Span(None, 16), 16)
    (6.0, 3.0)
    """
    return math.log2(span.low) if span.low is not None else math.log2(shortest) - 1


def reached(span: Span, lengths: Sequence[int]) -> int:
    """How many of a ladder's rungs a span takes in."""
    return sum(length <= (span.low or 0) for length in lengths)


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
            if "never" == a.rung.settings.get("stop") == b.rung.settings.get("stop"):
                done = [(points(x), points(y)) for x, y in finished_pairs(a, b)]
                found = stats.paired([x for x, _ in done], [y for _, y in done])
                out.append(ScoreEffect(*names, a.rung.length, len(done), found))
    return out


def finished_pairs(step: Step, base: Step) -> list[tuple[Record, Record]]:
    """The records of a rung with and without a part, seed by seed, where both finished and neither was pruned."""
    if "pruned" in (step.state, base.state):
        return []
    both = zip(step.records, base.records, strict=True)
    return [(x, y) for x, y in both if x and y and x.finished and y.finished]
