"""Balanced brackets, for `counting`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.rng import Stream, stream
from rnnbench.tasks import SIZES, Batch, Lag, Needed, Split, Streams
from rnnbench.tasks._languages import Language, clock


@dataclass(frozen=True)
class Brackets(Language):
    """Balanced brackets of `kinds` kinds after a mark; length: the depth. Symbols: 0 the mark, 1 (, 2 ), 3 [, 4 ].

    Any bracket may open at any step, the innermost open one may close, and the mark may come where none is open. A
    string has 4 L + 16 brackets. One of depth d climbs to d and to another height up to it, in either order, and comes
    down to 0 in between and at the end; each step leads on or back as if what is left to do and what is left to waste
    were in random order. So all brackets are closed on the way too, at no certain time. At length L depths 1..L are
    trained on and L is tested; a hash tells which strings of depth L belong to which split.
    """

    kinds: int

    @property
    def symbols(self) -> int:
        return 2 * self.kinds + 1

    def strings(self, opens: NDArray[np.bool_], kind: NDArray[np.int64]) -> Batch:
        """Strings in which brackets open where `opens` says, then of that kind, (T, B).

        >>> b = Brackets(2).strings(np.array([[True], [True], [False], [False]]), np.array([[1], [0], [0], [0]]))
        >>> b.xs[:, 0].tolist(), [np.flatnonzero(y).tolist() for y in b.ys[:, 0]]
        ([0, 3, 1, 2, 4], [[0, 1, 3], [1, 3, 4], [1, 2, 3], [1, 3, 4], [0, 1, 3]])
        """
        T, B = opens.shape
        column = np.arange(B)
        stack = np.zeros((T + 1, B), np.int64)  # the kind of the bracket open at each height
        height = np.zeros(B, np.int64)
        xs = np.zeros((T + 1, B), np.int64)
        innermost = np.full((T + 1, B), -1)  # -1: none is open
        for t, up in enumerate(opens):
            stack[height, column] = np.where(up, kind[t], stack[height, column])
            xs[t + 1] = np.where(up, 2 * kind[t] + 1, 2 * stack[height - 1, column] + 2)
            height = height + np.where(up, 1, -1)
            innermost[t + 1] = np.where(height > 0, stack[height - 1, column], -1)
        ys = np.zeros((T + 1, B, self.symbols), np.float32)
        ys[:, :, 1::2] = 1
        ys[:, :, 2::2] = innermost[:, :, None] == np.arange(self.kinds)
        ys[:, :, 0] = innermost < 0
        return Batch(xs, ys)

    def _drawn(self, depth: NDArray[np.int64], length: int, wanted: tuple[int, ...], rng: Stream) -> Batch:
        """Strings of these depths; those of the full one from the wanted splits."""
        T = brackets(length)
        opens, kind = np.zeros((T, depth.size), bool), np.zeros((T, depth.size), np.int64)
        todo = np.arange(depth.size)
        while todo.size:
            tried = np.repeat(todo, 1 if todo.size == depth.size else 8)
            found = mountains(depth[tried], T, rng)
            kinds = rng.integers(self.kinds, found.shape) if self.kinds > 1 else np.zeros(found.shape, np.int64)
            fits = np.flatnonzero((depth[tried] < length) | np.isin(split(found * (1 + kinds)), wanted))
            done, at = np.unique(tried[fits], return_index=True)
            opens[:, done], kind[:, done] = found[:, fits[at]], kinds[:, fits[at]]
            todo = np.setdiff1d(todo, done)
        return self.strings(opens, kind)

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        return self._drawn(1 + rng.integers(length, size), length, (2, 3, 4), rng)

    def held_out(self, split: Split, length: int, streams: Streams) -> Batch:
        wanted = 0 if split == "test" else 1
        return self._drawn(np.full(SIZES[split], length), length, (wanted,), streams(split))

    def lag(self, length: int) -> Lag:
        """From the opening of the longest part that ends at depth 0 to its closing, in what is tested."""
        return Lag(2 * length - 1, mean_lag(length), brackets(length) - 3)

    def needed(self, batch: Batch) -> Needed:
        """What opens the longest part that ends at depth 0, for the answer at its end: its kind is to be held."""
        column = np.arange(batch.xs.shape[1])
        height = np.where(batch.xs == 0, 0, np.where(batch.xs % 2 == 1, 1, -1)).cumsum(0)
        t = np.arange(len(height))[:, None]
        before = np.maximum.accumulate(np.where(height == 0, t, 0), 0)  # the last step at depth 0
        part = np.where(height == 0, t - np.concatenate([before[:1], before[:-1]]), 0)
        end = part.argmax(0)
        opening = end - part[end, column] + 1
        steps = np.where(t == end, opening, -1)[None]
        kind = (batch.xs[opening, column] - 1) // 2
        return Needed(steps, np.broadcast_to(kind, steps.shape))

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        opening = (batch.xs % 2 == 1)[..., None]
        kind = np.arange(self.kinds) == ((batch.xs + 1) // 2 - 1)[..., None]
        closed, deep = np.zeros_like(batch.ys), np.zeros_like(batch.ys)
        closed[..., 1::2] = deep[..., 1::2] = 1
        closed[..., 2::2] = opening & kind
        closed[..., 0] = ~opening[..., 0]
        deep[..., 2::2] = kind
        deep[0, :, 0] = 1
        return {"all closed after )": 2 * closed - 1, "never all closed": 2 * deep - 1, "a clock": clock(batch)}


def brackets(length: int) -> int:
    """How many brackets a string has."""
    return 4 * length + 16


def mountains(depth: NDArray[np.int64], T: int, rng: Stream) -> NDArray[np.bool_]:
    """Where brackets open, (T, B), in strings of these depths."""
    column = np.arange(depth.size)
    other = 1 + (rng.uniform(depth.size) * depth).astype(np.int64)
    swap = rng.integers(2, depth.size) == 1
    one, two = np.where(swap, other, depth), np.where(swap, depth, other)
    heights = np.stack([one, 0 * one, two, 0 * two])  # to be reached one after the other
    to_go = 2 * (one + two)  # by the shortest way
    height, reached = np.zeros_like(depth), np.zeros_like(depth)
    luck = rng.uniform((T, depth.size))
    opens = np.empty(luck.shape, bool)
    for t in range(T):
        rising = reached % 2 == 0
        onward = 2 * (T - t) * luck[t] < T - t + to_go
        opens[t] = up = (height == 0) | ((height < depth) & (onward == rising))
        to_go += np.where(up == rising, -1, 1)
        height += np.where(up, 1, -1)
        reached = np.minimum(reached + (height == heights[reached, column]), 3)
    return opens


def split(opening: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 for strings that are tested, 1 for those that decide when to stop, 2..4 for those to train on; by what opens
    at each place of theirs, (T, B)."""
    powers = np.array([pow(48271, t, 2**31 - 1) for t in range(len(opening))])
    splits: NDArray[np.int64] = (opening * powers[:, None]).sum(0) % (2**31 - 1) % 5
    return splits


@cache
def mean_lag(length: int) -> float:
    """The mean steps from the opening of a string's longest part to its closing, measured on draws of their own."""
    opens = mountains(np.full(500, length), brackets(length), stream(0, "lag"))
    return float(longest_parts(np.where(opens, 1, -1).cumsum(0)).mean()) - 1


def longest_parts(height: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most steps from one 0 to the next, in each column of heights (T, B) that start after a 0.

    >>> longest_parts(np.array([[1], [0], [1], [2], [1], [0]]))
    array([4])
    """
    t = 1 + np.arange(len(height))[:, None]
    zeros = np.maximum.accumulate(np.where(height == 0, t, 0), 0)
    before = np.concatenate([np.zeros_like(zeros[:1]), zeros[:-1]])
    longest: NDArray[np.int64] = (zeros - before).max(0)
    return longest
