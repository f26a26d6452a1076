"""Cycle navigation (Deletang et al., 2023): where on a ring of five is who stays, or goes one to the right or left?

Every move counts and none is marked: all of them, modulo 5, are the answer. It is the group Z5 with its generators, and
starts at 0, as published; `group` has other rings, other groups, and answers at every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows

RING = 5


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: 0 stays, 1 goes one to the right, 2 one to the left, 3 the question mark after the last move. Answers:
    the five places. Length: how many moves there are. After n moves the likeliest place has a probability of 1/5 + 2/5
    .54^n, which from the shortest length on is chance within .02.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 6, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([1, 2, 0, 0, 2, 1, 3], [0])
    """

    shortest: ClassVar[int] = 5

    @property
    def inputs(self) -> int:
        return 4

    @property
    def outputs(self) -> int:
        return RING

    @property
    def last(self) -> bool:
        return True

    def space(self, length: int) -> int | None:
        return tasks.strings(3, length)

    def keys(self, length: int) -> int | None:
        return self.space(length)

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        return rng.integers(3, (length, size))

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = np.concatenate([rows, np.full((1, rows.shape[1]), 3)])
        return tasks.Batch(xs, _place(rows), slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first move to the question mark."""
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Every move, the first one first."""
        moves = batch.xs[:-1, None]
        return tasks.Needed(np.broadcast_to(np.arange(len(moves))[:, None, None], moves.shape), moves, 0, 3)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(RING, dtype=np.float32)
        return {
            "always the start": choices[np.zeros_like(batch.ys)],
            "the last move alone": choices[_place(batch.xs[-2:-1])],
        }


def _place(moves: Rows) -> Rows:
    """Where moves (T, B) lead, (1, B)."""
    place: Rows = np.where(moves == 2, -1, moves).sum(0, keepdims=True) % RING
    return place
