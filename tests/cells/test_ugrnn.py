"""The update gate network against a loop written from Collins et al. (2017)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.ugrnn import Cell
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"update_gate": False}, {"candidate_activation": "identity"}, {"forget_bias": 0.0}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Un"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        n = torch.addmm(torch.addmm(p["bn"], x, p["Wn"]), h, p["Un"])
        n = torch.tanh(n) if cell.candidate_activation == "tanh" else n
        keep = torch.zeros_like(h)
        if cell.update_gate:
            keep = torch.sigmoid(torch.addmm(torch.addmm(p["bg"], x, p["Wg"]), h, p["Ug"]))
        h = torch.lerp(n, h, keep)
        ys.append(h)
    return torch.stack(ys)


def test_the_gate_starts_open_to_the_past() -> None:
    assert (Cell().init(Cell().shapes(3, 8), lambda name: stream(0, name))["bg"] == 1).all()


def test_chrono_needs_the_update_gate() -> None:
    with pytest.raises(ValueError, match=r"^chrono: needs the update gate, whose bias it sets$"):
        Cell(chrono=9, update_gate=False)
