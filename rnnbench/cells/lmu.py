"""Legendre memory unit (Voelker et al., 2019): a linear memory m of a sliding window, beside a plain network h.

    u  = x Ex + h Eh + m Em        one number
    m' = m A + u B                 the coefficients of u's last theta steps, by H Legendre polynomials
    h' = tanh(x W + h U + m' V)

A and B are d m / dt = m A~ + u B~ over one step in which u stays (zero-order hold), and are not trained:
A~_ji = (2 i + 1) / theta * (-1 if i < j else (-1)^(i - j + 1)), B~_i = (2 i + 1) (-1)^i / theta. At the start Ex and Eh
are uniform in +-sqrt(3 / rows), Em is 0, W, U and V are from N(0, 2 / (rows + columns)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnbench import cells
from rnnbench.cells import matrices, tanh
from rnnbench.cells.memory import spread

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `feedback` (u sees h and m), `recurrence` (h sees h), `trained` (A and B too); `chrono` is theta, the
    window in steps (true: the rung's longest lag; without it as many steps as there are units)."""

    feedback: bool = True
    recurrence: bool = True
    trained: bool = False
    chrono: cells.Chrono = False

    @property
    def frozen(self) -> tuple[str, ...]:
        return () if self.trained else ("A", "B")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"W": (I, H), "V": (H, H)} | ({"U": (H, H)} if self.recurrence else {})
        shapes |= {"Ex": (I, 1)} | ({"Eh": (H, 1), "Em": (H, 1)} if self.feedback else {})
        return shapes | {"A": (H, H), "B": (1, H)}

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p: cells.Arrays = {}
        for name in {"W", "V", "U"} & shapes.keys():
            p[name] = stream(name).normal(shapes[name]) * np.float32((2 / sum(shapes[name])) ** 0.5)
        for name in {"Ex", "Eh"} & shapes.keys():
            p[name] = (2 * stream(name).uniform(shapes[name]) - 1) * np.float32((3 / shapes[name][0]) ** 0.5)
        A, B = window(shapes["V"][0], float(self.chrono or shapes["V"][0]))
        p |= {"A": A.astype(np.float32), "B": B.astype(np.float32)}
        return {name: p.get(name, np.zeros(shape, np.float32)) for name, shape in shapes.items()}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, m = state
        u = x @ p["Ex"]
        if self.feedback:
            u = u + h @ p["Eh"] + m @ p["Em"]
        m = m @ p["A"] + spread(u, m) * p["B"]
        a = x @ p["W"] + m @ p["V"]
        h = tanh(a + h @ p["U"] if self.recurrence else a)
        return h, (h, m)


def window(H: int, theta: float) -> tuple[matrices.Matrix, matrices.Matrix]:
    """A (H, H) and B (1, H) of a window of theta steps: what exp makes of both of them together."""
    i, j = np.arange(H)[None], np.arange(H)[:, None]
    both = np.zeros((H + 1, H + 1))
    both[:H, :H] = (2 * i + 1) / theta * np.where(i < j, -1.0, 1.0 - 2.0 * ((i - j + 1) % 2))
    both[H, :H] = ((2 * i + 1) * (1.0 - 2.0 * (i % 2)) / theta)[0]
    found = matrices.exponential(both)
    return found[:H, :H], found[H:, :H]
