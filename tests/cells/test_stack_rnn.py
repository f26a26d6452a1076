"""The stack network against a loop that moves a whole stack at once, written from Joulin & Mikolov (2015)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rnnbench.cells.stack_rnn import Cell
from rnnbench.layers.recurrent import scan

VARIANTS: list[dict[str, object]] = [{}, {"activation": "tanh", "depth": 2}, {"pop": False, "depth": 1}]


def reference(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    B, H = xs.shape[1], p["W"].shape[1]
    h, stack, ys = torch.zeros(B, H, dtype=xs.dtype), torch.zeros(B, cell.depth, H, dtype=xs.dtype), []
    for x in xs:
        a = torch.cat([x, h, stack[:, 0]], 1) @ torch.cat([p["W"], p["U"], p["V"]]) + p["b"]
        h = torch.tanh(a) if cell.activation == "tanh" else torch.relu(a)
        names = ("push", "stay", "pop") if cell.pop else ("push", "stay")
        asked = torch.cat([h @ p[f"A_{name}"] + p[f"a_{name}"] for name in names], 1)
        push, stay, *pop = torch.softmax(asked, 1).T[:, :, None, None]
        down = torch.cat([torch.addmm(p["d"], h, p["D"])[:, None], stack[:, :-1]], 1)
        up = torch.cat([stack[:, 1:], torch.zeros(B, 1, H, dtype=xs.dtype)], 1)
        stack = push * down + stay * stack + (pop[0] * up if pop else 0)
        ys.append(h)
    return torch.stack(ys)


def test_what_was_pushed_last_is_popped_first() -> None:
    """Inputs say what is pushed, and with which sign what to do; the top is read a step later."""
    cell = Cell(activation="tanh", depth=4)
    p = {k: torch.zeros(s) for k, s in cell.shapes(3, 3).items()}
    p |= {"W": torch.tensor([[0.5, 0, 0], [0, 9, 0], [0, -9, 0]]), "V": torch.zeros(3, 3), "D": torch.eye(3)}
    p["V"][0, 2] = 1.0  # the top's first unit is shown by the third
    p |= {"A_push": torch.tensor([[0.0], [50], [0]]), "A_pop": torch.tensor([[0.0], [-50], [0]])}
    xs = torch.zeros(6, 1, 3)
    for t, value in enumerate((1.0, -1.0, 2.0)):
        xs[t, 0, :2] = torch.tensor([value, 1.0])
    xs[3:, 0, 2] = 1
    shown = torch.atanh(scan(cell, p, xs)[3:, 0, 2])
    torch.testing.assert_close(shown, torch.tanh(torch.tensor([1.0, -0.5, 0.5])), rtol=1e-3, atol=1e-3)
