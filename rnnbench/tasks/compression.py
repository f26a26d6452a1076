"""Compression (after MAD; Poli et al., 2024): how much of a random string passes through one state?

All symbols are read, then said in the order in which they came: whatever is to be said must be in the state in which
the string ends. The published form lets a network of two layers read each symbol off that state by its place; here the
model itself says them, one a step, so that it must also know where it is. Length is the load as well as the lag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench.tasks._said import Ordered


@dataclass(frozen=True)
class Task(Ordered):
    """Tokens: the symbols 0..alphabet-1, then alphabet the mark, one for each answer. Length: how many symbols there
    are.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=4).batch(1, 3, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([2, 3, 1, 4, 4, 4], [2, 3, 1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 16

    def order(self, length: int) -> NDArray[np.int64]:
        return np.arange(length)
