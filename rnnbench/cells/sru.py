"""Simple recurrent unit (Lei et al., 2018): gates that see no more of the state than their own unit of it.

    f  = sigmoid(x Wf + vf * c + bf)        r = sigmoid(x Wr + vr * c + br)
    c' = f * c + (1 - f) * x Wc
    h  = r * g(c') + (1 - r) * x Wx         g: identity, or tanh

x Wx is the highway around the cell. Both gates see the old c; they did not in the first version (v off). At the start
W is uniform in +-sqrt(3 / I), that of the gates times sqrt(1/2), Wx times sqrt(1 + 2 exp(br)), v in +-sqrt(3/2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from rnnbench import cells
from rnnbench.cells import sigmoid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `peepholes` (v); `reset_gate` (off: r = 1); `highway` (off: h = r * g(c')); `output_activation`, g;
    `forget_bias` and `highway_bias` are bf and br at the start, `chrono` sets bf = log U(1, lag - 1)."""

    activations: ClassVar[tuple[str, ...]] = ("output_activation",)

    peepholes: bool = True
    reset_gate: bool = True
    highway: bool = True
    output_activation: Literal["identity", "tanh"] = "identity"
    forget_bias: cells.Bias = 0.0
    highway_bias: cells.Bias = 0.0
    chrono: cells.Chrono = False

    @property
    def gates(self) -> str:
        """The letters of the gates that are on."""
        return "f" + "r" * self.reset_gate

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"Wc": (I, H)} | ({"Wx": (I, H)} if self.highway and self.reset_gate else {})
        for k in self.gates:
            shapes |= {f"W{k}": (I, H), f"b{k}": (1, H)} | ({f"v{k}": (1, H)} if self.peepholes else {})
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H,)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        scales = {"Wf": 0.5, "Wr": 0.5, "Wx": 1 + 2 * math.exp(self.highway_bias)}
        p: cells.Arrays = {}
        for name, shape in shapes.items():
            size = (3 / shape[0] * scales.get(name, 1.0)) ** 0.5 if name[0] == "W" else 1.5**0.5
            p[name] = (2 * stream(name).uniform(shape) - 1) * np.float32(size)
        biases = {"bf": self.forget_bias, "br": self.highway_bias}
        p |= {name: np.full(shapes[name], bias, np.float32) for name, bias in biases.items() if name in shapes}
        return p | ({"bf": cells.chrono_bias(self.chrono, shapes["bf"][1], stream)} if self.chrono else {})

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (c,) = state

        def gate(k: str) -> Tensor:
            a = x @ p[f"W{k}"] + p[f"b{k}"]
            return sigmoid(a + p[f"v{k}"] * c if self.peepholes else a)

        f, r = gate("f"), gate("r") if self.reset_gate else 1.0
        c = f * c + (1 - f) * (x @ p["Wc"])
        h = r * cells.activation(self.output_activation)(c)
        if self.highway and self.reset_gate:
            h = h + (1 - r) * (x @ p["Wx"])
        return h, (c,)
