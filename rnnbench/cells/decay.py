"""A decay that the input chooses, as Mamba-2 (Dao & Gu, 2024) and Gated DeltaNet (Yang et al., 2025) have it.

    a = exp(-exp(A) * softplus(x Wa + ba))

A is a number a head; Wa and ba give one a head, or one for each of a head's units. At the start exp(A) is uniform in
[1, 16) and softplus(ba) log-uniform in [0.001, 0.1), so that a head forgets in 1 to 1000 steps whatever x is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rnnbench.cells import Arrays, Parameters, Shapes, Streams, softplus
from rnnbench.cells.memory import spread

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST, LONGEST = 1e-3, 1e-1  # of what a step of time is at the start


def decay(p: Parameters, x: Tensor, each_unit: bool) -> Tensor:
    """x (..., I) -> a (..., heads), or (..., H) for each unit."""
    time = softplus(x @ p["Wa"] + p["ba"])
    rate = p["A"].exp()
    return (-(spread(rate, time) if each_unit else rate) * time).exp()


def start(shapes: Shapes, stream: Streams) -> Arrays:
    """A and ba."""
    u, v = (stream(name).uniform(shapes[name]).astype(np.float64) for name in ("A", "ba"))
    time = SHORTEST * (LONGEST / SHORTEST) ** v
    return {"A": np.log(1 + 15 * u).astype(np.float32), "ba": np.log(np.expm1(time)).astype(np.float32)}
