"""Majority (as in Zoology; Arora et al., 2023): which symbol was there most often?

Symbols are uniform; where two or more were there equally often, one of them takes the place of another symbol
somewhere, so that there is always one answer, and no symbol is it more often than another. Counts decide, by margins as
narrow as one. Whoever knows the last symbol alone is right somewhat more often than by chance, the more often the
shorter the string is: of two symbols by 0.4 / sqrt(length); so only near 1 is a score one of counting.
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
from rnnbench.tasks._apart import Apart, Rows


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: the symbols 0..alphabet-1, and alphabet the question mark after them. Answers: the symbols. Length: how
    many symbols there are.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=3).batch(1, 6, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([1, 2, 1, 0, 2, 1, 3], [1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 2

    @property
    def inputs(self) -> int:
        return self.alphabet + 1

    @property
    def outputs(self) -> int:
        return self.alphabet

    @property
    def last(self) -> bool:
        return True

    def space(self, length: int) -> int | None:
        return _decided(self.alphabet, length) if tasks.strings(self.alphabet, length) else None

    def keys(self, length: int) -> int | None:
        space = self.space(length)
        return space and space // self.alphabet

    def key(self, rows: Rows) -> Rows:
        """The symbols, shifted alike so that the first is 0: by which each is as often the answer in each part."""
        return (rows - rows[:1]) % self.alphabet

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        rows = rng.integers(self.alphabet, (length, size))
        counts = self._counts(rows)
        most = counts == counts.max(0)
        luck = rng.uniform((self.alphabet, size))
        winner = np.where(most, luck, -1).argmax(0)
        place = np.where(rows == winner, -1, rng.uniform(rows.shape)).argmax(0)
        tied = np.flatnonzero(most.sum(0) > 1)
        rows[place[tied], tied] = winner[tied]
        return rows

    def _counts(self, rows: Rows) -> Rows:
        """How often each symbol is in each column, (alphabet, B)."""
        size = rows.shape[1]
        places = rows * size + np.arange(size)
        return np.bincount(places.ravel(), minlength=self.alphabet * size).reshape(self.alphabet, size)

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = np.concatenate([rows, np.full((1, rows.shape[1]), self.alphabet)])
        return tasks.Batch(xs, self._counts(rows).argmax(0)[None], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first symbol to the question mark."""
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first symbol, which stands for all. None may take its place: there might be two answers then."""
        return tasks.Needed(np.zeros((1, *batch.ys.shape), np.int64), batch.xs[:1][None])

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one symbol": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}


@cache
def _decided(symbols: int, length: int) -> int:
    """How many strings have one symbol that is there more often than any other.

    >>> _decided(2, 3), _decided(2, 4), _decided(3, 3)
    (8, 10, 21)
    """
    total = 0
    for most in range(1, length + 1):
        ways = [1] + [0] * (length - most)  # by how many of the other places are filled, each other symbol < most times
        for _ in range(symbols - 1):
            ways = [sum(math.comb(n, k) * ways[n - k] for k in range(min(n, most - 1) + 1)) for n in range(len(ways))]
        total += symbols * math.comb(length, most) * ways[-1]
    return total
