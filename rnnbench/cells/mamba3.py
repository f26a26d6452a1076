"""Mamba-3's state space (Lahoti et al., 2026), of one input and output: a matrix for a memory whose pairs of keys turn.

    k, q = g * rms(x W) + b       their B and C: N = 2 D numbers a head, in pairs, as D complex ones
    v  = x Wv                     their x
    t  = softplus(x Wt + bt)      a = exp(-t max(softplus(x Wa), 0.0001))      l = sigmoid(x Wl)      each one a head
    e' = e * exp(i t o)           o = pi tanh(x Wo), one a pair: how far it has turned by now, |e| = 1
    S' = a * S + (1 - l) t a * (e k v^T of the step before) + l t * e' k v^T
    h  = (Re(conj(e' q) S') + D * v) * silu(x Wz)

S' is what the trapezoid makes of dS/dt = -A S + k v^T over a step of t, its ends weighed by 1 - l and l; of Euler
(`discretisation: euler`) l is 1. Of `rotation: fixed` the angle t o of pair n is 10000^(-n / D) at every step, as of
rotary positions (Su et al., 2021), of `none` it is 0.

A state whose pairs turn at each step, R' = a e^(-i t o) * (R + ...) + ..., is the same: turns of a pair commute, so
that R = conj(e) S has these equations with k and q as they are. Turning k and q instead leaves S with a decay that is a
number a head, which a scan is derived from. The sum of angles would lose digits as it grows, so e is carried, less 1.

These are the equations of their code (state-spaces/mamba: modules/mamba3.py, and the loop over steps that its tests
have). Theirs shares k, q but for b, and o among heads, turns half of the pairs by default (`rope_fraction`), and has
twice as many units as the layer has, N of 128 to 64 units a head; here each head has its own, all pairs turn, and N is
twice the units of a head. Products of several inputs and outputs (MIMO) are left out, a last projection is left to what
reads h. At the start matrices are uniform in +-1/sqrt(H), g, b and D are 1, softplus(bt) is log-uniform in [0.001,
`time_max`), theirs 0.1: so a pair turns by a third at most at a step, and by half a turn, as parity asks, from 1 on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import sigmoid, softplus, tanh
from rnnbench.cells.decay import SHORTEST
from rnnbench.cells.memory import head_sum, recall, remember, scale, spread

if TYPE_CHECKING:
    from torch import Tensor

SLOWEST = 1e-4  # of what it forgets at a step of time
LEAST = 1e-5  # of the mean square that keys are normalised by
BASE = 10000.0  # of angles that are fixed

Complex = tuple[Any, ...]  # of each unit, in its two real halves


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `discretisation`, `rotation`, `key_norm` and `key_bias` (g and rms; b), `skip` (D), `gate` (z);
    `heads`; `time_max` of t at the start."""

    offs: ClassVar[Mapping[str, object]] = {"discretisation": "euler", "rotation": "none"}

    discretisation: Literal["trapezoidal", "euler"] = "trapezoidal"
    rotation: Literal["data", "fixed", "none"] = "data"
    key_norm: bool = True
    key_bias: bool = True
    skip: bool = True
    gate: bool = True
    heads: Annotated[int, Interval(ge=1, le=1024)] = 1
    time_max: Annotated[float, Interval(gt=0.001, le=10)] = 0.1

    @property
    def frozen(self) -> tuple[str, ...]:
        return ("o",) if self.rotation == "fixed" else ()

    @property
    def _halves(self) -> tuple[str, ...]:
        return ("kr", "ki", "qr", "qi")

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"Wv": (I, H)} | ({"Wz": (I, H)} if self.gate else {})
        for half in self._halves:
            shapes |= {f"W{half}": (I, H)} | ({f"g{half}": (1, H)} if self.key_norm else {})
            shapes |= {f"b{half}": (1, H)} if self.key_bias else {}
        shapes |= {"Wt": (I, self.heads), "bt": (1, self.heads), "Wa": (I, self.heads)}
        shapes |= {"Wl": (I, self.heads)} if self.discretisation == "trapezoidal" else {}
        turns: dict[str, cells.Shapes] = {"data": {"Wo": (I, H)}, "fixed": {"o": (1, H)}, "none": {}}
        return shapes | turns[self.rotation] | ({"D": (1, self.heads)} if self.skip else {})

    def widths(self, H: int) -> tuple[int, ...]:
        """Both halves of S; of e less 1, if pairs turn; of e k of the step before, and its v, if they count."""
        turned, before = 2 * (self.rotation != "none"), 3 * (self.discretisation == "trapezoidal")
        return (H * H // self.heads,) * 2 + (H,) * (turned + before)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p, (_, H) = super().init(shapes, stream), shapes["Wv"]
        ones = [name for name in shapes if name == "D" or (name[1:] in self._halves and name[0] in "gb")]
        p |= {name: np.ones(shapes[name], np.float32) for name in ones}
        if self.rotation == "fixed":
            D = H // self.heads
            p["o"] = np.tile(BASE ** (-np.arange(D) / D), self.heads)[None].astype(np.float32)
        time = SHORTEST * (self.time_max / SHORTEST) ** stream("bt").uniform(shapes["bt"]).astype(np.float64)
        return p | {"bt": np.log(np.expm1(time)).astype(np.float32)}

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        Sr, Si, *rest = state
        v, time = x @ p["Wv"], softplus(x @ p["Wt"] + p["bt"])
        a = (-time * softplus(x @ p["Wa"]).clamp(min=SLOWEST)).exp()
        k, q, carried = self._key(p, x, "k"), self._key(p, x, "q"), []
        if self.rotation != "none":
            angle = math.pi * tanh(x @ p["Wo"]) * spread(time, v) if self.rotation == "data" else p["o"]
            e = cells.times((angle.cos(), angle.sin()), (1 + rest[0], rest[1]))
            k, q, carried = cells.times(e, k), cells.times(e, q), [e[0] - 1, e[1]]
        pairs: tuple[Complex, ...] = ((k, spread(time, v) * v),)
        if self.discretisation == "trapezoidal":
            *before, v_before = rest[-3:]
            l = sigmoid(x @ p["Wl"])
            pairs = (k, spread(l * time, v) * v), (before, spread((1 - l) * time * a, v) * v_before)
            carried += [*k, v]
        Sr, Si = (
            remember(S, a, *(each for key, value in pairs for each in (key[half], value)))
            for half, S in enumerate((Sr, Si))
        )
        y = recall(q[0], Sr) + recall(q[1], Si)
        if self.skip:
            y = y + spread(p["D"], v) * v
        if self.gate:
            z = x @ p["Wz"]
            y = y * (z * sigmoid(z))
        return y, (Sr, Si, *carried)

    def _key(self, p: cells.Parameters, x: Tensor, name: str) -> Complex:
        """k or q before it is turned."""
        halves = [x @ p[f"W{name}{half}"] for half in "ri"]
        if self.key_norm:
            r, i = (each * scale(each, self.heads) for each in halves)
            root = spread((0.5 * head_sum(r * r + i * i, self.heads) + LEAST).sqrt(), r)
            halves = [p[f"g{name}{half}"] * (each / root) for half, each in zip("ri", halves, strict=True)]
        if self.key_bias:
            halves = [each + p[f"b{name}{half}"] for half, each in zip("ri", halves, strict=True)]
        return tuple(halves)
