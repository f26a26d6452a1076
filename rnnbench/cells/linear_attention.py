"""Linear attention, a matrix S for a memory that decays in one of several ways; in heads of D = H / heads units.

    q = act(x Wq) / sqrt(D)        k = act(x Wk)        v = x Wv
    S' = a * S + k v^T             y = q S'
    h  = g * y / rms(y) * silu(x Wg)

a   none      1 (Katharopoulos et al., 2020)
    fixed     1 - 2^(-5 - n) of head n = 0, 1, ... (RetNet: Sun et al., 2023; not trained)
    scalar    exp(-exp(A) softplus(x Wa + ba)), one number a head (Mamba-2: Dao & Gu, 2024, which scales v by the same)
    vector    sigmoid(x Wa + ba)^(1/16), one a key (GLA: Yang et al., 2024)
    tied      sigmoid(x Wa + ba), one a key, and k = 1 - a (HGRN2: Qin et al., 2024)
    double    exp(-exp(x Wa + ba)), one a key (RWKV-6: Peng et al., 2024)

`bonus` (RWKV-6): y = q (S + diag(u) k v^T), before the change. `norm: keys` (Katharopoulos et al.): h is y / (q . n)
with n' = a * n + k, of positive keys. What they add around it (a second projection, low ranks, shifts) is left out. At
the start matrices are uniform in +-1/sqrt(H), g is 1 and u 0; ba is 0, that of `scalar` as `cells.decay` has it, that
of `double` goes from -6 to -1 over a head's keys, as (i / (D - 1))^0.7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import cells
from rnnbench.cells import decay, sigmoid, softplus
from rnnbench.cells.memory import head_sum, recall, remember, rms, scale, spread

if TYPE_CHECKING:
    from torch import Tensor

GLA = 16.0  # what GLA's decay is the root of
LEAST = 1e-6  # of what keys are normalised by

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "silu": lambda z: z * sigmoid(z),
    "elu": lambda z: z.relu() + z.clamp(max=0).exp(),  # elu(z) + 1, above 0
}


@dataclass(frozen=True)
class Cell(cells.Cell):
    """Switches: `decay`, `bonus`, `norm` and `output_gate` (silu) as above, `key_activation` of queries and keys
    (`elu`: elu + 1), and `heads`."""

    activations: ClassVar[tuple[str, ...]] = ("key_activation",)
    offs: ClassVar[Mapping[str, object]] = {"decay": "none", "norm": "none"}

    decay: Literal["vector", "none", "fixed", "scalar", "tied", "double"] = "vector"
    bonus: bool = False
    key_activation: Literal["identity", "silu", "elu"] = "identity"
    norm: Literal["rms", "keys", "none"] = "rms"
    output_gate: bool = True
    heads: Annotated[int, Interval(ge=1, le=1024)] = 1

    def __post_init__(self) -> None:
        if self.norm == "keys" and self.key_activation != "elu":
            raise ValueError("norm: by keys needs positive ones (key_activation: elu)")
        if self.norm == "keys" and self.bonus:
            raise ValueError("bonus: not with norm: keys, which knows nothing of it")

    @property
    def frozen(self) -> tuple[str, ...]:
        return ("a",) if self.decay == "fixed" else ()

    def shapes(self, I: int, H: int) -> cells.Shapes:
        tied, each = self.decay == "tied", self.heads if self.decay == "scalar" else H
        shapes: cells.Shapes = {f"W{k}": (I, H) for k in "qv" + "k" * (not tied) + "g" * self.output_gate}
        if self.decay == "fixed":
            shapes["a"] = (1, self.heads)
        elif self.decay != "none":
            shapes |= {"Wa": (I, each), "ba": (1, each)}
        shapes |= {"A": (1, self.heads)} if self.decay == "scalar" else {}
        shapes |= {"u": (1, H)} if self.bonus else {}
        return shapes | ({"g": (1, H)} if self.norm == "rms" else {})

    def widths(self, H: int) -> tuple[int, ...]:
        return (H * H // self.heads, H) if self.norm == "keys" else (H * H // self.heads,)

    def init(self, shapes: cells.Shapes, stream: cells.Streams) -> cells.Arrays:
        p, (_, H) = super().init(shapes, stream), shapes["Wq"]
        if self.norm == "rms":
            p["g"] = np.ones((1, H), np.float32)
        if self.decay == "scalar":
            p |= decay.start(shapes, stream)
        elif self.decay == "fixed":
            p["a"] = (1 - 2.0 ** (-5 - np.arange(self.heads)))[None].astype(np.float32)
        elif self.decay == "double":
            D = H // self.heads
            p["ba"] = np.tile(-6 + 5 * (np.arange(D) / max(D - 1, 1)) ** 0.7, self.heads)[None].astype(np.float32)
        return p

    def step(self, p: cells.Parameters, x: Tensor, state: cells.State) -> tuple[Tensor, cells.State]:
        S, *seen = state
        act, a = ACTIVATIONS[self.key_activation], self._decay(p, x)
        q, v = act(x @ p["Wq"]), x @ p["Wv"]
        k = 1 - a if self.decay == "tied" else act(x @ p["Wk"])
        q = q * scale(q, self.heads)
        if self.bonus:
            y = recall(q, S) + spread(head_sum(q * p["u"] * k, self.heads), v) * v
            S = remember(S, a, k, v)
        else:
            S = remember(S, a, k, v)
            y = recall(q, S)
        if self.norm == "keys":
            seen = [(spread(a, k) if self.decay in ("fixed", "scalar") else a) * seen[0] + k]
            y = y / spread(head_sum(q * seen[0], self.heads) + LEAST, y)
        elif self.norm == "rms":
            y = p["g"] * rms(y, self.heads)
        if self.output_gate:
            y = y * ACTIVATIONS["silu"](x @ p["Wg"])
        return y, (S, *seen)

    def _decay(self, p: cells.Parameters, x: Tensor) -> Any:
        if self.decay == "none":
            return 1.0
        if self.decay == "fixed":
            return p["a"]
        if self.decay == "scalar":
            return decay.decay(p, x, each_unit=False)
        a = x @ p["Wa"] + p["ba"]
        if self.decay == "double":
            return (-a.exp()).exp()
        return (-softplus(-a) / GLA).exp() if self.decay == "vector" else sigmoid(a)
