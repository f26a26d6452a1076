"""Name -> cell, layer or task. A file in the folder is all that it takes to be found: its name is the name.

Importing a cell, a layer or a task imports no torch, so that a suite can be validated without it.
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench import cells, layers, tasks
from rnnbench.cells import Cell
from rnnbench.errors import UserError, nearest
from rnnbench.layers import Layer, Recurrent
from rnnbench.tasks import Task

KINDS = ("cell", "layer", "module")


@cache
def names(folder: str) -> tuple[str, ...]:
    """The names of the modules in a folder of the package, sorted.

    >>> "lstm" in names("cells")
    True
    """
    here = Path(__file__).parent / folder
    return tuple(sorted(p.stem for p in here.glob("*.py") if not p.stem.startswith("_")))


def _named(folder: str, name: str) -> Any:
    if name not in names(folder):
        raise UserError(
            f"{folder[:-1]}: got '{name}', expected a name of a {folder[:-1]}; {nearest(name, names(folder))}"
        )
    return importlib.import_module(f"rnnbench.{folder}.{name}")


@cache
def cell_class(name: str) -> type[Cell]:
    """The cell of that name; UserError with the nearest known name."""
    found: type[cells.Cell] = _named("cells", name).Cell
    return found


@cache
def layer_class(name: str) -> type[Layer]:
    """The layer of that name; UserError with the nearest known name."""
    found: type[layers.Layer] = _named("layers", name).Layer
    return found


@cache
def task_class(name: str) -> type[Task]:
    """The task of that name; UserError with the nearest known name."""
    found: type[tasks.Task] = _named("tasks", name).Task
    return found


def cell(model: dict[str, Any]) -> Cell:
    """`{"cell": NAME, switches...}` -> the cell."""
    return cell_class(model["cell"])(**{k: v for k, v in model.items() if k != "cell"})


def kind(model: dict[str, Any]) -> str:
    """Which of KINDS a model is."""
    return next(k for k in KINDS if k in model)


def switched(model: dict[str, Any]) -> Cell | Layer:
    """What a model's switches are the fields of: a cell or a layer."""
    return cell(model) if "cell" in model else layer(model)


def layer(model: dict[str, Any]) -> Layer:
    """`{"cell": NAME, switches...}` or `{"layer": NAME, switches...}` -> the layer."""
    if "cell" in model:
        return Recurrent(cell(model))
    return layer_class(model["layer"])(**{k: v for k, v in model.items() if k != "layer"})


def task(entry: dict[str, Any]) -> Task:
    """`{"task": NAME, difficulty...}` -> the task."""
    return task_class(entry["task"])(**{k: v for k, v in entry.items() if k != "task"})


def about(folder: str, name: str) -> str:
    """The first sentence of a module's docstring, without importing it."""
    tree = ast.parse((Path(__file__).parent / folder / f"{name}.py").read_text())
    first = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
    return first.split(". ")[0].rstrip(".")
