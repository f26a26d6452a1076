"""Mamba-3 against a loop over steps with complex states that turn, (B, D, D) a head, written from Lahoti et al. (2026):
what the cell turns are keys and queries, so that the two are the same only if that is right."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from rnnbench.cells.mamba3 import Cell
from rnnbench.layers.recurrent import scan
from rnnbench.rng import stream

VARIANTS: list[dict[str, object]] = [
    {}, {"heads": 3, "rotation": "none", "discretisation": "euler"}, {"key_norm": False, "key_bias": False},
    {"heads": 2, "rotation": "fixed", "key_norm": False, "skip": False},
    {"heads": 2, "discretisation": "euler", "key_bias": False, "gate": False},
]  # fmt: skip


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    D = p["Wv"].shape[1] // cell.heads
    return torch.cat([one_head(cell, p, xs, n, slice(n * D, (n + 1) * D)) for n in range(cell.heads)], -1)


def one_head(cell: Cell, p: Mapping[str, Tensor], xs: Tensor, n: int, here: slice) -> Tensor:
    F, D, T, B = torch.nn.functional, here.stop - here.start, *xs.shape[:2]

    def key(name: str) -> Tensor:
        both = torch.cat([(xs @ p[f"W{name}{half}"])[..., here] for half in "ri"], -1)
        if cell.key_norm:
            gain = torch.cat([p[f"g{name}{half}"][0, here] for half in "ri"])
            both = F.rms_norm(both, (2 * D,), gain, eps=1e-5)
        if cell.key_bias:
            both = both + torch.cat([p[f"b{name}{half}"][0, here] for half in "ri"])
        return torch.complex(both[..., :D], both[..., D:])

    def narrow(name: str) -> Tensor:
        return (xs @ p[name])[..., n]  # (T, B)

    keys, queries, values = key("k"), key("q"), (xs @ p["Wv"])[..., here]
    time = F.softplus(narrow("Wt") + p["bt"][0, n], threshold=1000)
    decay = torch.exp(-time * F.softplus(narrow("Wa"), threshold=1000).clamp(min=1e-4))
    angle = torch.zeros(T, B, D, dtype=xs.dtype)
    if cell.rotation == "data":
        angle = math.pi * torch.tanh((xs @ p["Wo"])[..., here]) * time[..., None]
    elif cell.rotation == "fixed":
        angle = angle + p["o"][0, here]
    late = torch.sigmoid(narrow("Wl")) if cell.discretisation == "trapezoidal" else torch.ones_like(time)
    R = driven = torch.zeros(B, D, D, dtype=keys.dtype)
    ys = []
    for t in range(T):
        turned = torch.polar(decay[t, :, None].expand(B, D), -angle[t])[..., None]
        R = turned * (R + ((1 - late[t]) * time[t])[:, None, None] * driven)
        driven = torch.einsum("bk,bv->bkv", keys[t], values[t].to(keys.dtype))
        R = R + (late[t] * time[t])[:, None, None] * driven
        ys.append(torch.einsum("bk,bkv->bv", queries[t].conj(), R).real)
    y = torch.stack(ys)
    y = y + p["D"][0, n] * values if cell.skip else y
    return y * F.silu((xs @ p["Wz"])[..., here]) if cell.gate else y


def started(cell: Cell, H: int = 64) -> dict[str, Tensor]:
    return {k: torch.from_numpy(v) for k, v in cell.init(cell.shapes(3, H), lambda name: stream(0, name)).items()}


def test_the_start_is_as_published() -> None:
    p = started(Cell(heads=500, rotation="fixed"), 1000)
    for name in ("gkr", "gqi", "bki", "bqr", "D"):
        assert (p[name] == 1).all(), name
    time = torch.nn.functional.softplus(p["bt"])
    assert 0.001 <= float(time.min()) < 0.0015 < 0.07 < float(time.max()) <= 0.1
    longer = started(Cell(heads=500, time_max=2.0), 1000)["bt"]
    assert 1.8 < float(torch.nn.functional.softplus(longer).max()) <= 2


def test_fixed_angles_are_those_of_rotary_positions() -> None:
    """The first pair of a head turns by 1 at each step, the others ever more slowly."""
    angles = started(Cell(rotation="fixed", heads=2), 8)["o"]
    torch.testing.assert_close(angles[0], torch.tensor([1, 0.1, 0.01, 0.001, 1, 0.1, 0.01, 0.001]))


def test_fixed_angles_are_not_trained() -> None:
    assert Cell(rotation="fixed").frozen == ("o",)
    assert Cell().frozen == ()


def signs(cell: Cell, words: list[int]) -> list[float]:
    """What one unit shows of words: 2 enters its memory, 1 turns it by half a turn if it is data that turn it."""
    p = {k: torch.zeros(s).double() for k, s in cell.shapes(3, 1).items()}
    p["bt"] += math.log(math.e - 1)  # steps of time are 1
    p["Wa"] -= 50  # it forgets as slowly as it can
    p["Wv"][2], p["bkr"][:], p["bqr"][:] = 1, 1, 1
    if cell.rotation == "data":
        p["Wo"][1] = 50
    xs = torch.nn.functional.one_hot(torch.tensor(words), 3)[:, None].double()
    return [float(y) for y in scan(cell, p, xs).flatten()]


def test_a_pair_that_turns_by_half_a_turn_at_a_word_tells_parity() -> None:
    bare = {"key_norm": False, "skip": False, "gate": False, "discretisation": "euler"}
    words = [2, 1, 0, 1, 1, 0, 1]
    kept = [math.exp(-1e-4 * t) for t in range(7)]
    expected = [kept[t] * (-1) ** sum(words[1 : t + 1]) for t in range(7)]
    assert signs(Cell(**bare), words) == pytest.approx(expected)  # type: ignore[arg-type]
    assert signs(Cell(rotation="none", **bare), words) == pytest.approx(kept)  # type: ignore[arg-type]


def test_the_trapezoid_shares_a_word_between_two_steps() -> None:
    """Of weights of 1/2: half at its own step, the other half, decayed, at the next."""
    bare = {"key_norm": False, "skip": False, "gate": False, "rotation": "none"}
    halved = signs(Cell(**bare), [2, 0, 0])  # type: ignore[arg-type]
    kept = math.exp(-1e-4)
    assert halved == pytest.approx([0.5, kept, kept**2])
