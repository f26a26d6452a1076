"""The quasi-recurrent network against torch's convolution and a loop written from Bradbury et al. (2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.qrnn import Cell

VARIANTS: list[dict[str, object]] = [
    {}, {"window": False}, {"output_gate": False}, {"input_gate": True}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    sums = {}
    for k in "zf" + "o" * cell.output_gate + "i" * cell.input_gate:
        taps = [p[f"V{k}"], p[f"W{k}"]] if cell.window else [p[f"W{k}"]]  # the earlier input first
        given = torch.nn.functional.pad(xs.permute(1, 2, 0), (len(taps) - 1, 0))
        kernel = torch.stack([tap.T for tap in taps], -1)
        sums[k] = torch.nn.functional.conv1d(given, kernel, p[f"b{k}"][0]).permute(2, 0, 1)
    z, f = torch.tanh(sums["z"]), torch.sigmoid(sums["f"])
    i = torch.sigmoid(sums["i"]) if cell.input_gate else 1 - f
    c, cs = torch.zeros_like(z[0]), []
    for t in range(len(xs)):
        c = f[t] * c + i[t] * z[t]
        cs.append(c)
    return torch.stack(cs) * (torch.sigmoid(sums["o"]) if cell.output_gate else 1)
