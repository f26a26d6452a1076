"""The factors of a suite, and the value that a variant has of each: of a grid, or of where a part starts.

A variant that is no point of a grid over a setting has a value of it all the same; of a switch only those of its own
architecture have one that is comparable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from rnnbench import registry
from rnnbench.plan.ladders import Climb
from rnnbench.settings import Settings
from rnnbench.suite import Variant
from rnnbench.suite.points import label, suffix

MISSING = object()
SETTINGS = frozenset(field.name for field in fields(Settings))


def factors(variants: Iterable[Variant]) -> list[str]:
    """The factors that a suite has several values of, in their order.

    >>> factors([Variant("lstm.hidden-32", {}, factors={"hidden": 32}), Variant("lstm.hidden-64", {})])
    ['hidden']
    """
    return list(dict.fromkeys(name for v in variants for name in (*v.factors, *v.start)))


def value(climb: Climb, factor: str, variants: Iterable[Variant]) -> Any:
    """A variant's value of a factor, MISSING where it has none that could be compared; `variants` are the suite's. One
    that was chosen so that a variant matches its base is none."""
    variant = climb.ladder.variant
    point = variant.factors | variant.start
    if factor in point:
        return point[factor]
    if not climb.ladder.rungs or factor in variant.fitted.get(climb.ladder.task.name, {}):
        return MISSING
    if factor in SETTINGS:
        return getattr(Settings.of(climb.ladder.rungs[0]), factor)
    if any(factor in v.start and v.base == variant.name for v in variants):
        return getattr(registry.switched(variant.model), factor)
    return MISSING


def row(variant: Variant, factor: str) -> str:
    """The name of a variant whatever its value of one factor is."""
    others = {name: each for name, each in variant.factors.items() if name != factor}
    if factor in variant.factors:
        return variant.family + suffix(others)
    return variant.base or variant.name if factor in variant.start else variant.name


def ordered(values: Iterable[Any]) -> list[str]:
    """The labels of a factor's values: numbers ascending, whatever else in its order.

    >>> ordered([64, 128, 32, 64]), ordered(["tanh", "relu"])
    (['32', '64', '128'], ['tanh', 'relu'])
    """
    found = {label(each): each for each in values}
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in found.values())
    return sorted(found, key=lambda name: found[name]) if numbers else list(found)
