"""The plain RNN against torch.nn.RNN and a loop written from Elman (1990)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest
import torch
from torch import Tensor

from rnnbench.cells.rnn import Cell
from rnnbench.layers import scan

VARIANTS: list[dict[str, object]] = [{}, {"activation": "relu"}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["U"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        a = torch.addmm(torch.addmm(p["b"], x, p["W"]), h, p["U"])
        h = torch.clamp(a, min=0) if cell.activation == "relu" else 2 * torch.sigmoid(2 * a) - 1
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
