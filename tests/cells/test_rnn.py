"""The plain RNN against torch.nn.RNN and a loop written from Elman (1990)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench.cells.rnn import Cell
from rnnbench.kernels import fused
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"activation": "relu"}, {"leak": True}, {"leak": 0.25}, {"leak": True, "activation": "relu"},
    {"leak": True, "chrono": 30}, {"activation": "relu", "identity": True},
]  # fmt: skip
STARTS_ELSEWHERE = {"identity"}


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["U"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        a = torch.addmm(torch.addmm(p["b"], x, p["W"]), h, p["U"])
        new = torch.clamp(a, min=0) if cell.activation == "relu" else 2 * torch.sigmoid(2 * a) - 1
        rate = torch.sigmoid(p["ba"]).expand_as(h) if cell.leak is True else torch.full_like(h, cell.leak or 1.0)
        h = torch.lerp(h, new, rate)
        ys.append(h)
    return torch.stack(ys)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_is_torchs(activation: Literal["tanh", "relu"]) -> None:
    torch.manual_seed(0)
    theirs = torch.nn.RNN(5, 7, nonlinearity=activation, dtype=torch.float64)
    w = dict(theirs.named_parameters())
    xs = torch.randn(11, 3, 5, dtype=torch.float64)
    p = {"W": w["weight_ih_l0"].T, "U": w["weight_hh_l0"].T, "b": (w["bias_ih_l0"] + w["bias_hh_l0"])[None]}
    torch.testing.assert_close(scan(Cell(activation), p, xs), theirs(xs)[0])


def test_irnn_starts_from_the_identity() -> None:
    cell = Cell("relu", identity=True)
    p = cell.init(cell.shapes(200, 50), lambda name: stream(0, name))
    assert (p["U"] == np.eye(50)).all()
    assert not p["b"].any()
    assert 0.00098 < p["W"].std() < 0.00102


def test_chrono_spreads_the_leaks_over_the_lags_of_the_task() -> None:
    cell = Cell(leak=True, chrono=50)
    bias = torch.from_numpy(cell.init(cell.shapes(3, 1000), lambda name: stream(0, name))["ba"])
    scale = 1 / torch.sigmoid(bias)
    assert 2 <= float(scale.min()) < 3
    assert 48 < float(scale.max()) <= 50.01


@pytest.mark.parametrize("leak", [False, 0.5])
def test_chrono_needs_a_leak_that_is_learnt(leak: bool | float) -> None:
    message = r"^chrono: needs a leak that is learnt \(leak: true\), whose bias it sets$"
    with pytest.raises(ValueError, match=message):
        Cell(leak=leak, chrono=9)


def test_the_fused_scan_serves_what_it_computes() -> None:
    for cell in (Cell("relu", identity=True), Cell(leak=True), Cell(leak=0.5)):
        assert fused(cell) is not None
