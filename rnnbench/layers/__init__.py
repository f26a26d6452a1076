"""Layers: sequence to sequence. One file, one layer, found by its name; a cell scanned over time is one too.

A model composes layers and never asks which kind they are: attention, residual connections, layer norm, dropout and
directions are built around any of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnbench import foreign
from rnnbench.cells import Arrays, Parameters, Shapes, Streams
from rnnbench.layers.initial import initial
from rnnbench.layers.noise import Noise
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor


Floats = NDArray[np.float32]


class Pass(Protocol):
    """One pass of a layer over a batch, in arithmetic of our own."""

    @property
    def ys(self) -> Floats:
        """(T, B, H in whole vectors); what lies behind H counts nowhere, nor do steps that nobody reads."""
        ...

    def back(self, dys: Floats, wanted: bool) -> Floats | None:
        """Given the gradient of ys, 0 at steps that nobody reads: writes those of the parameters, and returns that of
        xs, (T, B, I or more), where it is wanted."""
        ...


class Compiled(Protocol):
    """A layer with its parameters in arithmetic of our own, for one run on a CPU."""

    def forward(self, xs: Tensor, steps: range, keep: bool) -> Pass:
        """A pass over xs (T, B, I), or tokens (T, B, 1), of which `steps` are read; `keep` what its way back needs."""
        ...


@dataclass(frozen=True)
class Layer(ABC):
    """A sequence (..., T, B, I) to a sequence (..., T, B, width), of one run or of a stack of runs.

    A subclass's fields are its switches. Raises ValueError from `__post_init__` when they contradict each other.
    """

    # A switch that isn't a bool and can be taken out nevertheless, and the value that means it is.
    offs: ClassVar[Mapping[str, object]] = {}
    stacks: ClassVar[bool] = True  # whether it computes a stack of runs at once
    how: ClassVar[str] = "solo"  # how `as_solo()` computes, for the provenance of a record

    @abstractmethod
    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        """Each parameter's (rows, columns) at the `first`, the `last` or another depth of a stack of layers."""

    @abstractmethod
    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        """The layer's output; `causal`: no step may see a later one. Without `noise` it is evaluated, not trained."""

    def width(self, I: int, H: int) -> int:
        """The width of its output."""
        return H

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        """The parameters at the start; `tokens`: the task's inputs are tokens, of which one at a time is read."""
        return initial(shapes, stream)

    def check(self, causal: bool, last: bool) -> None:  # noqa: B027 - most have nothing to say
        """UserError where a step sees later ones and the task is `causal`, or the `last` step gives the one answer and
        hasn't read everything; of a layer whose shapes were asked for."""

    def untrained(self, name: str) -> bool:
        """Whether a parameter is only kept, not trained."""
        return False

    @property
    def reads_tokens(self) -> bool:
        """Whether, as the first layer, it takes tokens (..., T, B, 1) as they are, instead of one-hot."""
        return False

    @property
    def solo(self) -> bool:
        """Whether it trains one run at a time on a CPU, since runs don't train faster side by side; says so without
        importing a compiler."""
        return True

    @property
    def by_hand(self) -> bool:
        """Whether `compiled` computes it, and its way back, in arithmetic of our own; of `as_solo()`."""
        return False

    def compiled(self, p: Parameters, gradients: Parameters, causal: bool) -> Compiled:
        """The layer, H wide, with these parameters, and the place that its passes write their gradients to; of a layer
        that is computed by hand."""
        raise NotImplementedError(f"{type(self).__name__} is not computed by hand")

    def as_solo(self) -> Layer:
        """The layer as it trains one run at a time on a CPU, where it does."""
        return self

    def warm(self) -> None:  # noqa: B027 - most need nothing
        """Compiles what it needs, so that a run's clock starts afterwards."""

    def incompatible(self, settings: Settings) -> str:
        """What can't be done of the settings with it, as `setting: why`; empty if nothing."""
        if settings.residual and settings.layers < 2:
            return "residual: needs `layers` of 2 or more, since the first has nothing of its width to add"
        return ""

    def seconds(self, T: int, B: int, H: int) -> float:
        """About how long a training step of one such layer takes on one core."""
        work: float = (B / 32) * (H / 32) ** 1.6
        return 2.6e-5 * T * max(1.0, work)

    def sources(self, solo: bool) -> tuple[str, ...]:
        """The files of the package that decide what it computes, besides this one."""
        package, _, name = type(self).__module__.rpartition(".")
        return (f"layers/{name}.py",) if package == "rnnbench.layers" else ()

    def digest(self) -> str:
        """Whatever else decides what it computes: code that isn't the package's."""
        return foreign.source(type(self))
