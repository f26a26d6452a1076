"""Fused scans for the cells that have one; one file, one family."""

from __future__ import annotations

from typing import Any

from rnnbench.cells import Cell


def fused(cell: Cell) -> Any | None:
    """The module with the fused scan of a cell, or None."""
    return None
