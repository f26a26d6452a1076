"""Gated recurrent unit (Cho et al., 2014).

    r  = sigmoid(x Wr + h Ur + br)        z = sigmoid(x Wz + h Uz + bz)
    v1:  n = tanh(x Wn + bn + r * (h Un + cn))      (reset after the projection, as in torch)
    v3:  n = tanh(x Wn + bn + (r * h) Un)           (reset before it)
    h' = (1 - z) * n + z * h

Without the reset gate r = 1; without the update gate z = 0, which leaves h' = n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: either gate, where the reset acts (`v1`, `v3`: the versions of the paper on arXiv), and `chrono`
    (the longest lag to reach, in steps; true: the rung's own)."""

    reset_gate: bool = True
    update_gate: bool = True
    reset: Literal["v1", "v3"] = "v1"
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.chrono and not self.update_gate:
            raise ValueError("chrono: needs the update gate, whose bias it sets")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        gates = ("r" if self.reset_gate else "") + ("z" if self.update_gate else "") + "n"
        shapes: cells.Shapes = {}
        for k in gates:
            shapes |= {f"W{k}": (I, H), f"U{k}": (H, H), f"b{k}": (1, H)}
        if self.reset_gate and self.reset == "v1":
            shapes["cn"] = (1, H)
        return shapes

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.chrono:
            p["bz"] = cells.chrono_bias(self.chrono, shapes["bz"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        a = x @ p["Wn"] + p["bn"]
        if not self.reset_gate:
            n = tanh(a + h @ p["Un"])
        else:
            r = sigmoid(x @ p["Wr"] + h @ p["Ur"] + p["br"])
            n = tanh(a + (r * (h @ p["Un"] + p["cn"]) if self.reset == "v1" else (r * h) @ p["Un"]))
        if not self.update_gate:
            return n, (n,)
        z = sigmoid(x @ p["Wz"] + h @ p["Uz"] + p["bz"])
        h = (1 - z) * n + z * h
        return h, (h,)
