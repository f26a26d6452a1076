"""Lines against the rungs of a ladder, a line a variant with dots and a band: parts of several charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rnnbench.report.looks import Look, Series

Points = Sequence[Mapping[str, Any]]  # each with a place, and a value; low and high, where there is an interval
DOTS = 12  # a line at most: more would hide it


def layers(shown: Mapping[Series, Points], x: dict[str, Any], y: dict[str, Any], look: Look) -> list[dict[str, Any]]:
    """The bands below, then lines and dots, as many as don't hide them; `x` and `y` are the axes, the latter of the
    field `value`."""
    names = {one.name: one for one in shown}
    bands, lines = [], []
    for one, points in shown.items():
        at, data = {"x": x, "y": y}, {"values": list(points)}
        dots = {"values": list(points[:: -(-len(points) // DOTS) or 1])}
        within = [p for p in points if "low" in p]
        if within:
            between = {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}, **look.encoded(one, names)}
            area = {"type": "area", "opacity": 0.1}
            bands.append({"name": f"{one.key}_band", "data": {"values": within}, "mark": area, "encoding": between})
        line = {"type": "line", "strokeWidth": 1.5}
        dot = {"type": "point", "filled": True, "size": 3 * look.font, "opacity": 1}
        lines += [
            {"name": one.key, "data": data, "mark": line, "encoding": at | look.encoded(one, names, "strokeDash")},
            {"name": f"{one.key}_dots", "data": dots, "mark": dot, "encoding": at | look.encoded(one, names, "shape")},
        ]
    return [*bands, *lines]


def rule(at: float, text: str) -> list[dict[str, Any]]:
    """A dashed line across, with its name below its right end."""
    line = {"type": "rule", "strokeDash": [3, 3], "opacity": 0.6}
    word = {"type": "text", "align": "right", "baseline": "top", "dy": 2, "opacity": 0.8}
    named = {"y": {"datum": at}, "x": {"value": "width"}, "text": {"field": "text"}}
    return [
        {"data": {"values": [{}]}, "mark": line, "encoding": {"y": {"datum": at}}},
        {"data": {"values": [{"text": text}]}, "mark": word, "encoding": named},
    ]


def said(shown: Mapping[Series, Points], words: Any, at: Callable[[int], str]) -> str:
    """All points in words, `words` of each value, `at` of each place."""
    return "; ".join(
        f"{one.name} " + ", ".join(f"{words(p['value'])} {at(p['place'])}" for p in points)
        for one, points in shown.items()
    )
