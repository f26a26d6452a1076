"""minLSTM, an LSTM whose gates do not see its state (Feng et al., 2024).

    f  = sigmoid(x Wf + bf)        i = sigmoid(x Wi + bi)        n = act(x Wn + bn)
    h' = f / (f + i) * h + i / (f + i) * n

Not normalised, h' = f * h + i * n. `act` as in minGRU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rnnbench import cells
from rnnbench.cells import sigmoid, softplus

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Linear):
    """Switches: whether the gates are `normalised`, `candidate_activation`, and `chrono`, which sets
    bf = log U(1, lag - 1) and bi = -bf."""

    normalised: bool = True
    candidate_activation: Literal["identity", "tanh", "positive"] = "identity"
    chrono: cells.Chrono = False

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {f"{k}{g}": size for g in "fin" for k, size in (("W", (I, H)), ("b", (1, H)))}

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        if self.chrono:
            bias = cells.chrono_bias(self.chrono, shapes["bf"][1], stream)
            p |= {"bf": bias, "bi": -bias}
        return p

    def drive(self, p: cells.Parameters, x: Tensor) -> tuple[cells.State, cells.State]:
        af, ai = x @ p["Wf"] + p["bf"], x @ p["Wi"] + p["bi"]
        n = cells.activation(self.candidate_activation)(x @ p["Wn"] + p["bn"])
        if not self.normalised:
            return (sigmoid(af),), (sigmoid(ai) * n,)
        f = sigmoid(softplus(-ai) - softplus(-af))  # f / (f + i), of log f - log i: both gates may be 0
        return (f,), ((1 - f) * n,)

    def read(self, p: cells.Parameters, h: cells.State, x: Tensor) -> Tensor:
        return h[0]
