"""Sign flips and families of them, against counts by brute force and the closure of their tests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rnnbench.analysis import flips

quick = settings(max_examples=50, deadline=None)


@quick
@given(st.lists(st.integers(-8, 8).map(lambda i: i / 2), min_size=1, max_size=9))
def test_sign_flip_is_the_brute_force_count(xs: list[float]) -> None:
    patterns = [
        sum(s * x for s, x in zip(signs, xs, strict=True)) for signs in itertools.product([1, -1], repeat=len(xs))
    ]
    assert flips.sign_flip(xs) == sum(abs(p) >= abs(sum(xs)) for p in patterns) / len(patterns)


def test_sign_flip_agrees_with_scipy() -> None:
    xs = np.array([0.3, 1.2, -0.4, 2.2, 0.9, 0.1])
    expected = scipy.stats.permutation_test(
        (xs,), lambda x, axis: np.mean(x, axis=axis), permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert flips.sign_flip(xs) == pytest.approx(expected.pvalue)


def test_sign_flip_beyond_counting_is_drawn_and_repeats() -> None:
    xs = np.append(np.linspace(-1, 1.6, 20), [0.3] * 40)  # 2^20 * 41 sums: drawn
    drawn = flips.sign_flip(xs)
    sums = np.zeros(1)
    for x in xs[:20]:
        sums = np.concatenate([sums + x, sums - x])
    sums.sort()
    exact = 0.0
    for k in range(41):  # so many of the forty are positive
        reach, rest = abs(xs.sum()) - 1e-9, 0.3 * (2 * k - 40)
        inside = np.searchsorted(sums, reach - rest) - np.searchsorted(sums, -reach - rest, side="right")
        exact += math.comb(40, k) / 2**40 * (1 - inside / sums.size)
    assert drawn == flips.sign_flip(xs)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact / flips.DRAWS))


def test_sign_flip_of_many_alike_is_exact() -> None:
    xs = [1.0] * 60 + [-1.0] * 30 + [2.0] * 10  # 91 * 11 sums
    exact = 0.0
    for ones, twos in itertools.product(range(91), range(11)):
        if abs(2 * ones - 90 + 2 * (2 * twos - 10)) >= sum(xs):
            exact += math.comb(90, ones) * math.comb(10, twos) / 2**100
    assert flips.sign_flip(xs) == pytest.approx(exact)


def test_sign_flip_of_nothing_or_of_no_number() -> None:
    assert math.isnan(flips.sign_flip([]))
    assert math.isnan(flips.sign_flip([1.0, math.nan]))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_smallest_p_is_what_equal_signs_reach_whatever_their_number(n: int) -> None:
    assert flips.smallest_p(n) == flips.sign_flip([1.0] * n)
    assert flips.max_t(np.ones((n, 40))) == [flips.smallest_p(n)] * 40


def test_smallest_p_without_seeds_is_one() -> None:
    assert flips.smallest_p(0) == 1.0


Matrix = NDArray[np.float64]

# Differences where an adjustment can go wrong: few sizes, so that there are ties, zeros, some that are missing.
halves = st.one_of(st.integers(-6, 6).map(lambda k: k / 2), st.just(math.nan))
matrices = st.tuples(st.integers(1, 6), st.integers(1, 4)).flatmap(
    lambda size: st.lists(st.lists(halves, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
).map(np.array)  # fmt: skip


def statistics(x: Matrix, signs: Sequence[int]) -> list[float]:
    """T of each column if the seeds had these signs; 0 of one without a difference."""
    out = []
    for column in x.T:
        known = [(s * d, d) for s, d in zip(signs, column, strict=True) if not math.isnan(d)]
        size = math.sqrt(sum(d * d for _, d in known))
        out.append(abs(sum(sd for sd, _ in known)) / size if size else 0.0)
    return out


def closed(x: Matrix) -> list[float]:
    """From the definition: an effect's p is the greatest of those of all sets of effects that it is in, and a set's is
    how often the greatest statistic of the set would be as great under joint flips."""
    n, m = x.shape
    tests = [j for j in range(m) if not np.isnan(x[:, j]).all()]
    observed = statistics(x, [1] * n)
    every = [statistics(x, signs) for signs in itertools.product((1, -1), repeat=n)]
    out = [math.nan] * m
    for j in tests:
        p = 0.0
        for size in range(1, len(tests) + 1):
            for chosen in itertools.combinations(tests, size):
                if j in chosen:
                    reach = max(observed[k] for k in chosen) - 1e-9
                    p = max(p, float(np.mean([max(each[k] for k in chosen) >= reach for each in every])))
        out[j] = p
    return out


Adjusts = Callable[[Matrix], list[float]]


def is_max_t(adjusts: Adjusts, x: Matrix) -> bool:
    return adjusts(x) == pytest.approx(closed(x), abs=1e-9, nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(matrices)
def test_max_t_is_the_closure_of_the_tests_of_the_greatest(x: Matrix) -> None:
    assert is_max_t(flips.max_t, x)


def alone(x: Matrix) -> list[float]:
    """Not adjusted at all."""
    return [flips.sign_flip(column[~np.isnan(column)]) for column in x.T]


def one_step(x: Matrix) -> list[float]:
    """Each held against the greatest of all."""
    every = [max(statistics(x, signs)) for signs in itertools.product((1, -1), repeat=x.shape[0])]
    missing = [bool(np.isnan(column).all()) for column in x.T]
    observed = statistics(x, [1] * x.shape[0])
    return [math.nan if gone else float(np.mean([e >= t - 1e-9 for e in every]))
            for t, gone in zip(observed, missing, strict=True)]  # fmt: skip


def apart(x: Matrix) -> list[float]:
    """Holm's adjustment of each one's own p, as if effects had nothing in common."""
    ps = alone(x)
    order = sorted((p, i) for i, p in enumerate(ps) if not math.isnan(p))
    out, worst = [math.nan] * len(ps), 0.0
    for rank, (p, i) in enumerate(order):
        worst = max(worst, min(1.0, p * (len(order) - rank)))
        out[i] = worst
    return out


@pytest.mark.parametrize("adjusts", [alone, one_step, apart])
def test_matrices_as_are_drawn_tell_max_t_from_others(adjusts: Adjusts) -> None:
    rng = np.random.default_rng(0)
    some = [rng.integers(-4, 5, (6, 3)) / 2 for _ in range(20)]
    assert not all(is_max_t(adjusts, x) for x in some)
    assert all(is_max_t(flips.max_t, x) for x in some)


@quick
@given(st.lists(halves.filter(lambda d: not math.isnan(d)), min_size=1, max_size=9))
def test_a_family_of_one_is_that_one(xs: list[float]) -> None:
    assert flips.max_t(np.array([xs]).T) == pytest.approx([flips.sign_flip(xs)])


def test_joint_flips_beyond_counting_are_drawn_and_repeat() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0.35, 1.0, (flips.COUNTED + 4, 3))
    drawn = flips.max_t(x)
    assert drawn == flips.max_t(x)
    for p, column in zip(drawn, x.T, strict=True):
        assert p >= flips.sign_flip(column) - 4 * math.sqrt(p / flips.DRAWN)
    assert sum(each.shape[0] for each in flips.signs(20)) == flips.DRAWN + 1


def test_all_flips_are_counted_once() -> None:
    for n in (1, 2, 5, 13):
        every = np.concatenate(list(flips.signs(n)))
        assert every.shape == (2 ** (n - 1), n)
        assert len(np.unique(every, axis=0)) == len(every)
        assert (every[:, 0] == 1).all()


@settings(max_examples=60, deadline=None)
@given(matrices, st.data())
def test_primary_effects_have_most_of_the_level_and_pass_it_on_once_told(x: Matrix, data: st.DataObject) -> None:
    m = x.shape[1]
    first = data.draw(st.lists(st.booleans(), min_size=m, max_size=m))
    found = flips.family(x, first)
    if not any(first):
        assert found == pytest.approx(flips.max_t(x), nan_ok=True)
        return
    chosen = np.array(first)
    primary = [min(p / flips.PRIMARY, 1.0) for p in flips.max_t(x[:, chosen])]
    others = flips.max_t(x[:, ~chosen])
    assert np.array(found)[chosen] == pytest.approx(primary, nan_ok=True)
    told = max((p for p in primary if not math.isnan(p)), default=1.0)
    expected = [min(max(p, told), 1.0, p / flips.OTHERS) if p == p else p for p in others]
    assert np.array(found)[~chosen] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("real", [(), (0,), (0, 1), (0, 1, 2)])
def test_a_family_with_primary_effects_errs_in_at_most_one_suite_of_twenty(real: tuple[int, ...]) -> None:
    rng, first, n = np.random.default_rng(11), [True, True, False, False, False, False], 8
    x = rng.normal(0, 1, (n, 6)) + 0.7 * rng.normal(0, 1, (n, 1))  # one base: all are correlated
    null = [j for j in range(6) if j not in real]
    false = total = 0
    for flipped in flips.signs(n):
        for sign in flipped:  # under no effect a seed's row could as well have had the other sign
            y = x * sign[:, None]
            y[:, list(real)] = 3.0 + 0.1 * x[:, list(real)]
            found = np.array(flips.family(y, first))
            false, total = false + bool((found[null] <= 0.05).any()), total + 1
            assert all(found[j] <= 0.05 for j in real if j < 2)
    assert 0 < false <= 0.05 * total


def test_rows_are_padded_where_an_effect_has_fewer_seeds() -> None:
    assert flips.rows([]).shape == (0, 0)
    np.testing.assert_array_equal(flips.rows([(1.0, 2.0), (3.0,)]), [[1.0, 3.0], [2.0, math.nan]])
    assert flips.max_t(flips.rows([(), ()])) == pytest.approx([math.nan] * 2, nan_ok=True)
    with pytest.raises(ValueError, match=r"expected seeds x effects, got shape \(2,\)"):
        flips.max_t([1.0, 2.0])
