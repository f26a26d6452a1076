"""`primary: [forget_gate]` of a task: the effects that were declared, before any run, to be looked at first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rnnbench.suite import Variant
from rnnbench.suite.families import named_parts
from rnnbench.suite.faults import Path, shown
from rnnbench.suite.reader import Reader


def primary(reader: Reader, path: Path, variants: Sequence[Variant] | None) -> Iterator[str]:
    """The variants that are meant, each by its part's name or its own; at all points of a grid. `variants` is None
    where some variant has a fault: names are then not looked at, since the suite is refused anyway."""
    first: dict[str, int] = {}
    parts = named_parts(variants or ())
    for i, _ in enumerate(reader.items(path, "a list of parts", 0)):
        name = reader.text((*path, i), "a part or the variant that differs by it")
        if name is None or variants is None:
            continue
        meant = parts.get(name, ())
        if len(meant) != 1:
            which = f", which {' and '.join(meant)} have," if meant else ","
            what = f"got {shown(name)}{which} expected a part or the variant that differs by it"
            reader.fault((*path, i), what, name, tuple(parts))
        elif first.setdefault(meant[0], i) != i:
            place = reader.document.place((*path, first[meant[0]]))
            reader.fault((*path, i), f"got {shown(name)} again, expected it once; the first is at {place}")
        else:
            yield from (variant.name for variant in variants if meant[0] in (variant.name, variant.family))
