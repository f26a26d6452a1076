"""Bucket sort (Deletang et al., 2023): symbols are read, then to be said in order: how many were there of each?

If symbols were uniform, as published, the first fifth of a long string in order would be the first of five symbols, and
so on: a clock that reads nothing would be right the more often the longer the string, at 100 of five symbols for .86 of
the answers. Here each string has shares of its own, uniform among all that sum to 1, so that a clock is right of
five symbols for half of the answers at any length; that is score 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Rows
from rnnbench.tasks._said import Said


@dataclass(frozen=True)
class Task(Said):
    """Tokens: the symbols 0..alphabet-1, then alphabet the mark, one for each answer. Length: how many symbols there
    are.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=3).batch(1, 6, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([0, 0, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3], [0, 0, 1, 1, 1, 1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=100)] = 5

    @property
    def chance(self) -> float:
        """A clock, in long strings: at the share u of the answers k symbols are done with the probability that k of
        alphabet - 1 uniform numbers are below u."""
        return _clock(self.alphabet)

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        ends = rng.uniform((self.alphabet - 1, size))  # of the shares
        luck = rng.uniform((length, size))
        symbols = np.zeros((length, size), np.int64)
        for end in ends:
            symbols += luck >= end
        return symbols

    def said(self, rows: Rows) -> Rows:
        return np.sort(rows, 0)

    def lag(self, length: int) -> tasks.Lag:
        """From the first symbol to the answers, all of which hang on it."""
        return tasks.Lag(length, (3 * length - 1) / 2, 2 * length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first symbol, which stands for all."""
        steps = np.zeros((1, *batch.ys.shape), np.int64)
        return tasks.Needed(steps, np.broadcast_to(batch.xs[0], steps.shape), 0, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        length = len(batch.ys)
        often = _done(self.alphabet, (np.arange(length) + 0.5) / length).argmax(0)
        choices = np.eye(self.outputs, dtype=np.float32)
        return {"a clock": choices[np.broadcast_to(often[:, None], batch.ys.shape)]}


def _done(symbols: int, u: NDArray[np.float64]) -> NDArray[np.float64]:
    """How likely it is that k symbols are done at the share u of the answers, (symbols, len(u))."""
    n = symbols - 1
    return np.stack([math.comb(n, k) * u**k * (1 - u) ** (n - k) for k in range(symbols)])


@cache
def _clock(symbols: int) -> float:
    """How many answers the best clock has right: the integral of the likeliest.

    >>> round(_clock(2), 4), round(_clock(5), 2)
    (0.75, 0.5)
    """
    u = (np.arange(10_000) + 0.5) / 10_000
    return float(_done(symbols, u).max(0).mean())
