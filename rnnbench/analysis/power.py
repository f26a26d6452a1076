"""How many seeds an effect needs, and the least effect that so many would be told of: by drawing suites and giving them
to the rule of the report.

A part is told to differ where its p, adjusted by step-down max-T over all effects of the suite, is at most .05, which
is so where its statistic T (`flips.py`) is over one that the greatest of all reaches in more than 5 % of the joint
flips. That threshold is the suite's own, or for other numbers of seeds that of suites of so many, drawn from the seeds
of this one with the signs of a coin, so that in truth no part does anything. Differences are then drawn normal about an
effect, with the deviation that the seeds showed, as the rungs of a ladder show them.

It is that of the effect whose statistic is the greatest: of a family in which others differ too, the rule steps down
and finds more. Of a suite with primary effects it is that of one family, which for them is higher than their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnbench.analysis import flips, stats
from rnnbench.rng import stream

WANTED = 0.8  # the chance to be told
DRAWS = 1000  # suites
NULLS = 15  # suites without any effect, for a threshold
LARGEST = 16.0  # octaves
NUMBERS = (6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 25, 30, 40, 60, 100)  # of seeds that are tried

Floats = NDArray[np.float64]


def threshold(rows: Floats) -> float:
    """rows (n seeds, m effects), nan where there is none -> what T must be over for an adjusted p of at most .05;
    infinite where there are too few seeds for any.

    >>> import numpy as np
    >>> threshold(np.ones((5, 1))), round(threshold(np.ones((6, 1))), 3)
    (inf, 1.633)
    """
    x = np.where(np.isfinite(rows), rows, 0.0)
    if not x.size:
        return math.inf
    _, norms = flips.statistics(x)
    greatest = np.concatenate([np.abs(each @ (x / norms)).max(1) for each in flips.signs(x.shape[0])])
    allowed = math.floor((1 - stats.LEVEL) * greatest.size + 1e-9)  # flips that may reach it
    return float(np.sort(greatest)[::-1][allowed]) if allowed else math.inf


def null_threshold(rows: Floats, n: int) -> float:
    """The same of n seeds drawn from these, each with the sign of a coin: the median over NULLS such suites."""
    x = np.where(np.isfinite(rows), rows, 0.0)
    found = []
    for k in range(NULLS):
        rng = stream(n, "power/seeds", k)
        found.append(threshold(x[rng.integers(x.shape[0], n)] * (1.0 - 2.0 * rng.integers(2, (n, 1)))))
    return float(np.median(found))


@lru_cache(maxsize=32)
def _draws(n: int) -> tuple[Floats, Floats]:
    """Standard normal numbers (DRAWS, n), and where between two rungs each suite's ladder lies (DRAWS, 1)."""
    rng = stream(n, "power/differences")
    return rng.normal((DRAWS, n)).astype(np.float64), rng.uniform((DRAWS, 1)).astype(np.float64)


def chance(n: int, effect: float, deviation: float, spacing: float, reach: float) -> float:
    """The chance that T of n differences is over a threshold: normal ones about an effect, with this deviation, shown
    in rungs of this spacing (each in octaves)."""
    if math.isinf(reach):
        return 0.0
    z, place = _draws(n)
    shown = spacing * np.floor((effect + deviation * z) / spacing + place)
    found, _ = flips.statistics(shown.T)
    return float((found > reach + 1e-9).mean())


def detectable(differences: Sequence[float], spacing: float, reach: float) -> float:
    """The least effect in octaves, to a tenth, that so many seeds of this deviation would be told of with the chance
    WANTED; infinite where there is none; nan where nothing varied, which
    does not say how much other seeds would."""
    n = len(differences)
    deviation = float(np.std(differences, ddof=1)) if n > 1 else 0.0
    if not deviation:
        return math.nan
    low, high = 0, round(10 * LARGEST)
    if chance(n, high / 10, deviation, spacing, reach) < WANTED:
        return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        enough = chance(n, middle / 10, deviation, spacing, reach) >= WANTED
        low, high = (low, middle) if enough else (middle, high)
    return high / 10


def seeds_needed(effect: float, deviation: float, spacing: float, threshold: Callable[[int], float]) -> int | None:
    """The fewest seeds of NUMBERS that are told of an effect with the chance WANTED, given the threshold of each; None
    where none of them is enough."""
    return next((n for n in NUMBERS if chance(n, effect, deviation, spacing, threshold(n)) >= WANTED), None)
