"""Numbers of a crossed design -> how much of their variance is of its rows, of its columns, and of the rest.

    x[i, j] = m + a[i] + b[j] + e[i, j]        i = 1..K, j = 1..M; a, b, e independent, of variances A, B and E

There is one number a cell, since a run that is repeated comes to the same bits: so what row and column do together (an
interaction) is not told from what neither does, and both are e. Of the mean squares

    MSa = M sum over i of (x[i, .] - x)^2 / (K - 1)                                estimates  E + M A
    MSb = K sum over j of (x[., j] - x)^2 / (M - 1)                                           E + K B
    MSe = sum over i, j of (x[i, j] - x[i, .] - x[., j] + x)^2 / ((K - 1)(M - 1))              E

the variances are estimated by moments, one that comes out under 0 as 0. Intervals are generalised ones (Weerahandi,
1993): a mean square times its degrees of freedom over a draw of chi-square is a draw of what it estimates, from three
of which A, B and E follow, none under 0, their shares of the sum, and the mean's error: Var(x) = A/K + B/M + E/(K M).
Numbers in a row share a[i], and those in a column b[j], so that K x M of them tell less of the mean than as many
independent ones would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnbench.analysis.stats import LEVEL, Estimate
from rnnbench.lazy import scipy_special
from rnnbench.rng import stream

DRAWS = 20_000
NOTHING = 1e-12  # of all squares: what rounding leaves of none

Floats = NDArray[np.float64]


class Part(NamedTuple):
    """What a part of the design makes: its variance, and its share of all."""

    variance: Estimate
    share: Estimate


@dataclass(frozen=True)
class Split:
    """The mean of all numbers, the standard deviation of one of them, and what of its variance is whose. Shares are nan
    where nothing varies, and no interval has ends where the rest is nothing: then no draw of it says how large it may
    be."""

    mean: Estimate
    deviation: float
    rows: Part
    columns: Part
    rest: Part


def split(x: ArrayLike) -> Split:
    """x (K, M), at least 2 x 2 and no nan -> its parts.

    >>> found = split([[0, 0, 0], [2, 2, 2.2]])
    >>> [round(part.share.value, 2) for part in (found.rows, found.columns, found.rest)]
    [1.0, 0.0, 0.0]
    """
    numbers = np.asarray(x, np.float64)
    if numbers.ndim != 2 or min(numbers.shape) < 2 or not np.isfinite(numbers).all():
        raise ValueError(f"expected at least 2 x 2 numbers, got shape {numbers.shape}")
    K, M = numbers.shape
    squares, mean = _squares(numbers), float(numbers.mean())
    if sum(squares) <= NOTHING * max(1.0, float((numbers**2).sum())):
        nothing = Part(Estimate(0.0, math.nan, math.nan), Estimate(math.nan, math.nan, math.nan))
        return Split(Estimate(mean, mean, mean), 0.0, nothing, nothing, nothing)
    degrees = _degrees(K, M)
    found = _variances([s / d for s, d in zip(squares, degrees, strict=True)], K, M)
    total = sum(found)
    told = squares[2] > NOTHING * sum(squares)
    *chances, normal = _pivots(K, M)
    drawn = _variances([s / chance for s, chance in zip(squares, chances, strict=True)], K, M)
    whole = sum(drawn)
    parts = [
        Part(_interval(value, draws if told else None), _interval(value / total, draws / whole if told else None))
        for value, draws in zip(found, drawn, strict=True)
    ]
    errors = np.abs(normal) * np.sqrt(drawn[0] / K + drawn[1] / M + drawn[2] / (K * M))
    half = float(np.quantile(errors, LEVEL))
    return Split(Estimate(mean, mean - half, mean + half), math.sqrt(total), *parts)


def _degrees(K: int, M: int) -> tuple[int, int, int]:
    return K - 1, M - 1, (K - 1) * (M - 1)


def _squares(x: Floats) -> tuple[float, float, float]:
    """The sums of squares of rows, columns and the rest."""
    K, M = x.shape
    centred = x - x.mean()
    rows, columns = centred.mean(1), centred.mean(0)
    rest = centred - rows[:, None] - columns[None, :]
    return M * float((rows**2).sum()), K * float((columns**2).sum()), float((rest**2).sum())


def _variances(estimated: Sequence[ArrayLike], K: int, M: int) -> list[Floats]:
    """A, B and E from what the mean squares of rows, columns and the rest estimate; none under 0."""
    a, b, e = (np.asarray(each, np.float64) for each in estimated)
    return [np.maximum(0.0, (a - e) / M), np.maximum(0.0, (b - e) / K), e]


def _interval(value: ArrayLike, draws: Floats | None) -> Estimate:
    """A value and the middle of its draws; no ends without any."""
    centre = float(np.asarray(value))
    if draws is None:
        return Estimate(centre, math.nan, math.nan)
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(centre, min(centre, float(low)), max(centre, float(high)))


@lru_cache(maxsize=8)
def _pivots(K: int, M: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Draws of chi-square for the rows, the columns and the rest, and of a normal, (DRAWS,) each: always the same, and
    each spread evenly by itself (Latin hypercubes; McKay, Beckman & Conover, 1979)."""
    u = (stream(0, "components").shuffled(4, DRAWS) + 0.5) / DRAWS
    rows, columns, rest = (scipy_special.chdtri(d, each) for d, each in zip(_degrees(K, M), u, strict=False))
    return rows, columns, rest, scipy_special.ndtri(u[3])
