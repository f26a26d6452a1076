"""Languages for `counting`: strings side by side, and at each step the set of the symbols that may come next."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnnbench.rng import Stream
from rnnbench.tasks import Batch, Lag, Needed, Split, Streams


class Language(ABC):
    """A language of `symbols` symbols; what its length means is its own."""

    @property
    @abstractmethod
    def symbols(self) -> int:
        """How many symbols there are."""

    @abstractmethod
    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        """Strings to train on."""

    @abstractmethod
    def held_out(self, split: Split, length: int, streams: Streams) -> Batch:
        """Strings that no batch holds."""

    @abstractmethod
    def lag(self, length: int) -> Lag:
        """From a string's first symbol of which the count matters to the answer that it decides."""

    @abstractmethod
    def needed(self, batch: Batch) -> Needed:
        """Of the answers that hang on a count, the symbol that begins it and the count."""

    @abstractmethod
    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """What models that can't count would answer."""


@lru_cache(16)
def _training(blocks: Blocks, length: int) -> Batch:
    """Every string that is trained on, once: a batch is a choice of its columns."""
    return blocks.strings(blocks.ns(length)["train"], blocks.letters * length + 1)


@dataclass(frozen=True)
class Blocks(Language):
    """a^n b^n ..., `letters` letters between marks; length: the largest n that is trained on. Symbols: 0 the mark,
    1 a, 2 b, ... At length L the n that are tested are 6, 11, 16, ... and L + 1, those that decide when to stop
    3, 8, 13, ... and L + 2; all others up to L are trained on. There is one string of each n: so each that is tested
    lies between those that decide, and no model is tested on what is shorter or longer than all it had to pass to stop.
    """

    letters: int

    @property
    def symbols(self) -> int:
        return self.letters + 1

    def ns(self, length: int) -> dict[str, list[int]]:
        """The n of each split."""
        every = range(1, length + 1)
        return {
            "train": [n for n in every if n % 5 != 3 and (n % 5 != 1 or n == 1)],
            "select": [*(n for n in every if n % 5 == 3), length + 2],
            "test": [*(n for n in every if n % 5 == 1 and n > 1), length + 1],
        }

    def strings(self, ns: list[int], T: int | None = None) -> Batch:
        """The strings of these n, padded to T steps (default: the longest); padding has no weight.

        >>> b = Blocks(3).strings([2])
        >>> b.xs[:, 0].tolist(), [np.flatnonzero(y).tolist() for y in b.ys[:, 0]]
        ([0, 1, 1, 2, 2, 3, 3], [[1], [1, 2], [1, 2], [2], [3], [3], [0]])
        """
        n = np.asarray(ns)
        t = np.arange(T or self.letters * int(n.max()) + 1)[:, None]
        inside = t <= self.letters * n
        xs = -(-t // n) * inside
        more = [(t >= (j - 1) * n) & (t < j * n) for j in range(3, self.symbols)]
        ys = np.stack([t == self.letters * n, t <= n, (t >= 1) & (t < 2 * n), *more], -1)
        return Batch(xs.astype(np.int64), ys.astype(np.float32), weights=inside.astype(np.float32))

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        whole = _training(self, length)
        drawn = rng.integers(whole.xs.shape[1], size)
        return Batch(whole.xs[:, drawn], whole.ys[:, drawn], weights=cast("NDArray[Any]", whole.weights)[:, drawn])

    def held_out(self, split: Split, length: int, streams: Streams) -> Batch:
        return self.strings(self.ns(length)[split])

    def lag(self, length: int) -> Lag:
        """From the first a to the mark after the last letter."""
        lags = [self.letters * n - 1 for n in self.ns(length)["train"]]
        return Lag(min(lags), sum(lags) / len(lags), max(lags))

    def needed(self, batch: Batch) -> Needed:
        """The first a, for the mark after the last letter: n is to be held."""
        n = (batch.xs == 1).sum(0)
        ends = np.arange(len(batch.xs))[:, None] == self.letters * n
        return Needed(np.where(ends, 1, -1)[None], np.broadcast_to(n, (1, *ends.shape)).astype(np.float32))

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        same = np.eye(self.symbols, dtype=np.float32)
        following = np.roll(same, 1, axis=1)
        after = [same[1], same[1] + same[2], *same[2:]]  # by the last symbol
        closing = [same[1], same[1] + same[2], *following[2:]]
        return {
            "the last symbol alone, more of it to come": 2 * np.stack(after)[batch.xs] - 1,
            "the last symbol alone, the next to come": 2 * np.stack(closing)[batch.xs] - 1,
        }


def clock(batch: Batch) -> NDArray[Any]:
    """What is mostly right at each step, whatever was read."""
    weights = np.ones(batch.xs.shape, np.float32) if batch.weights is None else batch.weights
    often = (batch.ys * weights[..., None]).sum(1) > 0.5 * weights.sum(1)[:, None]
    return np.broadcast_to(np.where(often, 1, -1)[:, None], batch.ys.shape).astype(np.float32)


INTERVALS = 7


class Spikes(Language):
    """Timing: spikes, each `length` or one more step after the last (after Gers & Schmidhuber, 2000). Symbols:
    0 silence, 1 spike. Until length - 1 steps after a spike silence is next, then either may come, and after one more
    silence the spike must. Of the 128 orders of seven intervals, every fifth is tested and every fifth decides when to
    stop."""

    @property
    def symbols(self) -> int:
        return 2

    def orders(self) -> dict[str, NDArray[np.int64]]:
        """The orders of each split, as numbers whose bits are the longer intervals."""
        every = np.arange(2**INTERVALS)
        return {
            "train": every[(every % 5 != 3) & (every % 5 != 1)],
            "select": every[every % 5 == 1],
            "test": every[every % 5 == 3],
        }

    def strings(self, orders: NDArray[np.int64], length: int) -> Batch:
        """The strings of these orders; what follows the last spike has no weight.

        >>> b = Spikes().strings(np.array([2]), 3)
        >>> b.xs[:9, 0].tolist(), [np.flatnonzero(y).tolist() for y in b.ys[:9, 0]]
        ([1, 0, 0, 1, 0, 0, 0, 1, 0], [[0], [0], [0, 1], [0], [0], [0, 1], [1], [0], [0]])
        """
        t = np.arange(INTERVALS * (length + 1) + 1)[:, None]
        longer = orders >> np.arange(INTERVALS)[:, None] & 1
        spikes = np.concatenate([np.zeros((1, orders.size), np.int64), (length + longer).cumsum(0)])
        xs = np.zeros((t.size, orders.size), np.int64)
        xs[spikes, np.arange(orders.size)] = 1
        since = t - np.maximum.accumulate(xs * t, 0)
        ys = np.stack([since < length, since >= length - 1], -1)
        return Batch(xs, ys.astype(np.float32), weights=(t <= spikes[-1]).astype(np.float32))

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        orders = self.orders()["train"]
        return self.strings(orders[rng.integers(orders.size, size)], length)

    def held_out(self, split: Split, length: int, streams: Streams) -> Batch:
        return self.strings(self.orders()[split], length)

    def lag(self, length: int) -> Lag:
        """From a spike to the last answer that depends on when it was: over all intervals."""
        longer = self.orders()["train"] >> np.arange(INTERVALS)[:, None] & 1
        return Lag(length - 1, length - 1 + float(longer.mean()), length)

    def needed(self, batch: Batch) -> Needed:
        """The last spike, for what comes before the next one."""
        t = np.arange(len(batch.xs))[:, None]
        last = np.maximum.accumulate(batch.xs * t, 0)
        due = np.concatenate([batch.xs[1:] == 1, np.zeros((1, batch.xs.shape[1]), bool)])
        steps = np.where(due, last, -1)[None]
        return Needed(steps, np.zeros(steps.shape, np.float32))

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        either = np.ones_like(batch.ys)
        either[..., 1] -= 2 * batch.xs
        return {"either after silence": either, "a clock": clock(batch)}
