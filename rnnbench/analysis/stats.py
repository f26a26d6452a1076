"""Arrays of numbers -> estimates, intervals and p values. Pure functions; nothing here knows of runs.

Sources: Student (1908) for t; Brown, Cai & DasGupta (2001) for Jeffreys; Fisher (1935) for sign flips; Holm
(1979); Schuirmann (1987) for two one-sided tests; Kaplan & Meier (1958), Irwin (1949) for censored times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnnbench.lazy import scipy_special
from rnnbench.rng import Stream, stream

LEVEL = 0.95
EXACT = 2**20  # up to so many sums of sign flips are counted
DRAWS = 100_000  # sign flips drawn beyond that


class Estimate(NamedTuple):
    """A value and the interval around it; nan where there is none."""

    value: float
    low: float
    high: float


def _vector(xs: ArrayLike) -> NDArray[np.float64]:
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
    x = _vector(xs)
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
    x, y = _vector(xs), _vector(ys)
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


def sign_flip(differences: ArrayLike) -> float:
    """differences (n,) -> the two-sided p of their mean being 0 if each sign were a coin's (Fisher, 1935).

    Differences of one size are told apart by how many of them are positive alone. Up to EXACT sums (so always up to
    n = 20) all are counted; beyond, the observed one and DRAWS drawn from a stream of its own (so that the same
    differences have the same p). No differences, or one that is no number: nan.

    >>> sign_flip([1.0, 2.0, 0.5]), sign_flip([0.0, 0.0])
    (0.25, 1.0)
    """
    x = _vector(differences)
    if not x.size or not np.isfinite(x).all():
        return math.nan
    reach = abs(float(x.sum())) - 1e-12 * float(np.abs(x).sum())  # sums that differ by rounding are equal
    sizes, counts = np.unique(np.abs(x[x != 0]), return_counts=True)  # a zero has no sign: it halves nothing
    if math.prod(int(c) + 1 for c in counts) <= EXACT:
        sums, chances = np.zeros(1), np.ones(1)
        for size, n in zip(sizes, counts.tolist(), strict=True):
            each = [math.comb(n, k) / 2**n for k in range(n + 1)]
            sums = np.add.outer(sums, size * (2 * np.arange(n + 1) - n)).ravel()
            chances = np.multiply.outer(chances, each).ravel()
        return float(chances[np.abs(sums) >= reach].sum())
    rng = stream(0, "sign-flip")
    sums = np.zeros(DRAWS)
    for size, n in zip(sizes, counts.tolist(), strict=True):
        sums += size * (2 * _heads(rng, n) - n)
    return (1 + int((np.abs(sums) >= reach).sum())) / (1 + DRAWS)


def _heads(rng: Stream, throws: int) -> NDArray[np.int64]:
    """How many heads in so many throws of a coin, DRAWS times: set bits of words of 32."""
    words = [rng.integers(2 ** min(32, left), DRAWS) for left in range(throws, 0, -32)]
    return np.asarray(np.sum([np.bitwise_count(w) for w in words], axis=0, dtype=np.int64))


def smallest_p(n: int, tests: int = 1) -> float:
    """The smallest two-sided p that n sign flips can reach, Holm's adjustment over so many tests included.

    >>> smallest_p(3), smallest_p(10, tests=4)
    (0.25, 0.0078125)
    """
    return min(1.0, tests * 2.0 ** (1 - n)) if n else 1.0


def holm(ps: Sequence[float]) -> list[float]:
    """p values (m,) -> adjusted for their number (Holm, 1979), in their order. nan is no test and stays nan.

    >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03, math.nan])]
    [0.03, 0.06, 0.06, nan]
    """
    order = sorted((p, i) for i, p in enumerate(ps) if not math.isnan(p))
    out = [math.nan] * len(ps)
    worst = 0.0
    for rank, (p, i) in enumerate(order):
        worst = max(worst, min(1.0, p * (len(order) - rank)))
        out[i] = worst
    return out


def equivalence(differences: ArrayLike, margin: float) -> float:
    """differences (n,) -> the p of two one-sided t tests (Schuirmann, 1987): small says that their mean lies within
    margin > 0 of zero. Fewer than two differences: nan."""
    if not margin > 0:
        raise ValueError(f"expected a margin over 0, got {margin}")
    x = _vector(differences)
    if x.size < 2:
        return math.nan
    centre, error = float(x.mean()), float(x.std(ddof=1)) / math.sqrt(x.size)
    if (x == x[0]).all() or error == 0:
        return 0.0 if abs(centre) < margin else 1.0
    return float(scipy_special.stdtr(x.size - 1, (abs(centre) - margin) / error))


def survival(times: ArrayLike, events: Sequence[bool]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """times (n,), events (n,): True where it happened then, False where it had not by then (censored) -> the
    distinct times of events (k,) and the share still without one just after each (k,) (Kaplan & Meier, 1958)."""
    t, happened = _vector(times), np.asarray(events, dtype=bool)
    if t.shape != happened.shape:
        raise ValueError(f"expected an event or none for each time, got {happened.size} for {t.size}")
    at = np.unique(t[happened])
    kept = [1 - (t[happened] == moment).sum() / (t >= moment).sum() for moment in at]
    return at, np.asarray(np.cumprod(kept), dtype=np.float64)


def restricted_mean(times: ArrayLike, events: Sequence[bool], horizon: float) -> float:
    """times (n,), events (n,) as in `survival` -> the mean of min(time, horizon): the area under the survival curve
    up to horizon (Irwin, 1949), which must not lie beyond the last time watched unless all events were seen.

    >>> round(restricted_mean([2.0, 4.0, 10.0], [True, True, False], 10.0), 6)
    5.333333
    """
    if not _vector(times).size:
        return math.nan
    at, left = survival(times, events)
    if horizon > _vector(times).max() and left[-1:].sum() != 0:
        raise ValueError(f"nothing was watched up to {horizon}")
    edges = np.concatenate([[0.0], at[at < horizon], [horizon]])
    heights = np.concatenate([[1.0], left[at < horizon]])
    return float(np.diff(edges) @ heights)


def power(n: int, effect: float, level: float = LEVEL) -> float:
    """The chance that the paired t test of n differences, whose mean is `effect` standard deviations, finds it
    (noncentral t; Cohen, 1988).

    >>> round(power(10, 1.0), 3)
    0.803
    """
    if n < 2:
        return 0.0
    reach = float(scipy_special.stdtrit(n - 1, (1 + level) / 2))
    shift = effect * math.sqrt(n)
    if shift > 37:  # where the noncentral distribution's own function has no numbers left
        return 1.0
    up, down = (float(scipy_special.nctdtr(n - 1, shift, t)) for t in (reach, -reach))
    return 1 - up + (0.0 if math.isnan(down) else down)  # a tail too small for it is nan


def seeds_needed(deviation: float, effect: float = 1.0, wanted: float = 0.8, least: int = 6, most: int = 1000) -> int:
    """The fewest seeds, of `least` or more, at which an effect is found with the wanted chance, given the standard
    deviation of the differences; `most` if it takes as many or more.

    >>> seeds_needed(1.0), seeds_needed(0.0), seeds_needed(2.0)
    (10, 6, 34)
    """
    if deviation == 0:
        return least
    return next((n for n in range(least, most) if power(n, effect / deviation) >= wanted), most)


def deviation_bound(xs: ArrayLike, level: float = 0.8) -> tuple[float, float]:
    """xs (n,) -> their standard deviation and the upper end of its one-sided interval (chi-square; Browne, 1995)."""
    x = _vector(xs)
    if x.size < 2:
        return math.nan, math.nan
    deviation = float(x.std(ddof=1))
    return deviation, deviation * math.sqrt((x.size - 1) / float(scipy_special.chdtri(x.size - 1, level)))
