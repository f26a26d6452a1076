"""Arrays of numbers -> estimates, intervals and p values. Pure functions; nothing here knows of runs.

Sources: Student (1908) for t; Brown, Cai & DasGupta (2001) for Jeffreys; Schuirmann (1987) for two one-sided tests;
Browne (1995) for what a deviation may be.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnbench.lazy import scipy_special

LEVEL = 0.95


class Estimate(NamedTuple):
    """A value and the interval around it; nan where there is none."""

    value: float
    low: float
    high: float


def vector(xs: ArrayLike) -> NDArray[np.float64]:
    """xs (n,) as numbers; ValueError where it has another shape."""
    out = np.asarray(xs, dtype=np.float64)
    if out.ndim != 1:
        raise ValueError(f"expected one axis, got shape {out.shape}")
    return out


def mean(xs: ArrayLike, level: float = LEVEL) -> Estimate:
    """xs (n,) -> their mean with its t interval (Student, 1908). One number has no interval, none no mean.

    >>> [round(v, 3) for v in mean([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    >>> mean([0.5])
    Estimate(value=0.5, low=nan, high=nan)
    """
    x = vector(xs)
    if not x.size:
        return Estimate(math.nan, math.nan, math.nan)
    centre = float(x.mean())
    if x.size == 1:
        return Estimate(centre, math.nan, math.nan)
    if (x == x[0]).all():  # else rounding could give equal numbers a width
        return Estimate(float(x[0]), float(x[0]), float(x[0]))
    half = float(scipy_special.stdtrit(x.size - 1, (1 + level) / 2) * x.std(ddof=1) / math.sqrt(x.size))
    return Estimate(centre, centre - half, centre + half)


def paired(xs: ArrayLike, ys: ArrayLike, level: float = LEVEL) -> Estimate:
    """xs, ys (n,) measured in pairs -> the mean of x - y with its t interval."""
    x, y = vector(xs), vector(ys)
    if x.shape != y.shape:
        raise ValueError(f"expected pairs, got {x.size} and {y.size} numbers")
    return mean(x - y, level)


def proportion(hits: int, n: int, level: float = LEVEL) -> Estimate:
    """hits of n -> their share with the Jeffreys interval (Brown, Cai & DasGupta, 2001): quantiles of
    Beta(hits + 1/2, n - hits + 1/2), the lower end 0 at no hits, the upper end 1 at nothing but hits.

    >>> [round(v, 3) for v in proportion(3, 3)]
    [1.0, 0.464, 1.0]
    """
    if not 0 <= hits <= n:
        raise ValueError(f"expected 0 <= hits <= n, got {hits} of {n}")
    if n == 0:
        return Estimate(math.nan, 0.0, 1.0)
    a, b, tail = hits + 0.5, n - hits + 0.5, (1 - level) / 2
    low = 0.0 if hits == 0 else float(scipy_special.betaincinv(a, b, tail))
    high = 1.0 if hits == n else float(scipy_special.betaincinv(a, b, 1 - tail))
    return Estimate(hits / n, low, high)


def equivalence(differences: ArrayLike, margin: float) -> float:
    """differences (n,) -> the p of two one-sided t tests (Schuirmann, 1987): small says that their mean lies within
    margin > 0 of zero. Fewer than two differences: nan."""
    if not margin > 0:
        raise ValueError(f"expected a margin over 0, got {margin}")
    x = vector(differences)
    if x.size < 2:
        return math.nan
    centre, error = float(x.mean()), float(x.std(ddof=1)) / math.sqrt(x.size)
    if (x == x[0]).all() or error == 0:
        return 0.0 if abs(centre) < margin else 1.0
    return float(scipy_special.stdtr(x.size - 1, (abs(centre) - margin) / error))


def deviation_bound(xs: ArrayLike, level: float = 0.8) -> tuple[float, float]:
    """xs (n,) -> their standard deviation and the upper end of its one-sided interval (chi-square; Browne, 1995)."""
    x = vector(xs)
    if x.size < 2:
        return math.nan, math.nan
    deviation = float(x.std(ddof=1))
    return deviation, deviation * math.sqrt((x.size - 1) / float(scipy_special.chdtri(x.size - 1, level)))
