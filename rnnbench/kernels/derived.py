"""The fused scans of a cell: derived from its `step`, printed to a file and compiled.

The file lies where machine code is kept, since numba keeps that of functions in files only, and is named by what it
holds: two cells of one schedule share it, and an edit to an equation makes another.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.cells import Cell
from rnnbench.kernels import readout
from rnnbench.kernels import scan as scans
from rnnbench.kernels.compile import compiled, writable_directory
from rnnbench.kernels.emit import emit
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.trace import trace

if TYPE_CHECKING:
    from torch import Tensor


def source(cell: Cell, guard: int = 0) -> str:
    """The text of a cell's scans, with `guard` floats that are nobody's behind each part of scratch memory. Raises
    Untraceable."""
    switches = [f"{each.name}={getattr(cell, each.name)!r}" for each in fields(cell)]
    return emit(Schedule(trace(cell)), f"{_name(cell)} ({', '.join(switches)})", guard)


@cache
def module(cell: Cell, guard: int = 0) -> Any:
    """The module of that text."""
    return _loaded(_name(cell), source(cell, guard))


@cache
def fused(cell: Cell, guard: int = 0) -> scans.Fused:
    """The compiled scans of a cell. Raises Untraceable."""
    text = module(cell, guard)
    parameters = len(text.NAMES)
    return scans.Fused(
        text.NAMES,
        compiled(text.forward, parameters, 1, 10),
        compiled(text.backward, parameters, 2, 13),
        lambda *sizes: sum(text.kept_parts(*sizes)),
        lambda *sizes: _size(text.forward_parts(*sizes), guard),
        lambda *sizes: _size(text.backward_parts(*sizes), guard),
        text.INPUT,
    )


def _size(parts: list[int], guard: int) -> int:
    return sum(parts) + guard * len(parts)


def _name(cell: Cell) -> str:
    return type(cell).__module__.rpartition(".")[2]


def _loaded(name: str, text: str) -> Any:
    """The module of a text, in a file of its own; where no directory can be written to, in one that goes with the
    process."""
    directory = writable_directory(Path(__file__)) or Path(_folder().name)
    return _imported(directory / f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}.py", text)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def _imported(path: Path, text: str) -> Any:
    if not path.exists() or path.read_text() != text:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".py", delete=False) as file:
            file.write(text)
        os.replace(file.name, path)
    spec = importlib.util.spec_from_file_location(f"{__name__}.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # numba looks it up by name when it loads machine code
    spec.loader.exec_module(module)
    return module


def scan(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I), float32 on the CPU, or tokens (T, B, 1) -> ys (T, B, H); p as in `cell.shapes`."""
    return scans.scan(fused(cell), cell, cell.prepare(p), xs)


def warm(cell: Cell) -> None:
    """Compile the scan of this cell and the read-out above it, or load them from the disk."""
    fused(cell)
    readout.warm()
