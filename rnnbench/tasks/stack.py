"""Stack manipulation (Deletang et al., 2023): what is on the stack after all that was done to it?

A stack of bits is given from the bottom up, then what is done to it: pop, push 0 or push 1. A pop of an empty stack
does nothing. The stack is then to be said from the top down, and that it ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream, stream
from rnnbench.tasks._apart import Apart, Rows

POP, PUSH, MARK = 2, 3, 5
END = 2  # the answer after the last bit
MEASURED = 1000  # examples over which the mean lag is taken


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: 0 and 1 the stack's bits, 2 pop, 3 push 0, 4 push 1, 5 the mark, one for each answer and more. Answers:
    the bits 0 and 1, 2 at the end. Length: how many bits and actions there are; each number of bits is as likely.

    Half of the bits are right by luck, and a constant answer is somewhat worse, as it misses the end (or all else).

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 5, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist(), b.weights[:, 0].astype(int).tolist()
    ([1, 0, 1, 4, 2, 5, 5, 5, 5, 5, 5], [1, 0, 1, 2, 0, 0], [1, 1, 1, 1, 0, 0])
    """

    shortest: ClassVar[int] = 2

    @property
    def inputs(self) -> int:
        return 6

    @property
    def outputs(self) -> int:
        return 3

    @property
    def chance(self) -> float:
        """Of a bit."""
        return 0.5

    def space(self, length: int) -> int | None:
        if not tasks.strings(3, length):
            return None
        return sum(int(2**bits * 3 ** (length - bits)) for bits in range(1, length))

    def keys(self, length: int) -> int | None:
        space = self.space(length)
        return space and space // 2

    def key(self, rows: Rows) -> Rows:
        """All that is read, with every bit the other way round where the first is 1: by which each is as often on the
        stack in each part."""
        other = np.where(rows == POP, POP, np.where(rows < POP, 1 - rows, 2 * PUSH + 1 - rows))
        return np.where(rows[:1] == 1, other, rows)

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The bits and the actions."""
        bits = 1 + rng.integers(length - 1, size)
        given = np.arange(length)[:, None] < bits
        return np.where(given, rng.integers(2, (length, size)), POP + rng.integers(3, (length, size)))

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = np.concatenate([rows, np.full((length + 1, rows.shape[1]), MARK)])
        steps = _left(rows)
        ys = np.where(steps < 0, 0, np.take_along_axis(rows, steps, 0) % PUSH)
        height = (steps >= 0).sum(0)
        ys[height, np.arange(height.size)] = END
        scored = np.arange(length + 1)[:, None] <= height
        return tasks.Batch(xs, ys, slice(length, None), scored.astype(np.float32))

    def lag(self, length: int) -> tasks.Lag:
        """From a bit, as it is given or pushed, to its answer. The mean is measured, on draws of its own."""
        return tasks.Lag(1, _mean_lag(self, length), 2 * length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The bit that is asked for, as it was given or pushed."""
        rows = batch.xs[: len(batch.ys) - 1]
        steps = _left(rows)[None]
        pushed = batch.xs[steps, np.arange(rows.shape[1])]
        first = np.where(pushed >= PUSH, PUSH, 0)
        return tasks.Needed(steps, np.where(steps < 0, 0, pushed % PUSH), first, np.where(steps < 0, 0, 2))

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        return {f"always {bit}": choices[np.full_like(batch.ys, bit)] for bit in (0, 1)}


def _left(rows: Rows) -> Rows:
    """The steps at which what is left on the stack was put there, from the top down, (T + 1, B); -1 below its end."""
    length, size = rows.shape
    stack, height, column = np.full((length + 1, size), -1), np.zeros(size, np.int64), np.arange(size)
    for t, token in enumerate(rows):
        pop = token == POP
        stack[height, column] = t  # a pop leaves it above the top, where nobody looks
        height = np.maximum(height + np.where(pop, -1, 1), 0)
    place = height - 1 - np.arange(length + 1)[:, None]
    return np.where(place < 0, -1, np.take_along_axis(stack, np.maximum(place, 0), 0))


@cache
def _mean_lag(task: Task, length: int) -> float:
    batch = task.posed(task.draw(MEASURED, length, stream(0, "lag")), length)
    steps = task.needed(batch).steps[0]
    return float((np.arange(length, 2 * length + 1)[:, None] - steps)[steps >= 0].mean())
