"""Quasi-recurrent network (Bradbury et al., 2017): gates from a convolution over the last two inputs, then a sum.

    z = tanh(x Wz + x- Vz + bz)        x- the input of the step before
    f, o, i = sigmoid(...) likewise
    c' = f * c + (1 - f) * z           or f * c + i * z, where there is an input gate
    h  = o * c'

What x- gives is kept from step to step as it is multiplied. Every parameter starts uniform in +-1/sqrt(2 I), as the
authors' one linear map of (x, x-).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `window` (off: nothing sees x-), `output_gate` (off: o = 1, f-pooling), `input_gate` (ifo-pooling;
    off: i = 1 - f); `chrono` sets bf = log U(1, lag - 1)."""

    window: bool = True
    output_gate: bool = True
    input_gate: bool = False
    chrono: cells.Chrono = False

    @property
    def sums(self) -> str:
        """The letters of what the inputs are summed for."""
        return "zf" + "o" * self.output_gate + "i" * self.input_gate

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in self.sums:
            shapes |= {f"W{k}": (I, H), f"b{k}": (1, H)} | ({f"V{k}": (I, H)} if self.window else {})
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H,) * (1 + len(self.sums) * self.window)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        size = np.float32((2 * shapes["Wz"][0]) ** -0.5)
        p = {name: (2 * stream(name).uniform(shape) - 1) * size for name, shape in shapes.items()}
        return p | ({"bf": cells.chrono_bias(self.chrono, shapes["bf"][1], stream)} if self.chrono else {})

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        c, *before = state
        a = {k: x @ p[f"W{k}"] + p[f"b{k}"] for k in self.sums}
        if self.window:
            a = {k: a[k] + was for k, was in zip(self.sums, before, strict=True)}
        f = sigmoid(a["f"])
        c = f * c + (sigmoid(a["i"]) if self.input_gate else 1 - f) * tanh(a["z"])
        h = sigmoid(a["o"]) * c if self.output_gate else c
        return h, (c, *(x @ p[f"V{k}"] for k in self.sums if self.window))
