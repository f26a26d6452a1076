"""Means of differences known between two ends, against scipy's maximum likelihood and the t interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from rnnbench.analysis import censored, stats
from rnnbench.analysis.ranges import Range

INF = math.inf


def drawn(seed: int, n: int, low: float, high: float, mean: float = 1.0) -> list[Range]:
    """Normal differences, to half a rung of half an octave, cut off at both ends of what can be seen."""
    x = np.round(2 * np.random.default_rng(seed).normal(mean, 0.8, n)) / 2
    return [Range(high, INF) if d > high else Range(-INF, low) if d < low else Range(d - 0.25, d + 0.25) for d in x]


@pytest.mark.parametrize(("seed", "low", "high"), [(0, -9, 9), (1, -9, 1.5), (2, 0.5, 9), (3, 0, 2), (4, -9, 1)])
def test_it_is_scipys_maximum_likelihood(seed: int, low: float, high: float) -> None:
    found = drawn(seed, 14, low, high)
    data = scipy.stats.CensoredData(
        interval=[(d.low, d.high) for d in found if math.isfinite(d.low) and math.isfinite(d.high)],
        left=[d.high for d in found if math.isinf(d.low)],
        right=[d.low for d in found if math.isinf(d.high)],
    )
    mean, _ = scipy.stats.norm.fit(data)
    got = censored.normal(found)
    assert got.value == pytest.approx(mean, abs=2e-3)
    assert got.low < got.value < got.high


def test_where_all_is_known_its_interval_is_the_t_interval() -> None:
    x = np.random.default_rng(5).normal(0.3, 1.0, 9)
    got = censored.normal([Range(d - 1e-3, d + 1e-3) for d in x])
    assert tuple(got) == pytest.approx(tuple(stats.mean(x)), abs=5e-3)


def test_it_is_turned_round_with_its_differences() -> None:
    found = drawn(1, 10, -9, 1.5)
    here, there = censored.normal(found), censored.normal([-d for d in found])
    assert there.value == pytest.approx(-here.value, abs=1e-3)
    assert (there.low, there.high) == pytest.approx((-here.high, -here.low), abs=1e-2)


@pytest.mark.parametrize(
    "differences",
    [
        [],
        [Range(1.0, INF)] * 10,  # all at the top
        [Range(1.0, INF)] * 8 + [Range(0.75, 1.25)] * 2,
        [Range(0.75, 1.25)] * 6,  # all alike: nothing says how much they vary
        [Range(-INF, INF)] * 6,
    ],
)
def test_what_cannot_be_told_is_not(differences: list[Range]) -> None:
    assert all(map(math.isnan, censored.normal(differences)))


def test_it_covers_where_a_mean_that_is_cut_off_does_not() -> None:
    """The true mean, of ten seeds of which about a third are beyond the ladder."""
    covered, cut = 0, 0
    for seed in range(120):
        found = drawn(100 + seed, 10, -9, 1.25)
        got = censored.normal(found)
        covered += got.low <= 1.0 <= got.high
        cut_off = stats.mean([min(d.low, 1.25) if math.isinf(d.high) else (d.low + d.high) / 2 for d in found])
        cut += cut_off.low <= 1.0 <= cut_off.high
    assert covered >= 106  # of 120, .95 less four standard errors
    assert cut < covered
