"""M2RNN against a loop that holds its memory as one matrix, (B, keys, H), written from its equations."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.m2rnn import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"keys": 3, "transition": False, "skip": False}, {"keys": 2, "gate": False, "norm": False},
    {"keys": 2, "candidate_activation": "identity", "output_gate": False}, {"keys": 1, "key_activation": "identity"},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    F, H = torch.nn.functional, p["Wv"].shape[1]
    act = F.silu if cell.key_activation == "silu" else torch.nn.Identity()
    k, q = (act(xs @ torch.cat([p[f"{name}{i + 1}"] for i in range(cell.keys)], 1)) for name in "KQ")
    v = act(xs @ p["Wv"])
    S, ys = torch.zeros(xs.shape[1], cell.keys, H, dtype=xs.dtype), []
    for t in range(len(xs)):
        Z = (S @ p["W"] if cell.transition else S) + torch.einsum("bk,bv->bkv", k[t], v[t])
        Z = torch.tanh(Z) if cell.candidate_activation == "tanh" else Z
        if cell.gate:
            f = torch.exp(-torch.exp(p["A"]) * F.softplus(xs[t] @ p["Wa"] + p["ba"]))[:, :, None]
            Z = f * S + (1 - f) * Z
        S = Z
        ys.append(torch.einsum("bk,bkv->bv", q[t], S))
    y = torch.stack(ys)
    y = y + v * p["D"] if cell.skip else y
    y = y * F.silu(xs @ p["Wg"]) if cell.output_gate else y
    return F.rms_norm(y, (H,), p["g"][0], eps=1e-5) if cell.norm else y


def test_the_start_is_as_published() -> None:
    p = {k: torch.from_numpy(v) for k, v in Cell().init(Cell().shapes(3, 64), lambda n: stream(0, n)).items()}
    assert torch.equal(p["W"], torch.eye(64))
    assert (p["D"] == 1).all()
    assert 1 <= float(p["A"].exp()) <= 16
    assert 0.001 <= float(torch.nn.functional.softplus(p["ba"])) <= 0.1
    columns = torch.cat([p[f"K{i}"] for i in range(1, 9)])
    assert 0.9 / 8 < float(columns.abs().max()) <= 1 / 8


def test_a_transition_turns_what_is_held() -> None:
    """W exchanges two units: a memory that nothing is written to any more tells how many steps ago it was."""
    plain = {"candidate_activation": "identity", "key_activation": "identity"}
    cell = Cell(gate=False, skip=False, output_gate=False, norm=False, keys=1, **plain)  # type: ignore[arg-type]
    p = {k: torch.zeros(s).double() for k, s in cell.shapes(3, 2).items()}
    p |= {"W": torch.tensor([[0.0, 1], [1, 0]]).double(), "Wv": torch.tensor([[0.0, 0], [1, 0], [0, 0]]).double()}
    p |= {"K1": torch.tensor([[1.0], [0], [0]]).double(), "Q1": torch.tensor([[0.0], [0], [1]]).double()}
    xs = torch.tensor([[1.0, 3, 1]] + [[0.0, 0, 1]] * 3).double()[:, None]
    found = scan(cell, p, xs)[:, 0]
    torch.testing.assert_close(found, torch.tensor([[3.0, 0], [0, 3], [3, 0], [0, 3]]).double())
