"""Echo state network (Jaeger, 2001; leaky: Jaeger et al., 2007): a recurrence that is drawn and not trained.

    h' = (1 - a) * h + a * tanh(x W + h U + b)

W, U and b stay as they start; the read-out alone is trained, here by gradients as that of any cell, where the field
solves a ridge regression. At the start (Lukosevicius, 2012) a part of U, `density`, is uniform in +-1 and scaled so
that its spectral radius is `radius`, the rest 0; W and b are uniform in +-`input_scale`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import matrices, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `trained` (the recurrence too, from the same start); the leak `a`; `radius`, `density` and
    `input_scale` of the start."""

    trained: bool = False
    leak: Annotated[float, Interval(gt=0, le=1)] = 1.0
    radius: Annotated[float, Interval(ge=0, le=10)] = 0.9
    density: Annotated[float, Interval(gt=0, le=1)] = 0.1
    input_scale: Annotated[float, Interval(gt=0, le=100)] = 1.0

    @property
    def frozen(self) -> tuple[str, ...]:
        return () if self.trained else ("W", "U", "b")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H), "b": (1, H)}

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = {name: 2 * stream(name).uniform(shape) - 1 for name, shape in shapes.items()}
        U = p["U"] * (stream("density").uniform(shapes["U"]) < self.density)
        found = matrices.radius(U.astype(np.float64))
        scale, inputs = np.float32(self.radius / found if found else 0.0), np.float32(self.input_scale)
        return {"W": p["W"] * inputs, "U": U * scale, "b": p["b"] * inputs}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        new = tanh(x @ p["W"] + h @ p["U"] + p["b"])
        h = new if self.leak == 1 else (1 - self.leak) * h + self.leak * new
        return h, (h,)
