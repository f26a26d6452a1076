"""Mamba's selective state space (S6; Gu & Dao, 2023): N numbers a unit, each of which forgets at a rate of its own.

    u   = silu(x Wu)                                  z = silu(x Wz)
    t   = softplus(sum_r (u . R_r) E_r + b)           a step of time, one a unit, by way of `rank` numbers
    s_n' = exp(t A_n) * s_n + t * (u . B_n) * u       A_n = -exp(L_n), one a unit; n = 1, ..., N
    h   = (sum_n (u . C_n) s_n' + D * u) * z

So it was published as code; as its text has it (`discretisation: zoh`), which holds u through a step, (a - 1) / A_n
with a = exp(t A_n) stands for t before u . B_n. With negative eigenvalues s_n is multiplied by 2 a - 1 (Grazzi et al.,
2025). What isn't selective is a number of each unit, as in S4D (Gu et al., 2022): t = softplus(b), B_n for u . B_n and
C_n for u . C_n. Around it theirs has a convolution of u before its silu (the setting `conv`, of x and thus of z too,
with `conv_activation: identity`), a last projection, which is left to what reads h, and half as many units as H.

At the start A_n is -n (`start: real`, S4D-real), -1/2 (`half`) or -exp of a normal number (`random`), softplus(b)
log-uniform in [0.001, 0.1), D is 1, E uniform in +-1/sqrt(rank), the rest uniform in +-1/sqrt(H). Of what isn't
selective B_n is 1 and C_n normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import decay, sigmoid, softplus
from rnnbench.cells.memory import head_sum, spread

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `selective_b`, `selective_c`, `selective_delta` (t), `skip` (D), `gate` (z), `negative_eigenvalues`,
    `discretisation`, `input_activation` of u; `state_size` (N; theirs is 16, whose scan takes minutes to compile,
    once, since each state is written out: 4 take seconds), `rank` (theirs is H / 32, rounded up), `start` of A."""

    activations: ClassVar[tuple[str, ...]] = ("input_activation",)

    selective_b: bool = True
    selective_c: bool = True
    selective_delta: bool = True
    skip: bool = True
    gate: bool = True
    negative_eigenvalues: bool = False
    discretisation: Literal["simplified", "zoh"] = "simplified"
    input_activation: Literal["silu", "identity"] = "silu"
    state_size: Annotated[int, Interval(ge=1, le=64)] = 4
    rank: Annotated[int, Interval(ge=1, le=64)] = 1
    start: Literal["real", "half", "random"] = "real"

    @property
    def _states(self) -> range:
        return range(1, self.state_size + 1)

    @property
    def _ranks(self) -> range:
        return range(1, self.rank + 1)

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"Wu": (I, H)} | ({"Wz": (I, H)} if self.gate else {})
        for n in self._ranks if self.selective_delta else ():
            shapes |= {f"R{n}": (1, H), f"E{n}": (1, H)}
        rows = ["b", *(f"{name}{n}" for name in "LBC" for n in self._states)] + ["D"] * self.skip
        return shapes | dict.fromkeys(rows, (1, H))

    def widths(self, H: int) -> tuple[int, ...]:
        return (H,) * self.state_size

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p, (_, H) = super().init(shapes, stream), shapes["Wu"]
        rates = {"real": np.log(self._states), "half": np.full(64, np.log(0.5)), "random": np.zeros(64)}[self.start]
        for n in self._states:
            p[f"L{n}"] = np.full((1, H), rates[n - 1], np.float32)
            if self.start == "random":
                p[f"L{n}"] += stream(f"L{n}").normal((1, H))
            if not self.selective_b:
                p[f"B{n}"] = np.ones((1, H), np.float32)
            if not self.selective_c:
                p[f"C{n}"] = stream(f"C{n}").normal((1, H))
        for n in self._ranks if self.selective_delta else ():
            p[f"E{n}"] *= np.float32((H / self.rank) ** 0.5)
        p |= {"D": np.ones((1, H), np.float32)} if self.skip else {}
        return p | {"b": decay.start({"A": (1, 1), "ba": (1, H)}, stream)["ba"]}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        u, time = x @ p["Wu"], p["b"]
        if self.input_activation == "silu":
            u = u * sigmoid(u)
        for n in self._ranks if self.selective_delta else ():
            time = time + spread(head_sum(u * p[f"R{n}"], self.heads), u) * p[f"E{n}"]
        time, new, read = softplus(time), [], []
        for n, s in zip(self._states, state, strict=True):
            B = spread(head_sum(u * p[f"B{n}"], self.heads), u) if self.selective_b else p[f"B{n}"]
            C = spread(head_sum(u * p[f"C{n}"], self.heads), u) if self.selective_c else p[f"C{n}"]
            rate = p[f"L{n}"].exp()
            a = (-rate * time).exp()
            held = (1 - a) / rate if self.discretisation == "zoh" else time
            s = (2 * a - 1 if self.negative_eigenvalues else a) * s + held * B * u
            new.append(s)
            read.append(C * s)
        y = sum(read[1:], read[0])
        if self.skip:
            y = y + p["D"] * u
        if self.gate:
            z = x @ p["Wz"]
            y = y * (z * sigmoid(z))
        return y, tuple(new)
