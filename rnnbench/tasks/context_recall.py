"""In-context recall (MAD; Poli et al., 2024): keys and their values in a stream; a key seen before must be answered.

Pairs of a key and a value are read one after the other. Which value a key has is another in each sequence, and the same
throughout it; whenever a key comes again its value is asked for, before it is shown. A key's value so has to be held
from each time that it was shown to the next. The last pair is always one of those before.

With `noise` some of the pairs are noise, of tokens of their own: noisy recall. With `motif` n, keys and values are 1 to
n tokens long, so that one has to tell where a key ends: fuzzy recall. No two keys of a sequence are alike and no two
values begin alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream, stream
from rnnbench.tasks._apart import Apart, Rows

MEASURED = 300  # sequences over which the mean lag is taken


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: 0 padding in front of sequences with short motifs, 1..vocabulary/2 of keys, the rest of `vocabulary` of
    values, then `noises` of noise, of which pairs are with probability `noise`. Answers: the tokens of values; each
    step of a value but its first is asked for after the one before. Length: how many pairs there are.

    >>> from rnnbench.rng import stream
    >>> b = Task(vocabulary=4).batch(1, 4, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist(), b.weights[:, 0].astype(int).tolist()
    ([1, 3, 1, 3, 2, 4, 1, 3], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0, 1, 0])
    """

    causal: ClassVar[bool] = True  # what is asked for comes next
    shortest: ClassVar[int] = 2

    vocabulary: Annotated[int, Interval(ge=4, le=8192)] = 16
    motif: Annotated[int, Interval(ge=1, le=8)] = 1
    noise: Annotated[float, Interval(ge=0, le=0.99)] = 0.0
    noises: Annotated[int, Interval(ge=1, le=8192)] = 16

    def __post_init__(self) -> None:
        if self.motif > self.keys_there:
            raise ValueError(f"motif: got {self.motif}, of {self.keys_there} tokens of keys, expected no more")

    @property
    def keys_there(self) -> int:
        """How many keys a sequence has, and how many tokens keys are made of."""
        return self.vocabulary // 2

    @property
    def inputs(self) -> int:
        return 1 + self.vocabulary + (self.noises if self.noise else 0)

    @property
    def outputs(self) -> int:
        return self.vocabulary - self.keys_there

    def space(self, length: int) -> int | None:
        """Of plain pairs: by how many keys were shown before the last pair, which is of one of them."""
        K = self.keys_there
        if self.motif > 1 or self.noise or not tasks.strings(max(K, self.outputs), length):
            return None
        ways = [0, K]  # by the number of keys that were shown
        for _ in range(length - 2):
            ways = [0, *(d * ([*ways, 0][d]) + (K - d + 1) * ways[d - 1] for d in range(1, len(ways) + 1))]
        return sum(d * count * math.perm(self.outputs, d) for d, count in enumerate(ways))

    def keys(self, length: int) -> int | None:
        return self.space(length)

    def key(self, rows: Rows) -> Rows:
        """What is read."""
        return rows[: len(rows) // 3]

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """What is read, what is to be answered, and where that is scored."""
        keys, key_sizes = self._keys(size, rng)
        values, value_sizes = self._values(size, rng)
        slots, column = rng.integers(self.keys_there, (length, size)), np.arange(size)
        noisy = np.zeros((length, size), bool)
        if self.noise:
            noisy = rng.uniform((length, size)) < self.noise
            noisy[[0, -1]] = False
        earlier = np.where(noisy[:-1], -1, rng.uniform((length - 1, size))).argmax(0)
        slots[-1] = slots[earlier, column]
        first = np.full((self.keys_there, size), length)
        for s in range(length - 1, -1, -1):  # the pair in which each key is shown first
            here = np.flatnonzero(~noisy[s])
            first[slots[s, here], here] = s
        known = ~noisy & (np.arange(length)[:, None] > first[slots, column])
        k, v = key_sizes[slots, column], value_sizes[slots, column]
        ends = (k + v).cumsum(0)
        T = 2 * self.motif * length
        begin = T - ends[-1] + ends - (k + v)
        rows = np.zeros((3, T, size), np.int64)
        columns = np.broadcast_to(column, slots.shape)
        for j in range(2 * self.motif):
            value = np.clip(j - k, 0, self.motif - 1)
            token = np.where(
                j < k,
                1 + keys[min(j, self.motif - 1), slots, column],
                1 + self.keys_there + values[value, slots, column],
            )
            if self.noise:
                token = np.where(noisy, 1 + self.vocabulary + rng.integers(self.noises, token.shape), token)
            inside = j < k + v
            rows[0, (begin + j)[inside], columns[inside]] = token[inside]
            asked = known & (j >= k) & inside
            at = (begin + j - 1)[asked], columns[asked]
            rows[1][at] = values[value, slots, column][asked]
            rows[2][at] = 1
        return rows.reshape(3 * T, size)

    def _keys(self, size: int, rng: Stream) -> tuple[Rows, Rows]:
        """The tokens of keys, (motif, keys, B), of which each key has its first ones, and how many it has, (keys,
        B)."""
        K = self.keys_there
        if self.motif == 1:
            return np.broadcast_to(np.arange(K)[:, None], (1, K, size)), np.ones((K, size), np.int64)
        tokens, sizes = np.empty((self.motif, K, size), np.int64), np.empty((K, size), np.int64)
        todo = np.ones((K, size), bool)
        while todo.any():  # those that are like another one are drawn again
            count = int(todo.sum())
            tokens[:, todo] = rng.shuffled(count, K)[:, : self.motif].T
            sizes[todo] = 1 + rng.integers(self.motif, count)
            used = np.where(np.arange(self.motif)[:, None, None] < sizes, tokens + 1, 0)
            codes = (used * (K + 1) ** np.arange(self.motif)[:, None, None]).sum(0)
            order = np.argsort(codes, axis=0, kind="stable")
            same = np.diff(np.take_along_axis(codes, order, 0), axis=0) == 0
            todo[:] = False
            np.put_along_axis(todo, order[1:], same, 0)
        return tokens, sizes

    def _values(self, size: int, rng: Stream) -> tuple[Rows, Rows]:
        """The tokens of the keys' values, (motif, keys, B), and how many each value has, (keys, B)."""
        K, V = self.keys_there, self.outputs
        first = rng.shuffled(size, V)[:, :K].T[None]
        if self.motif == 1:
            return first, np.ones((K, size), np.int64)
        others = 1 + rng.shuffled(size * K, V - 1)[:, : self.motif - 1].T.reshape(self.motif - 1, K, size)
        return np.concatenate([first, (first + others) % V]), 1 + rng.integers(self.motif, (K, size))

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs, ys, weights = rows.reshape(3, len(rows) // 3, -1)
        return tasks.Batch(xs, ys, weights=weights.astype(np.float32))

    def lag(self, length: int) -> tasks.Lag:
        """From where a token of a value was shown last to where it is asked for. The mean is measured, on draws of its
        own."""
        return tasks.Lag(1, _mean_lag(self, length), 2 * self.motif * (length - 1) - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The token that is asked for, where it was shown last."""
        steps = np.full((1, *batch.xs.shape), -1)
        weights = np.asarray(batch.weights)
        for column, tokens in enumerate(batch.xs.T.tolist()):
            shown: dict[tuple[int, ...], int] = {}  # where the value of each key begins
            key: tuple[int, ...] = ()
            begins, before = -1, -1
            for t, token in enumerate(tokens):
                if 1 <= token <= self.keys_there:
                    key = (*key, token) if begins < 0 else (token,)
                    begins = -1
                elif token > self.vocabulary or not token:
                    key, begins = (), -1
                elif begins < 0:
                    before, begins = shown.get(key, -1), t
                    shown[key] = t
                if weights[t, column]:
                    steps[0, t, column] = shown[key] if begins < 0 else before + t + 1 - begins
        return tasks.Needed(steps, batch.ys[None])

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one value": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}


@cache
def _mean_lag(task: Task, length: int) -> float:
    batch = task.posed(task.draw(MEASURED, length, stream(0, "lag")), length)
    steps = task.needed(batch).steps[0]
    found = np.arange(len(batch.xs))[:, None] - steps
    return float(found[steps >= 0].mean())
