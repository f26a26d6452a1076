"""Binary addition (Deletang et al., 2023): two numbers are read bit by bit, then their sum is to be said.

Numbers are written with their least bit first, a + between them; the sum is said in the same way, without zeros at its
end, and then that it ends. The carry goes along with what is said, so that a network that holds both numbers has them.
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

PLUS, MARK = 2, 3
END = 2  # the answer after the last bit
MEASURED = 1000  # examples over which the mean lag is taken


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: the bits 0 and 1, 2 the +, 3 the mark, one for each answer and more. Answers: the bits 0 and 1, 2 at the
    end. Length: how many steps both numbers and the + take; each place of the + is as likely, and each bit. A sum of 0
    has no bits.

    A sum's last bit is 1 and the others are as likely either: always 1 is right half of the time, as often as chance.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 6, stream(1, "train"))
    >>> "".join("01+="[x] for x in b.xs[:, 0]), "".join("01."[y] for y in b.ys[:, 0]), b.weights[:, 0].sum()
    ('1100+1=======', '001.000', np.float32(4.0))
    """

    shortest: ClassVar[int] = 4

    @property
    def inputs(self) -> int:
        return 4

    @property
    def outputs(self) -> int:
        return 3

    @property
    def chance(self) -> float:
        """Of a bit."""
        return 0.5

    def space(self, length: int) -> int | None:
        bits = tasks.strings(2, length - 1)
        return bits and bits * (length - 2)

    def keys(self, length: int) -> int | None:
        return self.space(length)

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """What is read up to the marks."""
        rows = rng.integers(2, (length, size))
        rows[1 + rng.integers(length - 2, size), np.arange(size)] = PLUS
        return rows

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        one, two = (np.where(steps < 0, 0, np.take_along_axis(rows, steps, 0)) for steps in _bits(rows))
        ys, carry = np.zeros((length + 1, rows.shape[1]), np.int64), np.zeros(rows.shape[1], np.int64)
        for i in range(length):
            total = one[i] + two[i] + carry
            ys[i], carry = total % 2, total // 2
        place = np.arange(length + 1)[:, None]
        bits = np.where(ys == 1, place + 1, 0).max(0)  # of the sum
        ys[bits, np.arange(bits.size)] = END
        xs = np.concatenate([rows, np.full((length + 1, rows.shape[1]), MARK)])
        return tasks.Batch(xs, ys, slice(length, None), (place <= bits).astype(np.float32))

    def lag(self, length: int) -> tasks.Lag:
        """From the first bit of a sum's bit to its answer: that of the first number, or of the second where that is
        longer. The mean is measured, on draws of its own."""
        return tasks.Lag(length - length // 2, _mean_lag(self, length), length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The bits at the same place of both numbers, as far as they have it."""
        rows = batch.xs[: len(batch.ys) - 1]
        one, two = (np.concatenate([steps, np.full_like(steps[:1], -1)]) for steps in _bits(rows))
        told = (np.asarray(batch.weights) > 0) & (batch.ys != END)
        both = np.stack([np.where(one >= 0, one, two), np.where(one >= 0, two, -1)])
        steps = np.where(told, both, -1)
        values = np.where(steps < 0, 0, batch.xs[steps, np.arange(rows.shape[1])])
        return tasks.Needed(steps, values, 0, np.where(steps < 0, 0, 2))

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        return {f"always {bit}": choices[np.full_like(batch.ys, bit)] for bit in (0, 1)}


def _bits(rows: Rows) -> tuple[Rows, Rows]:
    """The steps of each number's bits, least first, (T, B) each; -1 beyond its last."""
    length = len(rows)
    plus, place = (rows == PLUS).argmax(0), np.arange(length)[:, None]
    second = plus + 1 + place
    return np.where(place < plus, place, -1), np.where(second < length, second, -1)


@cache
def _mean_lag(task: Task, length: int) -> float:
    batch = task.posed(task.draw(MEASURED, length, stream(0, "lag")), length)
    steps = task.needed(batch).steps[0]
    return float((np.arange(length, 2 * length + 1)[:, None] - steps)[steps >= 0].mean())
