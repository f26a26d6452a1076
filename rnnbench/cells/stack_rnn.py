"""Stack network (Joulin & Mikolov, 2015, as Deletang et al., 2023, have it): a plain network that reads a stack's top.

    h' = act(x W + h U + s_1 V + b)
    push, pop, stay = softmax(h' A + a)        three numbers
    s_1' = push * (h' D + d) + pop * s_2 + stay * s_1
    s_i' = push * s_(i-1) + pop * s_(i+1) + stay * s_i        0 below the last

The stack holds `depth` vectors of H units; what is pushed beyond is lost. They have 30 vectors of 8 units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells.memory import spread

if TYPE_CHECKING:
    from torch import Tensor

ACTIONS = ("push", "pop", "stay")


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `activation`, `pop` (off: the stack is only pushed or left), `depth`."""

    activation: Literal["relu", "tanh"] = "relu"
    pop: bool = True
    depth: Annotated[int, Interval(ge=1, le=64)] = 8

    @property
    def actions(self) -> tuple[str, ...]:
        """Those that it can take."""
        return ACTIONS if self.pop else ("push", "stay")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"W": (I, H), "b": (1, H), "D": (H, H), "d": (1, H)} | dict.fromkeys("UV", (H, H))
        for name in self.actions:
            shapes |= {f"A_{name}": (H, 1), f"a_{name}": (1, 1)}
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H,) * (1 + self.depth)

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, *stack = state
        a = x @ p["W"] + h @ p["U"] + stack[0] @ p["V"] + p["b"]
        h = cells.activation(self.activation)(a)
        asked = [h @ p[f"A_{name}"] + p[f"a_{name}"] for name in self.actions]
        most = asked[0]
        for other in asked[1:]:
            most = most.maximum(other)
        sizes = [(each - most.detach()).exp() for each in asked]
        whole = sum(sizes[1:], sizes[0])
        act = {name: spread(size / whole, h) for name, size in zip(self.actions, sizes, strict=True)}
        above, new = h @ p["D"] + p["d"], []
        for n, here in enumerate(stack):
            now = act["push"] * above + act["stay"] * here
            if self.pop and n + 1 < self.depth:
                now = now + act["pop"] * stack[n + 1]
            new.append(now)
            above = here
        return h, (h, *new)
