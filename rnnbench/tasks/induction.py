"""Induction (induction heads; Olsson et al., 2022; as in Fu et al., 2023, and Gu & Dao, 2023): what came after the
mark?

Random symbols are read, among them one mark, at any place. At the end the mark comes again, and the symbol that
followed it is asked for. One symbol is to be held, and only what stands before it tells which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: the symbols 0..alphabet-1, and alphabet the mark. Answers: the symbols. Length: how many steps there are
    before the mark comes again; the first mark is at any of them but the last, each as likely.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=5).batch(1, 6, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([4, 4, 0, 2, 5, 1, 5], [1])
    """

    shortest: ClassVar[int] = 2

    alphabet: Annotated[int, Interval(ge=2, le=8192)] = 16

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
        symbols = tasks.strings(self.alphabet, length - 1)
        return symbols and symbols * (length - 1)

    def keys(self, length: int) -> int | None:
        space = self.space(length)
        return space and space // self.alphabet

    def key(self, rows: Rows) -> Rows:
        """The mark's place, and the symbols, shifted alike so that what follows it is 0."""
        symbols, place = rows[:-1], rows[-1]
        return np.concatenate([(symbols - symbols[place + 1, np.arange(place.size)]) % self.alphabet, rows[-1:]])

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The symbols, and in the last row the mark's place; the symbol there, which nobody reads, is that after it."""
        symbols = rng.integers(self.alphabet, (length, size))
        place, column = rng.integers(length - 1, (1, size)), np.arange(size)
        symbols[place[0], column] = symbols[place[0] + 1, column]
        return np.concatenate([symbols, place])

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs, place, column = rows.copy(), rows[-1], np.arange(rows.shape[1])
        xs[place, column] = xs[-1] = self.alphabet
        return tasks.Batch(xs, rows[place + 1, column][None], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the symbol after the mark to the mark at the end."""
        return tasks.Lag(1, length / 2, length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The symbol after the mark."""
        steps = (batch.xs == self.alphabet).argmax(0)[None, None] + 1
        return tasks.Needed(steps, batch.ys[None], 0, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one symbol": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}
