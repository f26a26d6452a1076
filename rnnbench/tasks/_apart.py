"""Held-out inputs of tasks whose inputs aren't plain strings, or are too many to rank: a keyed hash of each input tells
whether it is trained on, decides when to stop or is tested; what is drawn for another part is drawn again.

So what is tested is in no training batch however many inputs there are. (`_split` ranks kinds of strings exactly, and
leaves more than a million to chance.)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._split import SHARE, Part

LEAST = 100  # keys that can be split: with fewer, a part might hold none
MOST = 4096  # examples drawn at once
SHARES: dict[Part, tuple[int, int]] = {"test": (0, 1), "select": (1, 2), "train": (2, SHARE)}

Rows = NDArray[np.int64]


class Apart(tasks.Task):
    """A task whose examples are made of whole numbers, (rows, B), by rules that draw no more."""

    @abstractmethod
    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """What `size` examples are made of, (rows, size)."""

    @abstractmethod
    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        """The examples that are made of these."""

    @abstractmethod
    def keys(self, length: int) -> int | None:
        """How many different keys there are; None where nobody counts that far."""

    def key(self, rows: Rows) -> Rows:
        """By what examples are split, (rows, B): those that differ in nothing else are in one part. What makes every
        answer as likely in each part is best left out."""
        return rows

    def split(self, length: int) -> bool:
        keys = self.keys(length)
        return keys is None or keys >= LEAST

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._part(size, length, rng, "train")

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return self._part(tasks.SIZES[split], length, stream(split), split)

    def _part(self, size: int, length: int, rng: Stream, part: Part) -> tasks.Batch:
        def draw(count: int) -> Rows:
            return self.draw(count, length, rng)

        return self.posed(apart(draw, self.key, size, part) if self.split(length) else draw(size), length)


def apart(draw: Callable[[int], Rows], key: Callable[[Rows], Rows], size: int, part: Part) -> Rows:
    """The first `size` columns of a part among those that are drawn, (rows, size)."""
    first, last = SHARES[part]
    found: list[Rows] = []
    missing = size
    while missing > 0:
        rows = draw(min(MOST, 8 + missing * 5 * SHARE // (4 * (last - first))))
        shares = share(key(rows))
        found.append(rows[:, (first <= shares) & (shares < last)])
        missing -= found[-1].shape[1]
    return np.concatenate(found, 1)[:, :size]


def share(keys: Rows) -> NDArray[np.int64]:
    """Which of the SHARE shares of all inputs each key, (rows, B), falls into, (B,)."""
    hashes = ((keys.astype(np.uint64) + np.uint64(1)) * _multipliers(len(keys))).sum(0, dtype=np.uint64)
    return (_mixed(hashes) % np.uint64(SHARE)).astype(np.int64)


@lru_cache(maxsize=64)
def _multipliers(rows: int) -> NDArray[np.uint64]:
    """(rows, 1), odd."""
    return (_mixed(np.arange(1, rows + 1, dtype=np.uint64)) | np.uint64(1))[:, None]


def _mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits, each of which hangs on all of x (SplitMix64; Steele et al., 2014)."""
    x = x * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
