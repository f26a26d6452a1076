"""A cell of my own: a plain network without a nonlinearity."""

from dataclasses import dataclass
from typing import Any

from rnnbench import cells


@dataclass(frozen=True)
class Cell(cells.Cell):
    bias: bool = True

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H)} | ({"b": (1, H)} if self.bias else {})

    def step(self, p: Any, x: Any, state: Any) -> Any:
        (h,) = state
        h = x @ p["W"] + h @ p["U"]
        h = h + p["b"] if self.bias else h
        return h, (h,)
