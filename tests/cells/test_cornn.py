"""The coRNN against a loop written from Rusch & Mishra (2021)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.cornn import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {},
    {"velocity": False},
    {"gamma": 0.0, "epsilon": 0.0},
    {"dt": 0.5, "gamma": 1.5, "epsilon": 0.5},
]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["W"].shape[1], dtype=xs.dtype)
    z, ys = torch.zeros_like(h), []
    whole = torch.cat([p["W"], p["U"], p["V"] if cell.velocity else torch.zeros_like(p["U"])])
    for x in xs:
        force = torch.tanh(torch.addmm(p["b"], torch.cat([x, h, z], 1), whole))
        z = z + cell.dt * force - cell.dt * cell.gamma * h - cell.dt * cell.epsilon * z
        h = h + cell.dt * z
        ys.append(h)
    return torch.stack(ys)


def test_undriven_and_undamped_it_turns_and_damped_it_comes_to_rest() -> None:
    """Once pushed, with no weights: a rotation keeps its size, a damped one loses it."""
    p = {k: torch.zeros(s) for k, s in Cell().shapes(1, 1).items()} | {"W": torch.full((1, 1), 50.0)}
    xs = torch.zeros(2000, 1, 1)
    xs[0] = 1
    free, damped = (scan(Cell(gamma=4.0, epsilon=e, dt=0.05), p, xs).flatten().abs() for e in (0.0, 0.5))
    assert float(free[-200:].max()) == pytest.approx(float(free[:200].max()), rel=0.02)
    assert float(damped[-200:].max()) < 1e-6 * float(damped.max())


def test_it_starts_as_one_map_of_all_that_it_sees() -> None:
    p = Cell().init(Cell().shapes(4, 30), lambda name: stream(0, name))
    for value in p.values():
        assert 0.7 * 64**-0.5 < float(abs(value).max()) <= 64**-0.5
