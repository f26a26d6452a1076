"""Coupled oscillatory network (Rusch & Mishra, 2021): h is where H driven oscillators are, z how fast they go.

    z' = z + dt * (tanh(x W + h U + z V + b) - gamma * h - epsilon * z)
    h' = h + dt * z'

gamma is the square of a frequency, epsilon the damping; all three numbers are as in the authors' adding problem. Every
parameter starts uniform in +-1/sqrt(I + 2 H), as their one linear map of (x, z, h).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `velocity`, whether what drives the oscillators sees z; the damping `epsilon` and the stiffness `gamma`
    (0 takes either out); the time `dt` of a step."""

    offs: ClassVar[Mapping[str, object]] = {"gamma": 0.0, "epsilon": 0.0}

    velocity: bool = True
    gamma: Annotated[float, Interval(ge=0, le=1000)] = 66.0
    epsilon: Annotated[float, Interval(ge=0, le=1000)] = 15.0
    dt: Annotated[float, Interval(gt=0, le=1)] = 0.06

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"W": (I, H), "U": (H, H), "b": (1, H)}
        return shapes | ({"V": (H, H)} if self.velocity else {})

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        size = np.float32((shapes["W"][0] + 2 * shapes["W"][1]) ** -0.5)
        return {name: (2 * stream(name).uniform(shape) - 1) * size for name, shape in shapes.items()}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, z = state
        a = x @ p["W"] + h @ p["U"] + p["b"]
        if self.velocity:
            a = a + z @ p["V"]
        z = z + self.dt * (tanh(a) - self.gamma * h - self.epsilon * z)
        h = h + self.dt * z
        return h, (h, z)
