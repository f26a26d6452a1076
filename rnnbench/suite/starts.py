"""What a part could start at, beside taking it out: `without: [forget_gate], starts: {forget_bias: [1, 3]}`.

A part that is taken out takes along where it started: an LSTM without its forget gate keeps everything, which one with
the gate and a bias of 3 does at the start as well. So the base gets the other starts too, each a difference like any
other, `lstm.forget_bias-3`, and the report holds them against taking the part out. The base's own start may be listed;
it is the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_origin

from rnnbench import registry
from rnnbench.suite import Variant, grids
from rnnbench.suite.architectures import model_of
from rnnbench.suite.faults import Path, shown
from rnnbench.suite.points import same, suffix
from rnnbench.suite.reader import Reader, hints, values

Named = tuple[str, Path, Variant | None]


def starts(
    reader: Reader, path: Path, bases: Sequence[Variant], rivals: Mapping[str, Sequence[str]]
) -> Iterator[Named]:
    """(name, path, variant) of each other start of each base; the variant is None where it has a fault. `rivals` are
    the variants that an entry makes of each base by changing a part."""
    where: Path = (*path, "starts")
    switches = type(registry.switched(bases[0].model))
    known = [name for name, hint in hints(switches).items() if get_origin(hint) is not dict]
    for field in reader.entries(where, "values by switch, such as {forget_bias: [1, 3]}"):
        at = (*where, field)
        if field not in known:
            reader.unknown(at, f"a switch of {bases[0].family} that says how a part starts", known)
            continue
        listed = grids.values_of(reader, at, switches)
        others = [_other(base, field, value) for value in listed for base in bases]
        if listed and not any(others):
            reader.fault(at, f"got only where {bases[0].family} starts already, expected another value", key=True)
        for base in bases:
            for value in listed:
                if _other(base, field, value):
                    variant = _variant(reader, at, base, {field: value}, tuple(rivals[base.name]))
                    yield _name(base, {field: value}), at, variant


def _other(base: Variant, field: str, value: Any) -> bool:
    return not same(values(registry.switched(base.model))[field], value)


def _name(base: Variant, start: dict[str, Any]) -> str:
    return base.family + suffix(start) + suffix(base.factors)


def _variant(
    reader: Reader, path: Path, base: Variant, start: dict[str, Any], rivals: tuple[str, ...]
) -> Variant | None:
    architecture = registry.switched(base.model)
    built = reader.build(type(architecture), values(architecture) | start, path)
    if built is None:
        return None
    part = ", ".join(f"{k}: {v if isinstance(v, str) else shown(v)}" for k, v in start.items())
    model, name = model_of(base, built), _name(base, start)
    return Variant(name, model, base.settings, base.name, part, factors=base.factors, start=start, rivals=rivals)
