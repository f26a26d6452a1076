"""Fused scans against the equations: values, every gradient, the same bits, and the cache on disk."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnbench import cells, kernels, layers
from rnnbench.cells import gru, lstm, rnn

TOLERANCE = 2e-5  # of the largest entry, against float64: about 200 roundings of float32

LSTMS = {
    "lstm": lstm.Cell(),
    "-input": lstm.Cell(input_gate=False),
    "-forget": lstm.Cell(forget_gate=False),
    "-output": lstm.Cell(output_gate=False),
    "-gates": lstm.Cell(forget_gate=False, input_gate=False, output_gate=False),
    "-candidate": lstm.Cell(candidate_activation="identity"),
    "-squash": lstm.Cell(output_activation="identity"),
    "coupled": lstm.Cell(coupled_gates=True),
    "peepholes": lstm.Cell(peepholes=True),
    "coupled-peepholes": lstm.Cell(coupled_gates=True, peepholes=True),
    "peepholes-output": lstm.Cell(peepholes=True, output_gate=False),
    "peepholes-input": lstm.Cell(peepholes=True, input_gate=False),
    "peepholes-forget-squash": lstm.Cell(peepholes=True, forget_gate=False, output_activation="identity"),
    "coupled-output": lstm.Cell(coupled_gates=True, output_gate=False),
}
GRUS = {
    "gru": gru.Cell(),
    "gru-v3": gru.Cell(reset="v3"),
    "gru-reset": gru.Cell(reset_gate=False),
    "gru-update": gru.Cell(update_gate=False),
    "gru-v3-update": gru.Cell(reset="v3", update_gate=False),
    "gru-gates": gru.Cell(reset_gate=False, update_gate=False),
}
RNNS = {"rnn": rnn.Cell(), "rnn-relu": rnn.Cell(activation="relu")}
CELLS: dict[str, cells.Cell] = {**LSTMS, **GRUS, **RNNS}
SIZES = [(7, 5, 3, 20), (1, 4, 2, 32), (6, 1, 1, 1), (5, 9, 40, 63)]  # (T, B, I, H)

each_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())


def family(cell: cells.Cell) -> ModuleType:
    found = kernels.fused(cell)
    assert found is not None
    return found


def draw(cell: cells.Cell, T: int, B: int, I: int, H: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Parameters about as large as trained ones, an input, and a gradient from above."""
    g = torch.Generator().manual_seed(T + 10 * B + 100 * I + 1000 * H)
    p = {k: torch.randn(shape, generator=g) * (shape[0] ** -0.5) for k, shape in cell.shapes(I, H).items()}
    return p, torch.randn(T, B, I, generator=g), torch.randn(T, B, H, generator=g)


def gradients(scan: Any, cell: cells.Cell, p: dict[str, Tensor], xs: Tensor, dys: Tensor) -> dict[str, Tensor]:
    """ys, and what dys becomes at xs and at every parameter."""
    p = {k: value.clone().requires_grad_() for k, value in p.items()}
    xs = xs.clone().requires_grad_()
    ys = scan(cell, p, xs)
    ys.backward(dys)
    found = {"ys": ys, "dxs": xs.grad, **{f"d{k}": value.grad for k, value in p.items()}}
    return {name: value.detach() for name, value in found.items() if value is not None}


def test_every_parameter_reaches_the_reference() -> None:
    for cell in CELLS.values():
        assert set(gradients(family(cell).scan, cell, *draw(cell, 3, 2, 2, 4))) == {
            "ys", "dxs", *(f"d{k}" for k in cell.shapes(2, 4))
        }  # fmt: skip


@each_cell
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_values_and_gradients_are_the_equations(cell: cells.Cell, size: tuple[int, int, int, int]) -> None:
    p, xs, dys = draw(cell, *size)
    double = {k: value.double() for k, value in p.items()}
    expected = gradients(layers.scan, cell, double, xs.double(), dys.double())
    got = gradients(family(cell).scan, cell, p, xs, dys)
    for name, value in expected.items():
        scale = max(float(value.abs().max()), 1e-3)
        assert float((got[name] - value).abs().max()) <= TOLERANCE * scale, name
