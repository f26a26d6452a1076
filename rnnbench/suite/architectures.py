"""The architectures of a suite: cells and layers with their switches, and differences from them (`base`), which
inherit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnbench import registry
from rnnbench.records import given
from rnnbench.settings import Settings
from rnnbench.suite import Variant
from rnnbench.suite.faults import Path, printable, shown
from rnnbench.suite.names import named
from rnnbench.suite.reader import Reader, hints, values

WORD = r"[^\W\d]\w*"
KINDS = (*registry.KINDS, "base")
Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Known:
    """What is known of an architecture: the class whose fields are its switches, where it names one; the variant
    where it has no fault."""

    switches: type | None = None
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
    cls = start.switches
    own = {}
    if cls:
        keys = (*KINDS, *hints(cls), *hints(Settings))
        for key in (k for k in entry if k not in keys):
            reader.unknown((*path, key), f"a switch of {_named(cls)} or a setting", keys)
        own = reader.fields(cls, path, entry)
    settings = reader.fields(Settings, path, entry)
    if cls is None or start.variant is None or len(reader.faults) > before:
        return _Known(cls)
    base = start.variant
    old = values(registry.switched(base.model))
    built = reader.build(cls, merged(old, own), path)
    if built is None:
        return _Known(cls)
    model = model_of(base, built)
    if "base" not in entry:
        return _Known(cls, Variant(name, model, settings))
    had, has = _flat(old | base.settings), _flat(own | settings)
    new = {k: v for k, v in has.items() if k not in had or not _same(v, had[k])}
    if not new:
        what = f"got no difference from {shown(base.name)}, expected a switch or a setting that differs"
        reader.fault(path, what, key=True)
        return _Known(cls)
    part = ", ".join(f"{k}: {v if isinstance(v, str) else shown(v)}" for k, v in new.items())
    return _Known(cls, Variant(name, model, base.settings | settings, base.name, part))


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old values with the new ones over them; a mapping (a module's `args`) with what the new one adds."""
    both = {k: old[k] | v if isinstance(v, dict) and isinstance(old.get(k), dict) else v for k, v in new.items()}
    return {**old, **both}


def model_of(variant: Variant, switches: Any) -> dict[str, Any]:
    """The model of a variant with other switches."""
    kind = registry.kind(variant.model)
    return {kind: variant.model[kind]} | given(switches)


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping among the values as values of their own, `args.bias`."""
    return {
        f"{k}.{name}" if name else k: v
        for k, value in values.items()
        for name, v in (value.items() if isinstance(value, dict) else [("", value)])
    }


def _same(a: object, b: object) -> bool:
    return type(a) is type(b) and a == b


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
    kind, where = kinds[0], (*path, kinds[0])
    want = "the name of an architecture" if kind == "base" else f"the name of a {kind}"
    name = reader.text(where, want)
    if name is None:
        return _Known()
    if kind == "base":
        if name in known:
            return known[name]
        reader.got(where, want, name, reader.document.get(path[:1]))
        return _Known()
    if kind == "module":
        if not re.fullmatch(rf"{WORD}(\.{WORD})*[.:]{WORD}(\.{WORD})*", name):
            reader.got(where, "the dotted name of a torch.nn.Module, such as torch.nn.LSTM")
            return _Known()
        return _started({kind: name})
    found = named(reader, where, f"{kind}s", name)
    return _started({kind: found}) if found else _Known()


def _started(model: dict[str, Any]) -> _Known:
    return _Known(type(registry.switched(model)), Variant("", model))


def _named(switches: type) -> str:
    return switches.__module__.rpartition(".")[2].removeprefix("_")
