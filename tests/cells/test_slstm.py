"""The sLSTM against a loop written from Beck et al. (2024), without the stabiliser: it must cancel out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.slstm import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"forget_activation": "exp"}, {"memory_mixing": False}, {"forget_bias": -1.0}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = c = n = torch.zeros(xs.shape[1], p["Wz"].shape[1], dtype=xs.dtype)
    ys = []
    for x in xs:
        a = {k: x @ p[f"W{k}"] + p[f"b{k}"] + (h @ p[f"U{k}"] if cell.memory_mixing else 0) for k in "zifo"}
        f = a["f"].exp() if cell.forget_activation == "exp" else torch.sigmoid(a["f"])
        c = f * c + a["i"].exp() * torch.tanh(a["z"])
        n = f * n + a["i"].exp()
        h = torch.sigmoid(a["o"]) * (c / n)
        ys.append(h)
    return torch.stack(ys)


@pytest.mark.parametrize("bias", [-1000.0, 1000.0])
def test_no_input_gate_is_too_small_or_too_large(bias: float) -> None:
    cell = Cell()
    p = {k: torch.from_numpy(stream(0, k).normal(s)) for k, s in cell.shapes(2, 4).items()}
    p["bi"] = torch.full((1, 4), bias).requires_grad_()
    ys = scan(cell, p, torch.from_numpy(stream(0, "xs").normal((30, 3, 2))))
    (slope,) = torch.autograd.grad(ys.sum(), [p["bi"]])
    assert ys.isfinite().all()
    assert slope.isfinite().all()
    assert (ys.abs() <= 1 + 1e-6).all()


def test_chrono_needs_a_sigmoid() -> None:
    with pytest.raises(ValueError, match=r"^chrono: needs a sigmoid forget gate, whose bias it sets$"):
        Cell(chrono=9, forget_activation="exp")
