"""A plain network whose units forget slowly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Interval

from rnnbench import cells
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Its fields are its switches: `leak` can be ablated, `rate` is what is kept of the state."""

    leak: bool = True
    rate: Annotated[float, Interval(ge=0, le=1)] = 0.5

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H), "b": (1, H)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        new = torch.tanh(x @ p["W"] + h @ p["U"] + p["b"])
        h = self.rate * h + (1 - self.rate) * new if self.leak else new
        return h, (h,)
