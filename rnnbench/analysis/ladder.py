"""A ladder's rungs on the scale of octaves, and where on it a seed lies that solves some of them.

Spearman (1908) and Kaerber (1931): with rungs at x_1 < ... < x_K (log2 of lengths), each half-way to its neighbours on
both sides wide, the span of what solves the rungs s_k in {0, 1} is

    x_1 - w/2 + sum_k s_k (x_{k+1} - x_{k-1}) / 2,      x_0 = x_1 - (x_2 - x_1),  x_{K+1} = x_K + (x_K - x_{K-1}),

with w = x_2 - x_1; of rungs at one spacing, half a spacing under the ladder and a spacing more for each that is solved,
in whichever order. Its mean over seeds is the mean length up to which they solve, whatever the noise of single runs and
however close the rungs, as long as all of that lies on the ladder. A ladder of one rung has a spacing of an octave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

DIGITS = 9  # of octaves: what rounding leaves of equal logarithms is no difference


class Rungs(NamedTuple):
    """A ladder in octaves: `marks` (K + 2,) are its rungs and one beyond each end, `edges` (K + 1,) what lies half-way
    between them: the span of a seed that solves the first 0, 1, ..., K rungs."""

    marks: tuple[float, ...]
    edges: tuple[float, ...]

    @property
    def widths(self) -> tuple[float, ...]:
        """What each rung adds to a span (K,)."""
        return tuple(b - a for a, b in pairwise(self.edges))


@lru_cache(maxsize=1000)
def rungs(lengths: tuple[int, ...]) -> Rungs:
    """The rungs of a ladder of these lengths, which ascend.

    >>> rungs((8, 16, 32)).edges, rungs((8,)).edges
    ((2.5, 3.5, 4.5, 5.5), (2.5, 3.5))
    """
    x = [math.log2(length) for length in lengths]
    below, above = (x[1] - x[0], x[-1] - x[-2]) if len(x) > 1 else (1.0, 1.0)
    marks = (x[0] - below, *x, x[-1] + above)
    return Rungs(marks, tuple((a + b) / 2 for a, b in pairwise(marks)))


def octaves(lengths: tuple[int, ...], solved: Sequence[bool]) -> float:
    """log2 of the span of a seed that solves these rungs (K,) and no others.

    >>> octaves((8, 16, 32), (True, True, False)), octaves((8, 16, 32), (False, True, True))
    (4.5, 4.5)
    """
    found = rungs(lengths)
    return round(found.edges[0] + sum(w for w, s in zip(found.widths, solved, strict=True) if s), DIGITS)


def between(lengths: tuple[int, ...], place: float) -> tuple[float, float]:
    """A span in octaves -> the lengths that it lies between: of a seed without holes the longest that it solves (0:
    none) and the shortest that it doesn't (inf: none). With holes, where rungs are unequally far apart, in between.

    >>> between((8, 16, 32), 4.5), between((8, 16, 32), 2.5), between((8, 16, 32), 5.5)
    ((16, 32), (0, 8), (32, inf))
    """
    marks, edges = rungs(lengths)
    k = next((k for k, edge in enumerate(edges) if edge >= place - 10**-DIGITS * 10), len(edges) - 1)
    if abs(edges[k] - place) <= 10**-DIGITS * 10:  # as if it solved the first k rungs
        return (lengths[k - 1] if k else 0), (lengths[k] if k < len(lengths) else math.inf)
    part = (place - edges[k - 1]) / (edges[k] - edges[k - 1])
    low, high = (marks[i - 1] + part * (marks[i] - marks[i - 1]) for i in (k, k + 1))
    return 2.0**low, 2.0**high
