"""A model's losses and their gradients on one batch: through torch's graph, which takes any model, or by hand, for
compiled layers under a read-out: one fused scan here, any other arrangement in `arranged.py`.

By hand nothing is recorded: at H = 32 the graph, its views and its zeros cost more than the scan itself. The scan
reads the gradients of the answered steps alone and writes those of its parameters where the optimiser reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnbench.layers.noise import Noise
from rnnbench.layers.recurrent import Recurrent
from rnnbench.lazy import torch
from rnnbench.training.arranged import Arranged, Own
from rnnbench.training.model import Model, within

if TYPE_CHECKING:
    from torch import Tensor


class Backprop(Protocol):
    """Computes a model on a batch: inputs as `Model.encode` takes them, targets, weights, the answered steps."""

    def __call__(
        self, xs: Tensor, ys: Tensor, weights: Tensor | None, at: slice, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """The losses (...) and the answers (..., K, B, O); writes the gradients."""
        ...

    def evaluate(self, xs: Tensor, at: slice) -> Tensor:
        """The answers (..., K, B, O) without a way back."""
        ...

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """The mean loss of answers (..., K, B, O), (...)."""
        ...


def backprop(model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> Backprop:
    """What computes the losses of a batch and writes their gradients; p and gradients by the names of `model.views`."""
    if not by_hand(model):
        return _ThroughGraph(model, p, gradients)
    return (_ByHand if _plain(model) else Arranged)(model, p, gradients)


def by_hand(model: Model) -> bool:
    """Whether all that a model computes, and its way back, is arithmetic of our own."""
    return model.layer.by_hand and bool(model.task.nats)  # a loss that is a task's own goes through torch's graph


def _plain(model: Model) -> bool:
    """Whether it is one scan under a read-out."""
    s = model.settings
    return (
        isinstance(model.layer, Recurrent)
        and s.layers == 1
        and not (s.bidirectional or s.conv or s.layer_norm or s.dropout)
        and s.attention == "none"
    )


class _ThroughGraph:
    def __init__(self, model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> None:
        self.model, self.gradients = model, list(gradients.values())
        self.leaves = {name: value.detach().requires_grad_() for name, value in p.items()}

    def __call__(
        self, xs: Tensor, ys: Tensor, weights: Tensor | None, at: slice, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        answers = self.model.answers(self.leaves, self.model.encode(xs), at, noise)
        losses = self.model.task.loss(answers, ys, weights)
        found = torch.autograd.grad(losses.sum(), list(self.leaves.values()), allow_unused=True, materialize_grads=True)
        torch._foreach_copy_(self.gradients, found)
        return losses.detach(), answers.detach()

    def evaluate(self, xs: Tensor, at: slice) -> Tensor:
        """The answers (..., K, B, O) without a way back."""
        return self.model.answers(self.leaves, self.model.encode(xs), at).detach()

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """The mean loss of answers (..., K, B, O), (...)."""
        return self.model.task.loss(answers, ys, weights)


class _ByHand(Own):
    """A fused scan under a read-out, in arithmetic of our own from the batch to the gradients."""

    def __init__(self, model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> None:
        from rnnbench.kernels.rotation import Operands  # imports the compiler

        super().__init__(model, p, gradients)
        layer = model.layer
        assert isinstance(layer, Recurrent)
        assert layer.kernel is not None
        self.fused = layer.kernel.fused(layer.cell)
        own = within(p, "0/forward/"), within(gradients, "0/forward/")
        self.operands = Operands(layer.cell, self.fused.names, *own)

    def __call__(
        self, xs: Tensor, ys: Tensor, weights: Tensor | None, at: slice, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        done, (h, stride, K), answers = self._answers(xs, at, keep=True)
        loss, slopes = self._losses(answers, ys, weights)
        memory, dys = self.kernel.rows(K + 1, xs.shape[1], self.readout.H)  # the last for the steps without an answer
        self.readout.back(h, stride, slopes, *self.readout_to, memory.data_ptr())
        dys[K] = 0
        done.back(memory.data_ptr(), _answered(len(xs), at.start, at.stop, at.step), self.operands.places)
        self.operands.back()
        return torch.tensor(loss), self._shown(answers)

    def evaluate(self, xs: Tensor, at: slice) -> Tensor:
        """The answers (K, B, O) without a way back."""
        return self._shown(self._answers(xs, at, keep=False)[2])

    def _answers(self, xs: Tensor, at: slice, keep: bool) -> tuple[Any, tuple[int, int, int], Any]:
        """A pass, where the answering rows of its outputs lie (address, floats from one step to the next, steps), and
        the answers."""
        self.operands.make()
        done = self.kernel.Pass(self.fused, self.model.encode(xs), self.operands.tensors, keep=keep)
        T, B = xs.shape[:2]
        steps = range(T)[slice(-1, None) if self.model.task.last else at]
        size = B * done.hs.shape[2]
        place = done.hs.address + 4 * (steps.start + 1) * size, steps.step * size, len(steps)
        return done, place, self.readout.answers(*place[:2], place[2], B)


@cache
def _answered(T: int, start: int | None, stop: int | None, step: int | None) -> NDArray[np.int64]:
    """Which answer each of T steps gives, (T,); for those that give none, the number of answers."""
    answering = range(T)[slice(start, stop, step)]
    found = np.full(T, len(answering), np.int64)
    found[answering] = np.arange(len(answering))
    return found
