"""Linear attention against a loop over heads and steps, written from the papers that its docstring names."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.linear_attention import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"decay": "none", "key_activation": "elu", "norm": "keys", "output_gate": False},
    {"decay": "fixed", "heads": 3}, {"decay": "double", "bonus": True, "heads": 2},
    {"decay": "tied", "key_activation": "silu", "norm": "none"},
    {"decay": "scalar", "norm": "keys", "key_activation": "elu", "heads": 2},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    H = p["Wq"].shape[1]
    D = H // cell.heads
    found = []
    for n in range(cell.heads):
        here = slice(n * D, (n + 1) * D)
        found.append(torch.stack(one_head(cell, p, xs, n, here)))
    y = torch.cat(found, -1)
    return y * torch.nn.functional.silu(xs @ p["Wg"]) if cell.output_gate else y


def decays(cell: Cell, p: Mapping[str, Tensor], x: Tensor, n: int, here: slice) -> Tensor:
    """One a row and key of head n."""
    one = torch.ones(len(x), here.stop - here.start, dtype=x.dtype)
    if cell.decay == "none":
        return one
    if cell.decay == "fixed":
        return one * p["a"][0, n]
    if cell.decay == "scalar":
        time = torch.nn.functional.softplus(x @ p["Wa"] + p["ba"])[:, n : n + 1]
        return one * torch.exp(-torch.exp(p["A"][0, n]) * time)
    a = (x @ p["Wa"] + p["ba"])[:, here]
    if cell.decay == "double":
        return torch.exp(-torch.exp(a))
    return torch.sigmoid(a) ** (1 / 16 if cell.decay == "vector" else 1)


def one_head(cell: Cell, p: Mapping[str, Tensor], xs: Tensor, n: int, here: slice) -> list[Tensor]:
    F = torch.nn.functional

    def act(z: Tensor) -> Tensor:
        return {"identity": z, "silu": F.silu(z), "elu": F.elu(z) + 1}[cell.key_activation]

    D = here.stop - here.start
    S, seen, ys = torch.zeros(xs.shape[1], D, D, dtype=xs.dtype), torch.zeros(xs.shape[1], D, dtype=xs.dtype), []
    for x in xs:
        a = decays(cell, p, x, n, here)
        q, v = act(x @ p["Wq"])[:, here] / D**0.5, (x @ p["Wv"])[:, here]
        k = 1 - a if cell.decay == "tied" else act(x @ p["Wk"])[:, here]
        added = torch.einsum("bi,bj->bij", k, v)
        before, S = S, a[:, :, None] * S + added
        asked = before + p["u"][0, here][:, None] * added if cell.bonus else S
        y = torch.einsum("bi,bij->bj", q, asked)
        seen = a * seen + k
        if cell.norm == "keys":
            y = y / (torch.einsum("bi,bi->b", q, seen)[:, None] + 1e-6)
        elif cell.norm == "rms":
            y = p["g"][:, here] * F.rms_norm(y, (D,), eps=1e-5)
        ys.append(y)
    return ys


def test_what_is_bound_to_a_key_is_found_again_as_long_as_it_lasts() -> None:
    """One-hot keys; a decay of 1/2 a step halves what is found."""
    H = 4
    for decay, kept in (("none", 1.0), ("double", 0.5)):
        cell = Cell(decay=decay, norm="none", output_gate=False)  # type: ignore[arg-type]
        p = {k: torch.zeros(s) for k, s in cell.shapes(3 * H, H).items()}
        for block, name in enumerate("qkv"):
            p[f"W{name}"][block * H : (block + 1) * H] = torch.eye(H) * (H**0.5 if name == "q" else 1)
        if decay == "double":
            p["ba"] = torch.full((1, H), math.log(math.log(2)))  # exp(-exp(ba)) = 1/2
        xs = torch.zeros(4, 1, 3 * H)
        xs[0, 0, H], xs[0, 0, 2 * H :] = 1, torch.tensor([1.0, 2.0, 3.0, 4.0])
        xs[3, 0, 0] = 1
        torch.testing.assert_close(scan(cell, p, xs)[3, 0], kept**3 * torch.tensor([1.0, 2.0, 3.0, 4.0]))


def test_the_heads_of_a_retention_forget_as_published_and_are_not_trained() -> None:
    cell = Cell(decay="fixed", heads=3)
    p = cell.init(cell.shapes(2, 6), lambda name: stream(0, name))
    assert p["a"].tolist() == [[1 - 1 / 32, 1 - 1 / 64, 1 - 1 / 128]]
    assert cell.frozen == ("a",)


def test_decays_start_between_a_step_and_a_thousand() -> None:
    for decay, heads in (("scalar", 100), ("double", 1)):
        cell = Cell(decay=decay, heads=heads)  # type: ignore[arg-type]
        shapes = cell.shapes(2, 200)
        p = {k: torch.from_numpy(v) for k, v in cell.init(shapes, lambda name: stream(0, name)).items()}
        a = -torch.exp(p["ba"]) if decay == "double" else -p["A"].exp() * torch.nn.functional.softplus(p["ba"])
        assert 0.5 < float((-1 / a).min()) < float((-1 / a).max()) < 1001


@pytest.mark.parametrize(
    ("switches", "why"),
    [
        ({"norm": "keys"}, r"^norm: by keys needs positive ones \(key_activation: elu\)$"),
        ({"norm": "keys", "key_activation": "elu", "bonus": True}, r"^bonus: not with norm: keys, which knows"),
    ],
)
def test_what_does_not_go_together(switches: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Cell(**switches)  # type: ignore[arg-type]
