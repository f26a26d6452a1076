"""DeltaNet: a matrix S for a memory that is corrected by what it gets wrong (Schlag et al., 2021; Yang et al., 2024).

    q, k, v = silu(x Wq), silu(x Wk), silu(x Wv)        q and k of length 1 in each head of D = H / heads units
    b  = c * sigmoid(x Wb), a number a head             c = 1, or 2 with negative eigenvalues (Grazzi et al., 2025)
    S' = a * S + k (b * (v - k (a * S)))^T              a = 1; or one a head (Gated DeltaNet: Yang et al., 2025), or
    y  = q S' / sqrt(D)                                 one a key (Kimi Delta Attention, 2025), as `cells.decay` has it
    h  = g * y / rms(y) * silu(x Wg)

(I - b k k^T) a is what S is multiplied by: along k its eigenvalue is 1 - b, from 0 to 1, or from -1 where c is 2: a
memory can then change sign, and a step of two words take turns. Without the delta rule S' = a * S + k (b * v)^T. Their
short convolutions are the setting `conv`, of x; a last projection is left to what reads h. At the start matrices are
uniform in +-1/sqrt(H), g is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import decay, sigmoid
from rnnbench.cells.memory import normalised, recall, remember, rms, scale, spread

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `delta_rule`, `gate` (a), `negative_eigenvalues`; `key_activation` of q, k and v, `key_norm` (their
    length 1), `norm` (rms) and `output_gate`; `heads`."""

    activations: ClassVar[tuple[str, ...]] = ("key_activation",)
    offs: ClassVar[Mapping[str, object]] = {"gate": "none"}

    delta_rule: bool = True
    gate: Literal["none", "scalar", "vector"] = "none"
    negative_eigenvalues: bool = False
    key_activation: Literal["silu", "identity"] = "silu"
    key_norm: bool = True
    norm: bool = True
    output_gate: bool = False
    heads: Annotated[int, Interval(ge=1, le=1024)] = 1

    def shapes(self, I: int, H: int) -> cells.Shapes:
        shapes: cells.Shapes = {f"W{k}": (I, H) for k in "qkv" + "g" * self.output_gate} | {"Wb": (I, self.heads)}
        if self.gate != "none":
            each = self.heads if self.gate == "scalar" else H
            shapes |= {"Wa": (I, each), "ba": (1, each), "A": (1, self.heads)}
        return shapes | ({"g": (1, H)} if self.norm else {})

    def widths(self, H: int) -> tuple[int, ...]:
        return (H * H // self.heads,)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p = super().init(shapes, stream)
        p |= {"g": np.ones(shapes["g"], np.float32)} if self.norm else {}
        return p | (decay.start(shapes, stream) if self.gate != "none" else {})

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        (S,) = state

        def act(z: Any) -> Any:
            return z * sigmoid(z) if self.key_activation == "silu" else z

        q, k, v = (act(x @ p[f"W{name}"]) for name in "qkv")
        if self.key_norm:
            q, k = normalised(q, self.heads), normalised(k, self.heads)
        a: Any = 1.0
        if self.gate != "none":
            a = decay.decay(p, x, each_unit=self.gate == "vector")
        if self.delta_rule:
            kept = k if self.gate == "none" else (spread(a, k) if self.gate == "scalar" else a) * k
            v = v - recall(kept, S)
        b = (2.0 if self.negative_eigenvalues else 1.0) * sigmoid(x @ p["Wb"])
        S = remember(S, a, k, spread(b, v) * v)
        y = recall(q * scale(q, self.heads), S)
        if self.norm:
            y = p["g"] * rms(y, self.heads)
        if self.output_gate:
            z = x @ p["Wg"]
            y = y * (z * sigmoid(z))
        return y, (S,)
