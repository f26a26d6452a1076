"""Fused scans, derived from a cell's equations: one run at a time, on a CPU.

`trace` calls a cell's `step` with symbols, `schedule` orders what it computes into stages of products and pointwise
equations, `pointwise` writes those out, `adjoint` differentiates them, `emit` prints all of it as one `forward` and one
`backward` scan over `tiles` and `panels`, and `derived` compiles that. The equations in `cells/` stay the reference.

What is around scans (`norm`, `attention`, `readout`) and a layer that is no scan (`transformer`, over `lanes`) are
written by hand on the same vectors and tiles.
"""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType

from rnnbench.cells import Cell
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.symbol import Untraceable
from rnnbench.kernels.trace import trace


@cache
def refusal(cell: Cell) -> str:
    """Why no fused scan can be derived from a cell's step, which is then stepped through; empty where one can. Says so
    without importing the compiler, nor torch if the step names no function of it."""
    try:
        Schedule(trace(cell))
    except Untraceable as error:
        return str(error)
    except Exception as error:  # the step is anybody's: whatever it raises is the reason
        return f"raises {type(error).__name__} when it is traced: {error}"
    return ""


def fused(cell: Cell) -> ModuleType | None:
    """The module whose `scan` computes this cell, or None where it has to be stepped through."""
    return None if refusal(cell) else importlib.import_module(f"{__name__}.derived")
