"""Every layer of a file of its own against its independent reference, `tests/layers/test_NAME.py`: outputs and
gradients, float64; and what a model takes for granted of any layer."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench import registry
from rnnbench.layers import Layer
from rnnbench.records import Rung
from rnnbench.rng import stream
from rnnbench.training.model import Model

SIZES = [(7, 3, 5, 24), (1, 1, 1, 12), (4, 2, 3, 48)]  # T, B, I, H
sibling: Callable[[str], Any] = importlib.import_module("tests.conftest").sibling


def own(name: str) -> Any:
    """A layer's own test module: its VARIANTS, and `reference(layer, p, xs, causal)`; one without fails here, at
    collection."""
    return sibling(f"layers/test_{name}.py")


CASES = [(name, switches) for name in registry.names("layers") for switches in own(name).VARIANTS]
each = pytest.mark.parametrize(("name", "switches"), CASES, ids=str)


def made(name: str, switches: dict[str, object]) -> Layer:
    return registry.layer({"layer": name, **switches})


def drawn(layer: Layer, I: int, H: int, seed: int = 1) -> dict[str, Tensor]:
    """Parameters of a stack of one such layer, float64."""
    shapes = layer.shapes(I, H, first=True, last=True)
    return {k: torch.from_numpy(0.7 * stream(seed, k).normal(s)).double() for k, s in shapes.items()}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("T", "B", "I", "H"), SIZES)
@each
def test_outputs_and_gradients_are_the_references(
    name: str, switches: dict[str, object], T: int, B: int, I: int, H: int, causal: bool
) -> None:
    layer = made(name, switches)
    p = {k: v.requires_grad_() for k, v in drawn(layer, I, H).items()}
    xs = torch.from_numpy(stream(1, "xs").normal((T, B, I))).double().requires_grad_()
    ours, theirs = layer.scan(p, xs, causal), own(name).reference(layer, p, xs, causal)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)
    assert ours.shape == (T, B, layer.width(I, H))
    weights = torch.from_numpy(stream(1, "ys").normal(tuple(ours.shape))).double()
    wanted = [xs, *p.values()]
    mine, other = (torch.autograd.grad((ys * weights).sum(), wanted, materialize_grads=True) for ys in (ours, theirs))
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


@each
def test_where_it_is_causal_no_step_sees_a_later_one(name: str, switches: dict[str, object]) -> None:
    layer = made(name, switches)
    p, xs = drawn(layer, 3, 24), torch.from_numpy(stream(0, "xs").normal((6, 2, 3))).double()
    before = layer.scan(p, xs, causal=True)
    xs[4:] += 1
    after = layer.scan(p, xs, causal=True)
    torch.testing.assert_close(after[:4], before[:4])
    assert not torch.allclose(after[4:], before[4:])


@each
def test_a_stack_computes_what_each_run_computes(name: str, switches: dict[str, object]) -> None:
    layer = made(name, switches)
    runs = [drawn(layer, 3, 24, seed) for seed in range(3)]
    xs = torch.from_numpy(stream(0, "xs").normal((3, 5, 2, 3))).double()
    stacked = layer.scan({k: torch.stack([p[k] for p in runs]) for k in runs[0]}, xs, causal=True)
    for r, p in enumerate(runs):
        torch.testing.assert_close(stacked[r], layer.scan(p, xs[r], causal=True))


@each
def test_a_run_of_a_stack_has_bits_of_its_own(name: str, switches: dict[str, object]) -> None:
    """Values and gradients in a stack of three, in another order, and beside a copy of itself; float32, odd sizes."""
    if not made(name, switches).stacks:
        return
    model = Model.of(Rung({"layer": name, **switches}, {"task": "adding"}, 9, {"hidden": 12, "batch": 3}))
    rows = [torch.from_numpy(model.init(seed)) for seed in range(3)]
    data = [torch.from_numpy(stream(seed, "xs").normal((9, 3, 2))) for seed in range(3)]

    def train(order: list[int]) -> dict[int, tuple[Tensor, Tensor]]:
        flat = torch.stack([rows[r] for r in order]).requires_grad_()
        ys = model.answers(model.views(flat), torch.stack([data[r] for r in order]), slice(-1, None))
        (gradient,) = torch.autograd.grad((ys**2).sum(), [flat])
        return {r: (ys[i].detach(), gradient[i]) for i, r in enumerate(order)}

    stacked = train([0, 1, 2])
    for other in (train([2, 0, 1]), train([0, 0]), train([1, 2])):
        for r, (ys, gradient) in other.items():
            assert torch.equal(ys, stacked[r][0])
            assert torch.equal(gradient, stacked[r][1])


@pytest.mark.parametrize("tokens", [True, False])
@each
def test_every_parameter_is_initialised_and_a_long_sequence_stays_finite(
    name: str, switches: dict[str, object], tokens: bool
) -> None:
    layer = made(name, switches)
    for first, last in ((True, True), (True, False), (False, False), (False, True)):
        shapes = layer.shapes(3, 24, first, last)
        start = layer.init(shapes, lambda n: stream(4, n), tokens)
        assert {k: v.shape for k, v in start.items()} == shapes
        assert all(v.dtype == np.float32 and np.isfinite(v).all() for v in start.values())
    whole = layer.init(layer.shapes(3, 24, True, True), lambda n: stream(4, n), tokens)
    p = {k: torch.from_numpy(v).requires_grad_() for k, v in whole.items()}
    ys = layer.scan(p, torch.from_numpy(stream(0, "xs").normal((200, 2, 3))), causal=True)
    assert ys.isfinite().all()
    slopes = torch.autograd.grad(ys[-1].sum(), list(p.values()), materialize_grads=True)
    assert all(slope.isfinite().all() for slope in slopes)


def test_every_layer_has_a_reference_and_its_plainest_variant_among_its_cases() -> None:
    assert registry.names("layers")
    for name in registry.names("layers"):
        assert callable(own(name).reference), name
        assert {} in own(name).VARIANTS, name
