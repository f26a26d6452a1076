"""MUT3, the third of three cells found by evolution (Jozefowicz et al., 2015).

z  = sigmoid(x Wz + tanh(h) Uz + bz)
r  = sigmoid(x Wr + h Ur + br)
n  = tanh((r * h) Un + x Wn + bn)
h' = n * z + h * (1 - z)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `reset_gate` (off: r = 1), and `chrono`, which sets bz = -log U(1, lag - 1)."""

    reset_gate: bool = True
    chrono: cells.Chrono = False

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in ("r" if self.reset_gate else "") + "zn":
            shapes |= {f"W{k}": (I, H), f"U{k}": (H, H), f"b{k}": (1, H)}
        return shapes

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.chrono:
            p["bz"] = -cells.chrono_bias(self.chrono, shapes["bz"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        z = sigmoid(x @ p["Wz"] + tanh(h) @ p["Uz"] + p["bz"])
        r = sigmoid(x @ p["Wr"] + h @ p["Ur"] + p["br"]) if self.reset_gate else 1.0
        n = tanh((r * h) @ p["Un"] + x @ p["Wn"] + p["bn"])
        h = n * z + h * (1 - z)
        return h, (h,)
