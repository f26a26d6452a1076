"""An architecture at every combination of some values, `grid: {hidden: [32, 64], layers: [1, 2]}`, but for those that
make no sense, `skip: [{hidden: 64, layers: 2}]`.

Each combination is a point, and a variant of its own. A difference from an architecture with a grid is one at each of
its points, against the base at that point; so is a part that is taken out or put in. How many variants that comes to
is told from the numbers alone, before a single one is made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, get_origin

from rnnbench.settings import Settings
from rnnbench.suite import lengths
from rnnbench.suite.faults import Path, shown
from rnnbench.suite.points import Point, agree, label
from rnnbench.suite.reader import Reader, hints

GRID = "values by field or setting, such as {hidden: [32, 64]}"
MANY = 10**15  # variants: more are not counted any further
SKIP = "a combination of the grid, such as {hidden: 64, layers: 2}"


def own(
    reader: Reader, path: Path, entry: Mapping[str, Any], switches: type, inherited: Collection[str]
) -> list[Point]:
    """The points of an architecture's own grid, one without factors where it has none; `inherited` are the factors of
    its base, of which it can't have values of its own."""
    for key in (k for k in entry if k in inherited):
        what = f"got it beside the grid of its base, which has values of {key}, expected it in one of the two"
        reader.fault((*path, key), what, key=True)
    if "grid" not in entry:
        return [{}]
    where: Path = (*path, "grid")
    known = dict.fromkeys(hints(Settings), Settings) | dict.fromkeys(hints(switches), switches)
    axes: dict[str, list[Any]] = {}
    for factor in reader.entries(where, GRID):
        at = (*where, factor)
        if factor not in known:
            reader.unknown(at, "a switch or a setting to have values of", known)
        elif get_origin(hints(known[factor])[factor]) is dict:
            reader.fault(
                at, "got a mapping to have values of, expected a switch or a setting of single values", key=True
            )
        elif factor in entry or factor in inherited:
            whose = "the grid of its base" if factor in inherited else "a value of its own"
            reader.fault(at, f"got it beside {whose}, expected it in one of the two", key=True)
        else:
            axes[factor] = values_of(reader, at, known[factor])
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def values_of(reader: Reader, path: Path, cls: type) -> list[Any]:
    """The values that stand at the path of a field, which differ by more than how they are written."""
    factor = str(path[-1])
    found: dict[str, Any] = {}
    for i, _ in enumerate(reader.items(path, f"a list of values of {factor}")):
        for value in reader.field(cls, (*path, i), factor).values():
            if label(value) in found:
                reader.fault((*path, i), f"got a second {shown(value)}, expected it once")
            found[label(value)] = value
    return list(found.values())


def skipped(reader: Reader, path: Path, entry: Mapping[str, Any], points: Sequence[Point]) -> list[Point]:
    """What an architecture leaves out of its `points`, those of its base among their factors: whole combinations, or
    some values whatever the other factors are. Each must be of the grid."""
    if "skip" not in entry:
        return []
    where: Path = (*path, "skip")
    known = {
        factor: {label(point[factor]): point[factor] for point in points} for factor in (points[0] if points else ())
    }
    if not known:
        reader.fault(where, "got combinations to leave out, expected a grid to leave them out of", key=True)
        return []
    found = []
    for i, _ in enumerate(reader.items(where, f"a list of combinations, each {SKIP}", 0)):
        at = (*where, i)
        each = reader.mapping(at, SKIP, known, of="a factor of the grid")
        if each == {} and not reader.document.get(at):
            reader.got(at, SKIP)
        point = {}
        for factor, value in (each or {}).items():
            if label(value) in known[factor]:
                point[factor] = known[factor][label(value)]
            else:
                want = f"a value of {factor} that the grid has"
                reader.got((*at, factor), want, label(value), known[factor])
        if point and len(point) == len(reader.document.get(at)):
            if not any(agree(point, each) for each in points):
                reader.fault(at, "got a combination that its base leaves out already, expected one of the grid")
            found.append(point)
    return found


def count(suite: Mapping[str, Any]) -> tuple[int, int]:
    """How many variants and how many lengths the value of a document comes to: variants with what it skips, and MANY
    where they are that many or more. Whatever isn't as it should be counts as one, or as none.

    >>> lstm = {"cell": "lstm", "grid": {"hidden": [32, 64], "layers": [1, 2]}}
    >>> count({"architectures": {"lstm": lstm}, "ablate": [{"base": "lstm", "without": ["forget_gate"]}]})
    (8, 0)
    """
    entries = _mapping(suite.get("architectures"))
    sizes: dict[str, int] = {}
    for name in entries:
        chain: dict[str, None] = {}
        while name in entries and name not in sizes and name not in chain:
            chain[name] = None
            name = str(_mapping(entries[name]).get("base"))
        for link in reversed(chain):  # from the base on
            entry = _mapping(entries[link])
            sizes[link] = min(MANY, sizes.get(str(entry.get("base")), 1) * _product(entry.get("grid")))
    total = sum(sizes.values())
    ablate = suite.get("ablate")
    for entry in map(_mapping, ablate if isinstance(ablate, list) else ()):
        changes = sum(len(entry[word]) for word in ("without", "with") if isinstance(entry.get(word), list))
        pairs = changes * (changes - 1) // 2 if entry.get("pairs") is True else 0
        starts = sum(len(values) for values in _mapping(entry.get("starts")).values() if isinstance(values, list))
        total += sizes.get(str(entry.get("base")), 1) * (changes + pairs + starts)
    its = [_mapping(task).get("lengths") for task in _mapping(suite.get("tasks")).values()]
    return min(MANY, total), sum(map(lengths.count, its))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _product(grid: Any) -> int:
    return prod(len(values) for values in _mapping(grid).values() if isinstance(values, list))
