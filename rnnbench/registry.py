"""Name -> cell, layer or task: ours, of another package, or in a file of one's own.

One of ours is a file in its folder, which is all that it takes to be found: its name is the name. `package/name` is
what an installed package adds. `./mine.py` is a user's own file: its place was told to `place`, and is no part of what
a run is. Importing one of ours imports no torch, so that a suite can be validated without it.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from rnnbench import cells, foreign, layers, plugins, tasks
from rnnbench.cells import Cell
from rnnbench.errors import UserError, closest, nearest
from rnnbench.layers import Layer, module
from rnnbench.layers.layout import Layout
from rnnbench.layers.recurrent import Recurrent
from rnnbench.records import Rung
from rnnbench.settings import Settings
from rnnbench.tasks import Task
from rnnbench.text import printable, sentence

KINDS = ("cell", "layer", "module")
BASES: dict[str, type] = {"cells": cells.Cell, "layers": layers.Layer, "tasks": tasks.Task}
# Keys of a suite, which no field of a cell, a layer or a task may have as its name.
TAKEN = {*KINDS, "base", "grid", "skip", "match", "task", "lengths", *(f.name for f in dataclasses.fields(Settings))}

_places: dict[str, Path] = {}  # users' own files, by the name that a suite has for them


@cache
def names(folder: str) -> tuple[str, ...]:
    """The names of our cells, layers or tasks, sorted: those of the folder's modules that define one.

    >>> "lstm" in names("cells"), "attention" in names("layers")
    (True, False)
    """
    defined = f"\nclass {folder[:-1].capitalize()}("
    here = Path(__file__).parent / folder
    return tuple(sorted(p.stem for p in here.glob("[a-z]*.py") if defined in p.read_text("utf-8")))


def known(kind: str) -> tuple[str, ...]:
    """All names that there are of cells, layers or tasks: ours, then those of installed packages."""
    return (*names(kind), *plugins.named(kind))


@cache
def _plugin_class(kind: str, name: str) -> Any:
    foreign.here = True
    return _checked(kind, name, plugins.load(kind, name))


def place(files: Mapping[str, str]) -> None:
    """Says where users' own files are, by the names that a suite has for them; what was said last holds."""
    _places.update({name: Path(os.path.abspath(path)) for name, path in files.items()})


def placed() -> dict[str, str]:
    """Where users' own files are, for a process that is to find the same ones."""
    return {name: str(path) for name, path in _places.items()}


def file_name(text: str) -> str:
    """The name of a user's own file, however a suite writes its path; empty where that is no path of one.

    >>> file_name("mine.py"), file_name("./a/../mine.py"), file_name("../b.py"), file_name("/mine.py")
    ('./mine.py', './mine.py', '../b.py', '')
    """
    if not text.endswith(".py") or os.path.isabs(text):
        return ""
    plain = os.path.normpath(text)
    return plain if plain.startswith("..") else f"./{plain}"


def defined(name: str) -> list[str]:
    """The kinds of which a user's own file has a class, cells, layers, tasks; UserError where it has none."""
    found = _file(name, f"file {name!r}")
    kinds = [kind for kind in BASES if hasattr(found, kind[:-1].capitalize())]
    if not kinds:
        raise UserError(f"file {name!r}: got no class in it of the name Cell, Layer or Task, expected one")
    return kinds


def _from_file(kind: str, name: str) -> Any:
    """The class in a user's own file, which has the name that one of ours has in its file: Cell, Layer or Task."""
    what, wanted = f"{kind[:-1]} {name!r}", kind[:-1].capitalize()
    found = _file(name, what)
    if not hasattr(found, wanted):
        raise UserError(f"{what}: got no class {wanted} in it, expected `class {wanted}({kind}.{wanted})`")
    return _checked(kind, name, getattr(found, wanted))


def _file(name: str, what: str) -> ModuleType:
    """A user's own file, imported; UserError, which begins with `what`, where that can't be."""
    if name not in _places:
        raise UserError(f"{what}: nothing says where that file is; next: name the suite that names it")
    path = _places[name]
    if not path.is_file():
        near = closest(path.stem, [file.stem for file in path.parent.glob("*.py")])
        cure = f"{printable(near[:-2])}.py'?" if near else "next: put it there, or name one that is there"
        raise UserError(f"{what}: no such file, expected one at {path}; {cure}")
    foreign.here = True
    try:
        return foreign.module_of(path)
    except (Exception, SystemExit) as error:
        raise UserError(f"{what}: can't be imported: {foreign.told(error)}") from error


@cache
def _checked(kind: str, name: str, found: Any) -> Any:
    """A class of other people's, if it can be what it is meant to be."""
    base, what = BASES[kind], f"{kind[:-1]} {name!r}"
    want = f"expected a frozen dataclass made from {base.__module__}.{base.__name__}"
    if not isinstance(found, type):
        raise UserError(f"{what}: got a {type(found).__name__}, {want}")
    if not issubclass(found, base):
        raise UserError(f"{what}: got a class {found.__name__} made from something else, {want}")
    if "__dataclass_fields__" not in vars(found):
        raise UserError(f"{what}: got a class {found.__name__} without `@dataclass(frozen=True)`, {want}")
    if lacking := sorted(getattr(found, "__abstractmethods__", ())):
        raise UserError(f"{what}: got a class {found.__name__} without {', '.join(lacking)}")
    made: Any = found
    fields = dataclasses.fields(made)
    if taken := sorted({f.name for f in fields} & TAKEN):
        raise UserError(f"{what}: got a field {taken[0]!r}, expected a name that no key of a suite has")
    bare = [f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING]
    if bare:
        raise UserError(f"{what}: got no default of {', '.join(bare)}, expected one of every field")
    return found


def is_foreign(entry: Mapping[str, Any] | str) -> bool:
    """Whether a name, or that in a model or a task, is of other people's code (a `module` isn't: its layer is ours).

    >>> is_foreign("lstm"), is_foreign("package/name"), is_foreign({"cell": "./mine.py"})
    (False, True, True)
    """
    if not isinstance(entry, str):
        return any(is_foreign(str(entry[kind])) for kind in ("cell", "layer", "task") if kind in entry)
    return "/" in entry or entry.endswith(".py")


def find(kind: str, name: str) -> Any:
    """The class of that name, one of BASES; UserError, of one line, where there is none."""
    if name.endswith(".py"):
        return _from_file(kind, name)
    return _plugin_class(kind, name) if "/" in name else _ours(kind, name)


@cache
def _ours(kind: str, name: str) -> Any:
    if name not in names(kind):
        raise UserError(f"{kind[:-1]}: got '{name}', expected a name of a {kind[:-1]}; {nearest(name, known(kind))}")
    return getattr(importlib.import_module(f"rnnbench.{kind}.{name}"), kind[:-1].capitalize())


def cell_class(name: str) -> type[Cell]:
    """The cell of that name; UserError with the nearest known name."""
    found: type[cells.Cell] = find("cells", name)
    return found


def layer_class(name: str) -> type[Layer]:
    """The layer of that name; UserError with the nearest known name."""
    found: type[layers.Layer] = find("layers", name)
    return found


def task_class(name: str) -> type[Task]:
    """The task of that name; UserError with the nearest known name."""
    found: type[tasks.Task] = find("tasks", name)
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
    """The first sentence of a module's docstring, or of its package's summary, without importing it."""
    if "/" in name:
        return plugins.about(folder, name)
    tree = ast.parse((Path(__file__).parent / folder / f"{name}.py").read_text())
    first = (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ")
    return sentence(first)


def parameters(rung: Rung) -> int:
    """How many numbers a run of this rung trains."""
    answered, settings = task(rung.task), Settings.of(rung)
    return Layout(layer(rung.model), answered.inputs, answered.outputs, settings).parameters


def state(rung: Rung) -> int | None:
    """How many numbers a run of this rung carries from step to step, over all layers and directions; None where it
    keeps all that it has read (attention), or where only making a foreign module would tell."""
    recurrent, s = layer(rung.model), Settings.of(rung)
    if not isinstance(recurrent, Recurrent) or s.attention != "none":
        return None
    directions = 1 + s.bidirectional
    carried = sum(recurrent.cell.widths(s.hidden)) * s.layers
    if s.conv:  # the inputs of the steps before
        carried += (s.conv - 1) * (task(rung.task).inputs + (s.layers - 1) * directions * s.hidden)
    return carried * directions
