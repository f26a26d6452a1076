"""minGRU against a loop written from Feng et al. (2024)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.mingru import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"candidate_activation": "tanh"}, {"candidate_activation": "positive"}, {"chrono": 30},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["Wn"].shape[1], dtype=xs.dtype)
    ys = []
    for x in xs:
        z = torch.sigmoid(x @ p["Wz"] + p["bz"])
        n = x @ p["Wn"] + p["bn"]
        if cell.candidate_activation == "tanh":
            n = torch.tanh(n)
        elif cell.candidate_activation == "positive":
            n = torch.where(n >= 0, n + 0.5, torch.sigmoid(n))
        h = torch.lerp(h, n, z)
        ys.append(h)
    return torch.stack(ys)


def test_is_the_papers_computation_in_logarithms() -> None:
    """Appendix B of the paper: log h_t by a cumulated log-sum-exp, for positive candidates."""
    cell = Cell(candidate_activation="positive")
    p = {k: torch.from_numpy(stream(0, k).normal(s)).double() for k, s in cell.shapes(3, 8).items()}
    xs = torch.from_numpy(stream(0, "xs").normal((20, 2, 3))).double()
    k, n = xs @ p["Wz"] + p["bz"], xs @ p["Wn"] + p["bn"]
    log_g = torch.where(n >= 0, (torch.relu(n) + 0.5).log(), -torch.nn.functional.softplus(-n))
    log_kept = -torch.nn.functional.softplus(k).cumsum(0)
    values = -torch.nn.functional.softplus(-k) + log_g
    torch.testing.assert_close(scan(cell, p, xs), (log_kept + (values - log_kept).logcumsumexp(0)).exp())
