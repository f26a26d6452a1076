"""How long what is left of a ladder is likely to take, beside the most that it may (`cost.py`).

Nobody knows before where a ladder ends, so each place counts alike: that no rung is solved, one, two, ... all. What is
solved stops early, by the share that records show (`early`); what is not solved takes all its steps, and two such rungs
in a row end the ladder. With more steps a ladder begins where the same one with fewer ended. Of a search, each place
counts alike too. A pilot is solved or isn't, and half of the ladders at the base's choice come to the own one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean

from rnnbench.plan import bisect, cost
from rnnbench.plan.ladders import PATIENCE, Climb
from rnnbench.records import Record, Rung
from rnnbench.settings import Settings

HALF = 0.5
PRIOR = 10  # records' worth of believing in one half


def early(records: Iterable[Record]) -> float:
    """The share of its steps after which a run stops that is solved: as it was with those that are known, or one half
    where there are none.

    >>> early([])
    0.5
    """
    shares = [r.steps / Settings.of(r.run.rung).steps for r in records if r.status == "solved" and _stops(r.run.rung)]
    return (PRIOR * HALF + sum(shares)) / (PRIOR + len(shares))


def seconds(climb: Climb, below: Climb | None, early: float) -> float:
    """Estimated seconds of what is left of a ladder; `below` is the same one with the next fewer steps."""
    full = [cost.estimate(step.rung) for step in climb.steps]
    short = [each * (early if _stops(s.rung) else 1.0) for each, s in zip(full, climb.steps, strict=True)]
    if climb.ladder.choice == "pilot":
        return sum(s.missing * (a + b) / 2 for s, a, b in zip(climb.steps, full, short, strict=True))
    left = _searched(climb, below, full, short) if climb.searches else _climbed(climb, below, full, short)
    return left * (HALF if climb.ladder.choice == "base" and climb.ladder.awaits else 1.0)


def _stops(rung: Rung) -> bool:
    return Settings.of(rung).stop == "solved"


def _searched(climb: Climb, below: Climb | None, full: Sequence[float], short: Sequence[float]) -> float:
    total = 0.0
    for k, search in enumerate(climb.searches):
        if search.left:
            fewer = below.searches[k] if below is not None and k < len(below.searches) else None
            starts = range(max(search.low, fewer.low), min(search.high, fewer.high) + 1) if fewer else ()
            total += mean(bisect.mean(short, full, start, search.high) for start in starts or (search.low,))
    return total


def _climbed(climb: Climb, below: Climb | None, full: Sequence[float], short: Sequence[float]) -> float:
    first, n = climb.open, len(climb.steps)
    if climb.ladder.awaits:
        first = 0
    if first is None:
        return 0.0
    missing = [step.missing if step.state != "pruned" else 0 for step in climb.steps]
    solved = [m * each for m, each in zip(missing, short, strict=True)]
    failed = [m * each for m, each in zip(missing, full, strict=True)]
    lowest = 0 if below is not None and below.ladder.awaits else below.open if below is not None else None
    starts = range(max(first, lowest), n + 1) if lowest is not None else (first,)
    return mean(
        mean(sum(solved[start:end]) + sum(failed[end : end + PATIENCE]) for end in range(start, n + 1))
        for start in starts
    )
