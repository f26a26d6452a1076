"""Transformer (Vaswani et al., 2017), normalised before each sublayer (Xiong et al., 2020).

    x = X E + be                                                     (the first layer; + sines for `sinusoidal`)
    x = x + attention(norm(x)) Wo + bo         attention: softmax(q k / sqrt(D)) v of each head, D = H / heads
    x = x + relu(norm(x) W1 + b1) W2 + b2
    y = norm(x)                                                      (the last layer)

with q, k, v = norm(x) Wq + bq, ... On a causal task no step sees a later one; on others every step sees all, and a task
with one answer reads it off the last. Positions: none (Kazemnejad et al., 2023), `sinusoidal`, `rotary` (Su et al.,
2021), `alibi` (Press et al., 2022; by distance in either direction where all is seen).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Interval

from rnnbench import layers
from rnnbench.cells import Arrays, Parameters, Shapes, Streams
from rnnbench.layers import Compiled, Pass
from rnnbench.layers.attention import weigh
from rnnbench.layers.initial import affine, initial, normalise
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

KERNEL = (
    "transformer",
    "sublayers",
    "embedding",
    "selfattention",
    "lanewise",
    "angles",
)  # what decides the bits of one run on a CPU
BASE = 10000.0  # the longest wavelength of sines and rotations is 2 pi times this many steps


@dataclass(frozen=True)
class Layer(layers.Layer):
    """Switches: `heads`, `positions`, and `feedforward`, the width of the hidden sublayer over H."""

    offs: ClassVar[Mapping[str, object]] = {"positions": "none"}
    how: ClassVar[str] = "fused"

    heads: Annotated[int, Interval(ge=1, le=1024)] = 4
    positions: Literal["none", "sinusoidal", "rotary", "alibi"] = "sinusoidal"
    feedforward: Annotated[int, Interval(ge=1, le=64)] = 4

    def incompatible(self, settings: Settings) -> str:
        for name in ("bidirectional", "residual", "layer_norm"):
            if getattr(settings, name):
                has = "sees both ways already" if name == "bidirectional" else "has its own already"
                return f"{name}: a transformer {has}"
        if settings.hidden % self.heads:
            return f"heads: {self.heads} do not divide the {settings.hidden} hidden units"
        if self.positions == "rotary" and settings.hidden // self.heads % 2:
            return f"positions: rotary turns pairs, a head has {settings.hidden // self.heads} units"
        return ""

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        F = self.feedforward * H
        start: Shapes = {"E": (I, H), "be": (1, H)} if first else {}
        attention: Shapes = {"ga": (1, H), "ba": (1, H)}
        for k in "qkvo":
            attention |= {f"W{k}": (H, H), f"b{k}": (1, H)}
        hidden: Shapes = {
            "gf": (1, H), "bf": (1, H), "W1": (H, F), "b1": (1, F), "W2": (F, H), "b2": (1, H),
        }  # fmt: skip
        end: Shapes = {"gy": (1, H), "by": (1, H)} if last else {}
        return start | attention | hidden | end

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        """Matrices uniform in +-1/sqrt(rows), as torch.nn.Linear; gains 1, biases 0. Of tokens one row of E is read at
        a time: they start from N(0, 1), as torch.nn.Embedding, as large as the sines beside them. From 1/sqrt(rows)
        the sines would drown them, and what has to match tokens would hardly learn."""
        p = initial(shapes, stream)
        p = {n: v * np.float32((v.shape[1] / v.shape[0]) ** 0.5) if n[0] in "WE" else v for n, v in p.items()}
        return p | {"E": stream("E").normal(shapes["E"])} if tokens and "E" in p else p

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        if "E" in p:
            xs = affine(xs, p["E"], p["be"])
            if self.positions == "sinusoidal":
                xs = xs + _sines(xs)
        n = normalise(xs, p["ga"], p["ba"])
        q, k, v = (self._heads(affine(n, p[f"W{c}"], p[f"b{c}"])) for c in "qkv")  # (..., B, heads, T, D)
        if self.positions == "rotary":
            q, k = _turned(q), _turned(k)
        if self.positions == "alibi":
            found = weigh(q, k, v, self._slopes(q, causal))
        else:
            found = weigh(q, k, v, causal=causal)
        xs = xs + affine(found.movedim(-2, -4).flatten(-2), p["Wo"], p["bo"])
        n = normalise(xs, p["gf"], p["bf"])
        xs = xs + affine(torch.relu(affine(n, p["W1"], p["b1"])), p["W2"], p["b2"])
        return normalise(xs, p["gy"], p["by"]) if "gy" in p else xs

    def _heads(self, xs: Tensor) -> Tensor:
        """(..., T, B, H) -> (..., B, heads, T, D)."""
        return xs.reshape(*xs.shape[:-1], self.heads, -1).movedim(-4, -2)

    def _slopes(self, q: Tensor, causal: bool) -> Tensor:
        """What ALiBi adds to the scores, (heads, T, T): minus the distance times 2^(-8 k / heads)."""
        steps = torch.arange(q.shape[-2], device=q.device)
        apart = steps - steps.unsqueeze(-1)
        slope = 2.0 ** (-8 * torch.arange(1, self.heads + 1, device=q.device, dtype=q.dtype) / self.heads)
        bias = -apart.abs() * slope[:, None, None]
        return bias.masked_fill(apart > 0, -torch.inf) if causal else bias

    def as_solo(self) -> Layer:
        return Solo(self.heads, self.positions, self.feedforward)

    def sources(self, solo: bool) -> tuple[str, ...]:
        kernel = tuple(f"kernels/{name}.py" for name in KERNEL)
        return (*super().sources(solo), *(kernel if solo else ("layers/attention.py",)))

    def seconds(self, T: int, B: int, H: int) -> float:
        return 1e-3 + T * (B / 32) * (H / 32) * (1.5e-4 + 2.5e-7 * T)


class Solo(Layer):
    """The layer for one run on a CPU, by `kernels/transformer.py`."""

    @property
    def reads_tokens(self) -> bool:
        return True

    @property
    def by_hand(self) -> bool:
        return True

    def compiled(self, p: Parameters, gradients: Parameters, causal: bool) -> Compiled:
        return _Compiled(self, p, gradients, causal)

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        from rnnbench.layers import node  # imports torch

        return node.scan(self, p, xs, len(p["W1"]), causal)

    def warm(self) -> None:
        from rnnbench.kernels import readout, transformer  # imports the compiler

        transformer.warm()
        readout.warm()


class _Compiled:
    """The layer with its parameters, as a block and what it adds and turns by."""

    def __init__(self, layer: Layer, p: Parameters, gradients: Parameters, causal: bool) -> None:
        from rnnbench.kernels import angles, transformer  # imports the compiler

        self.positions, self.heads, self.angles = layer.positions, layer.heads, angles
        slopes = angles.slopes(self.heads) if self.positions == "alibi" else None
        numbers, to = ({n: v.numpy() for n, v in each.items()} for each in (p, gradients))
        self.block = transformer.Block(numbers, to, self.heads, causal, slopes)

    def forward(self, xs: Tensor, steps: range, keep: bool) -> Pass:
        T, H = len(xs), self.block.H
        sines = self.angles.sines(T, H) if self.positions == "sinusoidal" else None
        turns = self.angles.turns(T, H // self.heads) if self.positions == "rotary" else None
        return self.block.forward(xs.contiguous().numpy(), steps, sines, turns, keep)


def _angles(T: int, D: int, like: Tensor) -> Tensor:
    """Each step times BASE^(-2 k / D) for k = 0 .. D/2 - 1: (T, D / 2, rounded up)."""
    rates = BASE ** (-torch.arange(0, D, 2, device=like.device, dtype=torch.float64) / D)
    return torch.arange(T, device=like.device).unsqueeze(-1) * rates


def _sines(xs: Tensor) -> Tensor:
    """sin and cos of the angles, by turns: (T, 1, H)."""
    T, H = xs.shape[-3], xs.shape[-1]
    angles = _angles(T, H, xs)
    return torch.stack((angles.sin(), angles.cos()), -1).flatten(-2)[:, None, :H].to(xs.dtype)


def _turned(q: Tensor) -> Tensor:
    """Each pair of units (2k, 2k + 1) of (..., T, D) turned by its step's angle."""
    angles = _angles(q.shape[-2], q.shape[-1], q)
    cos, sin = angles.cos().to(q.dtype), angles.sin().to(q.dtype)
    a, b = q[..., 0::2], q[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)
