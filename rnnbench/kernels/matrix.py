"""What a compiled scan does with matrices for a memory: `cells.memory` of a whole batch at one step.

A matrix is D x D for each row of the batch and each head, kept as panels (B, heads, P, D, WIDTH), where P vectors hold
D columns and zeros behind them. Vectors and results are rows (B, width) of units, head after head as a step has them:
what lies beyond a head is masked when it is read and left as it is when something is written. Sums over rows run in
order, sums over columns lane by lane, then by `total`.

A place of what is kept may be less than 0, of a decay that there isn't: then all that was there stays.
"""

from __future__ import annotations

from typing import Any

from rnnbench.kernels.lanes import inside, merged, total
from rnnbench.kernels.vector import WIDTH, fma, load, shared, splat, store


@shared
def copy(out: Any, at: Any, source: Any, first: Any, size: Any) -> None:
    """out[at:] = source[first:], a whole number of vectors."""
    for m in range(0, size, WIDTH):
        store(out, at + m, load(source, first + m))


@shared
def remember(
    S: Any, was: Any, now: Any, kept: Any, a: Any, u: Any, v: Any, B: Any, heads: Any, D: Any, width: Any
) -> None:
    """S[now] = a * S[was] + u v^T, where a, if there is one, u and v lie among what is kept of a step."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                right = inside(load(kept, v + row + n), D - n)
                for i in range(D):
                    at = place + n * D + i * WIDTH
                    before = load(S, was + at)
                    if a >= 0:
                        before = splat(kept[a + row + i]) * before
                    store(S, now + at, fma(splat(kept[u + row + i]), right, before))


@shared
def remember_and_recall(
    S: Any, kept: Any, a: Any, u: Any, v: Any, q: Any, y: Any, B: Any, heads: Any, D: Any, width: Any
) -> None:
    """S = a * S + u v^T in place, then y = q S."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                right, found = inside(load(kept, v + row + n), D - n), splat(0.0)
                for i in range(D):
                    at = place + n * D + i * WIDTH
                    new = load(S, at)
                    if a >= 0:
                        new = splat(kept[a + row + i]) * new
                    new = fma(splat(kept[u + row + i]), right, new)
                    store(S, at, new)
                    found = fma(splat(kept[q + row + i]), new, found)
                store(kept, y + row + n, merged(found, load(kept, y + row + n), D - n))


@shared
def recall(S: Any, kept: Any, q: Any, y: Any, B: Any, heads: Any, D: Any, width: Any) -> None:
    """y = q S."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                found = splat(0.0)
                for i in range(D):
                    found = fma(splat(kept[q + row + i]), load(S, place + n * D + i * WIDTH), found)
                store(kept, y + row + n, merged(found, load(kept, y + row + n), D - n))


@shared
def head_sums(source: Any, z: Any, out: Any, y: Any, B: Any, heads: Any, D: Any, width: Any) -> None:
    """y = the sum of z over the units of each head, for each of its units; its own way back."""
    for b in range(B):
        for h in range(heads):
            row, sums = b * width + h * D, splat(0.0)
            for n in range(0, D, WIDTH):
                sums = sums + inside(load(source, z + row + n), D - n)
            found = splat(total(sums))
            for n in range(0, D, WIDTH):
                store(out, y + row + n, merged(found, load(out, y + row + n), D - n))


@shared
def spread_columns(out: Any, matrix: Any, rows: Any, heads: Any, D: Any) -> None:
    """A parameter with one column a head, (rows, heads), as one with a column a unit, (rows, heads * D)."""
    for k in range(rows * heads):
        for i in range(D):
            out[k * D + i] = matrix[k]


@shared
def fold_columns(matrix: Any, rows: Any, heads: Any, D: Any, source: Any) -> None:
    """The way back of `spread_columns`: the sum over each head's columns."""
    for k in range(rows * heads):
        found = source[k * D]
        for i in range(1, D):
            found += source[k * D + i]
        matrix[k] = found
