"""A claim about an architecture with a grid: it holds where it holds at every point.

The name that the points of a grid share, `lstm` for `lstm.hidden-32` and `lstm.hidden-64`, means each of them. Several
such names in a claim mean the points at which the factors that they share have equal values: `span(lstm, qa) >
span(gru, qa)` is asked of both at 32, and of both at 64.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from rnnbench.suite import Variant, parts
from rnnbench.suite.expression import MEASURES, Measure, Truth, Wrong, measures
from rnnbench.suite.points import Point, agree

MOST = 1000  # points of a claim

Tree = TypeVar("Tree")


def names(variants: Iterable[Variant]) -> list[str]:
    """What a claim can name as a variant: each by its own name, and all points of a grid by theirs."""
    return list(dict.fromkeys(name for v in variants for name in (v.name, v.family)))


def named_parts(variants: Sequence[Variant]) -> dict[str, list[str]]:
    """What a claim can ask the effect of -> what that is, a grid's points as one.

    >>> at = {"hidden": 32}, {"hidden": 64}
    >>> lstm = [Variant(f"lstm-o.hidden-{p['hidden']}", {}, base="lstm", part="-o", factors=p) for p in at]
    >>> named_parts(lstm)["o"], named_parts(lstm)["lstm-o"]
    (['lstm-o'], ['lstm-o'])
    """
    family = {v.name: v.family for v in variants}
    found = parts(variants)
    whole = {name: list(dict.fromkeys(family[each] for each in of)) for name, of in found.items()}
    return whole | {name: [name] for of in whole.values() for name in of}


def points(tree: Truth, variants: Sequence[Variant]) -> list[tuple[Point, Truth]]:
    """A claim at each point that it is about, with the names of the variants there; as it is, and nowhere in
    particular, where it names none by a grid. Raises Wrong where what it names have no point in common."""
    alone = {v.name for v in variants}
    by_family: dict[str, list[Variant]] = {}
    for variant in variants:
        by_family.setdefault(variant.family, []).append(variant)
    effects = named_parts(variants)
    found: list[tuple[Point, dict[str, str]]] = [({}, {})]
    for measure in measures(tree):
        name, at = measure.arguments[0], measure.at[0] if measure.at else 0
        family = effects.get(name, [name])[0] if MEASURES[measure.function][0] == "part" else name
        if name in alone or family in alone or family not in by_family or name in found[0][1]:
            continue
        found = [
            (point | each.factors, chosen | {name: each.name})
            for point, chosen in found
            for each in by_family[family]
            if agree(point, each.factors)
        ]
        if not found:
            raise Wrong(at, f"got {name!r}, expected it to have a point in common with what stands before it")
        if len(found) > MOST:
            raise Wrong(at, f"got {len(found)} points of what is named so far, expected at most {MOST}")
    return [(point, _renamed(tree, chosen)) for point, chosen in found]


def _renamed(tree: Tree, chosen: Mapping[str, str]) -> Tree:
    """A tree with other names of variants."""
    if not chosen:
        return tree
    if isinstance(tree, Measure):
        first, *rest = tree.arguments
        return replace(tree, arguments=(chosen.get(first, first), *rest))
    if isinstance(tree, tuple):
        return tuple(_renamed(each, chosen) for each in tree)  # type: ignore[return-value]
    if is_dataclass(tree) and not isinstance(tree, type):
        changed: dict[str, Any] = {f.name: _renamed(getattr(tree, f.name), chosen) for f in fields(tree)}
        return replace(tree, **changed)
    return tree
