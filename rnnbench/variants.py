"""The architectures of a suite: cells with their switches, and differences from them (`base`), which inherit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnbench import find
from rnnbench.cells import Cell
from rnnbench.faults import Path, printable, shown
from rnnbench.reader import Reader, hints, values
from rnnbench.records import given
from rnnbench.settings import Settings
from rnnbench.suite import Variant

KINDS = ("cell", "layer", "module", "base")
Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Known:
    """What is known of an architecture: its cell where that has a name, the variant where it has no fault."""

    cell: type[Cell] | None = None
    variant: Variant | None = None


def architectures(reader: Reader) -> dict[str, Variant | None]:
    """The architectures by name, in the file's order; None for one with a fault."""
    entries: dict[str, Mapping[str, Any]] = {}
    known: dict[str, _Known] = {}
    for name in reader.entries(("architectures",), "architectures by name"):
        entry = reader.mapping(("architectures", name), "an architecture such as {cell: lstm}")
        if entry is None:
            known[name] = _Known()
        entries[name] = entry or {}
    for name in entries:
        for link in reversed(_chain(reader, entries, known, name)):
            known[link] = _architecture(reader, link, entries, known)
    return {name: known[name].variant for name in entries}


def _chain(reader: Reader, entries: Entries, known: dict[str, _Known], name: str) -> list[str]:
    """What to resolve for an architecture: itself, its base, the base of that, ...; a cycle is a fault, told once."""
    chain: dict[str, int] = {}
    while name not in known:
        if name in chain:
            cycle = list(chain)[chain[name] :]
            way = " -> ".join([*cycle, name] if len(cycle) < 10 else [*cycle[:10], "..."])
            reader.got(("architectures", name, "base"), f"a base that doesn't lead back here: {printable(way, 200)}")
            known.update(dict.fromkeys(cycle, _Known()))
            return list(chain)[: chain[name]]
        chain[name] = len(chain)
        base = entries[name].get("base")
        if not isinstance(base, str) or base not in entries:
            break
        name = base
    return list(chain)


def _architecture(reader: Reader, name: str, entries: Entries, known: Mapping[str, _Known]) -> _Known:
    path: Path = ("architectures", name)
    entry = entries[name]
    before = len(reader.faults)
    start = _start(reader, path, entry, known)
    own = {}
    if start.cell:
        keys = (*KINDS, *hints(start.cell), *hints(Settings))
        for key in (k for k in entry if k not in keys):
            reader.unknown((*path, key), f"a switch of {_named(start.cell)} or a setting", keys)
        own = reader.fields(start.cell, path, entry)
    settings = reader.fields(Settings, path, entry)
    if start.cell is None or start.variant is None or len(reader.faults) > before:
        return _Known(start.cell)
    cell = reader.build(start.cell, switches(start.variant) | own, path)
    if cell is None:
        return _Known(start.cell)
    model = {"cell": _named(start.cell)} | given(cell)
    if "base" not in entry:
        return _Known(start.cell, Variant(name, model, settings))
    base = start.variant
    old = values(find.cell(base.model)) | base.settings
    new = {k: v for k, v in (own | settings).items() if k not in old or (type(v), v) != (type(old[k]), old[k])}
    if not new:
        what = f"got no difference from {shown(base.name)}, expected a switch or a setting that differs"
        reader.fault(path, what, key=True)
        return _Known(start.cell)
    part = ", ".join(f"{k}: {v if isinstance(v, str) else shown(v)}" for k, v in new.items())
    return _Known(start.cell, Variant(name, model, base.settings | settings, base.name, part))


def _start(reader: Reader, path: Path, entry: Mapping[str, Any], known: Mapping[str, _Known]) -> _Known:
    """What an architecture starts from: a cell with all its defaults, or its base."""
    kinds = [key for key in entry if key in KINDS]
    if len(kinds) != 1:
        want = f"exactly one of {', '.join(KINDS)}"
        if kinds:
            reader.fault((*path, kinds[1]), f"got it beside {kinds[0]!r}, expected {want}", key=True)
        else:
            reader.fault(path, f"got none of them, expected {want}", key=True)
        return _Known()
    where = (*path, kinds[0])
    if kinds[0] in ("layer", "module"):
        reader.got(where, f"`cell` or `base`: a {kinds[0]} is not available yet")
        return _Known()
    want = "the name of a cell" if kinds[0] == "cell" else "the name of an architecture"
    name = reader.text(where, want)
    if name is None:
        return _Known()
    if kinds[0] == "base" and name in known:
        return known[name]
    if kinds[0] == "cell" and name in find.names("cells"):
        return _Known(find.cell_class(name), Variant("", {"cell": name}))
    reader.got(where, want, name, find.names("cells") if kinds[0] == "cell" else reader.document.get(path[:1]))
    return _Known()


def switches(variant: Variant) -> dict[str, Any]:
    """A variant's model without the name of its cell."""
    return {k: v for k, v in variant.model.items() if k != "cell"}


def _named(cell: type[Cell]) -> str:
    return cell.__module__.rpartition(".")[2]
