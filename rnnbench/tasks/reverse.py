"""Reverse (Deletang et al., 2023): a string is read, then to be said backwards.

The last symbol is asked for first, so that the lags of a string run from 1 to twice its length less 1: a stack does it,
a state of fixed size does as far as it goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks import _split


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 blank, 1..alphabet the symbols, alphabet + 1 the marker, one for each answer. Length: how many symbols
    there are in what is tested; trained is on strings of `up_to` so many, every number as likely (as Deletang et al.
    do), or of `exactly` so many. A shorter string ends where a long one does, with blanks before it and after its
    markers.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=4, train="exactly").batch(1, 3, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([3, 4, 2, 5, 5, 5], [1, 3, 2])
    """

    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 2
    train: Literal["up_to", "exactly"] = "up_to"

    @property
    def inputs(self) -> int:
        return self.alphabet + 2

    @property
    def outputs(self) -> int:
        return self.alphabet

    def space(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, length)

    def split(self, length: int) -> bool:
        return _split.divided(_split.count(self.alphabet, length - 1))

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        symbols = _split.strings(self.alphabet, length, size, rng, "train")
        padding = rng.integers(length, size) if self.train == "up_to" else np.zeros(size, np.int64)
        return self._asked(symbols, padding)

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        size = tasks.SIZES[split]
        symbols = _split.strings(self.alphabet, length, size, stream(split), split)
        return self._asked(symbols, np.zeros(size, np.int64))

    def _asked(self, symbols: NDArray[np.int64], padding: NDArray[np.int64]) -> tasks.Batch:
        """Each string from its first symbol on, and its markers."""
        t = np.arange(len(symbols))[:, None]
        asked = t < len(symbols) - padding
        xs = np.concatenate([np.where(t >= padding, symbols + 1, 0), np.where(asked, self.alphabet + 1, 0)])
        return tasks.Batch(xs, symbols[::-1].copy(), slice(len(symbols), None), asked.astype(np.float32))

    def lag(self, length: int) -> tasks.Lag:
        """From a symbol to its answer, in what is tested."""
        return tasks.Lag(1, length, 2 * length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Each answer's symbol."""
        K = len(batch.ys)
        weights = np.ones_like(batch.ys) if batch.weights is None else batch.weights
        steps = np.where(weights > 0, K - 1 - np.arange(K)[:, None], -1)
        return tasks.Needed(steps[None], batch.ys[None], 1, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        constant = np.zeros((*batch.ys.shape, self.outputs), np.float32)
        constant[..., 0] = 1
        return {"always one symbol": constant}
