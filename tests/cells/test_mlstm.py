"""The mLSTM against a loop written from Beck et al. (2024), without the stabiliser: it must cancel out."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench import registry
from rnnbench.cells.mlstm import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream
from rnnbench.settings import Settings

VARIANTS: list[dict[str, object]] = [
    {}, {"forget_activation": "exp"}, {"forget_bias": 0.0}, {"chrono": 30}, {"heads": 3},
    {"heads": 2, "forget_activation": "exp"},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """Head by head, each on its own columns and with its own two gates."""
    H = p["Wq"].shape[1]
    D = H // cell.heads
    found = []
    for h in range(cell.heads):
        part = {k: value[:, h * D : (h + 1) * D] for k, value in p.items() if k[1] not in "if"}
        found.append(one_head(cell, part | {k: p[k][:, h : h + 1] for k in ("Wi", "bi", "Wf", "bf")}, xs))
    return torch.cat(found, -1)


def one_head(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    B, H = xs.shape[1], p["Wq"].shape[1]
    C, n = torch.zeros(B, H, H, dtype=xs.dtype), torch.zeros(B, H, dtype=xs.dtype)
    ys = []
    for x in xs:
        q, k, v, o = (x @ p[f"W{name}"] + p[f"b{name}"] for name in "qkvo")
        i, f = (x @ p["Wi"] + p["bi"]).exp(), x @ p["Wf"] + p["bf"]
        f = f.exp() if cell.forget_activation == "exp" else torch.sigmoid(f)
        k = k / H**0.5
        C = f[:, :, None] * C + i[:, :, None] * torch.einsum("bi,bj->bij", v, k)  # the paper's: v k^T
        n = f * n + i * k
        size = torch.einsum("bi,bi->b", n, q).abs().clamp(min=1)[:, None]
        ys.append(torch.sigmoid(o) * torch.einsum("bij,bj->bi", C, q) / size)
    return torch.stack(ys)


@pytest.mark.parametrize("bias", [-1000.0, 1000.0])
def test_no_input_gate_is_too_small_or_too_large(bias: float) -> None:
    cell = Cell()
    p = {k: torch.from_numpy(stream(0, k).normal(s)) for k, s in cell.shapes(2, 4).items()}
    p["bi"] = torch.full((1, 1), bias).requires_grad_()
    ys = scan(cell, p, torch.from_numpy(stream(0, "xs").normal((30, 3, 2))))
    (slope,) = torch.autograd.grad(ys.sum(), [p["bi"]])
    assert ys.isfinite().all()
    assert slope.isfinite().all()


def test_a_value_is_found_again_by_its_key() -> None:
    """Keys that are one-hot and queries that ask for the first: what stood with it comes back, unforgotten."""
    H = 4
    cell = Cell()
    p = {k: torch.zeros(s) for k, s in cell.shapes(3 * H, H).items()}
    for block, name in enumerate("qkv"):
        p[f"W{name}"][block * H : (block + 1) * H] = torch.eye(H) * (H**0.5 if name == "k" else 1)
    p |= {"bf": torch.full((1, 1), 50.0), "bo": torch.full((1, H), 50.0)}
    xs = torch.zeros(5, 1, 3 * H)
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    for t in range(2):
        xs[t, 0, H + t] = 1
        xs[t, 0, 2 * H :] = values[t]
    xs[3, 0, 1] = xs[4, 0, 0] = 1
    torch.testing.assert_close(scan(cell, p, xs)[3:, 0], values.flip(0))


def test_chrono_needs_a_sigmoid() -> None:
    with pytest.raises(ValueError, match=r"^chrono: needs a sigmoid forget gate, whose bias it sets$"):
        Cell(chrono=9, forget_activation="exp")


def test_heads_divide_the_units() -> None:
    layer = registry.layer({"cell": "mlstm", "heads": 3})
    assert layer.incompatible(Settings(hidden=32)) == "heads: 3 do not divide the 32 hidden units"
    assert layer.incompatible(Settings(hidden=33)) == ""


def test_a_head_has_gates_and_a_memory_of_its_own() -> None:
    """A head whose input gate stays shut answers nothing, whatever the one beside it holds."""
    cell = Cell(heads=2)
    p = {k: torch.from_numpy(stream(0, k).normal(s)) for k, s in cell.shapes(3, 8).items()}
    p |= {"Wi": torch.zeros(3, 2), "bi": torch.tensor([[-60.0, 1.0]])}
    ys = scan(cell, p, torch.from_numpy(stream(0, "xs").normal((6, 2, 3))))
    assert float(ys[..., :4].abs().max()) < 1e-12
    assert float(ys[..., 4:].abs().min()) > 1e-6
    assert cell.widths(8) == (32, 8, 2)
