"""The transformer in arithmetic of our own against its equations in float64, which `test_transformer.py` holds to
loops: odd sizes, every kind of position, steps that nobody reads, lanes, and memory that no pair of steps takes."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench.kernels import angles
from rnnbench.kernels.loans import Loan
from rnnbench.layers.transformer import Layer
from rnnbench.rng import stream

POSITIONS = ("none", "sinusoidal", "rotary", "alibi")
# T, B, I, H, heads: batches below, of and above a vector; units of no whole vectors; steps of no whole blocks.
SIZES = [(1, 5, 3, 12, 1), (7, 3, 5, 12, 2), (63, 17, 2, 20, 2), (129, 2, 2, 16, 4), (9, 33, 3, 8, 4), (5, 49, 2, 6, 1)]
Sizes = tuple[int, int, int, int, int]


def drawn(layer: Layer, sizes: Sizes, first: bool = True, last: bool = True) -> tuple[dict[str, Tensor], Tensor]:
    T, B, I, H, _ = sizes
    shapes = layer.shapes(I if first else H, H, first, last)
    p = {name: torch.from_numpy(0.4 * stream(1, name).normal(shape)) for name, shape in shapes.items()}
    return p, torch.from_numpy(stream(1, "xs").normal((T, B, I if first else H)))


def gradients(layer: Layer, p: dict[str, Tensor], xs: Tensor, causal: bool, dys: Tensor) -> list[Tensor]:
    """Outputs, and the gradients of xs and of every parameter."""
    kind = xs.dtype if xs.is_floating_point() else torch.float32
    leaves = [each.to(kind).requires_grad_() for each in p.values()]
    given = xs.clone().requires_grad_() if xs.is_floating_point() else xs
    ys = layer.scan(dict(zip(p, leaves, strict=True)), given, causal)
    wanted = [given, *leaves] if xs.is_floating_point() else leaves
    return [ys.detach(), *torch.autograd.grad((ys * dys.to(kind)).sum(), wanted)]


def close(mine: Tensor, truth: Tensor, scale: float = 0.0) -> bool:
    return float((mine - truth).abs().max()) <= 2e-5 * max(0.05, scale, float(truth.abs().max()))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_outputs_and_gradients_are_the_equations(sizes: Sizes, positions: Any, causal: bool) -> None:
    layer = Layer(sizes[4], positions, feedforward=2)
    p, xs = drawn(layer, sizes)
    dys = torch.from_numpy(stream(1, "ys").normal((*xs.shape[:2], sizes[3])))
    mine = gradients(layer.as_solo(), p, xs, causal, dys)
    truth = gradients(layer, p, xs.double(), causal, dys)
    largest = max(float(each.abs().max()) for each in truth[2:])  # that of bk is 0: what is left is rounding
    for name, a, b in zip(("ys", "xs", *p), mine, truth, strict=True):
        assert close(a, b, largest * 0.05 if name == "bk" else 0.0), name


@pytest.mark.parametrize(("first", "last"), [(False, False), (False, True), (True, False)])
def test_a_block_of_any_depth_is_the_equations(first: bool, last: bool) -> None:
    layer, sizes = Layer(2, "sinusoidal"), (9, 5, 3, 12, 2)
    p, xs = drawn(layer, sizes, first, last)
    dys = torch.from_numpy(stream(1, "ys").normal((9, 5, 12)))
    mine, truth = (gradients(each, p, x, True, dys) for each, x in ((layer.as_solo(), xs), (layer, xs.double())))
    assert all(close(a, b, 1.0) for a, b in zip(mine, truth, strict=True))


def test_tokens_are_read_as_one_hot_numbers_would_be() -> None:
    layer = Layer(2, "rotary")
    p, _ = drawn(layer, (9, 5, 7, 12, 2))
    tokens = torch.from_numpy(stream(2, "tokens").integers(7, (9, 5, 1)).astype(np.int64))
    dys = torch.from_numpy(stream(1, "ys").normal((9, 5, 12)))
    one_hot = torch.eye(7, dtype=torch.float64)[tokens[..., 0]]
    mine, truth = gradients(layer.as_solo(), p, tokens, True, dys), gradients(layer, p, one_hot, True, dys)
    assert all(close(a, b, 1.0) for a, b in zip(mine, [truth[0], *truth[2:]], strict=True))
    with pytest.raises(ValueError, match=r"tokens: expected 0 to 6, got 7 to 7"):
        layer.as_solo().scan(p, torch.full((2, 1, 1), 7), True)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("steps", [range(20, 21), range(3, 20, 4), range(15, 21)], ids=str)
def test_what_nobody_reads_changes_no_bit_of_what_is_read(steps: range, causal: bool) -> None:
    layer = Layer(2, "rotary").as_solo()
    p, xs = drawn(layer, (21, 5, 3, 12, 2))
    at = slice(steps.start, steps.stop, steps.step)
    found = []
    for read in (steps, range(21)):
        to = {name: torch.full_like(value, float("nan")) for name, value in p.items()}
        done = layer.compiled(p, to, causal).forward(xs, read, keep=True)
        dys = np.zeros_like(done.ys)
        dys[at, :, :12] = stream(1, "ys").normal((len(steps), 5, 12))
        found.append((done.ys[at].copy(), done.back(dys, wanted=True), to))
    (ys, dxs, part), (all_ys, all_dxs, whole) = found
    assert np.array_equal(ys, all_ys)
    assert dxs is not None
    assert all_dxs is not None
    assert np.allclose(dxs, all_dxs, rtol=1e-5, atol=1e-6)
    for name in part:
        torch.testing.assert_close(part[name], whole[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", POSITIONS)
def test_an_example_has_the_bits_that_it_has_alone_whatever_breaks_beside_it(positions: Any) -> None:
    """Outputs and the gradient of its inputs, in another lane, alone, and beside one that is no number."""
    layer = Layer(2, positions).as_solo()
    p, xs = drawn(layer, (37, 19, 3, 12, 2))
    dys = torch.from_numpy(stream(1, "ys").normal((37, 19, 12)))
    ys, dxs = gradients(layer, p, xs, True, dys)[:2]
    for picked in ([4], [18, 4], [0, 1, 2, 3, 4]):
        alone, slope = gradients(layer, p, xs[:, picked], True, dys[:, picked])[:2]
        assert torch.equal(alone[:, -1], ys[:, picked[-1]])
        assert torch.equal(slope[:, -1], dxs[:, picked[-1]])
    broken = xs.clone()
    broken[20, 7] = float("nan")
    after, slope = gradients(layer, p, broken, True, dys)[:2]
    others = [b for b in range(19) if b != 7]
    assert torch.equal(after[:, others], ys[:, others])
    assert torch.equal(slope[:, others], dxs[:, others])
    assert after[20:, 7].isnan().all()


def test_nothing_depends_on_what_was_in_memory() -> None:
    layer = Layer(2, "alibi").as_solo()
    p, xs = drawn(layer, (21, 5, 3, 10, 2))
    dys = torch.from_numpy(stream(1, "ys").normal((21, 5, 10)))
    before = [each.clone() for each in gradients(layer, p, xs, False, dys)]
    for loans in Loan.pool.values():
        for memory, _ in loans:
            memory.fill(np.nan)
    assert all(torch.equal(a, b) for a, b in zip(gradients(layer, p, xs, False, dys), before, strict=True))


def test_no_score_of_every_pair_of_steps_lies_in_memory() -> None:
    T, B = 1500, 16
    layer = Layer(1, "none", feedforward=1).as_solo()
    p, xs = drawn(layer, (T, B, 1, 2, 1))
    layer.warm()
    Loan.pool.clear()
    tracemalloc.start()
    try:
        gradients(layer, p, xs, True, torch.ones(T, B, 2))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * T * T * B / 8


@pytest.mark.parametrize("wrong", ["p", "xs"])
def test_it_says_what_it_takes(wrong: str) -> None:
    layer = Layer(2).as_solo()
    p, xs = drawn(layer, (3, 2, 3, 4, 2))
    p = {name: value.double() for name, value in p.items()} if wrong == "p" else p
    with pytest.raises(ValueError, match=r"takes float32 on the CPU, got torch.float64 on cpu"):
        layer.scan(p, xs.double() if wrong == "xs" else xs, True)


def test_the_tables_are_true_to_their_last_bit_but_one() -> None:
    for T, D in ((2000, 7), (300, 64)):
        rates = np.longdouble(10000) ** (-np.arange(0, D, 2, dtype=np.longdouble) / D)
        angle = np.arange(T, dtype=np.longdouble)[:, None] * rates
        for mine, truth in zip(angles.turns(T, D), (np.cos(angle), np.sin(angle)), strict=True):
            assert np.abs(mine - truth).max() <= 2.0**-24
    assert np.array_equal(angles.sines(50, 5)[:, ::2], angles.turns(50, 5)[1])
    assert np.array_equal(angles.sines(50, 5)[:, 1::2], angles.turns(50, 5)[0][:, :2])
    assert angles.slopes(8).tolist() == [0.5**k for k in range(1, 9)]
    assert np.abs(angles.slopes(3) - 2.0 ** (-8 * np.arange(1, 4) / 3)).max() <= 1e-8
    x = np.linspace(-700.0, 700.0, 10001)
    assert np.abs(angles.exponential(x) / np.exp(x) - 1).max() < 1e-15
    far = np.linspace(0.0, 1e6, 10001)
    for found, exact in zip(angles.waves(far), (np.sin(far), np.cos(far)), strict=True):
        assert np.abs(found - exact).max() < 1e-15
