"""Parity (as in Deletang et al., 2023): was the number of ones even or odd?

Bits are read, then a question mark, at which the answer is due. Every bit turns it, so all must have been heeded;
nothing but all of them tells anything. One bit of state suffices, but no gradient points to it from half-right ones:
it is learnt, if at all, from short strings on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks import _split


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 and 1 the bits, 2 the question mark, 3 padding in front. Answers: 0 even, 1 odd. Length: how many bits
    there are in what is tested; trained is on strings of `up_to` so many bits, every number as likely (as Deletang et
    al. do), or of `exactly` so many.

    >>> from rnnbench.rng import stream
    >>> b = Task(train="exactly").batch(1, 4, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([1, 1, 0, 0, 2], [0])
    """

    drawn: ClassVar[Mapping[str, Any]] = {"train": "exactly"}

    train: Literal["up_to", "exactly"] = "up_to"

    @property
    def inputs(self) -> int:
        return 4

    @property
    def outputs(self) -> int:
        return 2

    @property
    def last(self) -> bool:
        return True

    def space(self, length: int) -> int | None:
        return tasks.strings(2, length)

    def split(self, length: int) -> bool:
        return _split.divided(_split.count(2, length - 2))

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        bits = self._bits(size, length, rng, "train")
        padding = rng.integers(length, size) if self.train == "up_to" else np.zeros(size, np.int64)
        return self._asked(bits, padding)

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        size = tasks.SIZES[split]
        return self._asked(self._bits(size, length, stream(split), split), np.zeros(size, np.int64))

    def _bits(self, size: int, length: int, rng: Stream, part: _split.Part) -> NDArray[np.int64]:
        """Strings of a part, (length, size). Those that differ in their first bit or their last are of one kind: so
        each part has as many even ones, and neither of these bits tells anything in any."""
        if not self.split(length):
            return rng.integers(2, (length, size))
        ends = rng.integers(2, (2, size))
        return np.concatenate([ends[:1], _split.digits(2, length - 2, size, rng, part), ends[1:]])

    def _asked(self, bits: NDArray[np.int64], padding: NDArray[np.int64]) -> tasks.Batch:
        """The bits from each string's first on, and the question."""
        inside = np.arange(len(bits))[:, None] >= padding
        xs = np.concatenate([np.where(inside, bits, 3), np.full((1, padding.size), 2)])
        return tasks.Batch(xs, (bits * inside).sum(0, keepdims=True) % 2, slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first bit to the question mark, in what is tested."""
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Every bit of a string, its first one first."""
        bits = batch.xs[:-1]
        steps = (bits > 1).sum(0) + np.arange(len(bits))[:, None, None]  # padding stands in front
        steps = np.where(steps < len(bits), steps, -1)
        return tasks.Needed(steps, batch.xs[steps, np.arange(steps.shape[2])], 0, 2)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(2, dtype=np.float32)
        later = (batch.xs[1:-1] == 1).sum(0) % 2
        return {
            "always even": choices[np.zeros_like(batch.ys)],
            "the last bit": choices[(batch.xs[-2:-1] == 1).astype(int)] if len(batch.xs) > 2 else choices[batch.ys * 0],
            "all bits but the first": choices[later][None],
        }
