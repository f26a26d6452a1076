"""Counting: the language a^n b^n (Gers & Schmidhuber, 2001).

A string is read symbol by symbol between marks, `$ a a b b`; at each step the set of the symbols that may come
next is asked for. From the first b on it is exact: b until there were as many as a, then $. A string counts only
if every step is right.

At length L a model trains on n = 1..L without those held out: n = 3, 8, 13, ... and L + 1 are tested, n = 6, 11,
16, ... and L + 2 decide when to stop. So both splits hold strings inside and beyond the range, and none that was
trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.lazy import torch
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens and answers: 0 the mark $, 1 a, 2 b. Length: the largest n that is trained on.

    >>> b = Task().strings([2])
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].astype(int).tolist()
    ([0, 1, 1, 2, 2], [[0, 1, 0], [0, 1, 1], [0, 1, 1], [0, 0, 1], [1, 0, 0]])
    """

    bar: ClassVar[float] = 1.0
    causal: ClassVar[bool] = True
    shortest: ClassVar[int] = 3

    language: Literal["anbn"] = "anbn"

    @property
    def inputs(self) -> int:
        return 3

    @property
    def outputs(self) -> int:
        return 3

    @property
    def chance(self) -> float:
        return 0.0

    def ns(self, length: int) -> dict[str, list[int]]:
        """The n of each split."""
        every = range(1, length + 1)
        return {
            "train": [n for n in every if n % 5 != 3 and (n % 5 != 1 or n == 1)],
            "select": [*(n for n in every if n % 5 == 1 and n > 1), length + 2],
            "test": [*(n for n in every if n % 5 == 3), length + 1],
        }

    def strings(self, ns: list[int], T: int | None = None) -> tasks.Batch:
        """The strings of these n, side by side, padded to T steps (default: the longest); padding has no weight."""
        n = np.asarray(ns)
        t = np.arange(T or 2 * int(n.max()) + 1)[:, None]
        xs = np.where(t == 0, 0, np.where(t <= n, 1, 2)) * (t <= 2 * n)
        ys = np.stack([t == 2 * n, t <= n, (t >= 1) & (t < 2 * n)], -1)
        inside = (t <= 2 * n).astype(np.float32)
        return tasks.Batch(xs.astype(np.int64), ys.astype(np.float32), weights=inside)

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        ns = np.asarray(self.ns(length)["train"])
        return self.strings(ns[rng.integers(len(ns), size)].tolist(), 2 * length + 1)

    def held_out(self, split: tasks.Split, length: int, stream: Callable[[str], Stream]) -> tasks.Batch:
        return self.strings(self.ns(length)[split])

    def lag(self, length: int) -> tasks.Lag:
        """From the first a to the mark after the last b."""
        ns = self.ns(length)["train"]
        return tasks.Lag(2 * min(ns) - 1, sum(2 * n - 1 for n in ns) / len(ns), 2 * max(ns) - 1)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        after = np.array([[-1, 1, -1], [-1, 1, 1], [-1, -1, 1]], np.float32)
        closing = np.array([[-1, 1, -1], [-1, 1, 1], [1, -1, -1]], np.float32)
        return {
            "the last symbol alone, b to come": after[batch.xs],
            "the last symbol alone, $ to come": closing[batch.xs],
        }

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Binary cross-entropy of the three symbols, summed, a step: nats, (...)."""
        towards = torch.where(ys > 0, answers, -answers)
        nats = -torch.log_softmax(torch.stack([towards, torch.zeros_like(towards)], -1), -1)[..., 0]
        return tasks.mean(nats.sum(-1), weights)

    def score(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        wrong = ((answers > 0) != (ys > 0)).any(-1)
        if weights is not None:
            wrong = wrong & (weights > 0)
        return (~wrong.any(-2)).to(torch.float64).mean(-1)
