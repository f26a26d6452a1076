"""A cell over time: by a fused scan where it has got one, else by a loop over its equations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnnbench import foreign, kernels
from rnnbench.cells import Arrays, Cell, Linear, Parameters, Shapes, Streams
from rnnbench.layers import Compiled, Floats, Layer
from rnnbench.layers.noise import Noise
from rnnbench.lazy import torch
from rnnbench.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor


# What decides the bits of a fused scan.
KERNEL = (
    "functions", "symbol", "trace", "schedule", "pointwise", "adjoint", "text", "program", "heads", "forward",
    "backward", "emit", "derived", "matrix", "matrix_back", "rotation", "scan",
)  # fmt: skip


@dataclass(frozen=True)
class Recurrent(Layer):
    """A cell over time, from a zero state; by the fused scan of a kernel where it has got one."""

    how: ClassVar[str] = "fused"

    cell: Cell
    kernel: ModuleType | None = None

    @property
    def name(self) -> str:
        """The cell's name where it is one of ours, else nothing."""
        package, _, name = type(self.cell).__module__.rpartition(".")
        return name if package == "rnnbench.cells" else ""

    def shapes(self, I: int, H: int, first: bool, last: bool) -> Shapes:
        return self.cell.shapes(I, H)

    def init(self, shapes: Shapes, stream: Streams, tokens: bool) -> Arrays:
        return self.cell.init(shapes, stream)

    def scan(self, p: Parameters, xs: Tensor, causal: bool, noise: Noise | None = None) -> Tensor:
        if frozen := self.cell.frozen:
            p = {name: each.detach() if name in frozen else each for name, each in p.items()}
        ys: Tensor = (self.kernel.scan if self.kernel else scan)(self.cell, p, xs)
        return ys

    def untrained(self, name: str) -> bool:
        return name in self.cell.frozen

    def incompatible(self, settings: Settings) -> str:
        if settings.hidden % self.cell.heads:
            return f"heads: {self.cell.heads} do not divide the {settings.hidden} hidden units"
        return super().incompatible(settings)

    @property
    def reads_tokens(self) -> bool:
        return self.kernel is not None

    @property
    def solo(self) -> bool:
        return not kernels.refusal(self.cell)

    @property
    def by_hand(self) -> bool:
        return self.kernel is not None and type(self.cell).prepare is Cell.prepare  # what a cell prepares is torch's

    def compiled(self, p: Parameters, gradients: Parameters, causal: bool) -> Compiled:
        assert self.kernel is not None
        return _Compiled(self.kernel.fused(self.cell), self.cell, p, gradients)

    def as_solo(self) -> Layer:
        return replace(self, kernel=kernels.fused(self.cell))

    def warm(self) -> None:
        if self.kernel:
            self.kernel.warm(self.cell)

    def sources(self, solo: bool) -> tuple[str, ...]:
        kernel = tuple(f"kernels/{name}.py" for name in KERNEL) if solo and self.solo else ()
        linear = ("layers/linear.py",) if isinstance(self.cell, Linear) and not kernel else ()
        own = (f"cells/{self.name}.py",) if self.name else ()
        return (*own, *linear, *kernel)

    def digest(self) -> str:
        return foreign.source(type(self.cell))


class _Compiled:
    """A fused scan as a layer. It takes every step, whoever reads it: the state goes through all of them."""

    def __init__(self, fused: Any, cell: Cell, p: Parameters, gradients: Parameters) -> None:
        from rnnbench.kernels.rotation import Operands  # imports the compiler
        from rnnbench.kernels.scan import Pass

        self.make, self.fused = Pass, fused
        self.operands = Operands(cell, fused.names, p, gradients)

    def forward(self, xs: Tensor, steps: range, keep: bool) -> _Pass:
        self.operands.make()
        return _Pass(self.make(self.fused, xs, self.operands.tensors, keep), self.operands)


@dataclass(frozen=True)
class _Pass:
    done: Any  # the scan's
    operands: Any

    @property
    def ys(self) -> Floats:
        ys: Floats = self.done.hs.array[1:]
        return ys

    def back(self, dys: Floats, wanted: bool) -> Floats | None:
        dxs: Floats | None = self.done.back(dys.ctypes.data, np.arange(len(dys)), self.operands.places, want_dxs=wanted)
        self.operands.back()
        return dxs


def scan(cell: Cell, p: Parameters, xs: Tensor) -> Tensor:
    """The cell over time: xs (..., T, B, I) -> ys (..., T, B, H), from a zero state: a loop over its equations, or all
    steps at once where it is linear in its state.

    `p` holds (..., rows, columns); the leading axes are the runs of a stack, or none.
    """
    H = next(iter(p.values())).shape[-1]
    p = cell.prepare(p)
    if isinstance(cell, Linear):
        from rnnbench.layers import linear  # imports torch

        return linear.scan(cell, p, xs)
    state = tuple(xs.new_zeros((*xs.shape[:-3], xs.shape[-2], width)) for width in cell.widths(H))
    ys = []
    for x in xs.unbind(-3):
        y, state = cell.step(p, x, state)
        ys.append(y)
    return torch.stack(ys, -3)
