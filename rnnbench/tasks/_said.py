"""Strings that are read, and then said, one symbol at each of as many marks."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows


class Said(Apart):
    """Tokens: the symbols 0..alphabet-1, then alphabet the mark, one for each answer. Length: how many symbols there
    are."""

    alphabet: int

    @property
    def inputs(self) -> int:
        return self.alphabet + 1

    @property
    def outputs(self) -> int:
        return self.alphabet

    @abstractmethod
    def said(self, rows: Rows) -> Rows:
        """What is to be said of symbols (length, B), (length, B)."""

    def space(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, length)

    def keys(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, length - 1)

    def key(self, rows: Rows) -> Rows:
        """The symbols, shifted alike so that the first is 0: by which each is as often asked for in each part."""
        return (rows - rows[:1]) % self.alphabet

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = np.concatenate([rows, np.full_like(rows, self.alphabet)])
        return tasks.Batch(xs, self.said(rows), slice(length, None))


class Ordered(Said):
    """The very symbols, each as likely at each place, in an order that hangs on the length alone."""

    @abstractmethod
    def order(self, length: int) -> NDArray[np.int64]:
        """Where what is to be said was read."""

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        return rng.integers(self.alphabet, (length, size))

    def said(self, rows: Rows) -> Rows:
        return rows[self.order(len(rows))]

    def lag(self, length: int) -> tasks.Lag:
        """From a symbol to its answer."""
        steps = length + np.arange(length) - self.order(length)
        return tasks.Lag(int(steps.min()), float(steps.mean()), int(steps.max()))

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Each answer's symbol."""
        steps = np.broadcast_to(self.order(len(batch.ys))[:, None], (1, *batch.ys.shape))
        return tasks.Needed(steps, batch.ys[None], 0, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one symbol": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}
