"""The recurrent additive network against a loop written from Lee et al. (2017)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.ran import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"input_gate": False}, {"forget_gate": False}, {"output_activation": "identity"}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Wn"].shape[1], dtype=xs.dtype)
    c, ys = torch.zeros_like(h), []

    def gate(k: str, on: bool, x: Tensor) -> Tensor:
        if not on:
            return torch.ones_like(h)
        return torch.sigmoid(torch.cat([x, h], 1) @ torch.cat([p[f"W{k}"], p[f"U{k}"]]) + p[f"b{k}"])

    for x in xs:
        i, f = gate("i", cell.input_gate, x), gate("f", cell.forget_gate, x)
        c = torch.addcmul(f * c, i, torch.addmm(p["bn"], x, p["Wn"]))
        h = c if cell.output_activation == "identity" else torch.tanh(c)
        ys.append(h)
    return torch.stack(ys)


def test_with_open_gates_it_is_a_sum_of_its_inputs() -> None:
    cell = Cell(input_gate=False, forget_gate=False, output_activation="identity")
    p = {k: torch.from_numpy(stream(0, k).normal(s)).double() for k, s in cell.shapes(3, 4).items()}
    xs = torch.from_numpy(stream(0, "xs").normal((9, 2, 3))).double()
    torch.testing.assert_close(scan(cell, p, xs), (xs @ p["Wn"] + p["bn"]).cumsum(0))


def test_chrono_needs_the_forget_gate() -> None:
    with pytest.raises(ValueError, match=r"^chrono: needs the forget gate, whose bias it sets$"):
        Cell(chrono=9, forget_gate=False)
