"""Even pairs (Deletang et al., 2023): are there evenly many of 01 and 10 in a string of bits?

There are just if the string's first bit is its last: so it is one bit, to be held over the whole string, and no
counting. Who compares pair by pair must get every one of them right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: the bits 0 and 1, and 2 the question mark after them. Answers: 0 odd, 1 even. Length: how many bits there
    are.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 5, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([1, 1, 0, 0, 1, 2], [1])
    """

    shortest: ClassVar[int] = 2

    @property
    def inputs(self) -> int:
        return 3

    @property
    def outputs(self) -> int:
        return 2

    @property
    def last(self) -> bool:
        return True

    def space(self, length: int) -> int | None:
        return tasks.strings(2, length)

    def keys(self, length: int) -> int | None:
        return tasks.strings(2, length - 2)

    def key(self, rows: Rows) -> Rows:
        """The bits inside: so the ends are as often alike as not in each part."""
        return rows[1:-1]

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        return rng.integers(2, (length, size))

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = np.concatenate([rows, np.full((1, rows.shape[1]), 2)])
        return tasks.Batch(xs, (rows[:1] == rows[-1:]).astype(np.int64), slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first bit to the question mark."""
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first bit, and the last."""
        ends = batch.xs[[0, -2], None]
        steps = np.array([0, len(batch.xs) - 2])[:, None, None]
        return tasks.Needed(np.broadcast_to(steps, ends.shape), ends, 0, 2)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(2, dtype=np.float32)
        return {
            "always even": choices[np.ones_like(batch.ys)],
            "the last bit": choices[batch.xs[-2:-1]],
        }
