"""The ablations of a suite: one part taken out of an architecture (`without`) or put in (`with`), where `pairs` is
true every two of an entry's parts as well, and beside them what else the parts could start at (`starts.py`). Where the
architecture has a grid, each of these at each of its points.

A part is a switch that can be off: one of the cell's or layer's, a bool among the arguments of a foreign module, or
one of the settings (`bidirectional`). Off is false, the identity for an activation, `none` for attention, no dropout,
no convolution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, get_args, get_origin

from rnnbench import registry
from rnnbench.settings import Settings
from rnnbench.suite import Variant, matching, starts
from rnnbench.suite.architectures import merged, model_of, owner_of
from rnnbench.suite.faults import Path, printable, shown
from rnnbench.suite.points import suffix
from rnnbench.suite.reader import Reader, hints, values

SIGNS = {"without": "-", "with": "+"}
KEYS = ("base", *SIGNS, "pairs", "starts", "match")
MOST_PAIRED = 100  # parts of an entry: more, and its pairs are thousands
Named = tuple[str, Path, Variant | None]


def ablations(reader: Reader, known: Mapping[str, Sequence[Variant]], defaults: Mapping[str, Any]) -> Iterator[Named]:
    """(name, path, variant) of each part taken out or put in, of each pair of an entry's parts, of each other start;
    the variant is None where it or its base has a fault."""
    want = "{base: NAME, without: [PARTS]} or {base: NAME, with: [PARTS]}"
    for i, _ in enumerate(reader.items(("ablate",), f"a list of {want}", 0)):
        path: Path = ("ablate", i)
        entry = reader.mapping(path, want, KEYS, of="base, without, with, pairs, starts or match")
        if entry is None:
            continue
        bases = _bases(reader, path, entry, known)
        if not entry.keys() & SIGNS.keys():
            reader.missing((*path, "without"), "a list of parts to take out, or `with` and a list of parts to put in")
        match: dict[str, str] = {}
        if "match" in entry and bases:
            match = matching.asked(reader, path, entry, type(registry.switched(bases[0].model)))
        listed = 0
        changes: dict[str, list[_Change | None]] = {}
        for word in (key for key in entry if key in SIGNS):
            for j, _ in enumerate(reader.items((*path, word), "a list of parts")):
                listed += 1
                where = (*path, word, j)
                part = reader.text(where, "the name of a part")
                if not part or not bases:
                    continue
                own = changes[f"{SIGNS[word]}{part}"] = []
                for base in bases:
                    change = _change(reader, where, base, word, part, defaults)
                    variant = _single(reader, where, base, change, match) if change else None
                    own.append(change if variant else None)
                    yield _name(base, f"{SIGNS[word]}{part}", match), where, variant
        if "pairs" in entry and _wanted(reader, (*path, "pairs"), listed) and bases:
            yield from _pairs(reader, (*path, "pairs"), bases, changes, match)
        if "starts" in entry and bases:
            rivals = {base.name: [_name(base, part, match) for part in changes] for base in bases}
            yield from starts.starts(reader, path, bases, rivals)


def _bases(
    reader: Reader, path: Path, entry: Mapping[str, Any], known: Mapping[str, Sequence[Variant]]
) -> Sequence[Variant]:
    """The variants that an entry is about: those of all points of a grid, or of the one that it names; none where that
    is a fault, or they have one."""
    want = "the name of an architecture"
    if "base" not in entry:
        reader.missing((*path, "base"), want)
        return ()
    name = reader.text((*path, "base"), want)
    if name is None or name in known:
        return known.get(name or "", ())
    points = known.get(owner_of(name, known) or "", ())
    found = [variant for variant in points if variant.name == name]
    if not found:
        reader.got((*path, "base"), want, name, [*known, *(variant.name for variant in points)])
    return found


def _name(base: Variant, part: str, match: Mapping[str, str]) -> str:
    """The name of a base with a part changed; where it is to be as large as its base, the name says so."""
    return base.family + part + suffix(dict.fromkeys(["match"] * bool(match), *match)) + suffix(base.factors)


@dataclass(frozen=True)
class _Change:
    """A part turned off or on: its name with its sign, and what that changes among the switches (`own`) or else among
    the settings."""

    part: str
    own: bool
    values: Mapping[str, Any]


def _change(
    reader: Reader, path: Path, base: Variant, word: str, part: str, defaults: Mapping[str, Any]
) -> _Change | None:
    """The change by which a part of the base is taken out or put in; None and a fault where it can't be."""
    own = _parts(registry.switched(base.model))
    parts = _parts(Settings(**(dict(defaults) | base.settings))) | own
    wanted = word == "with"
    found = parts.get(part)
    if found is None or found.is_on == wanted or (found.on is None and wanted):
        has, lacks = ("lacks", "has") if wanted else ("has", "lacks")
        already = f", which {base.name} {lacks} already" if found and found.is_on == wanted else ""
        candidates = [k for k, p in parts.items() if p.is_on != wanted and not (p.on is None and wanted)]
        want = f"a part that {base.name} {has}"
        if found is None and "module" in base.model:
            example = f"args: {{bias: {'false' if wanted else 'true'}}}"
            want += f": a bool in the `args` of its module, as bias in `{example}`, or a setting"
        reader.fault(path, f"got {shown(part)}{already}, expected {want}", part, candidates)
        return None
    value = found.on if wanted else found.off
    change = {found.field: value if found.field == part else {part: value}}
    return _Change(f"{SIGNS[word]}{part}", part in own, change)


def _changed(base: Variant, match: dict[str, str], *changes: _Change) -> Variant:
    """The base with its changes; ValueError, "field: why", where they contradict each other or what it is."""
    architecture = registry.switched(base.model)
    switches, settings = values(architecture), base.settings
    for change in changes:
        if change.own:
            switches = merged(switches, change.values)
        else:
            settings = settings | dict(change.values)
    part = "".join(change.part for change in changes)
    pair = tuple(_name(base, change.part, match) for change in changes) if len(changes) > 1 else ()
    model, name = model_of(base, type(architecture)(**switches)), _name(base, part, match)
    return Variant(name, model, settings, base.name, part, pair, base.factors, match=match)


def _single(reader: Reader, path: Path, base: Variant, change: _Change, match: dict[str, str]) -> Variant | None:
    try:
        return _changed(base, match, change)
    except ValueError as e:
        reader.impossible(path, str(e))
        return None


def _wanted(reader: Reader, path: Path, listed: int) -> bool:
    """Whether an entry that lists so many parts is to have their pairs too."""
    value = reader.document.get(path)
    if not isinstance(value, bool):
        reader.got(path, "true or false")
    elif value and (listed == 1 or listed > MOST_PAIRED):
        reader.fault(path, f"got {listed} part{'s' * (listed > 1)} to pair, expected 2 to {MOST_PAIRED} parts")
        return False
    return value is True


def _pairs(
    reader: Reader,
    path: Path,
    bases: Sequence[Variant],
    changes: Mapping[str, Sequence[_Change | None]],
    match: dict[str, str],
) -> Iterator[Named]:
    """Every two of the changes, of each base; those that contradict each other are refused by name."""
    for (a, firsts), (b, seconds) in combinations(changes.items(), 2):
        for base, first, second in zip(bases, firsts, seconds, strict=True):
            name = _name(base, f"{a}{b}", match)
            variant = None
            if first and second:
                try:
                    variant = _changed(base, match, first, second)
                except ValueError as e:
                    impossible_pair(reader, path, name, (_name(base, a, match), _name(base, b, match)), str(e))
            yield name, path, variant


def impossible_pair(reader: Reader, path: Path, name: str, pair: Sequence[str], why: str) -> None:
    """A fault: the pair of that name can't be, though each of the two variants can; `why` is "field: reason"."""
    reason = printable(why.replace(": ", " ", 1), 200)
    forward = f"ablate {' and '.join(map(printable, pair))} in entries of their own"
    reader.fault(path, f"got the impossible pair {shown(name)}: {reason}, expected parts that go together; {forward}")


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
    ons: dict[str, object] = dict(getattr(cls, "ons", {}))
    found: dict[str, _Part] = {}
    for field, value in values(instance).items():
        hint = hints(cls)[field]
        if isinstance(value, dict):
            found |= {name: _Part(field, v) for name, v in value.items() if isinstance(v, bool)}
        elif field in offs:
            choices = get_args(hint) if get_origin(hint) is Literal else ()
            on = next((choice for choice in choices if choice != offs[field]), ons.get(field))
            found[field] = _Part(field, value != offs[field], offs[field], on)
        elif hint is bool or bool in get_args(hint):
            found[field] = _Part(field, bool(value))
    within: dict[str, str] = dict(getattr(cls, "within", {}))
    return {name: part for name, part in found.items() if name not in within or found[within[name]].is_on}
