"""Warping (Tallec & Ollivier, 2018): which symbol came before the one of now, in a sequence stretched in time?

A sequence of symbols, each unlike the one before it, is warped: every symbol takes w steps, `repeat`ed all the while or
`pad`ded with blanks after its first step. At each step the symbol before the present one is asked for. With a
`uniform` warp w is the length; with a `variable` one each symbol's own w is uniform in 1..length. A leaky network can
slow down by a constant; only gates can follow a warp that varies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 blank, 1..alphabet the symbols. Length: the largest warp; a sequence has items * length steps,
    enough for `items` symbols or, if the warp varies, more. The first symbol has none before it: it is not scored.

    >>> from rnnbench.rng import stream
    >>> b = Task(items=3, alphabet=4, warp="uniform", fill="pad").batch(1, 2, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist(), b.weights[:, 0].tolist()
    ([3, 0, 2, 0, 3, 0], [0, 0, 2, 2, 1, 1], [0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    """

    items: Annotated[int, Interval(ge=2, le=10_000)] = 10
    alphabet: Annotated[int, Interval(ge=3, le=1000)] = 10
    warp: Literal["uniform", "variable"] = "variable"
    fill: Literal["repeat", "pad"] = "repeat"

    @property
    def inputs(self) -> int:
        return self.alphabet + 1

    @property
    def outputs(self) -> int:
        return self.alphabet

    @property
    def chance(self) -> float:
        """Any symbol but the present one."""
        return 1 / (self.alphabet - 1)

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        T = self.items * length
        most = T if self.warp == "variable" else self.items  # how many symbols there can be
        steps = 1 + rng.integers(self.alphabet - 1, (most, size))
        steps[0] = rng.integers(self.alphabet, size)
        symbols = np.concatenate([np.zeros((1, size), np.int64), steps.cumsum(0) % self.alphabet])
        first = np.zeros((T, size), np.int64)  # 1 where a symbol begins
        if self.warp == "uniform":
            first[::length] = 1
        else:
            starts = np.concatenate([np.zeros((1, size), np.int64), (1 + rng.integers(length, (most, size))).cumsum(0)])
            symbol, column = np.nonzero(starts < T)
            first[starts[symbol, column], column] = 1
        place = first.cumsum(0)  # 1, 2, ... as symbols follow each other
        now = np.take_along_axis(symbols, place, 0) + 1
        before = np.take_along_axis(symbols, place - 1, 0)
        xs = now if self.fill == "repeat" else now * first
        return tasks.Batch(xs, before, weights=(place > 1).astype(np.float32))

    def lag(self, length: int) -> tasks.Lag:
        """From the step that last showed the symbol before to the answer: over all steps of symbols that are whole."""
        w = np.arange(1, length + 1, dtype=np.float64) if self.warp == "variable" else np.array([float(length)])
        inside = (w * (w + 1)).sum() / (2 * w.sum())  # from the symbol's end on
        if self.fill == "repeat":
            return tasks.Lag(1, inside, length)
        least = 1 if self.warp == "variable" else length
        return tasks.Lag(least, inside + w.mean() - 1, 2 * length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The step that last showed the symbol before. One that is repeated stands at other steps too: none may take
        its place at this one alone."""
        t = np.arange(len(batch.xs))[:, None]
        new = batch.xs != np.roll(batch.xs, 1, 0) if self.fill == "repeat" else batch.xs > 0
        begun = np.maximum.accumulate(np.where(new, t, 0), 0)  # where the present symbol began
        before = np.maximum(begun - 1, 0)
        shown = before if self.fill == "repeat" else np.take_along_axis(begun, before, 0)
        steps = np.where(np.asarray(batch.weights) > 0, shown, -1)
        return tasks.Needed(steps[None], batch.ys[None], 1, 0 if self.fill == "repeat" else self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        one = np.zeros((*batch.ys.shape, self.outputs), np.float32)
        one[..., 0] = 1
        begun = np.maximum.accumulate(np.where(batch.xs > 0, np.arange(len(batch.xs))[:, None], 0), 0)
        now = np.take_along_axis(batch.xs, begun, 0) - 1
        other = np.eye(self.outputs, dtype=np.float32)[(now + 1) % self.outputs]
        return {"always one symbol": one, "a symbol other than the present one": other}
