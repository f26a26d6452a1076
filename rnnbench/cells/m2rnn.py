"""Matrix-to-matrix recurrent network (M2RNN; Mishra et al., 2026): a matrix S for a memory, changed by tanh.

    k_i = silu(x K_i)      q_i = silu(x Q_i)      v = silu(x Wv)      i = 1, ..., keys: rows of S, H wide
    Z_i  = tanh(S_i W + k_i v)
    S_i' = f S_i + (1 - f) Z_i                    f = exp(-exp(A) softplus(x Wa + ba)), one number
    y    = (sum_i q_i S_i' + D * v) * silu(x Wg)
    h    = g * y / rms(y)

Linear attention is its linear counterpart: there a step adds k v^T, which here goes through W and tanh, so that S can
follow what no product of decays can. Theirs has heads, each of 64 keys by 16 values and a W of its own, and limits the
gradient within a step; here is one head with as many values as units. Their convolution, of k, q and v, is the setting
`conv`, of x; a last projection is left to what reads h. At the start W is the identity, D and g are 1, A and ba as
`cells.decay` has them, the rest is uniform in +-1/sqrt(H). Equations and start are those of their code, lm-engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import decay, sigmoid
from rnnbench.cells.memory import rms, spread

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `transition` (W; off: the identity), `candidate_activation` of Z, `gate` (f; off: S' = Z), `skip` (D),
    `output_gate`, `norm` (rms), `key_activation` of k, q and v; `keys`."""

    activations: ClassVar[tuple[str, ...]] = ("candidate_activation", "key_activation")

    transition: bool = True
    candidate_activation: Literal["tanh", "identity"] = "tanh"
    gate: bool = True
    skip: bool = True
    output_gate: bool = True
    norm: bool = True
    key_activation: Literal["silu", "identity"] = "silu"
    keys: Annotated[int, Interval(ge=1, le=64)] = 8

    @property
    def _rows(self) -> range:
        return range(1, self.keys + 1)

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {"Wv": (I, H)} | ({"Wg": (I, H)} if self.output_gate else {})
        shapes |= {f"{name}{i}": (I, 1) for name in "KQ" for i in self._rows}
        shapes |= {"W": (H, H)} if self.transition else {}
        shapes |= {"Wa": (I, 1), "ba": (1, 1), "A": (1, 1)} if self.gate else {}
        return shapes | ({"D": (1, H)} if self.skip else {}) | ({"g": (1, H)} if self.norm else {})

    def widths(self, H: int) -> tuple[int, ...]:
        return (H,) * self.keys

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p, (_, H) = super().init(shapes, stream), shapes["Wv"]
        for name in p:
            if shapes[name][1] == 1:
                p[name] = p[name] * np.float32(H**-0.5)
        p |= {name: np.ones((1, H), np.float32) for name in {"D", "g"} & shapes.keys()}
        p |= {"W": np.eye(H, dtype=np.float32)} if self.transition else {}
        return p | (decay.start(shapes, stream) if self.gate else {})

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        def act(z: Any) -> Any:
            return z * sigmoid(z) if self.key_activation == "silu" else z

        v, new, read = act(x @ p["Wv"]), [], []
        f = spread(decay.decay(p, x, each_unit=False), v) if self.gate else None
        for i, S in zip(self._rows, state, strict=True):
            k, q = (spread(act(x @ p[f"{name}{i}"]), v) for name in "KQ")
            Z = cells.activation(self.candidate_activation)((S @ p["W"] if self.transition else S) + k * v)
            S = Z if f is None else f * S + (1 - f) * Z
            new.append(S)
            read.append(q * S)
        y = sum(read[1:], read[0])
        if self.skip:
            y = y + p["D"] * v
        if self.output_gate:
            z = x @ p["Wg"]
            y = y * (z * sigmoid(z))
        return (p["g"] * rms(y, self.heads) if self.norm else y), tuple(new)
