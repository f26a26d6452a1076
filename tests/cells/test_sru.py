"""The simple recurrent unit against a loop written from Lei et al. (2018)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.sru import Cell
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"peepholes": False, "output_activation": "tanh"}, {"reset_gate": False}, {"highway": False}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    c = torch.zeros(xs.shape[1], p["Wc"].shape[1], dtype=xs.dtype)
    ys = []
    for x in xs:
        seen = {k: torch.addmm(p[f"b{k}"], x, p[f"W{k}"]) for k in ("fr" if cell.reset_gate else "f")}
        if cell.peepholes:
            seen = {k: torch.addcmul(value, p[f"v{k}"], c) for k, value in seen.items()}
        c = torch.lerp(x @ p["Wc"], c, torch.sigmoid(seen["f"]))
        h = torch.tanh(c) if cell.output_activation == "tanh" else c
        if cell.reset_gate:
            around = x @ p["Wx"] if cell.highway else torch.zeros_like(c)
            h = torch.lerp(around, h, torch.sigmoid(seen["r"]))
        ys.append(h)
    return torch.stack(ys)


def test_the_start_is_the_authors() -> None:
    p = Cell().init(Cell().shapes(6, 400), lambda name: stream(0, name))
    for name, most in (
        ("Wc", 0.5**0.5),
        ("Wf", 0.5),
        ("Wr", 0.5),
        ("Wx", 1.5**0.5),
        ("vf", 1.5**0.5),
        ("vr", 1.5**0.5),
    ):
        assert 0.98 * most < float(abs(p[name]).max()) <= 1.000001 * most
    assert not p["bf"].any()
    assert not p["br"].any()
    biased = Cell(highway_bias=-2.0)
    assert (biased.init(biased.shapes(2, 4), lambda name: stream(0, name))["br"] == -2).all()
