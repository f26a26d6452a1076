"""The LRU against a loop in complex numbers, written from Orvieto et al. (2023)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnbench.cells.lru import Cell
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"block": False}, {"normalised": False}, {"r_min": 0.9, "r_max": 0.999, "phase": 0.3},
    {"block": False, "normalised": False},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    l = torch.exp(torch.complex(-p["nu"].exp(), p["theta"].exp()))
    B, C = torch.complex(p["Br"], p["Bi"]), torch.complex(p["Cr"], p["Ci"])
    gamma = p["gamma"].exp() if cell.normalised else torch.ones_like(p["nu"])
    us = torch.nn.functional.linear(xs, p["E"].T, p["e"][0]) if cell.block else xs
    h = torch.zeros(xs.shape[1], l.shape[1], dtype=l.dtype)
    ys = []
    for u in us:
        h = l * h + gamma * (u.to(l.dtype) @ B)
        ys.append((h @ C).real)
    y = torch.stack(ys)
    if not cell.block:
        return y + us @ p["D"]
    g = torch.nn.functional.gelu(y + us * p["d"], approximate="tanh")
    return us + torch.nn.functional.glu(torch.cat((g @ p["V"] + p["v"], g @ p["G"] + p["b"]), -1))


def test_starts_on_the_ring_and_keeps_the_size_of_its_state() -> None:
    cell = Cell(r_min=0.6, r_max=0.95, phase=1.0)
    p = cell.init(cell.shapes(3, 4000), lambda name: stream(0, name))
    radius, angle = np.exp(-np.exp(p["nu"])), np.exp(p["theta"])
    assert 0.6 <= radius.min() < 0.61
    assert 0.94 < radius.max() <= 0.95
    assert abs((radius**2).mean() - (0.6**2 + 0.95**2) / 2) < 0.01  # uniform on the ring's area
    assert 0 < angle.min() < 0.01 < 0.99 < angle.max() <= 1
    np.testing.assert_allclose(np.exp(p["gamma"]), np.sqrt(1 - radius**2), rtol=1e-4)


def test_the_whole_disc_starts_finite() -> None:
    cell = Cell()
    p = cell.init(cell.shapes(1, 3000), lambda name: stream(0, name))
    assert all(np.isfinite(value).all() for value in p.values())


def test_a_ring_needs_a_width() -> None:
    with pytest.raises(ValueError, match=r"^r_min: got 0\.9, expected less than r_max \(0\.5\)$"):
        Cell(r_min=0.9, r_max=0.5)
