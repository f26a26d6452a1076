"""UnICORNN against a loop written from Rusch & Mishra (2021)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.unicornn import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [{}, {"time_scales": False}, {"alpha": 0.0, "dt": 0.7}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["W"].shape[1], dtype=xs.dtype)
    z, ys = torch.zeros_like(h), []
    own = torch.sigmoid(p["c"]) if cell.time_scales else torch.full_like(p["b"], 0.5)
    for x in xs:
        force = torch.tanh(torch.addmm(p["b"], x, p["W"]) + torch.diag_embed(h).sum(1) * p["w"]) + cell.alpha * h
        z = torch.addcmul(z, own.expand_as(h), force, value=-cell.dt)
        h = torch.addcmul(h, own.expand_as(h), z, value=cell.dt)
        ys.append(h)
    return torch.stack(ys)


def test_a_step_keeps_volumes() -> None:
    """The determinant of what a step does to (h, z) of a unit is 1, whatever the numbers."""
    cell = Cell(dt=0.9)
    p = {k: torch.from_numpy(stream(0, k).normal(s)).double() for k, s in cell.shapes(1, 1).items()}
    x = torch.ones(1, 1).double()

    def moved(state: Tensor) -> Tensor:
        _, (h, z) = cell.step(p, x, (state[:1, None], state[1:, None]))
        return torch.cat([h[0], z[0]])

    at = torch.tensor([0.3, -0.8]).double().requires_grad_()
    slope = torch.stack([torch.autograd.grad(moved(at)[n], at)[0] for n in range(2)])
    torch.testing.assert_close(torch.det(slope), torch.tensor(1.0).double())
    assert float(scan(cell, p, x[None])) != 0


def test_the_start_is_the_authors() -> None:
    p = Cell().init(Cell().shapes(6, 500), lambda name: stream(0, name))
    assert 0 <= float(p["w"].min()) < 0.01 < 0.99 < float(p["w"].max()) <= 1
    assert 0.099 < float(abs(p["c"]).max()) <= 0.1
    assert 0.99 * 65**-0.5 < float(abs(p["W"]).max()) <= 65**-0.5
    assert not p["b"].any()
