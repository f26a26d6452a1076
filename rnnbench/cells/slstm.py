"""sLSTM: exponential gates, a normaliser and a stabiliser (Beck et al., 2024, xLSTM).

    z  = tanh(x Wz + h Uz + bz)        i~, f~, o~ likewise, without an activation
    m' = max(log f + m, i~)            f = sigmoid(f~) or exp(f~)
    c' = exp(log f + m - m') * c + exp(i~ - m') * z
    n' = exp(log f + m - m') * n + exp(i~ - m')
    h' = sigmoid(o~) * c' / n'

m keeps the exponentials in range and cancels out: no gradient goes through it. The first step takes m' = i~, as if m
had been -inf, so that n' >= 1 always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from rnnbench import cells
from rnnbench.cells import sigmoid, softplus, tanh

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `memory_mixing` (the gates see h), the forget gate's activation; `forget_bias` is bf at the start,
    `chrono` sets bf = log U(1, lag - 1)."""

    memory_mixing: bool = True
    forget_activation: Literal["sigmoid", "exp"] = "sigmoid"
    forget_bias: cells.Bias = 1.0
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.chrono and self.forget_activation == "exp":
            raise ValueError("chrono: needs a sigmoid forget gate, whose bias it sets")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in "zifo":
            shapes |= {f"W{k}": (I, H), f"b{k}": (1, H)} | ({f"U{k}": (H, H)} if self.memory_mixing else {})
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H, H, H, H)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        p["bf"] = np.full(shapes["bf"], self.forget_bias, np.float32)
        if self.chrono:
            p["bf"] = cells.chrono_bias(self.chrono, shapes["bf"][1], stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        h, c, n, m = state

        def sees(k: str) -> Tensor:
            a = x @ p[f"W{k}"] + p[f"b{k}"]
            return a + h @ p[f"U{k}"] if self.memory_mixing else a

        i, f = sees("i"), sees("f")
        kept = m + (f if self.forget_activation == "exp" else -softplus(-f))
        m = kept.maximum(i).where(n > 0, i).detach()
        forget, add = (kept - m).clamp(max=0).exp(), (i - m).exp()
        c = forget * c + add * tanh(sees("z"))
        n = forget * n + add
        h = sigmoid(sees("o")) * c / n
        return h, (h, c, n, m)
