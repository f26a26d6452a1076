"""Postcasting (as in CogScale, 2026; memory capacity of Jaeger, 2001): what was read a given number of steps ago?

A number, uniform in [-1, 1), is read at each step, and the one that was read `length` steps before is asked for. A
delay line of that many numbers does it; a state that is smaller holds some of them well or all of them badly. The score
is 1 - MSE / variance, the R^2 of the answer: what users of echo state networks call the capacity at that delay, whose
sum over all delays is their memory capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor

VARIANCE = 1 / 3  # of a number


@dataclass(frozen=True)
class Task(tasks.Task):
    """Length: the delay, in steps. Each sequence has `answers` more steps than that, at which it is asked.

    >>> from rnnbench.rng import stream
    >>> b = Task(answers=3).batch(1, 2, stream(1, "train"))
    >>> b.xs.shape, bool((b.ys[:, 0] == b.xs[:3, 0]).all()), range(5)[b.at]
    ((5, 1, 1), True, range(2, 5))
    """

    nats: ClassVar[str] = "squares"
    tokens: ClassVar[bool] = False

    answers: Annotated[int, Interval(ge=1, le=10_000)] = 20

    @property
    def inputs(self) -> int:
        return 1

    @property
    def outputs(self) -> int:
        return 1

    @property
    def chance(self) -> float:
        """Of missing by less than .04 with any constant."""
        return 0.04

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        xs = 2 * rng.uniform((length + self.answers, size, 1)) - 1
        return tasks.Batch(xs, xs[: self.answers].copy(), slice(length, None))

    def lag(self, length: int) -> tasks.Lag:
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The number that is asked for."""
        steps = np.broadcast_to(np.arange(self.answers)[:, None], (1, *batch.ys.shape[:2]))
        return tasks.Needed(steps, batch.ys[None, :, :, 0])

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always 0": np.zeros_like(batch.ys), "what is read now": batch.xs[batch.at].copy()}

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Mean squared error, (...)."""
        return (answers - ys).square().squeeze(-1).mean((-2, -1))

    def accuracy(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """How many answers miss by less than .04, (...)."""
        return ((answers - ys).abs().squeeze(-1) < 0.04).double().mean((-2, -1))

    def score(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        squares = (answers.double() - ys.double()).square().flatten(-3)
        # One after the other: torch's own sum takes as many at once as the machine's registers hold.
        return (1 - squares.cumsum(-1)[..., -1] / squares.shape[-1] / VARIANCE).clamp(min=0)
