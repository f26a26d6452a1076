"""Long expressive memory against a loop written from Rusch et al. (2022)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.lem import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [{}, {"two_scales": False}, {"dt": 0.3}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    y = torch.zeros(xs.shape[1], p["Wy"].shape[1], dtype=xs.dtype)
    z, ys = torch.zeros_like(y), []

    def sees(k: str, x: Tensor, state: Tensor) -> Tensor:
        return torch.addmm(torch.addmm(p[f"b{k}"], x, p[f"W{k}"]), state, p[f"U{k}"])

    for x in xs:
        slow = cell.dt * torch.sigmoid(sees("e", x, y))
        fast = cell.dt * torch.sigmoid(sees("d", x, y)) if cell.two_scales else slow
        z = torch.lerp(z, torch.tanh(sees("z", x, y)), slow)
        y = torch.lerp(y, torch.tanh(sees("y", x, z)), fast)
        ys.append(y)
    return torch.stack(ys)


def test_the_output_sees_the_new_memory() -> None:
    """What z takes in at a step reaches y at that step, not at the next one."""
    cell = Cell()
    p = {k: torch.zeros(s) for k, s in cell.shapes(1, 1).items()}
    p |= {"Wz": torch.ones(1, 1), "Uy": torch.ones(1, 1), "bd": torch.full((1, 1), 50.0)}
    assert float(scan(cell, p, torch.ones(1, 1, 1))) > 0.1


def test_biases_start_as_the_matrices_do() -> None:
    p = Cell().init(Cell().shapes(3, 25), lambda name: stream(0, name))
    assert all(0.1 < float(abs(value).max()) <= 0.2 for value in p.values())
