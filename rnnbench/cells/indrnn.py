"""Independently recurrent network (Li et al., 2018): a unit sees its own past and no other's.

    h' = act(x W + u * h + b)        |u| <= 2^(1/T)

Within that bound no unit grows by more than 2 in T steps. At the start u is uniform from 0 to the bound. T is the lag
to reach, `chrono`, where u then starts at 2^(-1/T), as the authors' last layer; without it T is without end and the
bound 1. They clip u after each step of training; here u may run over it, and what is read is cut off, while its slope
goes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rnnbench import cells

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `activation`, whether u is `bounded`, and `chrono`, the longest lag to reach in steps (true: the
    rung's own), which sets the bound and where u starts."""

    activation: Literal["relu", "tanh"] = "relu"
    bounded: bool = True
    chrono: cells.Chrono = False

    @property
    def bound(self) -> float:
        """The most that |u| may be."""
        return float(2 ** (1 / self.chrono)) if self.chrono else 1.0

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "u": (1, H), "b": (1, H)}

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        least = 1 / self.bound if self.chrono else 0.0
        u = least + (self.bound - least) * stream("u").uniform(shapes["u"])
        return super().init(shapes, stream) | {"u": u.astype(np.float32)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        u = p["u"]
        if self.bounded:
            u = u + (u.clamp(-self.bound, self.bound) - u).detach()
        h = cells.activation(self.activation)(x @ p["W"] + u * h + p["b"])
        return h, (h,)
