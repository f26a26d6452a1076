"""DeltaNet against a loop over heads and steps that multiplies by its transition, I - b k k^T."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.deltanet import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"gate": "scalar", "output_gate": True, "heads": 2}, {"gate": "vector", "negative_eigenvalues": True},
    {"delta_rule": False, "norm": False}, {"key_norm": False, "key_activation": "identity", "heads": 3},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    D = p["Wq"].shape[1] // cell.heads
    heads = [one_head(cell, p, xs, n, slice(n * D, (n + 1) * D)) for n in range(cell.heads)]
    y = torch.cat(heads, -1)
    return y * torch.nn.functional.silu(xs @ p["Wg"]) if cell.output_gate else y


def one_head(cell: Cell, p: Mapping[str, Tensor], xs: Tensor, n: int, here: slice) -> Tensor:
    F, D = torch.nn.functional, here.stop - here.start
    one = torch.eye(D, dtype=xs.dtype)
    S, ys = torch.zeros(xs.shape[1], D, D, dtype=xs.dtype), []
    for x in xs:
        q, k, v = (x @ p[f"W{name}"][:, here] for name in "qkv")
        if cell.key_activation == "silu":
            q, k, v = F.silu(q), F.silu(k), F.silu(v)
        if cell.key_norm:
            q, k = (z / (z.square().sum(-1, keepdim=True) + 1e-6) ** 0.5 for z in (q, k))
        b = torch.sigmoid(x @ p["Wb"])[:, n, None, None] * (2 if cell.negative_eigenvalues else 1)
        keys = torch.einsum("bi,bj->bij", k, k)
        turn = one - b * keys if cell.delta_rule else one.expand_as(keys)
        if cell.gate != "none":
            time = F.softplus(x @ p["Wa"] + p["ba"])
            time = time[:, n : n + 1].expand(-1, D) if cell.gate == "scalar" else time[:, here]
            turn = turn @ torch.diag_embed(torch.exp(-torch.exp(p["A"][0, n]) * time))
        S = turn @ S + b * torch.einsum("bi,bj->bij", k, v)
        y = torch.einsum("bi,bij->bj", q / D**0.5, S)
        ys.append(p["g"][:, here] * F.rms_norm(y, (D,), eps=1e-5) if cell.norm else y)
    return torch.stack(ys)


def written(cell: Cell, values: list[float], gate: float) -> Tensor:
    """What is found at one key, to which these values are written one after another, b being sigmoid(gate) times c."""
    p = {k: torch.zeros(s).double() for k, s in cell.shapes(3, 1).items()}
    p |= {"Wq": torch.tensor([[1.0], [0], [0]]).double(), "Wk": torch.tensor([[1.0], [0], [0]]).double()}
    p |= {"Wv": torch.tensor([[0.0], [1], [0]]).double(), "Wb": torch.tensor([[0.0], [0], [gate]]).double()}
    xs = torch.tensor([[1.0, value, 1.0] for value in values]).double()[:, None]
    return scan(cell, p, xs).flatten()


def test_a_value_written_to_a_key_replaces_what_was_there() -> None:
    plain = {"key_activation": "identity", "norm": False}
    found = written(Cell(**plain), [3.0, -2.0], 40.0)  # type: ignore[arg-type]
    torch.testing.assert_close(found, torch.tensor([3.0, -2.0]).double(), rtol=1e-5, atol=1e-5)
    added = written(Cell(delta_rule=False, **plain), [3.0, -2.0], 40.0)  # type: ignore[arg-type]
    torch.testing.assert_close(added, torch.tensor([3.0, 1.0]).double(), rtol=1e-5, atol=1e-5)


def test_with_negative_eigenvalues_a_memory_can_change_its_sign() -> None:
    """b = 2 and nothing to write: what is there is turned over, at each step. Parity by one number."""
    cell = Cell(key_activation="identity", norm=False, negative_eigenvalues=True)
    found = written(cell, [1.0, 0.0, 0.0, 0.0], 40.0)
    torch.testing.assert_close(found, torch.tensor([2.0, -2.0, 2.0, -2.0]).double(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("gate", ["scalar", "vector"])
def test_a_gate_starts_within_a_step_and_a_thousand(gate: str) -> None:
    cell = Cell(gate=gate, heads=50)  # type: ignore[arg-type]
    p = {k: torch.from_numpy(v) for k, v in cell.init(cell.shapes(2, 100), lambda name: stream(0, name)).items()}
    time = torch.nn.functional.softplus(p["ba"])
    assert 0.001 <= float(time.min()) < 0.002 < 0.05 < float(time.max()) <= 0.1
    assert 1 <= float(p["A"].exp().min()) < 3 < 13 < float(p["A"].exp().max()) <= 16.001
