"""What a compiled scan does with matrices for a memory, `cells.memory` of a whole batch at one step, and the way back.

A matrix is D x D for each row of the batch and each head, kept as panels (B, heads, P, D, WIDTH), where P vectors hold
D columns and zeros behind them. Vectors and results are rows (B, width) of units, head after head as a step has them:
what lies beyond a head is masked when it is read and left as it is when something is written. Sums over rows run in
order, sums over columns lane by lane, then by `total`.

The way back of step t needs the matrix before t. It isn't kept but for every sqrt(T)-th step, from which `remember`
computes those up to the next one again: 2 sqrt(T) matrices of memory and 2 of 10 operations, where keeping all would
take T matrices through memory twice, and undoing a step would divide by a decay that may be 0.
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
    """S[now] = a * S[was] + u v^T, where a, u and v lie among what is kept of a step."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                right = inside(load(kept, v + row + n), D - n)
                for i in range(D):
                    at = place + n * D + i * WIDTH
                    decayed = splat(kept[a + row + i]) * load(S, was + at)
                    store(S, now + at, fma(splat(kept[u + row + i]), right, decayed))


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
                    new = fma(splat(kept[u + row + i]), right, splat(kept[a + row + i]) * load(S, at))
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
def gather(d: Any, at: Any, row: Any, B: Any, heads: Any, D: Any) -> None:
    """The gradients of a number a head, a part from each of its units: their sum in the place of the first, and zeros.
    Added up over steps and examples unit by unit they would lose more in rounding, as they often cancel."""
    for b in range(B):
        for h in range(heads):
            first, sums = at + b * row + h * D, splat(0.0)
            for n in range(0, D, WIDTH):
                part = load(d, first + n)
                sums = sums + inside(part, D - n)
                store(d, first + n, merged(splat(0.0), part, D - n))
            d[first] = total(sums)


@shared
def remember_back(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any,
    sent: Any, da: Any, du: Any, dv: Any, work: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """The way back of `remember`: dS, of the matrix after, becomes that of the matrix before, S[was]; da, du and dv go
    to `sent`."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                store(work, n, inside(load(kept, v + row + n), D - n))
                store(work, width + n, splat(0.0))
            for i in range(D):
                decay, left = splat(kept[a + row + i]), splat(kept[u + row + i])
                to_a = to_u = splat(0.0)
                for n in range(0, D, WIDTH):
                    at = place + n * D + i * WIDTH
                    slope = load(dS, at)
                    to_a, to_u = fma(slope, load(S, was + at), to_a), fma(slope, load(work, n), to_u)
                    store(work, width + n, fma(left, slope, load(work, width + n)))
                    store(dS, at, decay * slope)
                sent[da + row + i], sent[du + row + i] = total(to_a), total(to_u)
            for n in range(0, D, WIDTH):
                store(sent, dv + row + n, merged(load(work, width + n), load(sent, dv + row + n), D - n))


@shared
def remember_and_recall_back(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any, q: Any, given: Any, dy: Any,
    sent: Any, da: Any, du: Any, dv: Any, dq: Any, work: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """As `remember_back`, where `given` has dy of what was read off the matrix after; dq = a * S dy + u (v dy)."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place, along = b * width + h * D, (b * heads + h) * panels * D * WIDTH, splat(0.0)
            for n in range(0, D, WIDTH):
                right, back = inside(load(kept, v + row + n), D - n), inside(load(given, dy + row + n), D - n)
                store(work, n, right)
                store(work, width + n, splat(0.0))
                store(work, 2 * width + n, back)
                along = fma(right, back, along)
            beside = total(along)
            for i in range(D):
                decay, left, asked = splat(kept[a + row + i]), splat(kept[u + row + i]), splat(kept[q + row + i])
                to_a = to_u = to_q = splat(0.0)
                for n in range(0, D, WIDTH):
                    at = place + n * D + i * WIDTH
                    before, back = load(S, was + at), load(work, 2 * width + n)
                    slope = fma(asked, back, load(dS, at))
                    to_a, to_u = fma(slope, before, to_a), fma(slope, load(work, n), to_u)
                    to_q = fma(before, back, to_q)
                    store(work, width + n, fma(left, slope, load(work, width + n)))
                    store(dS, at, decay * slope)
                sent[da + row + i], sent[du + row + i] = total(to_a), total(to_u)
                sent[dq + row + i] = kept[a + row + i] * total(to_q) + kept[u + row + i] * beside
            for n in range(0, D, WIDTH):
                store(sent, dv + row + n, merged(load(work, width + n), load(sent, dv + row + n), D - n))


@shared
def add_pair(S: Any, at: Any, kept: Any, u: Any, v: Any, B: Any, heads: Any, D: Any, width: Any) -> None:
    """S[at] += u v^T: a further pair of a change."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, at + (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                right = inside(load(kept, v + row + n), D - n)
                for i in range(D):
                    to = place + n * D + i * WIDTH
                    store(S, to, fma(splat(kept[u + row + i]), right, load(S, to)))


@shared
def add_pair_back(
    dS: Any, kept: Any, u: Any, v: Any, sent: Any, du: Any, dv: Any, work: Any, B: Any, heads: Any, D: Any, width: Any
) -> None:
    """The way back of `add_pair`, from dS of the matrix after, which it leaves as it is."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                store(work, n, inside(load(kept, v + row + n), D - n))
                store(work, width + n, splat(0.0))
            for i in range(D):
                left, to_u = splat(kept[u + row + i]), splat(0.0)
                for n in range(0, D, WIDTH):
                    slope = load(dS, place + n * D + i * WIDTH)
                    to_u = fma(slope, load(work, n), to_u)
                    store(work, width + n, fma(left, slope, load(work, width + n)))
                sent[du + row + i] = total(to_u)
            for n in range(0, D, WIDTH):
                store(sent, dv + row + n, merged(load(work, width + n), load(sent, dv + row + n), D - n))


@shared
def asked_of_decayed(sent: Any, dq: Any, kept: Any, a: Any, B: Any, heads: Any, D: Any, width: Any) -> None:
    """What comes back to a query of S as it was becomes what comes back to one of a * S."""
    for b in range(B):
        for h in range(heads):
            row = b * width + h * D
            for i in range(D):
                sent[dq + row + i] *= kept[a + row + i]


@shared
def asked_of_pair(
    sent: Any, dq: Any, kept: Any, u: Any, v: Any, given: Any, dy: Any, B: Any, heads: Any, D: Any, width: Any
) -> None:
    """And what comes back to it of u v^T besides: u (v dy)."""
    for b in range(B):
        for h in range(heads):
            row, along = b * width + h * D, splat(0.0)
            for n in range(0, D, WIDTH):
                right = inside(load(kept, v + row + n), D - n)
                along = fma(right, inside(load(given, dy + row + n), D - n), along)
            beside = total(along)
            for i in range(D):
                sent[dq + row + i] += kept[u + row + i] * beside


@shared
def recall_back(
    S: Any, was: Any, dS: Any, kept: Any, q: Any, given: Any, dy: Any, sent: Any, dq: Any,
    B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """The way back of `recall` from the matrix before a change: adds to dS."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for i in range(D):
                asked, to_q = splat(kept[q + row + i]), splat(0.0)
                for n in range(0, D, WIDTH):
                    at, back = place + n * D + i * WIDTH, inside(load(given, dy + row + n), D - n)
                    to_q = fma(load(S, was + at), back, to_q)
                    store(dS, at, fma(asked, back, load(dS, at)))
                sent[dq + row + i] = total(to_q)


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
