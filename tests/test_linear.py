"""The linear recurrence: by steps, by doubling and as a loop of numbers, real and complex; gradients by differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnbench.cells import State
from rnnbench.layers import linear
from rnnbench.rng import stream

SOLVERS = [linear.by_steps, linear.by_doubling]


def draw(purpose: str, halves: int, *shape: int) -> State:
    """Numbers of size about 1/2: where a is one of them, h stays in range."""
    return tuple(torch.from_numpy(0.5 * stream(k, purpose).normal(shape)).double() for k in range(halves))


def as_numbers(v: State) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    return (v[0] + (1j * v[1] if len(v) == 2 else 0j)).numpy().astype(np.complex128)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("halves", [1, 2])
@pytest.mark.parametrize("T", [1, 2, 3, 4, 7, 63, 64, 65])
def test_is_the_loop(solve: object, back: bool, halves: int, T: int) -> None:
    assert callable(solve)
    a, b = draw("a", halves, 2, T, 3, 5), draw("b", halves, 2, T, 3, 5)
    kept = [v.clone() for v in (*a, *b)]
    found = as_numbers(solve(a, b, back))
    assert all(torch.equal(u, v) for u, v in zip(kept, (*a, *b), strict=True))  # nothing was overwritten
    A, B, h = as_numbers(a), as_numbers(b), np.zeros((2, 3, 5), np.complex128)
    for t in range(T)[:: -1 if back else 1]:
        h = A[:, min(t + back, T - 1)] * h + B[:, t]  # back: the a of the step that h comes from
        np.testing.assert_allclose(found[:, t], h, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("solve", SOLVERS)
@pytest.mark.parametrize("halves", [1, 2])
@pytest.mark.parametrize("T", [1, 6])
def test_gradients_are_the_differences(solve: object, halves: int, T: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "by_steps", solve)
    inputs = [v.requires_grad_() for v in (*draw("a", halves, T, 2, 3), *draw("b", halves, T, 2, 3))]
    assert torch.autograd.gradcheck(lambda *v: linear.recurrence(v[:halves], v[halves:]), inputs)


def test_an_a_that_is_the_same_at_all_steps_gets_the_sum_of_its_gradients() -> None:
    (a,), (b,) = draw("a", 1, 1, 1, 3), draw("b", 1, 6, 2, 3)
    a.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: linear.recurrence((v.expand_as(b),), (b,)), [a])


@pytest.mark.parametrize("solve", SOLVERS)
def test_nothing_grows_that_is_kept(solve: object) -> None:
    assert callable(solve)
    a, b = (torch.full((4000, 1, 3), 1.0),), (torch.full((4000, 1, 3), 2.0**-12),)
    (h,) = solve(a, b)
    assert (h[-1] == 4000 * 2.0**-12).all()
    (h,) = solve((torch.zeros(4000, 1, 3),), b)
    assert (h == 2.0**-12).all()
