"""The orthogonal RNN against a loop around torch.matrix_exp and an explicit inverse (Lezcano-Casado &
Martinez-Rubio, 2019; Helfrich et al., 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest
import torch
from torch import Tensor

from rnnbench.cells.orthogonal import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"map": "cayley"}, {"activation": "tanh"}, {"activation": "relu"}, {"activation": "identity"},
    {"start": "cayley"}, {"map": "cayley", "start": "cayley"},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    H = p["W"].shape[1]
    h, one = torch.zeros(xs.shape[1], H, dtype=xs.dtype), torch.eye(H, dtype=xs.dtype)
    A = torch.zeros(H, H, dtype=xs.dtype)
    pairs = [(i, j) for i in range(H) for j in range(i + 1, H)]
    for number, (i, j) in enumerate(pairs):
        unit = torch.zeros(H, H, dtype=xs.dtype)
        unit[i, j], unit[j, i] = 1, -1
        A = A + p["a"][0, number] * unit
    U = torch.matrix_exp(A) if cell.map == "exp" else torch.inverse(one + A) @ (one - A)
    ys = []
    for x in xs:
        s = torch.addmm(x @ p["W"], h, U)
        if cell.activation == "modrelu":
            h = torch.where(s >= 0, 1.0, -1.0) * torch.clamp(s.abs() + p["b"], min=0)
        else:
            known = {"tanh": torch.tanh, "relu": torch.relu, "identity": torch.clone}
            h = known[cell.activation](s + p["b"])
        ys.append(h)
    return torch.stack(ys)


@pytest.mark.parametrize("map", ["exp", "cayley"])
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_the_recurrent_matrix_is_orthogonal(map: Literal["exp", "cayley"], size: float) -> None:
    H = 32
    a = torch.from_numpy(stream(0, "a").normal((1, H * (H - 1) // 2))) * size / H**0.5
    U = Cell(map=map).prepare({"W": torch.zeros(1, H), "a": a})["U"]
    torch.testing.assert_close(U @ U.T, torch.eye(H), rtol=0, atol=2e-5)
    assert float(torch.det(U)) == pytest.approx(1, abs=1e-4)


def test_the_matrix_is_computed_once_a_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    prepare = Cell.prepare

    def counted(cell: Cell, p: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        calls.append(cell)
        return prepare(cell, p)

    monkeypatch.setattr(Cell, "prepare", counted)
    cell = Cell()
    p = {k: torch.from_numpy(v) for k, v in cell.init(cell.shapes(2, 6), lambda name: stream(0, name)).items()}
    scan(cell, p, torch.zeros(9, 1, 2))
    assert calls == [cell]


@pytest.mark.parametrize("start", ["cayley", "henaff"])
def test_a_start_turns_planes(start: Literal["cayley", "henaff"]) -> None:
    cell = Cell(start=start, map="cayley" if start == "cayley" else "exp")
    p = cell.init(cell.shapes(3, 7), lambda name: stream(0, name))
    U = cell.prepare({k: torch.from_numpy(v).double() for k, v in p.items()})["U"]
    angles = torch.linalg.eigvals(U).angle().abs().sort().values
    assert float(angles[0]) == pytest.approx(0, abs=1e-12)  # the odd one stays
    u = torch.from_numpy(stream(0, "a").uniform(3)).double()
    wanted = u * torch.pi / 2 if start == "cayley" else ((2 * u - 1) * torch.pi).abs()
    torch.testing.assert_close(angles[1::2], wanted.sort().values, rtol=1e-6, atol=1e-7)
