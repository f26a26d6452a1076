"""Every cell against its independent reference, `tests/cells/test_NAME.py`: outputs and gradients, float64."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench import registry
from rnnbench.layers import recurrent
from rnnbench.records import Rung
from rnnbench.rng import stream
from rnnbench.training.model import Model

SIZES = [(7, 3, 5, 6), (1, 1, 1, 1), (5, 2, 3, 63), (4, 1, 1, 2)]  # T, B, I, units a head
HERE = Path(__file__).parent


def variants(name: str) -> list[dict[str, object]]:
    """The switch settings that a cell's own test file names; a cell without one fails here, at collection."""
    spec = importlib.util.spec_from_file_location(f"cases_{name}", HERE / "cells" / f"test_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[dict[str, object]] = module.VARIANTS
    return found


CASES = [(name, switches) for name in registry.names("cells") for switches in variants(name)]


@pytest.mark.parametrize(("T", "B", "I", "H"), SIZES)
@pytest.mark.parametrize(("name", "switches"), CASES, ids=str)
def test_outputs_and_gradients_are_the_references(
    name: str, switches: dict[str, object], T: int, B: int, I: int, H: int, load_sibling: Callable[[str], ModuleType]
) -> None:
    reference = load_sibling(f"cells/test_{name}.py").reference
    cell = registry.cell({"cell": name, **switches})
    H *= cell.heads
    shapes = cell.shapes(I, H)
    p = {k: torch.from_numpy(0.5 * stream(1, k).normal(s)).double().requires_grad_() for k, s in shapes.items()}
    xs = torch.from_numpy(stream(1, "xs").normal((T, B, I))).double().requires_grad_()
    weights = torch.from_numpy(stream(1, "ys").normal((T, B, H))).double()
    ours, theirs = recurrent.scan(cell, p, xs), reference(cell, p, xs)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    wanted = [xs, *p.values()]
    mine = torch.autograd.grad((ours * weights).sum(), wanted, allow_unused=True, materialize_grads=True)
    other = torch.autograd.grad((theirs * weights).sum(), wanted, allow_unused=True, materialize_grads=True)
    for a, b in zip(mine, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("name", "switches"), CASES, ids=str)
def test_a_stack_computes_what_each_run_computes(name: str, switches: dict[str, object]) -> None:
    cell = registry.cell({"cell": name, **switches})
    shapes = cell.shapes(3, 4 * cell.heads)
    runs = [{k: torch.from_numpy(stream(r, k).normal(s)).double() for k, s in shapes.items()} for r in range(3)]
    xs = torch.from_numpy(stream(0, "xs").normal((3, 5, 2, 3))).double()
    stacked = recurrent.scan(cell, {k: torch.stack([p[k] for p in runs]) for k in runs[0]}, xs)
    for r, p in enumerate(runs):
        torch.testing.assert_close(stacked[r], recurrent.scan(cell, p, xs[r]))


@pytest.mark.parametrize(("name", "switches"), CASES, ids=str)
def test_a_loop_over_the_steps_is_the_scan(name: str, switches: dict[str, object]) -> None:
    """Also where a scan computes all steps at once."""
    cell = registry.cell({"cell": name, **switches})
    p = {k: torch.from_numpy(stream(1, k).normal(s)).double() for k, s in cell.shapes(3, 5 * cell.heads).items()}
    xs = torch.from_numpy(stream(1, "xs").normal((6, 2, 3))).double()
    ready, state = cell.prepare(p), tuple(xs.new_zeros((2, width)) for width in cell.widths(5 * cell.heads))
    for x, y in zip(xs, recurrent.scan(cell, p, xs), strict=True):
        ours, state = cell.step(ready, x, state)
        torch.testing.assert_close(ours, y, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("name", "switches"), CASES, ids=str)
def test_a_run_of_a_stack_has_bits_of_its_own(name: str, switches: dict[str, object]) -> None:
    """Values and gradients in a stack of three, in another order, and beside a copy of itself; float32, odd sizes."""
    H = 5 * registry.cell({"cell": name, **switches}).heads
    model = Model.of(Rung({"cell": name, **switches}, {"task": "adding"}, 9, {"hidden": H, "batch": 3}))
    rows = [torch.from_numpy(model.init(seed)) for seed in range(3)]
    data = [torch.from_numpy(stream(seed, "xs").normal((9, 3, 2))) for seed in range(3)]

    def train(order: list[int]) -> dict[int, tuple[Tensor, Tensor]]:
        flat = torch.stack([rows[r] for r in order]).requires_grad_()
        ys = model.answers(model.views(flat), torch.stack([data[r] for r in order]), slice(-1, None))
        (gradient,) = torch.autograd.grad((ys**2).sum(), [flat])
        return {r: (ys[i].detach(), gradient[i]) for i, r in enumerate(order)}

    stacked = train([0, 1, 2])
    for other in (train([2, 0, 1]), train([0, 0]), train([1, 1]), train([1, 2])):
        for r, (ys, gradient) in other.items():
            assert torch.equal(ys, stacked[r][0])
            assert torch.equal(gradient, stacked[r][1])


@pytest.mark.parametrize(("name", "switches"), CASES, ids=str)
def test_long_sequences_stay_finite_at_the_start(name: str, switches: dict[str, object]) -> None:
    cell = registry.cell({"cell": name, **switches})
    start = cell.init(cell.shapes(2, 32 * cell.heads), lambda n: stream(0, n))
    p = {k: torch.from_numpy(v).requires_grad_() for k, v in start.items()}
    ys = recurrent.scan(cell, p, torch.from_numpy(stream(0, "xs").normal((200, 3, 2))))
    assert ys.isfinite().all()
    slopes = torch.autograd.grad(ys[-1].sum(), list(p.values()), allow_unused=True, materialize_grads=True)
    assert all(slope.isfinite().all() for slope in slopes)


@pytest.mark.parametrize(("name", "switches"), CASES, ids=str)
def test_every_parameter_is_initialised_and_shared_names_share_bits(
    name: str, switches: dict[str, object], load_sibling: Callable[[str], ModuleType]
) -> None:
    """Matrices of one name and shape, but where a switch is a start of its own."""
    cell, base = registry.cell({"cell": name, **switches}), registry.cell({"cell": name})
    H = 8 * cell.heads
    ours = cell.init(cell.shapes(3, H), lambda n: stream(4, n))
    assert {k: v.shape for k, v in ours.items()} == cell.shapes(3, H)
    assert all(v.dtype == np.float32 and np.isfinite(v).all() for v in ours.values())
    assert cell.shapes(3, H)[next(iter(ours))][1] == H
    if switches.keys() & getattr(load_sibling(f"cells/test_{name}.py"), "STARTS_ELSEWHERE", set()):
        return
    theirs = base.init(base.shapes(3, H), lambda n: stream(4, n))
    matrices = [k for k in ours if k in theirs and ours[k].shape == theirs[k].shape and ours[k].shape[0] > 1]
    assert matrices
    assert all((ours[k] == theirs[k]).all() for k in matrices)


def test_every_cell_has_a_reference(load_sibling: Callable[[str], ModuleType]) -> None:
    for name in registry.names("cells"):
        module = load_sibling(f"cells/test_{name}.py")
        assert callable(module.reference), name
        assert {} in module.VARIANTS, name
