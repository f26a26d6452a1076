"""Selective copy (Gu & Dao, 2023): the items stand at random places, and what lies between them is to be ignored.

`items` symbols at sorted random places among length + items slots, blanks in the others; then as many markers, during
which the symbols are to be said in order. In plain copy a clock tells when to store; here only the input does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks import _split


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 blank, 1..alphabet the symbols, alphabet + 1 the marker. Length: how many blanks there are.

    >>> from rnnbench.rng import stream
    >>> b = Task(items=2, alphabet=4).batch(1, 4, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([3, 0, 0, 4, 0, 0, 5, 5], [2, 3])
    """

    items: Annotated[int, Interval(ge=1, le=1000)] = 4
    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 8

    @property
    def inputs(self) -> int:
        return self.alphabet + 2

    @property
    def outputs(self) -> int:
        return self.alphabet

    def space(self, length: int) -> int | None:
        symbols = tasks.strings(self.alphabet, self.items)
        return symbols and symbols * math.comb(length + self.items, self.items)

    def split(self, length: int) -> bool:
        return _split.divided(_split.count(self.alphabet, self.items - 1))

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._asked(size, length, rng, "train")

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return self._asked(tasks.SIZES[split], length, stream(split), split)

    def _asked(self, size: int, length: int, rng: Stream, part: _split.Part) -> tasks.Batch:
        K, slots = self.items, length + self.items
        symbols = _split.strings(self.alphabet, K, size, rng, part)
        places = np.sort(rng.shuffled(size, slots)[:, :K], axis=1).T
        xs = np.zeros((slots + K, size), np.int64)
        xs[places, np.arange(size)] = symbols + 1
        xs[slots:] = self.alphabet + 1
        return tasks.Batch(xs, symbols, slice(slots, None))

    def lag(self, length: int) -> tasks.Lag:
        """From an item to its answer: over all items, whose places are half-way in the mean."""
        return tasks.Lag(self.items, length / 2 + self.items, length + self.items)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Each answer's item."""
        K, size = batch.ys.shape
        steps = np.nonzero(batch.xs[: len(batch.xs) - K].T)[1].reshape(size, K).T
        return tasks.Needed(steps[None], batch.ys[None], 1, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        constant = np.zeros((*batch.ys.shape, self.outputs), np.float32)
        constant[..., 0] = 1
        return {"always one symbol": constant}
