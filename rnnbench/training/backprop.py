"""A model's losses and their gradients on one batch: through torch's graph, which takes any model, or by hand for the
commonest one, a fused scan under a read-out.

By hand nothing is recorded: at H = 32 the graph, its views and its zeros cost more than the scan itself. The scan
reads the gradients of the answered steps alone and writes those of its parameters where the optimiser reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnbench.cells import Cell
from rnnbench.layers.noise import Noise
from rnnbench.layers.recurrent import Recurrent
from rnnbench.lazy import torch
from rnnbench.training.model import Model

if TYPE_CHECKING:
    from torch import Tensor

# inputs as `Model.encode` takes them, targets, weights, the answered steps, randomness -> losses (...), answers
Backprop = Callable[["Tensor", "Tensor", "Tensor | None", slice, Noise], "tuple[Tensor, Tensor]"]


def backprop(model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> Backprop:
    """What computes the losses of a batch and writes their gradients; p and gradients by the names of `model.views`."""
    return (_ByHand if _by_hand(model) else _ThroughGraph)(model, p, gradients)


def _by_hand(model: Model) -> bool:
    s, layer = model.settings, model.layer
    plain = s.layers == 1 and not (s.bidirectional or s.layer_norm or s.dropout) and s.attention == "none"
    if not (plain and isinstance(layer, Recurrent) and layer.kernel is not None):
        return False
    return type(layer.cell).prepare is Cell.prepare  # what it prepares goes through torch's graph


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


class _ByHand:
    def __init__(self, model: Model, p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> None:
        from rnnbench.kernels import scan  # imports the compiler

        layer = model.layer
        assert isinstance(layer, Recurrent)
        assert layer.kernel is not None
        self.model, self.kernel = model, scan
        self.fused = layer.kernel.fused(layer.cell)
        self.parameters = [p[f"0/forward/{name}"] for name in self.fused.names]
        self.places = [gradients[f"0/forward/{name}"].data_ptr() for name in self.fused.names]
        self.W, self.b = p["readout/W"], p["readout/b"]
        self.dW, self.db = gradients["readout/W"], gradients["readout/b"]

    def __call__(
        self, xs: Tensor, ys: Tensor, weights: Tensor | None, at: slice, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        done = self.kernel.Pass(self.fused, self.model.encode(xs), self.parameters, keep=True)
        at = slice(-1, None) if self.model.task.last else at
        h = done.ys[at]
        K, B, H = h.shape
        h = h.reshape(K * B, H)
        answers = torch.addmm(self.b, h, self.W).view(K, B, -1)
        losses, slopes = self.model.task.loss_and_gradient(answers, ys, weights)
        flat = slopes.reshape(K * B, -1)
        torch.mm(h.t(), flat, out=self.dW)
        torch.sum(flat, 0, keepdim=True, out=self.db)
        memory, dys = self.kernel.rows(K + 1, B, H)  # the last for the steps without an answer
        torch.matmul(slopes, self.W.t(), out=dys[:K])
        dys[K] = 0
        done.back(memory.data_ptr(), _answered(len(xs), at.start, at.stop, at.step), self.places)
        return losses, answers


@cache
def _answered(T: int, start: int | None, stop: int | None, step: int | None) -> NDArray[np.int64]:
    """Which answer each of T steps gives, (T,); for those that give none, the number of answers."""
    answering = range(T)[slice(start, stop, step)]
    found = np.full(T, len(answering), np.int64)
    found[answering] = np.arange(len(answering))
    return found
