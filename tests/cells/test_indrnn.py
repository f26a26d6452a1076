"""The IndRNN against a loop written from Li et al. (2018)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.indrnn import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [{}, {"activation": "tanh"}, {"bounded": False}, {"chrono": 30}]


class Clipped(torch.autograd.Function):
    """What is read is cut off, what comes back is not."""

    @staticmethod
    def forward(ctx: object, u: Tensor, most: float) -> Tensor:
        return torch.where(u.abs() > most, most * u.sign(), u)

    @staticmethod
    def backward(ctx: object, *upstream: Tensor) -> tuple[Tensor, None]:
        return upstream[0], None


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["W"].shape[1], dtype=xs.dtype)
    most = 2 ** (1 / cell.chrono) if cell.chrono else 1.0
    u: Tensor = Clipped.apply(p["u"], most) if cell.bounded else p["u"]  # type: ignore[no-untyped-call]
    ys = []
    for x in xs:
        a = torch.addmm(p["b"], x, p["W"]) + torch.einsum("bi,oi->bi", h, u)
        h = torch.clamp(a, min=0) if cell.activation == "relu" else torch.tanh(a)
        ys.append(h)
    return torch.stack(ys)


def test_no_unit_grows_by_more_than_two_over_the_lag() -> None:
    cell = Cell(chrono=20)
    p = {k: torch.zeros(s) for k, s in cell.shapes(1, 3).items()} | {
        "u": torch.full((1, 3), 5.0),
        "W": torch.ones(1, 3),
    }
    xs = torch.zeros(21, 1, 1)
    xs[0] = 1
    torch.testing.assert_close(scan(cell, p, xs)[20, 0], torch.full((3,), 2.0))


def test_u_starts_within_the_bound_and_near_it_where_there_is_a_lag() -> None:
    for chrono, low, high in ((False, 0.0, 1.0), (10, 2**-0.1, 2**0.1)):
        cell = Cell(chrono=chrono)
        u = cell.init(cell.shapes(2, 1000), lambda name: stream(0, name))["u"]
        assert low <= float(u.min()) < float(u.max()) <= high
        assert float(u.max() - u.min()) > 0.99 * (high - low)
