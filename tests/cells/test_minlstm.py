"""minLSTM against a loop written from Feng et al. (2024)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.minlstm import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"normalised": False}, {"candidate_activation": "tanh"}, {"candidate_activation": "positive"}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Wn"].shape[1], dtype=xs.dtype)
    ys = []
    for x in xs:
        f, i = torch.sigmoid(x @ p["Wf"] + p["bf"]), torch.sigmoid(x @ p["Wi"] + p["bi"])
        n = x @ p["Wn"] + p["bn"]
        if cell.candidate_activation == "tanh":
            n = torch.tanh(n)
        elif cell.candidate_activation == "positive":
            n = torch.where(n >= 0, n + 0.5, torch.sigmoid(n))
        both = f + i if cell.normalised else 1
        h = f / both * h + i / both * n
        ys.append(h)
    return torch.stack(ys)


def test_gates_that_are_both_closed_share_what_is_left() -> None:
    cell = Cell()
    p = {k: torch.zeros(s) for k, s in cell.shapes(1, 1).items()}
    p |= {"bf": torch.full((1, 1), -300.0), "bi": torch.full((1, 1), -300.0), "bn": torch.ones(1, 1)}
    assert scan(cell, p, torch.zeros(2, 1, 1)).flatten().tolist() == [0.5, 0.75]


def test_chrono_sets_both_biases_from_one_draw() -> None:
    cell = Cell(chrono=50)
    p = cell.init(cell.shapes(3, 500), lambda name: stream(0, name))
    assert (p["bi"] == -p["bf"]).all()
    assert 3.7 < float(p["bf"].max()) <= 3.9  # log(49) = 3.89
