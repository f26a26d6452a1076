"""The MGU against a loop written from Zhou et al. (2016), and from Heck & Salem (2017) for its variants."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.mgu import Cell
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"reset": False}, {"gate_input": False}, {"gate_state": False}, {"gate_input": False, "gate_state": False},
    {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Un"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        seen = p["bf"].expand_as(h)
        seen = torch.addmm(seen, x, p["Wf"]) if cell.gate_input else seen
        seen = torch.addmm(seen, h, p["Uf"]) if cell.gate_state else seen
        f = torch.sigmoid(seen)
        kept = f * h if cell.reset else h
        h = torch.lerp(h, torch.tanh(torch.cat((x, kept), 1) @ torch.cat((p["Wn"], p["Un"])) + p["bn"]), f)
        ys.append(h)
    return torch.stack(ys)


def test_chrono_keeps_the_state_for_the_lags_of_the_task() -> None:
    cell = Cell(chrono=50)
    bias = torch.from_numpy(cell.init(cell.shapes(3, 1000), lambda name: stream(0, name))["bf"])
    kept = 1 / torch.sigmoid(bias)  # f is what is replaced: 1 / f is the time scale
    assert 2 <= float(kept.min()) < 3
    assert 48 < float(kept.max()) <= 50.01
