"""Adding (Hochreiter & Schmidhuber, 1997; as in Le et al., 2015, and Arjovsky et al., 2016).

Each step brings a value, uniform in [0, 1), and a mark. Two values are marked, one in each half; after the last
step their sum is asked for. Always answering 1 has a mean squared error of 1/6: score = 1 - MSE / (1/6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Task(tasks.Task):
    """`first` places the first mark `anywhere` in the first half, or `early`: in its first tenth of all steps, so
    that the lag is close to the length.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 4, stream(3, "train"))
    >>> b.xs[:, 0, 1].tolist(), bool(b.ys[0, 0, 0] == (b.xs[:, 0, 0] * b.xs[:, 0, 1]).sum())
    ([1.0, 0.0, 1.0, 0.0], True)
    """

    bar: ClassVar[float] = 0.97
    last: ClassVar[bool] = True
    shortest: ClassVar[int] = 2
    tokens: ClassVar[bool] = False

    first: Literal["anywhere", "early"] = "anywhere"

    @property
    def inputs(self) -> int:
        return 2

    @property
    def outputs(self) -> int:
        return 1

    def _first(self, length: int) -> int:
        """How many places the first mark has."""
        return length // 2 if self.first == "anywhere" else max(1, length // 10)

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        xs = np.zeros((length, size, 2), np.float32)
        xs[:, :, 0] = rng.uniform((length, size))
        column = np.arange(size)
        first = rng.integers(self._first(length), size)
        second = length // 2 + rng.integers(length - length // 2, size)
        xs[first, column, 1] = 1
        xs[second, column, 1] = 1
        ys = (xs[first, column, 0] + xs[second, column, 0]).reshape(1, size, 1)
        return tasks.Batch(xs, ys, slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        places = self._first(length)
        return tasks.Lag(length - places, length - 1 - (places - 1) / 2, length - 1)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always 1": np.ones_like(batch.ys)}

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Mean squared error, (...)."""
        return (answers - ys).square().squeeze(-1).mean((-2, -1))

    def score(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        return (1 - 6 * self.loss(answers.double(), ys.double(), weights)).clamp(min=0)
