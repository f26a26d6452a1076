"""Minimal gated unit (Zhou et al., 2016).

    f  = sigmoid(x Wf + h Uf + bf)
    n  = tanh(x Wn + (f * h) Un + bn)
    h' = (1 - f) * h + f * n

Without the reset, n sees h and not f * h. Without the gate's input or its state, or either, the variants of Heck &
Salem (2017): MGU1 is without `gate_input`, MGU3 without both.
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
    """Switches: the reset, what the gate sees, and `chrono`, which sets bf = -log U(1, lag - 1)."""

    reset: bool = True
    gate_input: bool = True
    gate_state: bool = True
    chrono: cells.Chrono = False

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"Wn": (I, H), "Un": (H, H), "bn": (1, H)}
        shapes |= {"Wf": (I, H)} if self.gate_input else {}
        shapes |= {"Uf": (H, H)} if self.gate_state else {}
        return shapes | {"bf": (1, H)}

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.chrono:
            p["bf"] = -cells.chrono_bias(self.chrono, shapes["bf"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        a = p["bf"]
        if self.gate_input:
            a = a + x @ p["Wf"]
        if self.gate_state:
            a = a + h @ p["Uf"]
        f = sigmoid(a)
        n = tanh(x @ p["Wn"] + (f * h if self.reset else h) @ p["Un"] + p["bn"])
        h = (1 - f) * h + f * n
        return h, (h,)
