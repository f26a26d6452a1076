"""Compression (after MAD; Poli et al., 2024): how much of a random string passes through one state?

All symbols are read, then said in the order in which they came: whatever is to be said must be in the state in which
the string ends. The published form lets a network of two layers read each symbol off that state by its place; here the
model itself says them, one a step, so that it must also know where it is. Length is the load as well as the lag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: the symbols 0..alphabet-1, then alphabet the mark, one for each answer. Length: how many symbols there
    are.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=4).batch(1, 3, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([2, 3, 1, 4, 4, 4], [2, 3, 1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 16

    @property
    def inputs(self) -> int:
        return self.alphabet + 1

    @property
    def outputs(self) -> int:
        return self.alphabet

    def space(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, length)

    def keys(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, length - 1)

    def key(self, rows: Rows) -> Rows:
        """The symbols, shifted alike so that the first is 0: by which each is as often asked for in each part."""
        return (rows - rows[:1]) % self.alphabet

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        return rng.integers(self.alphabet, (length, size))

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = np.concatenate([rows, np.full_like(rows, self.alphabet)])
        return tasks.Batch(xs, rows, slice(length, None))

    def lag(self, length: int) -> tasks.Lag:
        """From a symbol to its answer."""
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Each answer's symbol."""
        steps = np.broadcast_to(np.arange(len(batch.ys))[:, None], (1, *batch.ys.shape))
        return tasks.Needed(steps, batch.ys[None], 0, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one symbol": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}
