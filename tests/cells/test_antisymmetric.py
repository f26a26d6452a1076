"""The antisymmetric network against a loop written from Chang et al. (2019)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.antisymmetric import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [{}, {"gated": True}, {"gamma": 0.0}, {"gated": True, "gamma": 0.5, "epsilon": 1.0}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    H = p["W"].shape[1]
    M = torch.zeros(H, H, dtype=xs.dtype)
    if H > 1:
        M[tuple(torch.triu_indices(H, H, 1))] = p["a"][0]
    flow = M - M.T - cell.gamma * torch.eye(H, dtype=xs.dtype)
    h, ys = torch.zeros(xs.shape[1], H, dtype=xs.dtype), []
    for x in xs:
        drift = torch.tanh(torch.addmm(torch.addmm(p["b"], x, p["W"]), h, flow))
        if cell.gated:
            drift = drift * torch.sigmoid(torch.addmm(torch.addmm(p["bz"], x, p["Wz"]), h, flow))
        h = torch.add(h, drift, alpha=cell.epsilon)
        ys.append(h)
    return torch.stack(ys)


def test_along_a_flow_without_friction_a_state_keeps_its_size() -> None:
    """Small states and small steps: the flow is then linear, and turns."""
    cell = Cell(gamma=0.0, epsilon=0.01)
    p = {k: torch.from_numpy(stream(0, k).normal(s)).double() for k, s in cell.shapes(1, 6).items()}
    p |= {"W": 1e-3 * p["W"], "b": 0 * p["b"]}
    xs = torch.zeros(300, 1, 1).double()
    xs[0] = 1
    sizes = torch.linalg.vector_norm(scan(cell, p, xs)[:, 0], dim=-1)
    assert float((sizes / sizes[0] - 1).abs().max()) < 0.15
    ended = torch.linalg.vector_norm(scan(Cell(gamma=5.0, epsilon=0.01), p, xs)[-1, 0])
    assert float(ended) < 1e-4 * float(sizes[0])


def test_it_starts_from_normal_numbers() -> None:
    p = Cell().init(Cell().shapes(4, 100), lambda name: stream(0, name))
    assert abs(float(p["a"].std()) / 0.02**0.5 - 1) < 0.05
    assert abs(float(p["W"].std()) / 0.5 - 1) < 0.1
