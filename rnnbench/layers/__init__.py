"""Layers: sequence to sequence. One file, one layer, found by its name; a cell scanned over time is one too.

A model composes layers and never asks which kind they are: attention, residual connections, layer norm, dropout and
directions are built around any of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from rnnbench import cells, kernels
from rnnbench.cells import Arrays, Cell, Linear, Parameters, Shapes, Streams
from rnnbench.lazy import torch
from rnnbench.rng import Stream, stream
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Layer(ABC):
    """A sequence (..., T, B, I) to a sequence (..., T, B, width), of one run or of a stack of runs.

    A subclass's fields are its switches. Raises ValueError from `__post_init__` when they contradict each other.
    """

    # A switch that isn't a bool and can be taken out nevertheless, and the value that means it is.
    offs: ClassVar[Mapping[str, object]] = {}
    stacks: ClassVar[bool] = True  # whether it computes a stack of runs at once
    how: ClassVar[str] = "alone"  # how `alone()` computes, for the provenance of a record

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

    def untrained(self, name: str) -> bool:
        """Whether a parameter is only kept, not trained."""
        return False

    @property
    def reads_tokens(self) -> bool:
        """Whether, as the first layer, it takes tokens (..., T, B, 1) as they are, instead of one-hot."""
        return False

    @property
    def lone(self) -> bool:
        """Whether it is expected to train one run at a time on a CPU; says so without importing a compiler."""
        return True

    def alone(self) -> Layer | None:
        """The layer as it trains one run at a time on a CPU; None where runs train faster side by side."""
        return self

    def warm(self) -> None:  # noqa: B027 - most need nothing
        """Compiles what it needs, so that a run's clock starts afterwards."""

    def objection(self, settings: Settings) -> str:
        """What can't be done of the settings with it, as `setting: why`; empty if nothing."""
        if settings.residual and settings.layers < 2:
            return "residual: needs `layers` of 2 or more, since the first has nothing of its width to add"
        return ""

    def seconds(self, T: int, B: int, H: int) -> float:
        """About how long a training step of one such layer takes on one core."""
        work: float = (B / 32) * (H / 32) ** 1.6
        return 2.6e-5 * T * max(1.0, work)

    def sources(self, alone: bool) -> tuple[str, ...]:
        """The files of the package that decide what it computes, besides this one."""
        return (type(self).__module__.removeprefix("rnnbench.").replace(".", "/") + ".py",)

    def digest(self) -> str:
        """Whatever else decides what it computes: code that isn't the package's."""
        return ""


@dataclass(frozen=True)
class Recurrent(Layer):
    """A cell over time, from a zero state; by the fused scan of a kernel where it has got one."""

    how: ClassVar[str] = "fused"

    cell: Cell
    kernel: ModuleType | None = None

    @property
    def name(self) -> str:
        return type(self.cell).__module__.rpartition(".")[2]

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        return self.cell.shapes(I, H)

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        return self.cell.init(shapes, stream)

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        ys: Tensor = (self.kernel.scan if self.kernel else scan)(self.cell, p, xs)
        return ys

    @property
    def reads_tokens(self) -> bool:
        return self.kernel is not None

    @property
    def lone(self) -> bool:
        return kernels.has({"cell": self.name})

    def alone(self) -> Layer | None:
        kernel = kernels.fused(self.cell)
        return replace(self, kernel=kernel) if kernel else None

    def warm(self) -> None:
        if self.kernel:
            self.kernel.warm(self.cell)

    def sources(self, alone: bool) -> tuple[str, ...]:
        shared = sorted(path.name for path in Path(kernels.__file__).parent.glob("_*.py"))
        kernel = (f"kernels/{self.name}.py", *(f"kernels/{name}" for name in shared))
        linear = ("layers/_linear.py",) if isinstance(self.cell, Linear) else ()
        return (f"cells/{self.name}.py", *linear, *(kernel if alone else ()))


def scan(cell: Cell, p: Parameters, xs: Tensor) -> Tensor:
    """The cell over time: xs (..., T, B, I) -> ys (..., T, B, H), from a zero state: a loop over its equations, or all
    steps at once where it is linear in its state.

    `p` holds (..., rows, columns); the leading axes are the runs of a stack, or none.
    """
    H = next(iter(p.values())).shape[-1]
    p = cell.prepare(p)
    if isinstance(cell, Linear):
        from rnnbench.layers import _linear  # imports torch

        return _linear.scan(cell, p, xs)
    state = tuple(xs.new_zeros((*xs.shape[:-3], xs.shape[-2], width)) for width in cell.widths(H))
    ys = []
    for x in xs.unbind(-3):
        y, state = cell.step(p, x, state)
        ys.append(y)
    return torch.stack(ys, -3)


class Noise:
    """The randomness of one training step at one place of a model: a stream for each row of a stack, by its run's
    seed and the step. `alone`: one run, whose tensors have no R axis."""

    def __init__(self, seeds: Sequence[int], step: int, alone: bool, place: str = "") -> None:
        self.seeds, self.step, self.lone, self.place = seeds, step, alone, place

    def at(self, place: str) -> Noise:
        return Noise(self.seeds, self.step, self.lone, place)

    def streams(self) -> list[Stream]:
        return [stream(seed, f"dropout/{self.place}", self.step) for seed in self.seeds]

    def drop(self, xs: Tensor, rate: float) -> Tensor:
        """Each number of (..., T, B, W) is 0 with probability `rate`, else divided by 1 - rate."""
        shape = tuple(xs.shape[-3:])
        kept = [s.uniform(shape) >= np.float32(rate) for s in self.streams()]
        mask = torch.from_numpy(kept[0] if self.lone else np.stack(kept)).to(xs.device)
        return xs * mask / (1 - rate)


def initial(shapes: Shapes, stream: Streams) -> Arrays:
    """As a cell's parameters, but a gain (a single row named g...) is 1."""
    p = cells.uniform(shapes, stream)
    return p | {n: np.ones_like(value) for n, value in p.items() if n[0] == "g" and len(value) == 1}


def affine(xs: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    """xs (..., T, B, I) times W (..., I, O), plus b (..., 1, O)."""
    flat = xs.flatten(-3, -2) @ W
    return (flat if b is None else flat + b).reshape(*xs.shape[:-1], W.shape[-1])


def normalise(xs: Tensor, g: Tensor, b: Tensor) -> Tensor:
    """Layer norm (Ba et al., 2016) of (..., T, B, W), with gain and bias (..., 1, W)."""
    return torch.layer_norm(xs, xs.shape[-1:]) * g.unsqueeze(-3) + b.unsqueeze(-3)
