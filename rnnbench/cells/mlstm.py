"""mLSTM: a matrix for a memory, with exponential gates (Beck et al., 2024, xLSTM); in heads of D = H / heads units.

    q = x Wq + bq        k = (x Wk + bk) / sqrt(D)        v = x Wv + bv
    i~ = x Wi + bi, f~ = x Wf + bf        one number a head
    m' = max(log f + m, i~)               f = sigmoid(f~) or exp(f~)
    C' = exp(log f + m - m') * C + exp(i~ - m') * k v^T
    n' = exp(log f + m - m') * n + exp(i~ - m') * k
    h  = sigmoid(x Wo + bo) * (q^T C') / max(|q^T n'|, exp(-m'))

The state is C, n and m: H * D + H + heads numbers. m keeps the exponentials in range and cancels out: no gradient goes
through it. Wi and Wf start as zeros, as the authors have it: all of the input is kept alike at first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid, softplus
from rnnbench.cells.memory import head_sum, recall, remember, scale, spread

if TYPE_CHECKING:
    from torch import Tensor

LEAST = -80.0  # of m where exp(-m) is taken, which is finite then


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `heads`, each with a memory and gates of its own; the forget gate's activation; `forget_bias` is bf at
    the start, `chrono` sets bf = log U(1, lag - 1), one time scale for each memory."""

    heads: Annotated[int, Interval(ge=1, le=1024)] = 1
    forget_activation: Literal["sigmoid", "exp"] = "sigmoid"
    forget_bias: cells.Bias = 3.0
    chrono: cells.Chrono = False

    def __post_init__(self) -> None:
        if self.chrono and self.forget_activation == "exp":
            raise ValueError("chrono: needs a sigmoid forget gate, whose bias it sets")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {}
        for k in "qkvoif":
            width = self.heads if k in "if" else H
            shapes |= {f"W{k}": (I, width), f"b{k}": (1, width)}
        return shapes

    def widths(self, H: int) -> tuple[int, ...]:
        return (H * H // self.heads, H, self.heads)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        p |= {name: np.zeros(shapes[name], np.float32) for name in ("Wi", "Wf")}
        p["bf"] = np.full(shapes["bf"], self.forget_bias, np.float32)
        if self.chrono:
            p["bf"] = cells.chrono_bias(self.chrono, self.heads, stream)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        C, n, m = state
        q, k, v, o, i, f = (x @ p[f"W{name}"] + p[f"b{name}"] for name in "qkvoif")
        kept = m + (f if self.forget_activation == "exp" else -softplus(-f))
        m = kept.maximum(i).detach()
        forget, add = spread((kept - m).exp(), k), spread((i - m).exp(), k)
        k = add * (k * scale(k, self.heads))
        C, n = remember(C, forget, k, v), forget * n + k
        size = head_sum(q * n, self.heads).abs().maximum((-m.clamp(min=LEAST)).exp())
        return sigmoid(o) * recall(q, C) / spread(size, q), (C, n, m)
