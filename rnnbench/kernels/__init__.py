"""Fused scans for the cells that have one; one file, one family."""

from __future__ import annotations

from typing import Any

from rnnbench.cells import Cell


def fused(cell: Cell) -> Any | None:
    """The module with the fused scan of a cell, or None."""
    return None


def has(model: dict[str, Any]) -> bool:
    """Whether the cell of a model has a fused scan; says so without importing the compiler."""
    return False
