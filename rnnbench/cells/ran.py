"""Recurrent additive network (Lee et al., 2017): an LSTM whose candidate does not see its state.

    n  = x Wn + bn
    i  = sigmoid(x Wi + h Ui + bi)        f = sigmoid(x Wf + h Uf + bf)
    c' = i * n + f * c
    h' = tanh(c')

so that c is a sum of inputs, weighted by gates alone. A gate that is off is 1 and has no parameters.
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
    """Switches: either gate, `output_activation`; `forget_bias` is bf at the start, `chrono` sets
    bf = log U(1, lag - 1) and bi = -bf."""

    activations: ClassVar[tuple[str, ...]] = ("output_activation",)

    input_gate: bool = True
    forget_gate: bool = True
    output_activation: Literal["tanh", "identity"] = "tanh"
    forget_bias: cells.Bias = 0.0
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.chrono and not self.forget_gate:
            raise ValueError("chrono: needs the forget gate, whose bias it sets")

    @property
    def gates(self) -> str:
        """The letters of the gates that are on."""
        return "i" * self.input_gate + "f" * self.forget_gate

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"Wn": (I, H), "bn": (1, H)}
        for k in self.gates:
            shapes |= {f"W{k}": (I, H), f"U{k}": (H, H), f"b{k}": (1, H)}
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.forget_gate:
            p["bf"] = np.full(shapes["bf"], self.forget_bias, np.float32)
        if self.chrono:
            bias = cells.chrono_bias(self.chrono, shapes["bf"][1], stream)
            p |= {"bf": bias} | ({"bi": -bias} if self.input_gate else {})
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, c = state
        gates = {k: sigmoid(x @ p[f"W{k}"] + h @ p[f"U{k}"] + p[f"b{k}"]) for k in self.gates}
        c = gates.get("i", 1.0) * (x @ p["Wn"] + p["bn"]) + gates.get("f", 1.0) * c
        h = cells.activation(self.output_activation)(c)
        return h, (h, c)
