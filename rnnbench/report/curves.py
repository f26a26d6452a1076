"""Small curves in blocks, a character a point: a score from 0 to 1, or a size on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
DECADES = 4.0  # that a logarithmic curve spans, below 1


def linear(values: Sequence[float | None], width: int) -> str:
    """Values in [0, 1]; what is less shows as 0, and a blank where one is none.

    >>> linear([0.0, 0.5, None, 1.0], 8)
    '▁▅ █'
    """
    return "".join(" " if v is None else _bar(v) for v in thinned(values, width))


def logarithmic(values: Sequence[float | None], width: int) -> str:
    """Sizes: a full block is over 10^-.5, each block less half a decade down from there; a blank where there is none.

    >>> logarithmic([1.0, 0.1, 0.01, 1e-9, 0.0, 20.0], 8)
    '█▇▅▁ █'
    """
    return "".join(" " if not v or v < 0 else _bar(1 + math.log10(v) / DECADES) for v in thinned(values, width))


def thinned(values: Sequence[float | None], width: int) -> list[float | None]:
    """At most so many of them, evenly spread, the first and the last included.

    >>> thinned([0, 1, 2, 3, 4], 3)
    [0, 2, 4]
    """
    if len(values) <= width:
        return list(values)
    return [values[round(k * (len(values) - 1) / (width - 1))] for k in range(width)]


def _bar(share: float) -> str:
    return BARS[min(len(BARS) - 1, int(min(max(share, 0.0), 1.0) * len(BARS)))]
