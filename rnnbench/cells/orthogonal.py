"""Recurrent network with an orthogonal recurrent matrix (expRNN: Lezcano-Casado & Martinez-Rubio, 2019).

    U  = a rotation, exp(A) or the Cayley map of A (scoRNN: Helfrich et al., 2018), as in `cells.rotation`
    h' = act(x W + h U, b)        modReLU(s, b) = sign(s) * relu(|s| + b), else act(s + b)

U is computed once a scan. Its start turns H/2 planes: A has blocks of angle u, uniform in [-pi, pi) (`henaff`: Henaff
et al., 2016; for memory), or -tan(u/2), u uniform in [0, pi/2) (`cayley`; the slower half of the circle).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from rnnbench import cells
from rnnbench.cells.rotation import Map, Rotation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `activation`, the `map` from skew-symmetric to orthogonal, and how its planes turn at the `start`."""

    activations: ClassVar[tuple[str, ...]] = ("activation",)

    activation: Literal["modrelu", "tanh", "relu", "identity"] = "modrelu"
    map: Map = "exp"
    start: Literal["henaff", "cayley"] = "henaff"

    def shapes(self, I: int, H: int) -> cells.Shapes:
        turns: cells.Shapes = {"a": (1, H * (H - 1) // 2)} if H > 1 else {}
        return {"W": (I, H), "b": (1, H)} | turns

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        H = shapes["W"][1]
        if self.activation == "modrelu":  # at 0 it would be the identity
            p["b"] = (2 * stream("b").uniform((1, H)) - 1) * np.float32(0.01)
        if H > 1:
            u = stream("a").uniform(H // 2).astype(np.float64)
            A = np.zeros((H, H))
            planes = np.arange(0, H - 1, 2)
            A[planes, planes + 1] = -np.tan(u * np.pi / 4) if self.start == "cayley" else (2 * u - 1) * np.pi
            p["a"] = A[np.triu_indices(H, 1)][None].astype(np.float32)
        return p

    def rotations(self) -> dict[str, Rotation]:
        return {"U": Rotation("a", self.map)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        s = x @ p["W"] + h @ p["U"]
        if self.activation == "modrelu":
            h = s.sign() * (s.abs() + p["b"]).relu()
        else:
            h = cells.activation(self.activation)(s + p["b"])
        return h, (h,)
