"""What of an answer is differentiated, or read off before and after a change: one number an answer.

answer   a number: itself; of several, their sum. A class: the right one's logit less the mean of all, since a
         softmax sees differences alone. Sets of symbols: their logits, each with the sign that is right, summed.
loss     what the answer alone would cost, by the task's own loss
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.probing import Of
from rnnbench.tasks import Batch, Needed, Task

if TYPE_CHECKING:
    from torch import Tensor

MOST = 16  # answers of a sequence that are looked at


def aims(task: Task, answers: Tensor, batch: Batch, of: Of = "answer") -> Tensor:
    """answers (K, B, O) -> (K, B)."""
    ys = torch.from_numpy(batch.ys)
    if of == "loss":
        return _losses(task, answers, ys, batch)
    if not ys.is_floating_point():
        return answers.gather(-1, ys.unsqueeze(-1)).squeeze(-1) - answers.mean(-1)
    if task.nats == "symbols":
        return torch.where(ys > 0, answers, -answers).sum(-1)
    return answers.sum(-1)


def _losses(task: Task, answers: Tensor, ys: Tensor, batch: Batch) -> Tensor:
    """The loss of each answer as if it were all of a run: runs are a leading axis of whatever a task computes."""
    K, B = answers.shape[:2]
    ones = torch.ones((K * B, 1, 1), dtype=answers.dtype)
    kind = answers.dtype if ys.is_floating_point() else ys.dtype
    alone = ys.to(kind).reshape(K * B, 1, 1, *ys.shape[2:])
    losses = task.loss(answers.reshape(K * B, 1, 1, -1), alone, None if batch.weights is None else ones)
    return losses.reshape(K, B)


def scored(batch: Batch, needed: Needed | None) -> NDArray[np.bool_]:
    """Which answers are scored and, where a task says so, hang on an input: (K, B)."""
    found = np.ones(batch.ys.shape[:2], bool) if batch.weights is None else batch.weights > 0
    return found if needed is None else found & (needed.steps >= 0).any(0)


def chosen(which: NDArray[np.bool_]) -> list[int]:
    """The answers of (K, B) that are looked at: MOST of those that are there in some sequence, spread evenly.

    >>> chosen(np.array([[False], [True], [True]]))
    [1, 2]
    """
    there = np.flatnonzero(which.any(1))
    if len(there) > MOST:
        there = there[np.linspace(0, len(there) - 1, MOST).round().astype(int)]
    return [int(k) for k in there]


def steps_of(batch: Batch) -> NDArray[np.int64]:
    """The step of each of the K answers."""
    return np.arange(len(batch.xs))[batch.at]
