"""Antisymmetric network (Chang et al., 2019): a step along a flow that neither grows nor shrinks.

    a  = h A - gamma * h        A = -A^T, so that its eigenvalues are imaginary
    h' = h + epsilon * tanh(x W + a + b)
    h' = h + epsilon * sigmoid(x Wz + a + bz) * tanh(x W + a + b)        gated

gamma is how much the flow is drawn in, against what steps of finite length add. At the start A = M - M^T with M from
N(0, 1/H), so that its numbers are from N(0, 2/H), and W and Wz are from N(0, 1/I).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh
from rnnbench.cells.rotation import Rotation

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `gated`; `gamma` (0 takes it out) and the length `epsilon` of a step."""

    offs: ClassVar[Mapping[str, object]] = {"gamma": 0.0}

    gated: bool = False
    gamma: Annotated[float, Interval(ge=0, le=10)] = 0.01
    epsilon: Annotated[float, Interval(gt=0, le=10)] = 0.01

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"W": (I, H), "b": (1, H)} | ({"a": (1, H * (H - 1) // 2)} if H > 1 else {})
        return shapes | ({"Wz": (I, H), "bz": (1, H)} if self.gated else {})

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        for name in {"W", "Wz", "a"} & p.keys():
            variance = 2 / shapes["W"][1] if name == "a" else 1 / shapes[name][0]
            p[name] = stream(name).normal(shapes[name]) * np.float32(variance**0.5)
        return p

    def rotations(self) -> dict[str, Rotation]:
        return {"A": Rotation("a", "skew")}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        a = h @ p["A"]
        drift = tanh(x @ p["W"] + a + p["b"] - self.gamma * h)
        if self.gated:
            drift = sigmoid(x @ p["Wz"] + a + p["bz"] - self.gamma * h) * drift
        h = h + self.epsilon * drift
        return h, (h,)
