"""Update gate network (Collins et al., 2017): the GRU with no gate but one.

    n  = tanh(x Wn + h Un + bn)
    g  = sigmoid(x Wg + h Ug + bg)
    h' = g * h + (1 - g) * n

bg starts at `forget_bias`, 1 as in TensorFlow's cell of that name. Without the gate g = 0, which leaves h' = n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from rnnbench import cells
from rnnbench.cells import sigmoid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `update_gate`, `candidate_activation`; `forget_bias` is bg at the start, `chrono` sets
    bg = log U(1, lag - 1)."""

    activations: ClassVar[tuple[str, ...]] = ("candidate_activation",)

    update_gate: bool = True
    candidate_activation: Literal["tanh", "identity"] = "tanh"
    forget_bias: cells.Bias = 1.0
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.chrono and not self.update_gate:
            raise ValueError("chrono: needs the update gate, whose bias it sets")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in "n" + "g" * self.update_gate:
            shapes |= {f"W{k}": (I, H), f"U{k}": (H, H), f"b{k}": (1, H)}
        return shapes

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.update_gate:
            p["bg"] = np.full(shapes["bg"], self.forget_bias, np.float32)
        if self.chrono:
            p["bg"] = cells.chrono_bias(self.chrono, shapes["bg"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        n = cells.activation(self.candidate_activation)(x @ p["Wn"] + h @ p["Un"] + p["bn"])
        if not self.update_gate:
            return n, (n,)
        g = sigmoid(x @ p["Wg"] + h @ p["Ug"] + p["bg"])
        h = g * h + (1 - g) * n
        return h, (h,)
