"""JANET against a loop written from van der Westhuizen & Lasenby (2018)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.janet import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [{}, {"beta": 0.0}, {"beta": -2.0}, {"forget_bias": 0.0}, {"chrono": 30}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    c = torch.zeros(xs.shape[1], p["Un"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        s = torch.addmm(x @ p["Wf"] + p["bf"], c, p["Uf"])
        n = torch.addmm(x @ p["Wn"] + p["bn"], c, p["Un"])
        c = torch.sigmoid(s) * c + torch.sigmoid(cell.beta - s) * torch.tanh(n)
        ys.append(c)
    return torch.stack(ys)


def test_beta_zero_couples_the_gates() -> None:
    """With equal candidates everywhere the state is a convex combination, and can't leave [-1, 1]."""
    cell = Cell(beta=0.0)
    p = {k: torch.from_numpy(3 * stream(0, k).normal(s)).double() for k, s in cell.shapes(3, 8).items()}
    xs = torch.from_numpy(stream(0, "xs").normal((40, 2, 3))).double()
    assert float(scan(cell, p, xs).abs().max()) <= 1
    assert float(scan(Cell(beta=3.0), p, xs).abs().max()) > 1


def test_the_forget_bias_is_one_unless_told() -> None:
    for bias in (1.0, -2.0):
        cell = Cell(forget_bias=bias)
        p = cell.init(cell.shapes(3, 8), lambda name: stream(0, name))
        assert (p["bf"] == bias).all()
        assert not p["bn"].any()
