"""The architectures of a suite: cells and layers with their switches, and differences from them (`base`), which
inherit."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rnnbench import registry
from rnnbench.errors import closest
from rnnbench.records import given
from rnnbench.settings import Settings
from rnnbench.suite import Variant, grids, matching
from rnnbench.suite.faults import Path, printable, shown
from rnnbench.suite.names import named
from rnnbench.suite.points import Point, agree, same, suffix, told
from rnnbench.suite.reader import Reader, hints, values

WORD = r"[^\W\d]\w*"
KINDS = (*registry.KINDS, "base")
OWN = ("grid", "skip", "match")  # keys that are neither switches nor settings
Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Known:
    """What is known of an architecture: the class whose fields are its switches, where it names one; its variants, one
    a point of its grid, where it has no fault."""

    switches: type | None = None
    variants: tuple[Variant, ...] = ()


def architectures(reader: Reader) -> dict[str, tuple[Variant, ...]]:
    """The architectures by name, in the file's order: the variants of each, none for one with a fault."""
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
    return {name: known[name].variants for name in entries}


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
        owner = owner_of(base, entries) if isinstance(base, str) else None
        if owner is None:
            break
        name = owner
    return list(chain)


def owner_of(name: str, entries: Container[str]) -> str | None:
    """The architecture that a name is of: its own, or that of a point of its grid, `lstm.hidden-64`."""
    while name not in entries and "." in name:
        name = name.rpartition(".")[0]
    return name if name in entries else None


def _architecture(reader: Reader, name: str, entries: Entries, known: Mapping[str, _Known]) -> _Known:
    path: Path = ("architectures", name)
    entry = entries[name]
    before = len(reader.faults)
    start = _start(reader, path, entry, known)
    cls = start.switches
    if cls is None:
        reader.fields(Settings, path, entry)
        return _Known()
    keys = (*KINDS, *hints(cls), *hints(Settings), *OWN)
    for key in (k for k in entry if k not in keys):
        reader.unknown((*path, key), f"a switch of {_named(cls)} or a setting", keys)
    stated = reader.fields(cls, path, entry) | reader.fields(Settings, path, entry)
    inherited = start.variants[0].factors if start.variants else {}
    own = grids.own(reader, path, entry, cls, inherited)
    match = matching.asked(reader, path, entry, cls) if "match" in entry else {}
    if not start.variants or len(reader.faults) > before:
        return _Known(cls)
    points = [(base, point) for base in start.variants for point in own]
    skipped = grids.skipped(reader, path, entry, [base.factors | point for base, point in points])
    variants = []
    for base, point in points:
        if not any(agree(each, base.factors | point) for each in skipped):
            where = (*path, "grid") if "grid" in entry else path
            variants.append(_variant(reader, where, name, base, stated | point, point))
    if not variants and len(reader.faults) == before:
        reader.fault((*path, "skip"), "got every point of the grid, expected some left", key=True)
    if len(reader.faults) > before:
        return _Known(cls)
    return _Known(cls, tuple(replace(v, match=match) for v in variants if v))


def _variant(
    reader: Reader, path: Path, name: str, base: Variant, stated: Mapping[str, Any], point: Point
) -> Variant | None:
    """An architecture at one point: what it starts from with what is stated of switches and settings, the point's own
    values among them; None and a fault where it can't be."""
    switches, settings = registry.switched(base.model), {k: v for k, v in stated.items() if k in hints(Settings)}
    own = {k: v for k, v in stated.items() if k not in settings}
    factors = base.factors | point
    old = values(switches)
    try:
        built = type(switches)(**merged(old, own))
    except ValueError as error:  # "field: why", as cells say it
        impossible(reader, path, point, str(error))
        return None
    model = model_of(base, built)
    if not base.name:
        return Variant(name + suffix(factors), model, settings, factors=factors)
    had, has = _flat(old | base.settings), _flat(own | settings)
    new = {k: v for k, v in has.items() if k not in had or not same(v, had[k])}
    if not new:
        what = f"got no difference from {shown(base.name)}, expected a switch or a setting that differs"
        reader.fault(path, what, key=True)
        return None
    part = ", ".join(f"{k}: {v if isinstance(v, str) else shown(v)}" for k, v in new.items())
    return Variant(name + suffix(factors), model, base.settings | settings, base.name, part, factors=factors)


def impossible(reader: Reader, path: Path, point: Point, why: str) -> None:
    """A fault: an architecture contradicts itself at a point of its grid; `why` is "field: reason"."""
    if point:
        at = f"at {told(point)}: {printable(why.replace(': ', ' ', 1), 200)}"
        reader.fault(path, f"got an impossible combination {at}; `skip` leaves one out", key=True)
    else:
        reader.impossible(path, why)


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


def _start(reader: Reader, path: Path, entry: Mapping[str, Any], known: Mapping[str, _Known]) -> _Known:
    """What an architecture starts from: a cell with all its defaults, or its base."""
    kinds = [key for key in entry if key in KINDS]
    if len(kinds) != 1:
        want = f"exactly one of {', '.join(KINDS)}"
        if kinds:
            reader.fault((*path, kinds[1]), f"got it beside {kinds[0]!r}, expected {want}", key=True)
        elif slip := next((key for key in entry if closest(key, KINDS)), ""):
            reader.unknown((*path, slip), want, KINDS)
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
        owner = known.get(owner_of(name, known) or "")
        if owner is not None and not owner.variants:  # it has a fault of its own
            return _Known(owner.switches)
        points = [v for v in owner.variants if v.name == name] if owner else []
        if not owner or not points:
            others = [v.name for v in owner.variants] if owner else []
            reader.got(where, want, name, [*reader.document.get(path[:1]), *others])
            return _Known()
        return _Known(owner.switches, tuple(replace(v, factors={}) for v in points))
    if kind == "module":
        if not re.fullmatch(rf"{WORD}(\.{WORD})*[.:]{WORD}(\.{WORD})*", name):
            reader.got(where, "the dotted name of a torch.nn.Module, such as torch.nn.LSTM")
            return _Known()
        return _started({kind: name})
    found = named(reader, where, f"{kind}s", name)
    return _started({kind: found}) if found else _Known()


def _started(model: dict[str, Any]) -> _Known:
    return _Known(type(registry.switched(model)), (Variant("", model),))


def _named(switches: type) -> str:
    return switches.__module__.rpartition(".")[2].removeprefix("_")
