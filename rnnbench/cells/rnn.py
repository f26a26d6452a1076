"""Plain recurrent network (Elman, 1990), as torch.nn.RNN with its two biases in one.

h' = act(x W + h U + b)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rnnbench import cells

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switch: `activation`, tanh or relu."""

    activation: Literal["tanh", "relu"] = "tanh"

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H), "b": (1, H)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        h = cells.activation(self.activation)(x @ p["W"] + h @ p["U"] + p["b"])
        return h, (h,)
