"""Linear recurrent unit (Orvieto et al., 2023): a complex diagonal recurrence, in real halves.

    l  = exp(-exp(nu) + i exp(theta))                   |l| < 1
    h' = l * h + exp(gamma) * (u Br + i u Bi)
    y  = Re(h (Cr + i Ci)) + u * d

The block around it projects the input and adds a nonlinear step: u = x E + e, and the output is

    u + (g V + v) * sigmoid(g G + b),  g = GELU(y)      (by tanh; no layer norm and no dropout)

Without it u = x, the skip is a matrix, u D, and the whole is linear. At the start l is uniform on the ring from
`r_min` to `r_max`, up to the angle `phase`, and exp(gamma) = sqrt(1 - |l|^2); not normalised, gamma = 0 for good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid

if TYPE_CHECKING:
    from torch import Tensor

HALF_GRID = 2.0**-25  # of a stream's uniform numbers: no logarithm of 0


@dataclass(frozen=True)
class Cell(cells.Linear):
    """Switches: the `block`, `normalised`, and the ring of the start (`phase` in radians)."""

    block: bool = True
    normalised: bool = True
    r_min: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    r_max: Annotated[float, Interval(gt=0, le=1)] = 1.0
    phase: Annotated[float, Interval(gt=0, le=6.2832)] = 6.2832

    def __post_init__(self) -> None:
        if self.r_min >= self.r_max:
            raise ValueError(f"r_min: got {self.r_min}, expected less than r_max ({self.r_max})")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        row, square = (1, H), (H, H)
        ring: cells.Shapes = {"nu": row, "theta": row} | ({"gamma": row} if self.normalised else {})
        if not self.block:
            return {"Br": (I, H), "Bi": (I, H), **ring, "Cr": square, "Ci": square, "D": (I, H)}
        around: cells.Shapes = {"E": (I, H), "e": row, "V": square, "v": row, "G": square, "b": row}
        return {**around, "Br": square, "Bi": square, **ring, "Cr": square, "Ci": square, "d": row}

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        for name in ("Br", "Bi", "Cr", "Ci"):
            scale = (2 if name[0] == "B" else 1) * shapes[name][0]
            p[name] = stream(name).normal(shapes[name]) * np.float32(scale**-0.5)
        if self.block:
            p["d"] = stream("d").normal(shapes["d"])
        u, angle = (stream(name).uniform(shapes[name]).astype(np.float64) + HALF_GRID for name in ("nu", "theta"))
        square = u * (self.r_max**2 - self.r_min**2) + self.r_min**2  # |l|^2
        start = {"nu": np.log(-0.5 * np.log(square)), "theta": np.log(self.phase * angle)}
        start |= {"gamma": 0.5 * np.log(1 - square)} if self.normalised else {}
        return p | {name: value.astype(np.float32) for name, value in start.items()}

    def _input(self, p: cells.Parameters, x: Tensor) -> Tensor:
        return x @ p["E"] + p["e"] if self.block else x

    def drive(self, p: cells.Parameters, x: Tensor) -> tuple[cells.State, cells.State]:
        u = self._input(p, x)
        size, angle = (-p["nu"].exp()).exp(), p["theta"].exp()
        scale = p["gamma"].exp() if self.normalised else 1.0
        l = (size * angle.cos(), size * angle.sin())
        return l, (scale * (u @ p["Br"]), scale * (u @ p["Bi"]))

    def read(self, p: cells.Parameters, h: cells.State, x: Tensor) -> Tensor:
        u = self._input(p, x)
        y = h[0] @ p["Cr"] - h[1] @ p["Ci"]
        if not self.block:
            return y + u @ p["D"]
        g = gelu(y + u * p["d"])
        return u + (g @ p["V"] + p["v"]) * sigmoid(g @ p["G"] + p["b"])


def gelu(y: Tensor) -> Tensor:
    """y times the normal distribution's function at y, by tanh (Hendrycks & Gimpel, 2016), here as the logistic
    function: (1 + tanh(z)) / 2 of a tanh near -1 would lose its last digits."""
    return y * sigmoid(math.sqrt(8 / math.pi) * (y + 0.044715 * y * y * y))
