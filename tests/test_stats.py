"""Every statistic against scipy, or against a count made by brute force."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from hypothesis import find, given, settings
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


@quick
@given(st.lists(st.integers(-8, 8).map(lambda i: i / 2), min_size=1, max_size=9))
def test_sign_flip_is_the_brute_force_count(xs: list[float]) -> None:
    patterns = [
        sum(s * x for s, x in zip(signs, xs, strict=True)) for signs in itertools.product([1, -1], repeat=len(xs))
    ]
    assert stats.sign_flip(xs) == sum(abs(p) >= abs(sum(xs)) for p in patterns) / len(patterns)


def test_sign_flip_agrees_with_scipy() -> None:
    xs = np.array([0.3, 1.2, -0.4, 2.2, 0.9, 0.1])
    expected = scipy.stats.permutation_test(
        (xs,), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert stats.sign_flip(xs) == pytest.approx(expected.pvalue)


def test_sign_flip_beyond_counting_is_drawn_and_repeats() -> None:
    xs = np.append(np.linspace(-1, 1.6, 20), [0.3] * 40)  # 2^20 * 41 sums: drawn
    drawn = stats.sign_flip(xs)
    sums = np.zeros(1)
    for x in xs[:20]:
        sums = np.concatenate([sums + x, sums - x])
    sums.sort()
    exact = 0.0
    for k in range(41):  # so many of the forty are positive
        reach, rest = abs(xs.sum()) - 1e-9, 0.3 * (2 * k - 40)
        inside = np.searchsorted(sums, reach - rest) - np.searchsorted(sums, -reach - rest, side="right")
        exact += math.comb(40, k) / 2**40 * (1 - inside / sums.size)
    assert drawn == stats.sign_flip(xs)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact / stats.DRAWS))


def test_sign_flip_of_many_alike_is_exact() -> None:
    xs = [1.0] * 60 + [-1.0] * 30 + [2.0] * 10  # 91 * 11 sums
    exact = 0.0
    for ones, twos in itertools.product(range(91), range(11)):
        if abs(2 * ones - 90 + 2 * (2 * twos - 10)) >= sum(xs):
            exact += math.comb(90, ones) * math.comb(10, twos) / 2**100
    assert stats.sign_flip(xs) == pytest.approx(exact)


def test_sign_flip_of_nothing_or_of_no_number() -> None:
    assert math.isnan(stats.sign_flip([]))
    assert math.isnan(stats.sign_flip([1.0, math.nan]))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_smallest_p_is_what_equal_signs_reach(n: int) -> None:
    assert stats.smallest_p(n) == stats.sign_flip([1.0] * n)
    assert stats.smallest_p(n, 3) == stats.holm([stats.smallest_p(n)] * 3)[0]


def test_smallest_p_without_seeds_is_one() -> None:
    assert stats.smallest_p(0) == 1.0


# p values where an adjustment can go wrong: ties, what sign flips of 4 to 10 pairs reach, thresholds and what lies just
# beside them, some no test at all. Uniform ones hardly ever lie where it matters.
ps_that_matter = st.lists(
    st.one_of(
        st.sampled_from([0.0, 1.0, math.nan]),
        st.integers(4, 10).flatmap(lambda n: st.integers(1, 8).map(lambda k: k * 2.0 ** (1 - n))),
        st.tuples(st.sampled_from([0.01, 0.05, 0.2]), st.integers(1, 6), st.sampled_from([0.98, 1.0, 1.02])).map(
            lambda x: x[0] / x[1] * x[2]
        ),
        st.floats(0, 0.1),
    ),
    min_size=1,
    max_size=7,
)


def closed(ps: list[float]) -> list[float]:
    """Holm's adjustment from its definition, the closure of Bonferroni's: a hypothesis is rejected where each set of
    hypotheses that holds it is."""
    tests = [i for i, p in enumerate(ps) if not math.isnan(p)]
    sets = [s for size in range(1, len(tests) + 1) for s in itertools.combinations(tests, size)]
    worst = {i: max(min(1.0, min(ps[k] for k in s) * len(s)) for s in sets if i in s) for i in tests}
    return [worst.get(i, math.nan) for i in range(len(ps))]


Adjusts = Callable[[list[float]], list[float]]


def is_holms(adjusts: Adjusts, ps: list[float]) -> bool:
    return adjusts(ps) == pytest.approx(closed(ps), rel=1e-12, abs=0, nan_ok=True)


@settings(max_examples=200, deadline=None)
@given(ps_that_matter)
def test_holm_is_the_closure_of_bonferronis(ps: list[float]) -> None:
    assert is_holms(stats.holm, ps)


def by_rank(factor: Callable[[int, int], int], monotone: bool = True, top: float = 1.0, nan: bool = False) -> Adjusts:
    """An adjustment of Holm's kind: each p times a factor of its rank and of how many there are."""

    def adjusts(ps: list[float]) -> list[float]:
        order = sorted((p, i) for i, p in enumerate(ps) if not math.isnan(p))
        count, worst, out = len(ps) if nan else len(order), 0.0, [math.nan] * len(ps)
        for rank, (p, i) in enumerate(order):
            own = min(top, p * factor(count, rank))
            worst = max(worst, own) if monotone else own
            out[i] = worst
        return out

    return adjusts


def hochberg(ps: list[float]) -> list[float]:
    """From the largest p down, each the least so far: more is rejected, and only where tests are not negatively
    dependent (Hochberg, 1988)."""
    order = sorted((p, i) for i, p in enumerate(ps) if not math.isnan(p))
    least, out = 1.0, [math.nan] * len(ps)
    for rank, (p, i) in reversed(list(enumerate(order))):
        least = out[i] = min(least, p * (len(order) - rank))
    return out


WRONG: dict[str, Adjusts] = {
    "not monotone": by_rank(lambda m, rank: m - rank, monotone=False),
    "Bonferroni's": by_rank(lambda m, rank: m),
    "none": by_rank(lambda m, rank: 1),
    "a rank too far": by_rank(lambda m, rank: max(1, m - rank - 1)),
    "a rank too few": by_rank(lambda m, rank: m - rank + 1),
    "over 1": by_rank(lambda m, rank: m - rank, top=9.0),
    "no test is one": by_rank(lambda m, rank: m - rank, nan=True),
    "Hochberg's": hochberg,
}


@pytest.mark.parametrize("adjusts", WRONG.values(), ids=WRONG.keys())
def test_what_is_drawn_tells_holms_from_others(adjusts: Adjusts) -> None:
    found = find(
        ps_that_matter, lambda ps: not is_holms(adjusts, ps), settings=settings(max_examples=500, database=None)
    )
    assert found


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


censored = st.lists(st.tuples(st.integers(1, 12).map(float), st.booleans()), min_size=1, max_size=15)


@quick
@given(censored)
def test_survival_agrees_with_scipy(pairs: list[tuple[float, bool]]) -> None:
    times, events = [t for t, _ in pairs], [e for _, e in pairs]
    at, left = stats.survival(times, events)
    sample = scipy.stats.CensoredData(uncensored=[t for t, e in pairs if e], right=[t for t, e in pairs if not e])
    curve = scipy.stats.ecdf(sample).sf
    assert left == pytest.approx(curve.evaluate(at), abs=1e-12)
    assert at.tolist() == sorted({t for t, e in pairs if e})


@quick
@given(st.lists(st.integers(1, 20), min_size=1, max_size=9), st.integers(1, 20))
def test_restricted_mean_with_one_budget(times: list[int], budget: int) -> None:
    seen, events = [min(t, budget) for t in times], [t <= budget for t in times]
    assert stats.restricted_mean(seen, events, budget) == pytest.approx(np.mean(seen))


def test_censored_times_of_nothing_or_beyond_what_was_watched() -> None:
    assert math.isnan(stats.restricted_mean([], [], 5))
    assert stats.restricted_mean([1.0, 3.0], [True, True], 100) == 2.0
    with pytest.raises(ValueError, match="nothing was watched up to 9"):
        stats.restricted_mean([1.0, 3.0], [True, False], 9)
    with pytest.raises(ValueError, match="expected an event or none for each time, got 1 for 2"):
        stats.survival([1.0, 2.0], [True])


def test_importing_stats_imports_no_scipy() -> None:
    code = "import sys, rnnbench.analysis.effects; print({m for m in ('scipy', 'pandas', 'torch') if m in sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize(("n", "effect"), [(6, 0.5), (10, 1.0), (20, 0.3), (7, 3.0)])
def test_power_is_that_of_scipys_noncentral_t(n: int, effect: float) -> None:
    reach = scipy.stats.t.ppf(0.975, n - 1)
    noncentral = scipy.stats.nct(n - 1, effect * math.sqrt(n))
    assert stats.power(n, effect) == pytest.approx(noncentral.sf(reach) + noncentral.cdf(-reach), abs=1e-6)


def test_power_is_what_is_found_in_draws() -> None:
    rng = np.random.default_rng(0)
    p = scipy.stats.ttest_1samp(rng.normal(1.0, 1.0, (20_000, 10)), 0, axis=1).pvalue
    assert np.mean(p <= 0.05) == pytest.approx(stats.power(10, 1.0), abs=0.01)


def test_seeds_needed_are_the_fewest() -> None:
    for deviation in (0.3, 1.0, 1.7):
        n = stats.seeds_needed(deviation)
        assert stats.power(n, 1 / deviation) >= 0.8
        assert n == 6 or stats.power(n - 1, 1 / deviation) < 0.8
    assert stats.seeds_needed(1e-9) == stats.seeds_needed(0.0) == 6
    assert stats.seeds_needed(1000.0) == 1000


def test_the_deviations_bound_is_over_the_truth_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    bounds = [stats.deviation_bound(xs)[1] for xs in rng.normal(0, 2.0, (4000, 6))]
    assert np.mean(np.array(bounds) >= 2.0) == pytest.approx(0.8, abs=0.02)
    assert math.isnan(stats.deviation_bound([1.0])[0])
