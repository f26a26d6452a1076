"""Positions as tables: sines and cosines of the angles of steps, in float64 of our own and rounded once at the end.

numpy's elementwise + - * / and `rint` are IEEE operations, the same on every machine; its sin, cos and powers are a
library's, which isn't.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
LN_BASE = 9.210340371976182736  # of 10000: the longest wavelength is 2 pi times this many steps
LN2 = (0.693147180369123816490, 1.90821492927058770002e-10)  # in two parts, the first with zeros behind it
# pi / 2 in three parts of 33 bits: a whole number of quarter turns up to 2^20 times one of the first two is exact.
QUARTER = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
SINE = [(-1) ** n / math.factorial(2 * n + 1) for n in range(9)]
COSINE = [(-1) ** n / math.factorial(2 * n) for n in range(10)]
EXPONENTIAL = [1 / math.factorial(n) for n in range(15)]


def _polynomial(x: Doubles, coefficients: list[float]) -> Doubles:
    """The sum of coefficients[n] * x^n."""
    total = np.full_like(x, coefficients[-1])
    for each in reversed(coefficients[:-1]):
        total = total * x + each
    return total


def exponential(x: Doubles) -> Doubles:
    """exp to 1e-15 of its value, for arguments from -700 to 700.

    >>> exponential(np.array([0.0, 1.0])).round(12).tolist()
    [1.0, 2.718281828459]
    """
    n = np.rint(x * 1.4426950408889634)
    found: Doubles = np.ldexp(_polynomial(x - n * LN2[0] - n * LN2[1], EXPONENTIAL), n.astype(np.int64))
    return found


def waves(angles: Doubles) -> tuple[Doubles, Doubles]:
    """sin and cos of angles to 1e-15, up to a million.

    >>> [each.round(12).tolist() for each in waves(np.array([0.0, 1e6]))]
    [[0.0, -0.349993502171], [1.0, 0.936752127533]]
    """
    n = np.rint(angles * 0.6366197723675814)
    r = angles - n * QUARTER[0] - n * QUARTER[1] - n * QUARTER[2]
    sine, cosine = r * _polynomial(r * r, SINE), _polynomial(r * r, COSINE)
    turn = n - 4 * np.floor(n / 4)
    odd, below = turn % 2 == 1, turn >= 2
    sign = np.where(below, -1.0, 1.0)
    return sign * np.where(odd, cosine, sine), sign * np.where(odd, -sine, cosine)


@lru_cache(maxsize=8)
def turns(T: int, D: int) -> tuple[Floats, Floats]:
    """cos and sin of t * 10000^(-2 k / D), the step t times the rate of each pair k of D units, (T, D / 2, rounded up)
    each."""
    rates = exponential(np.arange(0.0, D, 2.0) * (-LN_BASE / D))
    sine, cosine = waves(np.arange(T)[:, None] * rates)
    return cosine.astype(np.float32), sine.astype(np.float32)


@lru_cache(maxsize=8)
def sines(T: int, H: int) -> Floats:
    """sin and cos of those angles, alternating, for as many units as there are: (T, H)."""
    cosine, sine = turns(T, H)
    found: Floats = np.ascontiguousarray(np.stack((sine, cosine), -1).reshape(T, -1)[:, :H])
    return found


def slopes(heads: int) -> Floats:
    """2^(-8 k / heads) for k = 1 .. heads."""
    powers = np.arange(1.0, heads + 1) * (-8 / heads)
    whole = np.rint(powers)
    parts = exponential((powers - whole) * LN2[0] + (powers - whole) * LN2[1])
    found: Floats = np.ldexp(parts, whole.astype(np.int64)).astype(np.float32)
    return found
