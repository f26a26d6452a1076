"""UnICORNN (Rusch & Mishra, 2021): undamped oscillators that do not see each other, each with a time of its own.

    s = dt * sigmoid(c)
    z' = z - s * (tanh(x W + w * h + b) + alpha * h)
    h' = h + s * z'

A step keeps volumes in the space of (h, z), as a Hamiltonian system does. At the start w is uniform in [0, 1), c in
+-0.1, b is 0, W in +-sqrt(6 / (65 I)), as in the authors' code; their dropout and their stacks are settings here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `time_scales` (off: c is 0 for all units, s = dt / 2), the force `alpha` that draws h to 0 (0 takes it
    out) and the longest step, `dt`."""

    offs: ClassVar[Mapping[str, object]] = {"alpha": 0.0}

    time_scales: bool = True
    alpha: Annotated[float, Interval(ge=0, le=1000)] = 1.0
    dt: Annotated[float, Interval(gt=0, le=1)] = 0.1

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"W": (I, H), "w": (1, H), "b": (1, H)}
        return shapes | ({"c": (1, H)} if self.time_scales else {})

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        size = np.float32((6 / (65 * shapes["W"][0])) ** 0.5)
        p |= {"W": (2 * stream("W").uniform(shapes["W"]) - 1) * size, "w": stream("w").uniform(shapes["w"])}
        return p | ({"c": (2 * stream("c").uniform(shapes["c"]) - 1) * np.float32(0.1)} if self.time_scales else {})

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, z = state
        s = self.dt * sigmoid(p["c"]) if self.time_scales else self.dt / 2
        z = z - s * (tanh(x @ p["W"] + p["w"] * h + p["b"]) + self.alpha * h)
        h = h + s * z
        return h, (h, z)
