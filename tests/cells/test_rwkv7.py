"""RWKV-7's recurrence against a loop over heads and steps, with the state as the paper has it: values by keys."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.rwkv7 import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"heads": 2}, {"removal": False, "bonus": False}, {"decay": False, "norm": False, "heads": 3},
    {"output_gate": False},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    F, D = torch.nn.functional, p["Wr"].shape[1] // cell.heads
    found = []
    for n in range(cell.heads):
        here, S, ys = slice(n * D, (n + 1) * D), torch.zeros(xs.shape[1], D, D, dtype=xs.dtype), []
        for x in xs:
            r, k, v = (x @ p[f"W{name}"][:, here] for name in "rkv")
            a = torch.sigmoid(x @ p["Wa"] + p["ba"])[:, here]
            move = torch.eye(D, dtype=xs.dtype).expand_as(S)
            if cell.decay:
                w = -0.6065306597126334 * torch.sigmoid(x @ p["Ww"] + p["bw"])[:, here]
                move = torch.diag_embed(torch.exp(w))
            if cell.removal:
                d = k * p["kk"][:, here]
                d = d / (d.square().sum(-1, keepdim=True) + 1e-6).sqrt()
                move = move - torch.einsum("bi,bj->bij", d, a * d)
            k = torch.addcmul(k, k * (a - 1), p["ka"][:, here])
            S = S @ move + torch.einsum("bi,bj->bij", v, k)
            y = torch.einsum("bij,bj->bi", S, r)
            if cell.norm:
                y = F.layer_norm(y, (D,), p["g"][0, here], p["bg"][0, here], 1e-5)
            if cell.bonus:
                y = y + (r * k * p["rk"][:, here]).sum(-1, keepdim=True) * v
            ys.append(y * torch.sigmoid(x @ p["Wg"][:, here]) if cell.output_gate else y)
        found.append(torch.stack(ys))
    return torch.cat(found, -1)


def test_what_stands_at_a_key_can_be_taken_out_whole() -> None:
    """a = 1, ka = 1 and no decay: a second value at a key takes the place of the first."""
    cell = Cell(decay=False, bonus=False, norm=False, output_gate=False)
    p = {k: torch.zeros(s).double() for k, s in cell.shapes(2, 1).items()}
    p |= {"Wr": torch.tensor([[1.0], [0]]), "Wk": torch.tensor([[1.0], [0]]), "Wv": torch.tensor([[0.0], [1]])}
    p |= {"ba": torch.full((1, 1), 40.0), "ka": torch.ones(1, 1), "kk": torch.ones(1, 1)}
    xs = torch.tensor([[[1.0, 3.0]], [[1.0, -2.0]]]).double()
    found = scan(cell, {k: v.double() for k, v in p.items()}, xs).flatten()
    torch.testing.assert_close(found, torch.tensor([3.0, -2.0]).double(), rtol=1e-5, atol=1e-5)


def test_the_start_is_that_of_a_first_layer() -> None:
    p = Cell(heads=2).init(Cell(heads=2).shapes(3, 64), lambda name: stream(0, name))
    assert abs(float(p["kk"][0, 0]) - 0.76) < 1e-6 < abs(float(p["kk"][0, -1]) - 0.76)
    assert float(p["bw"].min()) == -8.0
    assert 0.09 < float(abs(p["Wk"]).max()) / float(abs(p["Wr"]).max()) < 0.11
