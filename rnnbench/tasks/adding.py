"""Adding (Hochreiter & Schmidhuber, 1997; as in Le et al., 2015, and Arjovsky et al., 2016).

`uniform`: each step brings a value, uniform in [0, 1), and a mark. Two values are marked, one in each half; after the
last step their sum is asked for. Always answering 1 has a mean squared error of 1/6: score = 1 - MSE / (1/6).

`sums` of n > 1: n such sums, one after the other in one sequence, each asked for at its own last step, which a third
input marks. What was added must be forgotten in between. The best answer of a running total R, in which k sums are so
far, is R / k (the sums are exchangeable) with a mean squared error of (1 - 1/k) / 6; the mean of that over
k = 1..n is the score's zero: score = 1 - MSE / ((1 - (1 + 1/2 + ... + 1/n) / n) / 6).

`1997`: values in [-1, 1), `length` to 1.1 length of them, between two more steps whose marks are -1; the first mark is
among the first ten, the second elsewhere in the first half, in any order; the answer .5 + (X1 + X2) / 4 is right if it
misses by less than .04, which knowing X1 or X2 alone achieves for 16 %. Shorter sequences are padded in front. (There
the end steps belonged to the `length`, and a value at the first counted 0.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.lazy import torch
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Task(tasks.Task):
    """`first` places the first mark `anywhere` in the first half, or `early`: in its first tenth of all steps, so
    that the lag is close to the length (uniform form only). Length: the steps of one sum.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 4, stream(3, "train"))
    >>> b.xs[:, 0, 1].tolist(), bool(b.ys[0, 0, 0] == (b.xs[:, 0, 0] * b.xs[:, 0, 1]).sum())
    ([1.0, 0.0, 1.0, 0.0], True)
    >>> Task(sums=2).batch(1, 3, stream(3, "train")).xs[:, 0, 1:].tolist()
    [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]
    >>> Task(form="1997").batch(1, 4, stream(3, "train")).xs[:, 0, 1].tolist()
    [-1.0, 1.0, 1.0, 0.0, 0.0, -1.0]
    """

    bar: ClassVar[float] = 0.97
    nats: ClassVar[str] = "squares"
    shortest: ClassVar[int] = 2
    tokens: ClassVar[bool] = False

    first: Literal["anywhere", "early"] = "anywhere"
    form: Literal["uniform", "1997"] = "uniform"
    sums: Annotated[int, Interval(ge=1, le=100)] = 1

    def __post_init__(self) -> None:
        if self.form == "1997" and self.sums > 1:
            raise ValueError("sums: only the uniform form has several")
        if self.form == "1997" and self.first == "early":
            raise ValueError("first: the 1997 form has its own places")

    @property
    def inputs(self) -> int:
        return 2 if self.sums == 1 else 3

    @property
    def outputs(self) -> int:
        return 1

    @property
    def last(self) -> bool:
        return self.sums == 1

    @property
    def chance(self) -> float:
        """Of the 1997 form, one of the two values known: |X / 4| < .04."""
        return 0.16

    @property
    def zero(self) -> float:
        """The mean squared error at which the score of the uniform form is 0."""
        if self.sums == 1:
            return 1 / 6
        return (1 - sum(1 / k for k in range(1, self.sums + 1)) / self.sums) / 6

    def _first(self, length: int) -> int:
        """How many places the first mark has."""
        if self.form == "1997":
            return min(10, self._half(length))
        return length // 2 if self.first == "anywhere" else max(1, length // 10)

    def _half(self, length: int) -> int:
        """How many places both marks of the 1997 form have together."""
        return max(2, length // 2)

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        if self.form == "1997":
            return self._batch_1997(size, length, rng)
        count = size * self.sums
        xs = np.zeros((length, count, self.inputs), np.float32)
        xs[:, :, 0] = rng.uniform((length, count))
        column = np.arange(count)
        first = rng.integers(self._first(length), count)
        second = length // 2 + rng.integers(length - length // 2, count)
        xs[first, column, 1] = 1
        xs[second, column, 1] = 1
        ys = (xs[first, column, 0] + xs[second, column, 0]).reshape(self.sums, size, 1)
        if self.sums == 1:
            return tasks.Batch(xs, ys, slice(-1, None))
        xs[-1, :, 2] = 1
        xs = xs.reshape(length, self.sums, size, 3).swapaxes(0, 1).reshape(self.sums * length, size, 3)
        return tasks.Batch(xs, ys, slice(length - 1, None, length))

    def _batch_1997(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        longest = length + length // 10 + 2
        column = np.arange(size)
        start = rng.integers(length // 10 + 1, size)  # how many steps of padding
        first = rng.integers(self._first(length), size)
        second = rng.integers(self._half(length) - 1, size)
        second += second >= first
        xs = np.zeros((longest, size, 2), np.float32)
        values = 2 * rng.uniform((longest, size)) - 1
        xs[:, :, 0] = np.where(np.arange(longest)[:, None] < start, 0, values)
        xs[start, column, 1] = xs[-1, :, 1] = -1
        marked = start + 1 + np.stack([first, second])
        xs[marked, column, 1] = 1
        return tasks.Batch(xs, 0.5 + xs[marked, column, 0].sum(0).reshape(1, size, 1) / 4, slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        places = self._first(length)
        if self.form == "uniform":
            return tasks.Lag(length - places, length - 1 - (places - 1) / 2, length - 1)
        half, longer = self._half(length), length // 10
        earlier = sum(f * (f - 1) / 2 + f * (half - 1 - f) for f in range(places)) / (half - 1) / places
        return tasks.Lag(length - min(places - 1, half - 2), length + longer / 2 - earlier, length + longer)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The two marked values of each sum."""
        T, B = batch.xs.shape[:2]
        marks = (batch.xs[:, :, 1] == 1).reshape(len(batch.ys), -1, B)  # a sum is as long as all others
        length = marks.shape[1]
        steps = np.stack([marks.argmax(1), length - 1 - marks[:, ::-1].argmax(1)]) + np.arange(0, T, length)[:, None]
        return tasks.Needed(steps, batch.xs[steps, np.arange(B), 0])

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        if self.form == "1997":
            values = np.where(batch.xs[:, :, 1] == 1, batch.xs[:, :, 0], 0)
            late = values.shape[0] - 1 - (values != 0)[::-1].argmax(0)
            late_alone = 0.5 + values[late, np.arange(late.size)].reshape(batch.ys.shape) / 4
            return {"always .5": np.full_like(batch.ys, 0.5), "the later value alone": late_alone}
        shortcuts = {"always 1": np.ones_like(batch.ys)}
        if self.sums > 1:
            total = batch.ys.cumsum(0, dtype=np.float32)
            k = np.arange(1, self.sums + 1, dtype=np.float32).reshape(-1, 1, 1)
            shortcuts |= {"the running total": total, "the running total less what it grows by": total - (k - 1)}
            shortcuts |= {"the running total's mean": total / k}
        return shortcuts

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Mean squared error, (...)."""
        return (answers - ys).square().squeeze(-1).mean((-2, -1))

    def accuracy(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """How many answers miss by less than .04, (...)."""
        return ((answers - ys).abs().squeeze(-1) < 0.04).to(torch.float64).mean((-2, -1))

    def score(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        if self.form == "1997":
            return super().score(answers, ys, weights)
        squares = (answers.double() - ys.double()).square().flatten(-3)
        # One after the other: torch's own sum takes as many at once as the machine's registers hold.
        return (1 - squares.cumsum(-1)[..., -1] / squares.shape[-1] / self.zero).clamp(min=0)
