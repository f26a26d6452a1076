"""A curve as a small picture of braille dots, two by four a character, for any terminal that shows Unicode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of the left and the right column, from the top
BLANK = 0x2800


def curve(points: Sequence[tuple[float, float]], width: int, height: int, last: float) -> list[str]:
    """Lines of `width` characters, the top one first: values from 0 to 1 over 0 to `last`, (x, value) in the order of
    x, joined; where nothing is known, nothing is drawn.

    >>> curve([(1, 0.0), (2, 1.0)], 2, 1, 2.0)
    ['⢀⡼']
    """
    known = [(x, min(max(y, 0.0), 1.0)) for x, y in points if math.isfinite(y)]
    columns, rows = 2 * width, 4 * height
    lit = [[0] * width for _ in range(height)]
    before: int | None = None
    for column in range(columns):
        value = _at(known, (column + 1) * last / columns)
        if value is None:
            before = None
            continue
        row = round((1 - value) * (rows - 1))
        for each in range(min(row, row if before is None else before), max(row, row if before is None else before) + 1):
            lit[each // 4][column // 2] |= DOTS[column % 2][each % 4]
        before = row
    return ["".join(chr(BLANK + bits) for bits in line) for line in lit]


def _at(points: Sequence[tuple[float, float]], x: float) -> float | None:
    """The value at x on the line through the points; None outside of them."""
    for (a, low), (b, high) in pairwise(points):
        if a <= x <= b:
            return low + (high - low) * (x - a) / (b - a)
    return points[0][1] if len(points) == 1 and points[0][0] == x else None
