"""What a record tells of several tested lengths, checked: its scores, and how many answers were right by position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnbench import strict

FIELDS = ("scores", "positions")


def of_lengths(found: Mapping[str, object]) -> dict[str, Any]:
    """The same of plain JSON as `Record.by_length` makes it, checked one by one: fields of a record."""
    positions = found.get("positions", [])
    if type(positions) is not list:
        strict.refuse("positions", positions, "a list of numbers from 0 to 1")
    shares = tuple(strict.number("positions", x, 0, 1) for x in positions)
    return {"scores": _scores(found["scores"]) if "scores" in found else (), "positions": shares}


def _scores(rows: object) -> tuple[tuple[int, float], ...]:
    if type(rows) is not list or not all(type(row) is list and len(row) == 2 for row in rows):
        strict.refuse("scores", rows, "a list of [length, score]")
    return tuple((strict.whole("scores: length", n, 1), strict.number("scores: score", x, 0, 1)) for n, x in rows)
