"""Fused scans for the cells that have one: one file, one family, named as the cell's own.

A family has `serves(cell)`, `scan(cell, p, xs)`, `warm(cell)` and `fused(cell)`, the compiled functions. The equations
in `cells/` stay the reference; a scan here computes the same, one run at a time, on a CPU.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench.cells import Cell


def has(model: dict[str, Any]) -> bool:
    """Whether the cell of a model has a family here; says so without importing the compiler."""
    return (Path(__file__).parent / f"{model.get('cell')}.py").exists()


def fused(cell: Cell) -> ModuleType | None:
    """The module whose `scan` computes this cell, or None where it has to be stepped through."""
    package, _, name = type(cell).__module__.rpartition(".")
    if package != "rnnbench.cells" or not has({"cell": name}):
        return None
    family = importlib.import_module(f"{__name__}.{name}")
    return family if family.serves(cell) else None
