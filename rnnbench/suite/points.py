"""The points of a grid and how they are named: `lstm.hidden-64.layers-2` is lstm where `hidden` is 64, `layers` 2."""

from __future__ import annotations

from typing import Any

Point = dict[str, Any]  # factor -> its value there


def label(value: object) -> str:
    """A value as it stands in a name or heads a column.

    >>> [label(value) for value in (64, 3.0, 1e-3, True, "tanh")]
    ['64', '3', '0.001', 'true', 'tanh']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def suffix(point: Point) -> str:
    """What a point adds to a name.

    >>> suffix({"hidden": 64, "lr": 1e-3}), suffix({})
    ('.hidden-64.lr-0.001', '')
    """
    return "".join(f".{factor}-{label(value)}" for factor, value in point.items())


def told(point: Point) -> str:
    """A point in words.

    >>> told({"hidden": 64, "layers": 2})
    'hidden 64, layers 2'
    """
    return ", ".join(f"{factor} {label(value)}" for factor, value in point.items())


def agree(a: Point, b: Point) -> bool:
    """Whether two points have the same values of the factors that both have.

    >>> agree({"hidden": 64}, {"hidden": 64, "layers": 2}), agree({"hidden": 64}, {"hidden": 32})
    (True, False)
    """
    return all(same(a[factor], b[factor]) for factor in a.keys() & b.keys())


def same(a: object, b: object) -> bool:
    """Equal values of one type: 1 and true are two."""
    return type(a) is type(b) and a == b
