"""Recall: multi-query associative recall (MQAR; Arora et al., 2023).

Keys and their values are read in pairs; then, among blanks, every key comes once more and its value is asked for. All
keys differ and so do all values, so that whoever knows which values there were and not whose they are is right once
in `pairs`: that is chance. What is between the queries is blank and can't be taken for a pair.
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

    def __post_init__(self) -> None:
        if 2 * self.pairs > self.vocabulary:
            raise ValueError(f"vocabulary: {self.pairs} pairs need {2 * self.pairs}, got {self.vocabulary}")

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
        pools = (self.keys, self.outputs, length + self.pairs)  # of keys, values and places, in order and once each
        return math.prod(math.perm(pool, self.pairs) for pool in pools) if self.pairs <= 16 else None

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        P, column = self.pairs, np.arange(size)
        keys = rng.shuffled(size, self.keys)[:, :P].T
        values = rng.shuffled(size, self.outputs)[:, :P].T
        places = self._places(size, length, rng)
        xs = np.zeros((3 * P + length, size), np.int64)
        xs[: 2 * P : 2] = 1 + keys
        xs[1 : 2 * P : 2] = 1 + self.keys + values
        xs[2 * P + places, column] = 1 + keys
        ys = np.zeros((P + length, size), np.int64)
        weights = np.zeros((P + length, size), np.float32)
        ys[places, column] = values
        weights[places, column] = 1
        return tasks.Batch(xs, ys, slice(2 * P, None), weights)

    def lag(self, length: int) -> tasks.Lag:
        """From a value to its answer, over all pairs. The power law's mean is measured, on draws of its own."""
        P, slots = self.pairs, length + self.pairs
        mean = (slots - 1) / 2
        if self.gaps == "power":
            mean = float(self._places(1000, length, stream(0, "lag")).mean())
        return tasks.Lag(1, P + mean, 2 * P + slots - 2)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The value of the key that is asked for."""
        P = self.pairs
        pair = (batch.xs[: 2 * P : 2, None] == batch.xs[2 * P :]).argmax(0)
        asked = np.asarray(batch.weights) > 0
        return tasks.Needed(np.where(asked, 2 * pair + 1, -1)[None], batch.ys[None], 1 + self.keys, self.outputs)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        shown = {"the first value": 1, "the last value": 2 * self.pairs - 1}
        alone = {n: choices[np.broadcast_to(batch.xs[t] - 1 - self.keys, batch.ys.shape)] for n, t in shown.items()}
        return {"always one value": choices[np.zeros_like(batch.ys)], **alone}
