"""The functions of compiled vectors against numpy's in float64: the accuracy that each one's docstring states, over all
exponents, and what becomes of infinities and of what is no number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
import scipy.special
from numpy.typing import NDArray

from rnnbench.kernels import maths, vector
from rnnbench.kernels.vector import WIDTH, floats, load, store

Floats = NDArray[np.float32]
RNG = np.random.Generator(np.random.Philox(0))
# Every exponent of float32, both signs, subnormal numbers too; and what nets compute with.
EVERY = np.concatenate([np.ldexp(RNG.uniform(1, 2, 64), e) * s for e in range(-140, 128) for s in (1, -1)]).astype("f4")
USUAL = RNG.uniform(-30, 30, 1 << 16).astype("f4")
ODD = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], "f4")


def applied(function: Callable[..., Any], *arrays: Floats) -> Floats:
    """A function of vectors, of all numbers of some arrays."""

    def one(out, x, y, size):  # type: ignore[no-untyped-def]
        out, x = floats(out), floats(x)
        for m in range(0, size, WIDTH):
            store(out, m, function(load(x, m)))

    def two(out, x, y, size):  # type: ignore[no-untyped-def]
        out, x, y = floats(out), floats(x), floats(y)
        for m in range(0, size, WIDTH):
            store(out, m, function(load(x, m), load(y, m)))

    size = -(-len(arrays[0]) // WIDTH) * WIDTH
    padded = [np.concatenate([each, np.ones(size - len(each), "f4")]) for each in arrays]
    out = np.empty(size, np.float32)
    places = [each.ctypes.data for each in (out, padded[0], padded[-1])]
    numba.njit(error_model="numpy")(one if len(arrays) == 1 else two)(*places, size)
    return out[: len(arrays[0])]


@pytest.mark.parametrize(
    ("function", "truth", "least", "most", "bound"),
    [
        (maths.tanh, np.tanh, -np.inf, np.inf, 4e-7),
        (maths.sigmoid, lambda x: 1 / (1 + np.exp(-x)), -np.inf, np.inf, 2e-7),
        (maths.sin, np.sin, -1000, 1000, 2e-7),
        (maths.cos, np.cos, -1000, 1000, 2e-7),
        (maths.erf, scipy.special.erf, -np.inf, np.inf, 4e-7),
    ],
)
def test_what_is_bounded_errs_by_no_more_than_stated(
    function: Any, truth: Any, least: float, most: float, bound: float
) -> None:
    x = np.concatenate([EVERY, USUAL, np.linspace(-1000, 1000, 1 << 16, dtype="f4")])
    x = x[(x >= least) & (x <= most)]
    with np.errstate(over="ignore"):
        expected = truth(x.astype(np.float64))
    assert np.abs(applied(function, x) - expected).max() <= bound


def test_exp_errs_by_a_part_of_its_value() -> None:
    x = np.concatenate([EVERY, USUAL, np.linspace(-104, 90, 1 << 16, dtype="f4")])
    with np.errstate(over="ignore", under="ignore"):
        truth = np.exp(x.astype(np.float64))
    got = applied(maths.exp, x).astype(np.float64)
    normal = (truth >= np.finfo("f4").tiny) & (truth <= np.finfo("f4").max)
    small = truth < np.finfo("f4").tiny
    assert (np.abs(got[normal] - truth[normal]) <= 2e-7 * truth[normal]).all()
    assert (got[truth > 1.001 * float(np.finfo("f4").max)] == np.inf).all()
    assert (np.abs(got[small] - truth[small]) <= 2e-45).all()


def test_decay_is_exp_below_0_and_ends_at_minus_87() -> None:
    x = np.concatenate([EVERY[(EVERY <= 0) & (EVERY >= -87)], np.linspace(-87, 0, 1 << 16, dtype="f4")])
    truth = np.exp(x.astype(np.float64))
    assert (np.abs(applied(maths.decay, x) - truth) <= 2e-7 * truth).all()
    end = applied(maths.decay, np.array([-87, -88, -3e38, -np.inf, 0, np.nan], "f4"))
    assert end[0] == end[1] == end[2] == end[3] > 0
    assert end[4] == 1
    assert np.isnan(end[5])


def test_log_errs_by_a_part_of_its_value() -> None:
    x = np.concatenate([EVERY[EVERY > 0], np.linspace(0.5, 2, 1 << 16, dtype="f4")])
    truth = np.log(x.astype(np.float64))
    assert (np.abs(applied(maths.log, x) - truth) <= 2e-7 * np.abs(truth)).all()


def test_infinities_and_what_is_no_number() -> None:
    with np.errstate(all="ignore"):
        for function, truth in (
            (maths.tanh, np.tanh), (maths.sigmoid, lambda x: 1 / (1 + np.exp(-x))), (maths.exp, np.exp),
            (maths.log, np.log), (vector.sqrt, np.sqrt), (vector.absolute, np.abs),
            (maths.erf, scipy.special.erf),
        ):  # fmt: skip
            expected = truth(np.append(ODD, -1.0).astype("f4"))
            np.testing.assert_allclose(applied(function, np.append(ODD, -1.0).astype("f4")), expected, atol=4e-7)
    assert applied(maths.sign, np.array([3, -2, 0, np.nan, np.inf], "f4")).tolist() == [1, -1, 0, 0, 1]
    a, b = np.array([1, np.nan, 2, 5, np.nan], "f4"), np.array([2, 1, np.nan, 5, np.nan], "f4")
    np.testing.assert_array_equal(applied(maths.maximum, a, b), np.maximum(a, b))


def test_roots_and_whole_numbers_are_exact() -> None:
    x = np.concatenate([EVERY[EVERY > 0], USUAL[USUAL > 0]])
    assert (applied(vector.sqrt, x) == np.sqrt(x)).all()
    assert (applied(vector.nearest, USUAL) == np.rint(USUAL)).all()
