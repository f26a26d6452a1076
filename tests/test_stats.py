"""Every statistic against scipy, or against a count made by brute force."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.analysis import stats

numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
samples = st.lists(numbers, min_size=2, max_size=12).filter(lambda xs: len(set(xs)) > 1)
quick = settings(max_examples=50, deadline=None)


@quick
@given(samples, st.sampled_from([0.8, 0.95, 0.99]))
def test_mean_agrees_with_scipy(xs: list[float], level: float) -> None:
    expected = scipy.stats.ttest_1samp(xs, 0).confidence_interval(level)
    got = stats.mean(xs, level)
    assert got.value == pytest.approx(np.mean(xs), abs=1e-9)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_mean_of_few() -> None:
    assert all(math.isnan(v) for v in stats.mean([]))
    assert stats.mean([0.3]).value == 0.3
    assert math.isnan(stats.mean([0.3]).low)
    assert stats.mean([0.1] * 3) == (0.1, 0.1, 0.1)
    with pytest.raises(ValueError, match=r"expected one axis, got shape \(1, 2\)"):
        stats.mean([[1.0, 2.0]])


@quick
@given(samples, st.data())
def test_paired_agrees_with_scipy(xs: list[float], data: st.DataObject) -> None:
    ys = data.draw(st.lists(numbers, min_size=len(xs), max_size=len(xs)))
    if len({round(x - y, 6) for x, y in zip(xs, ys, strict=True)}) == 1:
        return
    expected = scipy.stats.ttest_rel(xs, ys).confidence_interval(0.95)
    got = stats.paired(xs, ys)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_paired_refuses_what_is_no_pairs() -> None:
    with pytest.raises(ValueError, match="expected pairs, got 1 and 2 numbers"):
        stats.paired([1.0], [1.0, 2.0])


@quick
@given(st.integers(1, 60), st.data())
def test_proportion_agrees_with_scipy(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    got = stats.proportion(hits, n)
    beta = scipy.stats.beta(hits + 0.5, n - hits + 0.5)
    assert got.value == hits / n
    assert got.low == pytest.approx(0 if hits == 0 else beta.ppf(0.025), abs=1e-9)
    assert got.high == pytest.approx(1 if hits == n else beta.ppf(0.975), abs=1e-9)


def test_proportion_of_nothing_knows_nothing() -> None:
    got = stats.proportion(0, 0)
    assert math.isnan(got.value)
    assert got[1:] == (0.0, 1.0)
    with pytest.raises(ValueError, match="got 3 of 2"):
        stats.proportion(3, 2)


near_margin = st.tuples(st.lists(st.integers(-6, 6).map(lambda k: k / 4), min_size=2, max_size=8), st.floats(0.1, 3))


def is_two_one_sided(found: float, xs: list[float], margin: float) -> bool:
    above = scipy.stats.ttest_1samp(xs, -margin, alternative="greater").pvalue
    below = scipy.stats.ttest_1samp(xs, margin, alternative="less").pvalue
    return found == pytest.approx(max(above, below), abs=1e-9)


@quick
@given(st.one_of(near_margin, st.tuples(samples, st.floats(0.1, 50))).filter(lambda x: len(set(x[0])) > 1))
def test_equivalence_is_the_worse_of_two_one_sided_tests(drawn: tuple[list[float], float]) -> None:
    assert is_two_one_sided(stats.equivalence(*drawn), *drawn)


def test_equivalence_of_equal_or_few_differences() -> None:
    assert stats.equivalence([0.1, 0.1], 0.2) == 0.0
    assert stats.equivalence([0.2, 0.2], 0.2) == 1.0
    assert math.isnan(stats.equivalence([0.1], 0.2))
    with pytest.raises(ValueError, match="expected a margin over 0, got 0"):
        stats.equivalence([0.1, 0.2], 0)


def test_importing_stats_imports_no_scipy() -> None:
    code = "import sys, rnnbench.analysis.effects; print({m for m in ('scipy', 'pandas', 'torch') if m in sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_the_deviations_bound_is_over_the_truth_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    bounds = [stats.deviation_bound(xs)[1] for xs in rng.normal(0, 2.0, (4000, 6))]
    assert np.mean(np.array(bounds) >= 2.0) == pytest.approx(0.8, abs=0.02)
    assert math.isnan(stats.deviation_bound([1.0])[0])
