"""Rotations in arithmetic of our own against torch's matrix exponential, an inverse and autograd, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench.cells import antisymmetric
from rnnbench.cells.orthogonal import Cell
from rnnbench.cells.rotation import Map
from rnnbench.kernels.rotation import Operands
from rnnbench.rng import stream

each_map = pytest.mark.parametrize("map", ["exp", "cayley"])


def made(map: Map, a: Tensor, dU: Tensor) -> tuple[Tensor, Tensor]:
    """U (H, H) of a (1, H (H - 1) / 2), and what dU becomes at a."""
    p, gradients = {"W": torch.zeros(1, len(dU)), "a": a}, {"W": torch.zeros(1, len(dU)), "a": torch.empty_like(a)}
    operands = Operands(Cell(map=map), ("W", "U"), p, gradients)
    operands.make()
    operands.gradients[1][:] = dU
    operands.back()
    return operands.tensors[1], gradients["a"]


def exact(map: Map, a: Tensor) -> Tensor:
    """U in float64, by torch."""
    H = round((1 + (1 + 8 * a.numel()) ** 0.5) / 2)
    above = torch.zeros(H, H, dtype=torch.float64)
    above[tuple(torch.triu_indices(H, H, 1))] = a[0]
    A, one = above - above.T, torch.eye(H, dtype=torch.float64)
    return torch.matrix_exp(A) if map == "exp" else torch.inverse(one + A) @ (one - A)


@each_map
@pytest.mark.parametrize("H", [2, 3, 16, 17, 32, 50, 96])
@pytest.mark.parametrize("size", [0.0, 0.3, 4.0, 25.0])
def test_values_and_gradients_are_the_maps(map: Map, H: int, size: float) -> None:
    """The greatest angle in A is about twice the size."""
    g = torch.Generator().manual_seed(H)
    a = size * H**-0.5 * torch.randn(1, H * (H - 1) // 2, generator=g)
    dU = torch.randn(H, H, generator=g)
    double = a.double().requires_grad_()
    wanted = exact(map, double)
    (da,) = torch.autograd.grad(wanted, double, dU.double())
    U, found = made(map, a, dU)
    torch.testing.assert_close(U.double(), wanted.detach(), rtol=0, atol=2e-5)
    torch.testing.assert_close(found.double(), da, rtol=0, atol=2e-5 * float(da.abs().max()))
    torch.testing.assert_close(U @ U.T, torch.eye(H), rtol=0, atol=4e-5)


@each_map
def test_one_unit_has_nothing_to_turn(map: Map) -> None:
    p = {"W": torch.zeros(2, 1)}
    operands = Operands(Cell(map=map), ("W", "U"), p, {"W": torch.zeros(2, 1)})
    operands.make()
    operands.back()
    assert operands.tensors[1].tolist() == [[1.0]]


@each_map
def test_a_matrix_is_that_of_the_parameters_as_they_are_now(map: Map) -> None:
    a = torch.full((1, 3), 0.1)
    p = {"W": torch.zeros(1, 3), "a": a}
    operands = Operands(Cell(map=map), ("U", "W"), p, {name: torch.zeros_like(value) for name, value in p.items()})
    operands.make()
    before = operands.tensors[0].clone()
    a += 1
    operands.make()
    assert not torch.equal(operands.tensors[0], before)
    torch.testing.assert_close(operands.tensors[0], exact(map, a.double()).float(), rtol=0, atol=1e-6)


@each_map
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_number_is_passed_on(map: Map, bad: float) -> None:
    a = torch.full((1, 10), 0.1)
    a[0, 4] = bad
    U, da = made(map, a, torch.ones(5, 5))
    assert U.isnan().any()
    assert da.isnan().any()


@pytest.mark.parametrize("H", [1, 2, 17])
def test_a_skew_symmetric_matrix_is_one(H: int) -> None:
    a = torch.from_numpy(stream(0, "a").normal((1, H * (H - 1) // 2)))
    p = {"W": torch.zeros(2, H), "b": torch.zeros(1, H)} | ({"a": a} if H > 1 else {})
    gradients = {name: torch.zeros_like(value) for name, value in p.items()}
    operands = Operands(antisymmetric.Cell(), ("W", "A"), p, gradients)
    operands.make()
    operands.gradients[1][:] = dA = torch.from_numpy(stream(0, "dA").normal((H, H)))
    operands.back()
    A, above = operands.tensors[1], tuple(torch.triu_indices(H, H, 1))
    assert torch.equal(A, -A.T)
    assert torch.equal(A[above], a[0])
    if H > 1:
        assert torch.equal(gradients["a"][0], (dA - dA.T)[above])
