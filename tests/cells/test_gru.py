"""The GRU against torch.nn.GRU and a loop written from Cho et al. (2014), versions 1 and 3."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.gru import Cell
from rnnbench.layers.recurrent import scan

VARIANTS: list[dict[str, object]] = [
    {}, {"reset": "v3"}, {"reset_gate": False}, {"update_gate": False}, {"reset": "v3", "update_gate": False},
    {"reset_gate": False, "update_gate": False}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Un"].shape[0], dtype=xs.dtype)
    one = torch.ones_like(h)
    ys = []
    for x in xs:
        r = torch.sigmoid(x @ p["Wr"] + h @ p["Ur"] + p["br"]) if cell.reset_gate else one
        z = torch.sigmoid(x @ p["Wz"] + h @ p["Uz"] + p["bz"]) if cell.update_gate else 0 * one
        if cell.reset == "v1":
            inner = r * (h @ p["Un"] + p.get("cn", 0))
        else:
            inner = (r * h) @ p["Un"]
        n = torch.tanh(x @ p["Wn"] + p["bn"] + inner)
        h = z * h + n - z * n
        ys.append(h)
    return torch.stack(ys)


def test_is_torchs() -> None:
    torch.manual_seed(0)
    theirs = torch.nn.GRU(5, 7, dtype=torch.float64)
    w = dict(theirs.named_parameters())
    xs = torch.randn(11, 3, 5, dtype=torch.float64)
    p: dict[str, Tensor] = {}
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    rows = zip("rzn", *(w[name].chunk(3) for name in names), strict=True)
    for k, W, U, b, c in rows:
        p |= {f"W{k}": W.T, f"U{k}": U.T, f"b{k}": b[None] if k == "n" else (b + c)[None]}
        p |= {"cn": c[None]} if k == "n" else {}
    torch.testing.assert_close(scan(Cell(), p, xs), theirs(xs)[0])


def test_chrono_opens_the_update_gate_for_the_lags_of_the_task() -> None:
    from rnnbench.rng import stream

    cell = Cell(chrono=50)
    bias = cell.init(cell.shapes(3, 1000), lambda name: stream(0, name))["bz"]
    kept = 1 + torch.exp(torch.from_numpy(bias))  # 1 / (1 - sigmoid(b)): the time scale of a gate with that bias
    assert 2 <= float(kept.min()) < 3
    assert 48 < float(kept.max()) <= 50
