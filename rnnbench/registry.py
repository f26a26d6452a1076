"""Name -> cell, layer or task. A file in the folder is all that it takes to be found: its name is the name.

Importing a cell, a layer or a task imports no torch, so that a suite can be validated without it.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from rnnbench import cells, layers, tasks
from rnnbench.cells import Cell
from rnnbench.errors import UserError, nearest
from rnnbench.layers import Layer, module
from rnnbench.layers.layout import Layout
from rnnbench.layers.recurrent import Recurrent
from rnnbench.records import Rung
from rnnbench.settings import Settings
from rnnbench.tasks import Task

KINDS = ("cell", "layer", "module")


@cache
def names(folder: str) -> tuple[str, ...]:
    """The names of a folder's cells, layers or tasks, sorted: those of its modules that define one.

    >>> "lstm" in names("cells"), "attention" in names("layers")
    (True, False)
    """
    defined = f"\nclass {folder[:-1].capitalize()}("
    here = Path(__file__).parent / folder
    return tuple(sorted(p.stem for p in here.glob("[a-z]*.py") if defined in p.read_text("utf-8")))


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
    """`{"cell": NAME, switches...}`, `{"layer": NAME, switches...}` or `{"module": DOTTED.NAME, "args": {...}}` -> the
    layer; that a module is there isn't looked at."""
    if "cell" in model:
        return Recurrent(cell(model))
    if "module" in model:
        return module.Foreign(**model)
    return layer_class(model["layer"])(**{k: v for k, v in model.items() if k != "layer"})


def task(entry: dict[str, Any]) -> Task:
    """`{"task": NAME, difficulty...}` -> the task."""
    return task_class(entry["task"])(**{k: v for k, v in entry.items() if k != "task"})


def all_seen(entry: dict[str, Any], lengths: Iterable[int]) -> dict[int, int]:
    """Those lengths of a task at which a training has seen every input, and how many there are; a task that doesn't
    count its inputs isn't made, as that may need a file."""
    if task_class(entry["task"]).space is Task.space:
        return {}
    instance = task(entry)
    return {length: instance.space(length) or 0 for length in lengths if instance.all_seen(length)}


def about(folder: str, name: str) -> str:
    """The first sentence of a module's docstring, without importing it."""
    tree = ast.parse((Path(__file__).parent / folder / f"{name}.py").read_text())
    first = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
    return first.split(". ")[0].rstrip(".")


def parameters(rung: Rung) -> int:
    """How many numbers a run of this rung trains."""
    answered, settings = task(rung.task), Settings(**rung.settings)
    return Layout(layer(rung.model), answered.inputs, answered.outputs, settings).parameters
