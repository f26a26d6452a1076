"""Odds first (Deletang et al., 2023): a string is read, then every other symbol of it is to be said, then the others.

Of 1 2 3 4 5 the first, the third and the fifth come first: 1 3 5 2 4. (The published code begins with the second, and
its docstring with the first.) Nothing need be computed, but the order isn't that of reading, nor its reverse.
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
    >>> b = Task(alphabet=4).batch(1, 5, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([2, 3, 1, 1, 2, 4, 4, 4, 4, 4], [2, 1, 2, 3, 1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 2

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
        return tasks.Batch(xs, rows[_order(length)], slice(length, None))

    def lag(self, length: int) -> tasks.Lag:
        """From a symbol to its answer."""
        steps = length + np.arange(length) - _order(length)
        return tasks.Lag(int(steps.min()), float(steps.mean()), int(steps.max()))

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Each answer's symbol."""
        steps = np.broadcast_to(_order(len(batch.ys))[:, None], (1, *batch.ys.shape))
        return tasks.Needed(steps, batch.ys[None], 0, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one symbol": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}


def _order(length: int) -> NDArray[np.int64]:
    """Where what is to be said was read.

    >>> _order(5).tolist()
    [0, 2, 4, 1, 3]
    """
    places = np.arange(length)
    return np.concatenate([places[::2], places[1::2]])
