"""RWKV-7's recurrence (Peng et al., 2025): a matrix S that forgets by key, takes out at one and writes at another.

    r, k, v = x Wr, x Wk, x Wv                            in heads of D = H / heads units
    w  = exp(-exp(-1/2) * sigmoid(x Ww + bw))             a decay of each key, above 0.545
    a  = sigmoid(x Wa + ba)                               how much is taken out
    d  = k * kk, of length 1 in each head                 where it is taken out
    k~ = k * (1 + (a - 1) * ka)                           where v is written
    S' = w * S - (a * d) (d S)^T + k~ v^T                 y = r S'
    h  = (norm(y) + (r . (rk * k~)) v) * sigmoid(x Wg)    norm: of each head, with gain g and bias bg

Theirs shifts tokens ahead of each projection (the setting `conv: 2` is near), makes Ww, Wa and Wg of low rank, and
mixes values of the first layer into later ones. The start is that of a first layer, by way of a public rewriting of
their code: kk from 0.76 down to 0.66, ka 1.02, rk -0.04, bw from -5.5 up, ba near -0.19; Wk is a tenth of its size, and
g is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid
from rnnbench.cells.memory import head_sum, normalised, recall, remember, rms, scale, spread

if TYPE_CHECKING:
    from torch import Tensor

SLOWEST = math.exp(-0.5)  # of the rate of decay
LEAST = 1e-5  # of a norm, times D as theirs


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `removal` (of what stands at d), `decay` (off: w = 1), `bonus` (rk), `norm`, `output_gate`; `heads`."""

    removal: bool = True
    decay: bool = True
    bonus: bool = True
    norm: bool = True
    output_gate: bool = True
    heads: Annotated[int, Interval(ge=1, le=1024)] = 1

    def shapes(self, I: int, H: int) -> cells.Shapes:
        wide = "rkva" + "w" * self.decay + "g" * self.output_gate
        rows = ["ba", "ka"] + ["kk"] * self.removal + ["bw"] * self.decay + ["rk"] * self.bonus
        rows += ["g", "bg"] if self.norm else []
        return {f"W{k}": (I, H) for k in wide} | dict.fromkeys(rows, (1, H))

    def widths(self, H: int) -> tuple[int, ...]:
        return (H * H // self.heads,)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p, (_, H) = super().init(shapes, stream), shapes["Wr"]
        D = H // self.heads
        place = np.arange(H) / max(H - 1, 1)
        within = np.tile((2 * np.arange(D) - (D - 1)) / max(D - 1, 1), self.heads)
        zigzag = within * np.abs(within)
        rows = {
            "kk": 0.71 - 0.1 * (place - 0.5), "ka": np.full(H, 1.02), "rk": np.full(H, -0.04), "g": np.ones(H),
            "bw": -6 + 6 * place + 0.5 + 2.5 * zigzag, "ba": -0.19 + 0.3 * zigzag + 0.4 * (place - 0.5),
        }  # fmt: skip
        p |= {name: row[None].astype(np.float32) for name, row in rows.items() if name in shapes}
        return p | {"Wk": p["Wk"] * np.float32(0.1)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (S,) = state
        r, k, v = (x @ p[f"W{name}"] for name in "rkv")
        a = sigmoid(x @ p["Wa"] + p["ba"])
        w = (-SLOWEST * sigmoid(x @ p["Ww"] + p["bw"])).exp() if self.decay else 1.0
        written = k * (1 + (a - 1) * p["ka"])
        if self.removal:
            d = normalised(k * p["kk"], self.heads)
            S = remember(S, w, written, v, -(a * d), recall(d, S))
        else:
            S = remember(S, w, written, v)
        y = recall(r, S)
        if self.norm:
            one = scale(y, self.heads) * scale(y, self.heads)
            y = p["g"] * rms(y - spread(head_sum(y * one, self.heads), y), self.heads, LEAST) + p["bg"]
        if self.bonus:
            y = y + spread(head_sum(r * p["rk"] * written, self.heads), v) * v
        return (y * sigmoid(x @ p["Wg"]) if self.output_gate else y), (S,)
