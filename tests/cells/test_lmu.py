"""The Legendre memory unit against a loop written from Voelker et al. (2019), its window against scipy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from numpy.polynomial.legendre import legval
from torch import Tensor

from rnnbench.cells.lmu import Cell, window

VARIANTS: list[dict[str, object]] = [
    {}, {"feedback": False}, {"recurrence": False}, {"trained": True, "chrono": 30},
]  # fmt: skip
STARTS_ELSEWHERE = {"chrono"}


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    h = torch.zeros(xs.shape[1], p["W"].shape[1], dtype=xs.dtype)
    m, ys = torch.zeros_like(h), []
    for x in xs:
        u = torch.einsum("bi,io->b", x, p["Ex"])
        if cell.feedback:
            u = u + torch.einsum("bi,io->b", h, p["Eh"]) + torch.einsum("bi,io->b", m, p["Em"])
        m = torch.addmm(torch.outer(u, p["B"][0]), m, p["A"])
        a = torch.addmm(x @ p["W"], m, p["V"])
        h = torch.tanh(torch.addmm(a, h, p["U"]) if cell.recurrence else a)
        ys.append(h)
    return torch.stack(ys)


@pytest.mark.parametrize(("H", "theta"), [(1, 3.0), (6, 10.0), (32, 20.0), (32, 500.0)])
def test_the_window_is_what_a_hold_of_one_step_makes_of_it(H: int, theta: float) -> None:
    rows = (2 * np.arange(H)[:, None] + 1) / theta
    i, j = np.meshgrid(np.arange(H), np.arange(H), indexing="ij")
    A = rows * np.where(i < j, -1, (-1.0) ** (i - j + 1))
    B = rows * (-1.0) ** np.arange(H)[:, None]
    from scipy.signal import cont2discrete  # slow to import, and no worker but one needs it

    expected = cont2discrete((A, B, np.ones((1, H)), np.zeros((1, 1))), 1.0, "zoh")
    found = window(H, theta)
    np.testing.assert_allclose(found[0], expected[0].T, atol=1e-9)
    np.testing.assert_allclose(found[1], expected[1].T, atol=1e-9)


def test_the_memory_holds_what_came_within_the_window() -> None:
    """A slow signal, read off by Legendre polynomials at several delays."""
    H, theta = 12, 100
    A, B = window(H, float(theta))
    m = np.zeros((1, H))
    signal = np.sin(np.arange(400) * 2 * np.pi / 80)
    for u in signal:
        m = m @ A + u * B
    for delay in (0, 30, 60, 90):
        weights = [legval(2 * delay / theta - 1, np.eye(H)[k]) for k in range(H)]
        assert float(m[0] @ weights) == pytest.approx(signal[-1 - delay], abs=0.05)
