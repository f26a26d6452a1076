"""A causal convolution before a layer: each number of its input is filtered over its own last steps (depthwise).

    s_t = b + sum over j < k of w_j * x_{t-j}        x_t = 0 before the first step
    y_t = silu(s_t), or s_t                           + x_t where it is residual

w (k, I) and b (1, I) have a filter and a bias for each of the layer's I inputs, and for each direction its own. Mamba
(Gu & Dao, 2023) and DeltaNet (Yang et al., 2024) have one of k = 4 with silu ahead of their recurrence, canon layers
(Allen-Zhu, 2025) add one of k = 4 without an activation to what they are given. Mamba and DeltaNet filter what they
have projected, DeltaNet and canon layers without a bias; here the filter is ahead of the projection, b starts at 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnbench.cells import Arrays, Parameters, Shapes, Streams, sigmoid
from rnnbench.lazy import torch
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor


def shapes(taps: int, width: int) -> Shapes:
    """The parameters of a filter of so many steps, of an input of that width."""
    return {"w": (taps, width), "b": (1, width)}


def initial(shapes: Shapes, stream: Streams, start: str) -> Arrays:
    """`uniform`: w in +-1/sqrt(k), as torch.nn.Conv1d; `identity`: w_0 = 1, all else 0; `zero`."""
    taps = shapes["w"][0]
    w = np.zeros(shapes["w"], np.float32)
    if start == "uniform":
        w = (2 * stream("w").uniform(shapes["w"]) - 1) * np.float32(taps**-0.5)
    elif start == "identity":
        w[0] = 1
    return {"w": w, "b": np.zeros(shapes["b"], np.float32)}


def convolve(p: Parameters, xs: Tensor, settings: Settings) -> Tensor:
    """xs (..., T, B, I) -> ys, likewise."""
    T = xs.shape[-3]
    found = p["b"].unsqueeze(-3)
    for j in range(min(settings.conv, T)):
        past = torch.nn.functional.pad(xs[..., : T - j, :, :], (0, 0, 0, 0, j, 0))
        found = found + p["w"][..., j : j + 1, :].unsqueeze(-3) * past
    if settings.conv_activation == "silu":
        found = found * sigmoid(found)
    return xs + found if settings.conv_residual else found
