"""The ablations of a suite: one part taken out of an architecture (`without`) or put in (`with`).

A part is a switch that can be off: one of the cell's, or of the settings (`bidirectional`). Off is false, and the
identity for an activation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from rnnbench import find
from rnnbench.faults import Path, shown
from rnnbench.reader import Reader, hints, values
from rnnbench.records import given
from rnnbench.settings import Settings
from rnnbench.suite import Variant
from rnnbench.variants import switches

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
    cell = find.cell(base.model)
    state = _parts(cell) | _parts(Settings(**(dict(defaults) | base.settings)))
    off: dict[str, object] = {}
    if word == "without":
        off = dict.fromkeys(type(cell).activations, "identity")
        state |= {k: getattr(cell, k) != v for k, v in off.items()}
    if state.get(part) != (word == "without"):
        has, lacks = ("has", "lacks") if word == "without" else ("lacks", "has")
        already = f", which {base.name} {lacks} already" if part in state else ""
        candidates = [k for k, on in state.items() if on == (word == "without")]
        reader.fault(path, f"got {shown(part)}{already}, expected a part that {base.name} {has}", part, candidates)
        return None
    change = {part: off.get(part, word == "with")}
    name, sign = f"{base.name}{SIGNS[word]}{part}", SIGNS[word]
    if part not in hints(type(cell)):
        return Variant(name, base.model, base.settings | change, base.name, f"{sign}{part}")
    changed = reader.build(type(cell), switches(base) | change, path)
    if changed is None:
        return None
    model = {"cell": base.model["cell"]} | given(changed)
    return Variant(name, model, base.settings, base.name, f"{sign}{part}")


def _parts(instance: object) -> dict[str, bool]:
    """The parts that can be off, and whether they are on."""
    cls: Any = type(instance)
    kinds = hints(cls)
    return {k: bool(v) for k, v in values(instance).items() if kinds[k] is bool or bool in get_args(kinds[k])}
