"""The mean of differences that are known to lie between two ends, if they are normal: maximum likelihood.

Each difference d_s lies in (low_s, high_s), an end infinite where the ladder's end leaves it open, so that

    log L(mu, sigma) = sum_s log(Phi((high_s - mu) / sigma) - Phi((low_s - mu) / sigma))

(Tobin, 1958; interval censoring as in Turnbull, 1976). The interval is that of the profile likelihood, with the bound
n log(1 + t^2 / (n - 1)), which gives the t interval where all is known exactly. It is an estimate by an assumption,
unlike a bound; where the likelihood has no maximum, as where all differences are open at the same end, there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rnnbench.analysis.ranges import Range
from rnnbench.analysis.stats import LEVEL, Estimate
from rnnbench.lazy import scipy_special

NOTHING = Estimate(math.nan, math.nan, math.nan)
LEAST = 3  # differences that are closed at both ends: of fewer the spread is a guess
BEYOND = 8.0  # octaves, how far beyond what is known a mean is looked for
MEANS, SPREADS = 61, 21  # points of the first grid
FINE, TIMES = 13, 14  # points, each way, of those that are drawn closer about the maximum, and how many they are

Floats = NDArray[np.float64]


def normal(differences: Sequence[Range], level: float = LEVEL) -> Estimate:
    """The mean of differences (n,), and its interval, an end infinite where the likelihood doesn't end it; nan where it
    can't be told."""
    told = [d for d in differences if math.isfinite(d.low) or math.isfinite(d.high)]
    closed = [d for d in told if math.isfinite(d.low) and math.isfinite(d.high)]
    if len(closed) < LEAST:
        return NOTHING
    low, high = (np.array([getattr(d, end) for d in told]) for end in ("low", "high"))
    if low.max() < high.min():  # all could be one number: nothing says how much they vary
        return NOTHING
    ends = np.array([x for x in (*low, *high) if math.isfinite(x)])
    means = np.linspace(ends.min() - BEYOND, ends.max() + BEYOND, MEANS)
    widest = float(ends.max() - ends.min()) + 1.0
    spreads = np.geomspace(widest / 200, 2 * widest, SPREADS)
    surface = _surface(means, spreads, low, high)
    i, j = np.unravel_index(int(surface.argmax()), surface.shape)
    if i in (0, MEANS - 1) or j == SPREADS - 1:
        return NOTHING  # it rises without end
    reach_mean, reach_spread = 2 * float(means[1] - means[0]), math.log(spreads[1] / spreads[0]) * 2
    for _ in range(TIMES):  # closer about the maximum, wherever along its ridge that moves
        best, spread = float(means[i]), float(spreads[j])
        means = np.linspace(best - reach_mean, best + reach_mean, FINE)
        spreads = spread * np.exp(np.linspace(-reach_spread, reach_spread, FINE))
        surface = _surface(means, spreads, low, high)
        i, j = np.unravel_index(int(surface.argmax()), surface.shape)
        reach_mean, reach_spread = 0.6 * reach_mean, 0.6 * reach_spread
    best, top = float(means[i]), float(surface.max())
    n = len(told)
    t = float(scipy_special.stdtrit(n - 1, (1 + level) / 2))
    reach = top - n / 2 * math.log1p(t * t / (n - 1))
    return Estimate(best, *(_end(best, side, reach, widest, low, high) for side in (-1.0, 1.0)))


def _surface(means: Floats, spreads: Floats, low: Floats, high: Floats) -> Floats:
    """log L, (means, spreads)."""
    above = (high - means[:, None, None]) / spreads[None, :, None]  # (means, spreads, n)
    below = (low - means[:, None, None]) / spreads[None, :, None]
    flip = below > 0  # of two numbers near 1 the difference is lost: take the other tail
    above, below = np.where(flip, -below, above), np.where(flip, -above, below)
    a, b = scipy_special.log_ndtr(above), scipy_special.log_ndtr(below)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = a + np.log1p(-np.exp(np.minimum(b - a, 0.0)))
    return np.asarray(np.nan_to_num(each, nan=-1e300, neginf=-1e300).sum(-1))


def _end(best: float, side: float, reach: float, widest: float, low: Floats, high: Floats) -> float:
    """Where the profile likelihood falls to `reach` on one side of its maximum; infinite where it never does."""
    spreads = np.geomspace(widest / 1000, 20 * widest, 120)
    inside, outside = best, best + side * (BEYOND + widest)
    if float(_surface(np.array([outside]), spreads, low, high).max()) >= reach:
        return side * math.inf
    for _ in range(30):
        middle = (inside + outside) / 2
        if float(_surface(np.array([middle]), spreads, low, high).max()) >= reach:
            inside = middle
        else:
            outside = middle
    return inside
