"""Plain recurrent network (Elman, 1990), as torch.nn.RNN with its two biases in one.

    h' = act(x W + h U + b)
    h' = (1 - a) * h + a * act(x W + h U + b)        leaky, as in Tallec & Ollivier (2018)

The leak a is one number, or learnt for each unit: a = sigmoid(ba). IRNN (Le et al., 2015) is `activation: relu` and
`identity: true`: U starts as the identity, W from N(0, 0.001^2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `activation`; `leak` (true: learnt); `identity`; and `chrono`, which sets ba = -log U(1, lag - 1)."""

    activation: Literal["tanh", "relu"] = "tanh"
    leak: bool | Annotated[float, Interval(gt=0, lt=1)] = False
    identity: bool = False
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.chrono and self.leak is not True:
            raise ValueError("chrono: needs a leak that is learnt (leak: true), whose bias it sets")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H), "b": (1, H)} | ({"ba": (1, H)} if self.leak is True else {})

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.identity:
            p["U"] = np.eye(shapes["U"][0], dtype=np.float32)
            p["W"] = stream("W").normal(shapes["W"]) * np.float32(0.001)
        if self.chrono:
            p["ba"] = -cells.chrono_bias(self.chrono, shapes["ba"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        new = cells.activation(self.activation)(x @ p["W"] + h @ p["U"] + p["b"])
        if self.leak is False:
            return new, (new,)
        a = sigmoid(p["ba"]) if self.leak is True else self.leak
        h = (1 - a) * h + a * new
        return h, (h,)
