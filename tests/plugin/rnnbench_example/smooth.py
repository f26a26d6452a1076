"""The mean of all inputs so far, and an affine map of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnbench import layers
from rnnbench.cells import Parameters, Shapes
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Layer(layers.Layer):
    """xs (..., T, B, I) -> (..., T, B, H), for one run or for a stack of runs."""

    squash: bool = True

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        return {"W": (I, H), "b": (1, H)}

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        steps = torch.arange(1, xs.shape[-3] + 1, device=xs.device, dtype=xs.dtype)
        means = xs.cumsum(-3) / steps[:, None, None]
        ys = means @ p["W"].unsqueeze(-3) + p["b"].unsqueeze(-3)
        return torch.tanh(ys) if self.squash else ys
