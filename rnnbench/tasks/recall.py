"""Recall: multi-query associative recall (MQAR; Arora et al., 2023).

Keys and their values are read in pairs; then, among blanks, every key comes once more and its value is asked for. All
keys differ and so do all values, so that whoever knows which values there were and not whose they are is right once
in `pairs`: that is chance. What is between the queries is blank and can't be taken for a pair.

Two newer forms are settings. With `updates` so many of the pairs are told again, each with a value that nobody had: the
last one counts, and the one before is to be forgotten. With `compositional` keys are two tokens, from a grid: every one
of the first with every one of the second, so that neither tells a value, nor both without knowing what goes together.
It can be learnt, and is far harder: in one trial each (4 pairs, a vocabulary of 8, hidden 32, 1000 steps of 32), two
layers of `deltanet` with `conv: 4` solved it, a transformer of two layers scored .37, an LSTM 0. Who sees two tokens at
once, by a convolution ahead or a layer below, has a key to look up; give others steps before you say that they can't.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream, stream

POWER = 0.01  # of the gaps' power law, as published


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 blank, 1..vocabulary/2 keys, the rest values. Length: how many blanks there are among the queries.
    Their places are `uniform`, or by a `power` law of the steps since the last pair, as published: soon, mostly.

    >>> from rnnbench.rng import stream
    >>> b = Task(pairs=2, vocabulary=8).batch(1, 3, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist(), b.weights[:, 0].tolist()
    ([3, 6, 4, 8, 4, 0, 0, 3, 0], [3, 0, 0, 1, 0], [1.0, 0.0, 0.0, 1.0, 0.0])
    """

    causal: ClassVar[bool] = True  # as published: where a query sees later ones too, even a transformer hardly learns

    pairs: Annotated[int, Interval(ge=2, le=1000)] = 4
    vocabulary: Annotated[int, Interval(ge=4, le=65536)] = 32
    gaps: Literal["uniform", "power"] = "uniform"
    updates: Annotated[int, Interval(ge=0, le=1000)] = 0
    compositional: bool = False

    def __post_init__(self) -> None:
        if 2 * self.pairs > self.vocabulary:
            raise ValueError(f"vocabulary: {self.pairs} pairs need {2 * self.pairs}, got {self.vocabulary}")
        if self.updates > self.pairs:
            raise ValueError(f"updates: got {self.updates} of {self.pairs} pairs, expected no more")
        if self._told > self.outputs:
            need = f"{self.updates} updates of {self.pairs} pairs need {2 * self._told}"
            raise ValueError(f"vocabulary: {need}, got {self.vocabulary}")
        if self.compositional and self._side**2 != self.pairs:
            raise ValueError(f"pairs: got {self.pairs}, expected a square, as compositional keys are a grid")

    @property
    def keys(self) -> int:
        """How many of the tokens are keys."""
        return self.vocabulary // 2

    @property
    def inputs(self) -> int:
        return 1 + self.vocabulary

    @property
    def outputs(self) -> int:
        return self.vocabulary - self.keys

    @property
    def chance(self) -> float:
        return 1 / self.pairs

    @property
    def _told(self) -> int:
        """How many times a pair is told."""
        return self.pairs + self.updates

    @property
    def _side(self) -> int:
        """How many first tokens of keys there are, and second ones, if keys have two."""
        return math.isqrt(self.pairs)

    @property
    def _width(self) -> int:
        """How many tokens a key has."""
        return 2 if self.compositional else 1

    def _places(self, size: int, length: int, rng: Stream) -> NDArray[np.int64]:
        """Where each pair is asked for, (P, B), counted from the last pair on."""
        slots = length + self.pairs
        if self.gaps == "uniform":
            return rng.shuffled(size, slots)[:, : self.pairs].T
        # Sampling without replacement, by weight: who wins a race of exponential clocks (Efraimidis & Spirakis, 2006).
        clock = -np.log(1 - rng.uniform((size, slots)).astype(np.float64)) * np.arange(1, slots + 1) ** (1 - POWER)
        chosen = np.argsort(clock, axis=1, kind="stable")[:, : self.pairs]
        return np.take_along_axis(chosen, rng.shuffled(size, self.pairs), 1).T

    def space(self, length: int) -> int | None:
        if self.pairs > 16:
            return None
        keys = math.perm(self.keys, self.pairs)
        if self.compositional:
            first, second = self.keys // 2, self.keys - self.keys // 2
            keys = math.comb(first, self._side) * math.comb(second, self._side) * math.factorial(self.pairs)
        values = math.perm(self.outputs, self._told) * math.perm(self.pairs, self.updates)
        return keys * values * math.perm(length + self.pairs, self.pairs)  # each in order and once

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        P, U, width, column = self.pairs, self.updates, self._width, np.arange(size)
        keys = self._keys(size, rng)
        values = rng.shuffled(size, self.outputs)[:, : P + U].T
        places = self._places(size, length, rng)
        if self.compositional:  # each query before pushes those after it on by one
            places = places + places.argsort(0).argsort(0)
        told = keys
        if U:
            again = rng.shuffled(size, P)[:, :U].T
            told = np.concatenate([keys, keys[:, again, column]], 1)
        start = (width + 1) * (P + U)
        xs = np.zeros((start + length + width * P, size), np.int64)
        xs[width : start : width + 1] = 1 + self.keys + values
        for k in range(width):
            xs[k : start : width + 1] = 1 + told[k]
            xs[start + places + k, column] = 1 + keys[k]
        held = values[:P].copy()
        if U:
            held[again, column] = values[P:]
        ys = np.zeros((len(xs) - start, size), np.int64)
        weights = np.zeros(ys.shape, np.float32)
        ys[places + width - 1, column] = held
        weights[places + width - 1, column] = 1
        return tasks.Batch(xs, ys, slice(start, None), weights)

    def _keys(self, size: int, rng: Stream) -> NDArray[np.int64]:
        """The tokens of each pair's key, (width, P, B), from 0 on."""
        if not self.compositional:
            return rng.shuffled(size, self.keys)[:, : self.pairs].T[None]
        side, half = self._side, self.keys // 2
        first = rng.shuffled(size, half)[:, :side].T
        second = half + rng.shuffled(size, self.keys - half)[:, :side].T
        order = rng.shuffled(size, self.pairs).T
        return np.stack([np.take_along_axis(first, order // side, 0), np.take_along_axis(second, order % side, 0)])

    def lag(self, length: int) -> tasks.Lag:
        """From a value, as it was told last, to its answer, over all pairs. The power law's mean is measured, on draws
        of its own."""
        P, U, width = self.pairs, self.updates, self._width
        mean = (length + P - 1) / 2
        if self.gaps == "power":
            mean = float(self._places(1000, length, stream(0, "lag")).mean())
        start = (width + 1) * (P + U)
        told = ((P - U) * (P - 1) / 2 + U * (P + (U - 1) / 2)) / P  # which telling it was, in the mean
        asked = start + mean + (width - 1) * ((P - 1) / 2 + 1)
        earliest = P if U == P else 0
        most = start + length + width * P - 1 - ((width + 1) * earliest + width)
        return tasks.Lag(width, asked - ((width + 1) * told + width), most)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The value of the key that is asked for, as it was told last."""
        width, start = self._width, len(batch.xs) - len(batch.ys)
        told = batch.xs[:start].reshape(self._told, width + 1, -1)
        same = np.ones((self._told, *batch.ys.shape), bool)
        for k in range(width):
            since = start + k - width + 1
            same &= told[:, k, None] == batch.xs[since : since + len(batch.ys)]
        telling = self._told - 1 - same[::-1].argmax(0)
        asked = np.asarray(batch.weights) > 0
        steps = np.where(asked, (width + 1) * telling + width, -1)
        return tasks.Needed(steps[None], batch.ys[None], 1 + self.keys, self.outputs)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        shown = {"the first value": self._width, "the last value": len(batch.xs) - len(batch.ys) - 1}
        alone = {n: choices[np.broadcast_to(batch.xs[t] - 1 - self.keys, batch.ys.shape)] for n, t in shown.items()}
        return {"always one value": choices[np.zeros_like(batch.ys)], **alone}
