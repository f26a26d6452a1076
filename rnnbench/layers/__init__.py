"""Layers: sequence to sequence. A cell scanned over time is one.

`scan(cell, p, xs)` is the reference: a loop over the cell's equations, of one run or a stack of them; a cell that is
linear in its state has all its steps computed at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnbench.cells import Cell, Linear, Parameters
from rnnbench.lazy import torch

if TYPE_CHECKING:
    from torch import Tensor


def scan(cell: Cell, p: Parameters, xs: Tensor) -> Tensor:
    """The cell over time: xs (..., T, B, I) -> ys (..., T, B, H), from a zero state.

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
