"""What layers share: how parameters start, an affine map, layer norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnbench import cells
from rnnbench.cells import Arrays, Shapes, Streams
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def initial(shapes: Shapes, stream: Streams) -> Arrays:
    """As a cell's parameters, but a gain (a single row named g...) is 1."""
    p = cells.uniform(shapes, stream)
    return p | {n: np.ones_like(value) for n, value in p.items() if n[0] == "g" and len(value) == 1}


def affine(xs: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    """xs (..., T, B, I) times W (..., I, O), plus b (..., 1, O)."""
    flat = xs.flatten(-3, -2) @ W
    return (flat if b is None else flat + b).reshape(*xs.shape[:-1], W.shape[-1])


def normalise(xs: Tensor, g: Tensor, b: Tensor) -> Tensor:
    """Layer norm (Ba et al., 2016) of (..., T, B, W), with gain and bias (..., 1, W)."""
    return torch.layer_norm(xs, xs.shape[-1:]) * g.unsqueeze(-3) + b.unsqueeze(-3)
