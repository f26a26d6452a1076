"""Axes that several charts share, as parts of a Vega-Lite specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ROOM = 1.12  # beyond the first and last length, as a factor, so that no mark is cut


def length_axis(
    lengths: Sequence[int], title: str = "length (log)", within: tuple[float, float] | None = None
) -> dict[str, Any]:
    """Lengths on a log axis, a tick at each rung; `within` these, if not from the shortest to the longest."""
    low, high = within or (lengths[0], lengths[-1])
    domain = [low / ROOM, high * ROOM]
    return {
        "field": "length",
        "type": "quantitative",
        "title": title,
        "scale": {"type": "log", "base": 2, "domain": domain, "nice": False},
        "axis": {"values": list(lengths), "grid": False, "labelOverlap": True, "format": "d"},
    }


def names_axis(names: Sequence[str], title: str | None = None) -> dict[str, Any]:
    """Names down an axis, in their order."""
    return {
        "field": "name",
        "type": "nominal",
        "title": title,
        "scale": {"domain": list(names)},
        "axis": {"grid": True, "ticks": False, "domain": False},
    }
