"""Missing duplicate (Deletang et al., 2023): a string comes twice with one symbol missing; which?

The symbol is where it was the other time: before the gap or after it, so that what is needed is as often still to come.
Nothing but the string's own repetition tells.
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
    """Tokens: the symbols 0..alphabet-1, then alphabet the gap and alphabet + 1 the question mark at the end. Answers:
    the symbols. Length: how many symbols the string has, of which each of both times is as likely to miss.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 4, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([1, 1, 0, 0, 1, 2, 0, 0, 3], [1])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 2

    @property
    def inputs(self) -> int:
        return self.alphabet + 2

    @property
    def outputs(self) -> int:
        return self.alphabet

    @property
    def last(self) -> bool:
        return True

    def space(self, length: int) -> int | None:
        strings = tasks.strings(self.alphabet, length)
        return strings and strings * 2 * length

    def keys(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, length - 1)

    def key(self, rows: Rows) -> Rows:
        """The string, whichever of it is missing, shifted so that its first symbol is 0: by which each symbol is as
        often the answer in each part."""
        return (rows[:-1] - rows[:1]) % self.alphabet

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The string, and in the last row which of both times is missing."""
        return np.concatenate([rng.integers(self.alphabet, (length, size)), rng.integers(2 * length, (1, size))])

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        gap, column = rows[-1], np.arange(rows.shape[1])
        xs = np.concatenate([rows[:-1], rows[:-1], rows[-1:]])
        xs[gap, column], xs[-1] = self.alphabet, self.alphabet + 1
        return tasks.Batch(xs, rows[gap % length, column][None], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the symbol, where it is not missing, to the question mark."""
        return tasks.Lag(1, length + 0.5, 2 * length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The symbol, where it is not missing."""
        length = len(batch.xs) // 2
        steps = ((batch.xs == self.alphabet).argmax(0) + length) % (2 * length)
        return tasks.Needed(steps[None, None], batch.ys[None], 0, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        return {"always one symbol": choices[np.zeros_like(batch.ys)]}
