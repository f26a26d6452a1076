"""Axes that several charts share, as parts of a Vega-Lite specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnbench.suite import TaskEntry, rungs

ROOM = 1.12  # beyond the first and last place, as a factor, so that no mark is cut


def rung_axis(task: TaskEntry, title: str = "", within: tuple[float, float] | None = None) -> dict[str, Any]:
    """A task's lengths, or its numbers of examples, on a log axis, a tick at each rung; `within` these, if not from the
    least to the most."""
    places = sorted(task.places)
    low, high = within or (places[0], places[-1])
    domain = [low / ROOM, high * ROOM]
    return {
        "field": "place",
        "type": "quantitative",
        "title": title or f"{rungs.words(task).name} (log)",
        "scale": {"type": "log", "base": 2, "domain": domain, "nice": False},
        "axis": {"values": places, "grid": False, "labelOverlap": "greedy", "labelSeparation": 4, "format": "d"},
    }


def names_axis(names: Sequence[str], title: str | None = None) -> dict[str, Any]:
    """Names down an axis, in their order."""
    return {
        "field": "name",
        "type": "nominal",
        "title": title,
        "scale": {"domain": list(names)},
        "axis": {"grid": True, "ticks": False, "domain": False, "labelPadding": 8},
    }
