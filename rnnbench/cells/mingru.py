"""minGRU, a GRU whose gate does not see its state (Feng et al., 2024).

    z  = sigmoid(x Wz + bz)        n = act(x Wn + bn)
    h' = (1 - z) * h + z * n

`act` is the identity, or tanh, or, as in the paper's computation in logarithms, `positive` (see `cells.positive`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rnnbench import cells
from rnnbench.cells import sigmoid

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Linear):
    """Switches: `candidate_activation`, and `chrono`, which sets bz = -log U(1, lag - 1)."""

    candidate_activation: Literal["identity", "tanh", "positive"] = "identity"
    chrono: cells.Chrono = False

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"Wz": (I, H), "bz": (1, H), "Wn": (I, H), "bn": (1, H)}

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.chrono:
            p["bz"] = -cells.chrono_bias(self.chrono, shapes["bz"][1], stream)
        return p

    def drive(self, p: cells.Parameters, x: Tensor) -> tuple[cells.State, cells.State]:
        z = sigmoid(x @ p["Wz"] + p["bz"])
        n = cells.activation(self.candidate_activation)(x @ p["Wn"] + p["bn"])
        return (1 - z,), (z * n,)

    def read(self, p: cells.Parameters, h: cells.State, x: Tensor) -> Tensor:
        return h[0]
