"""Clipping and the optimisers over flat (R, P) buffers: each run has its own norm and its own learning rate.

`Stacked` takes the steps of a set of runs, on any device; `Solo` those of one run on a CPU, compiled.

Adam (Kingma & Ba, 2015), RMSprop (Hinton, 2012) and SGD with momentum (Polyak, 1964), each as torch.optim has it.
Weight decay is decoupled (Loshchilov & Hutter, 2019), of every parameter, as torch.optim.AdamW has it: before a step
they shrink by the rate times it. `schedule` says what the rate is at a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rnnbench.lazy import torch
from rnnbench.settings import Settings
from rnnbench.training.schedule import factor

if TYPE_CHECKING:
    from torch import Tensor

BETA1, BETA2, ALPHA, EPSILON = 0.9, 0.999, 0.99, 1e-8


def clip(gradient: Tensor, largest: float) -> None:
    """Scales each run's gradient (a row) to a Euclidean norm of at most `largest`, in place; 0 leaves it."""
    if largest:
        norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
        gradient.mul_((largest / (norm + 1e-6)).clamp(max=1.0))


def corrections(step: int) -> tuple[float, float]:
    """What Adam's moments are divided by at a step, counted from 1: the mean's, and the root of the square's."""
    return 1 - BETA1**step, float((1 - BETA2**step) ** 0.5)


def update(
    settings: Settings, lr: Tensor, corrected: Tensor, flat: Tensor, gradient: Tensor, first: Tensor, second: Tensor
) -> None:
    """One step, in place: flat, gradient and the two moments are (R, P), lr (R, 1), `corrected` the two corrections.
    Nothing here depends on a number of the host's, so that a step can be recorded once and replayed."""
    if settings.weight_decay:
        flat.mul_(1 - lr * settings.weight_decay)
    if settings.optimizer == "adam":
        first.lerp_(gradient, 1 - BETA1)
        second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        root = second.sqrt().div_(corrected[1]).add_(EPSILON)
        flat.sub_((first / root).mul_(lr / corrected[0]))
    elif settings.optimizer == "rmsprop":
        second.mul_(ALPHA).addcmul_(gradient, gradient, value=1 - ALPHA)
        flat.sub_((gradient / second.sqrt().add_(EPSILON)).mul_(lr))
    else:
        first.mul_(settings.momentum).add_(gradient)
        flat.sub_(first * lr)


class Stacked:
    """The steps of runs whose parameters, `gradient` and moments (`state`: flat, first, second) are (R, P)."""

    def __init__(self, settings: Settings, lrs: Sequence[float], state: Mapping[str, Tensor], gradient: Tensor) -> None:
        self.settings, self.state, self.gradient = settings, state, gradient
        self.lr = torch.tensor(lrs, dtype=torch.float32, device=gradient.device).unsqueeze(-1)
        self.rate = self.lr.clone()  # at the step under way
        self.corrected = torch.ones(2, dtype=torch.float32, device=gradient.device)

    def prepare(self, step: int) -> None:
        """What depends on a step's number, counted from 1."""
        self.corrected.copy_(torch.tensor(corrections(step), dtype=torch.float32))
        torch.mul(self.lr, factor(self.settings, step), out=self.rate)

    def apply(self) -> None:
        """Clips and takes the step, in place."""
        clip(self.gradient, self.settings.clip)
        s = self.state
        update(self.settings, self.rate, self.corrected, s["flat"], self.gradient, s["first"], s["second"])


class Solo:
    """The steps of the one run whose rows these are, (1, P) each, on a CPU."""

    def __init__(self, settings: Settings, lr: float, state: Mapping[str, Tensor], gradient: Tensor) -> None:
        from rnnbench.kernels.descent import Descent  # imports the compiler

        rows = state["flat"][0], gradient[0], state["first"][0], state["second"][0]
        decays = {"adam": (BETA1, BETA2), "rmsprop": (0.0, ALPHA), "sgd": (settings.momentum, 0.0)}
        self.settings = settings
        decay = settings.weight_decay
        self.descent = Descent(settings.optimizer, rows, lr, settings.clip, decays[settings.optimizer], decay)

    def prepare(self, step: int) -> None:
        """What depends on a step's number, counted from 1."""
        self.corrected = corrections(step) if self.settings.optimizer == "adam" else (1.0, 1.0)
        self.factor = factor(self.settings, step)

    def apply(self) -> None:
        """Clips and takes the step, in place."""
        self.descent.step(self.corrected, EPSILON, self.factor)


def compiled(solo: bool, device: str) -> bool:
    """Whether a run takes its steps by what is compiled."""
    return solo and device == "cpu"


def warm() -> None:
    """Compiles what `Solo` needs, or loads it from the disk."""
    from rnnbench.kernels import descent  # imports the compiler

    descent.warm()
