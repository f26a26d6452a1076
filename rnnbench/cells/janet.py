"""JANET, the LSTM with its forget gate alone (van der Westhuizen & Lasenby, 2018).

    a  = x Wf + h Uf + bf
    n  = tanh(x Wn + h Un + bn)
    h' = sigmoid(a) * h + (1 - sigmoid(a - beta)) * n

With beta = 0 the two gates are coupled; beta > 0 lets in more than is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `beta`; `forget_bias` is bf at the start, `chrono` sets bf = log U(1, lag - 1)."""

    beta: Annotated[float, Interval(ge=-100, le=100)] = 1.0
    forget_bias: cells.Bias = 1.0
    chrono: cells.Chrono = False

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {f"{k}{g}": size for g in "fn" for k, size in (("W", (I, H)), ("U", (H, H)), ("b", (1, H)))}

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        p["bf"] = np.full(shapes["bf"], self.forget_bias, np.float32)
        if self.chrono:
            p["bf"] = cells.chrono_bias(self.chrono, shapes["bf"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (h,) = state
        a = x @ p["Wf"] + h @ p["Uf"] + p["bf"]
        n = tanh(x @ p["Wn"] + h @ p["Un"] + p["bn"])
        h = sigmoid(a) * h + (1 - sigmoid(a - self.beta)) * n
        return h, (h,)
