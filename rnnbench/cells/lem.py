"""Long expressive memory (Rusch et al., 2022): two states, each with a step of time that it learns to choose.

    d = dt * sigmoid(x Wd + y Ud + bd)        e = dt * sigmoid(x We + y Ue + be)
    z' = (1 - e) * z + e * tanh(x Wz + y Uz + bz)
    y' = (1 - d) * y + d * tanh(x Wy + z' Uy + by)

y is the output; it sees the new z. Every parameter starts uniform in +-1/sqrt(H), biases too, as the authors' code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `two_scales` (off: d = e, one step of time for both) and the longest step, `dt`."""

    two_scales: bool = True
    dt: Annotated[float, Interval(gt=0, le=1)] = 1.0

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in "yze" + "d" * self.two_scales:
            shapes |= {f"W{k}": (I, H), f"U{k}": (H, H), f"b{k}": (1, H)}
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        size = np.float32(shapes["Wy"][1] ** -0.5)
        return {name: (2 * stream(name).uniform(shape) - 1) * size for name, shape in shapes.items()}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        y, z = state

        def sees(k: str, seen: Tensor) -> Tensor:
            return x @ p[f"W{k}"] + seen @ p[f"U{k}"] + p[f"b{k}"]

        e = self.dt * sigmoid(sees("e", y))
        d = self.dt * sigmoid(sees("d", y)) if self.two_scales else e
        z = (1 - e) * z + e * tanh(sees("z", y))
        y = (1 - d) * y + d * tanh(sees("y", z))
        return y, (y, z)
