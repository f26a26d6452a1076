"""MUT2 against a loop written from Jozefowicz et al. (2015)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.mut2 import Cell

VARIANTS: list[dict[str, object]] = [{}, {"reset_gate": False}, {"chrono": 30}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Un"].shape[0], dtype=xs.dtype)
    ys = []
    for x in xs:
        z = torch.sigmoid(torch.addmm(x @ p["Wz"] + p["bz"], h, p["Uz"]))
        r = torch.sigmoid(torch.addmm(x @ p["Wr"] + p["br"], h, p["Ur"])) if cell.reset_gate else torch.ones_like(h)
        h = torch.lerp(h, torch.tanh(torch.addmm(x @ p["Wn"] + p["bn"], r * h, p["Un"])), z)
        ys.append(h)
    return torch.stack(ys)
