"""The ablations of a suite: one part taken out of an architecture (`without`) or put in (`with`).

A part is a switch that can be off: one of the cell's or layer's, a bool among the arguments of a foreign module, or
one of the settings (`bidirectional`). Off is false, the identity for an activation, `none` for attention, no dropout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from rnnbench import find
from rnnbench.faults import Path, shown
from rnnbench.reader import Reader, hints, values
from rnnbench.settings import Settings
from rnnbench.suite import Variant
from rnnbench.variants import merged, model_of

SIGNS = {"without": "-", "with": "+"}
Named = tuple[str, Path, Variant | None]


def ablations(reader: Reader, known: Mapping[str, Variant | None], defaults: Mapping[str, Any]) -> Iterator[Named]:
    """(name, path, variant) of each part taken out or put in; the variant is None where it or its base has a fault."""
    want = "{base: NAME, without: [PARTS]} or {base: NAME, with: [PARTS]}"
    for i, _ in enumerate(reader.items(("ablate",), f"a list of {want}")):
        path: Path = ("ablate", i)
        entry = reader.mapping(path, want, ("base", *SIGNS), of="base, without or with")
        if entry is None:
            continue
        name = None
        if "base" not in entry:
            reader.missing((*path, "base"), "the name of an architecture")
        else:
            name = reader.text((*path, "base"), "the name of an architecture")
            if name is not None and name not in known:
                reader.got((*path, "base"), "the name of an architecture", name, known)
        if not entry.keys() & SIGNS.keys():
            reader.missing((*path, "without"), "a list of parts to take out, or `with` and a list of parts to put in")
        for word in (key for key in entry if key in SIGNS):
            for j, _ in enumerate(reader.items((*path, word), "a list of parts")):
                where = (*path, word, j)
                part = reader.text(where, "the name of a part")
                base = known.get(name or "")
                if part and base:
                    yield f"{base.name}{SIGNS[word]}{part}", where, _ablated(reader, where, base, word, part, defaults)


def _ablated(
    reader: Reader, path: Path, base: Variant, word: str, part: str, defaults: Mapping[str, Any]
) -> Variant | None:
    architecture = find.switched(base.model)
    own = _parts(architecture)
    parts = _parts(Settings(**(dict(defaults) | base.settings))) | own
    wanted = word == "with"
    found = parts.get(part)
    if found is None or found.is_on == wanted or (found.on is None and wanted):
        has, lacks = ("lacks", "has") if wanted else ("has", "lacks")
        already = f", which {base.name} {lacks} already" if found and found.is_on == wanted else ""
        candidates = [k for k, p in parts.items() if p.is_on != wanted and not (p.on is None and wanted)]
        reader.fault(path, f"got {shown(part)}{already}, expected a part that {base.name} {has}", part, candidates)
        return None
    value = found.on if wanted else found.off
    change = {found.field: value if found.field == part else {part: value}}
    name, sign = f"{base.name}{SIGNS[word]}{part}", SIGNS[word]
    if part not in own:
        return Variant(name, base.model, base.settings | change, base.name, f"{sign}{part}")
    changed = reader.build(type(architecture), merged(values(architecture), change), path)
    if changed is None:
        return None
    return Variant(name, model_of(base, changed), base.settings, base.name, f"{sign}{part}")


@dataclass(frozen=True)
class _Part:
    """What can be off: its value then, its value when it is put in (None: it takes a number), the field it is."""

    field: str
    is_on: bool
    off: object = False
    on: object = True


def _parts(instance: object) -> dict[str, _Part]:
    """The parts that can be off, by name."""
    cls: Any = type(instance)
    offs = dict.fromkeys(getattr(cls, "activations", ()), "identity") | dict(getattr(cls, "offs", {}))
    found: dict[str, _Part] = {}
    for field, value in values(instance).items():
        hint = hints(cls)[field]
        if isinstance(value, dict):
            found |= {name: _Part(field, v) for name, v in value.items() if isinstance(v, bool)}
        elif field in offs:
            choices = get_args(hint) if get_origin(hint) is Literal else ()
            on = next((choice for choice in choices if choice != offs[field]), None)
            found[field] = _Part(field, value != offs[field], offs[field], on)
        elif hint is bool or bool in get_args(hint):
            found[field] = _Part(field, bool(value))
    return found
