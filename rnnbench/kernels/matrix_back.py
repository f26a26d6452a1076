"""The way back of what a compiled scan does with matrices for a memory: `matrix`, from the last step to the first.

It needs the matrix before a step. That isn't kept but for every sqrt(T)-th step, from which `remember` computes those
up to the next one again: 2 sqrt(T) matrices of memory and 2 of 10 operations, where keeping all would take T matrices
through memory twice, and undoing a step would divide by a decay that may be 0.

Where a row of a matrix is one vector, four rows are taken together: what comes back to a column stays in a register,
and what comes back to four keys, a sum over lanes each, is half of the work of four such sums. Larger ones take
`work` for what comes back to the columns. Either way numbers are added up in the same order.
"""

from __future__ import annotations

from typing import Any

from rnnbench.kernels.lanes import inside, merged, quartered, quarters_total, store_totals, total
from rnnbench.kernels.vector import WIDTH, fma, inlined, load, shared, splat, store


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


@inlined
def _changed_row(S: Any, was: Any, dS: Any, at: Any, kept: Any, a: Any, u: Any, i: Any, right: Any, to_v: Any) -> Any:
    """A row of one vector on its way back through a change: what it adds to da and du, before lanes are summed, and
    dv so far."""
    slope, left = load(dS, at), splat(kept[u + i])
    to_a = splat(0.0)
    if a >= 0:
        to_a = quartered(fma(slope, load(S, was + at), splat(0.0)))
        store(dS, at, splat(kept[a + i]) * slope)
    return to_a, quartered(fma(slope, right, splat(0.0))), fma(left, slope, to_v)


@inlined
def _asked_row(
    S: Any, was: Any, dS: Any, at: Any, kept: Any, a: Any, u: Any, q: Any, i: Any, right: Any, back: Any, to_v: Any
) -> Any:
    """As `_changed_row`, of a matrix that is read after the change; what comes back to the query besides."""
    before, left, asked = load(S, was + at), splat(kept[u + i]), splat(kept[q + i])
    slope = fma(asked, back, load(dS, at))
    to_a, after = splat(0.0), slope
    if a >= 0:
        to_a, after = quartered(fma(slope, before, splat(0.0))), splat(kept[a + i]) * slope
    store(dS, at, after)
    to_u, to_q = fma(slope, right, splat(0.0)), fma(before, back, splat(0.0))
    return to_a, quartered(to_u), quartered(to_q), fma(left, slope, to_v)


@inlined
def _read_row(S: Any, was: Any, dS: Any, at: Any, kept: Any, q: Any, i: Any, back: Any) -> Any:
    """A row of one vector on its way back through a query: what comes back to that, before lanes are summed."""
    store(dS, at, fma(splat(kept[q + i]), back, load(dS, at)))
    return quartered(fma(load(S, was + at), back, splat(0.0)))


@shared
def remember_back(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any,
    sent: Any, da: Any, du: Any, dv: Any, work: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """The way back of `remember`: dS, of the matrix after, becomes that of the matrix before, S[was]; da, if there is a
    decay, du and dv go to `sent`."""
    if D <= WIDTH:
        _remember_back_narrow(S, was, dS, kept, a, u, v, sent, da, du, dv, B, heads, D, width)
        return
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                store(work, n, inside(load(kept, v + row + n), D - n))
                store(work, width + n, splat(0.0))
            for i in range(D):
                left = splat(kept[u + row + i])
                to_a = to_u = splat(0.0)
                for n in range(0, D, WIDTH):
                    at = place + n * D + i * WIDTH
                    slope = load(dS, at)
                    to_u = fma(slope, load(work, n), to_u)
                    store(work, width + n, fma(left, slope, load(work, width + n)))
                    if a >= 0:
                        to_a = fma(slope, load(S, was + at), to_a)
                        store(dS, at, splat(kept[a + row + i]) * slope)
                if a >= 0:
                    sent[da + row + i] = total(to_a)
                sent[du + row + i] = total(to_u)
            for n in range(0, D, WIDTH):
                store(sent, dv + row + n, merged(load(work, width + n), load(sent, dv + row + n), D - n))


@shared
def _remember_back_narrow(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any,
    sent: Any, da: Any, du: Any, dv: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """`remember_back` of rows of one vector."""
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * D * WIDTH
            right, to_v = inside(load(kept, v + row), D), splat(0.0)
            for i in range(0, D - 3, 4):
                at, r = place + i * WIDTH, row + i
                a0, u0, to_v = _changed_row(S, was, dS, at, kept, a, u, r, right, to_v)
                a1, u1, to_v = _changed_row(S, was, dS, at + WIDTH, kept, a, u, r + 1, right, to_v)
                a2, u2, to_v = _changed_row(S, was, dS, at + 2 * WIDTH, kept, a, u, r + 2, right, to_v)
                a3, u3, to_v = _changed_row(S, was, dS, at + 3 * WIDTH, kept, a, u, r + 3, right, to_v)
                if a >= 0:
                    store_totals(sent, da + r, a0, a1, a2, a3)
                store_totals(sent, du + r, u0, u1, u2, u3)
            for i in range(D - D % 4, D):
                a0, u0, to_v = _changed_row(S, was, dS, place + i * WIDTH, kept, a, u, row + i, right, to_v)
                if a >= 0:
                    sent[da + row + i] = quarters_total(a0)
                sent[du + row + i] = quarters_total(u0)
            store(sent, dv + row, merged(to_v, load(sent, dv + row), D))


@shared
def remember_and_recall_back(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any, q: Any, given: Any, dy: Any,
    sent: Any, da: Any, du: Any, dv: Any, dq: Any, work: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """As `remember_back`, where `given` has dy of what was read off the matrix after; dq = a * S dy + u (v dy)."""
    if D <= WIDTH:
        _remember_and_recall_back_narrow(
            S, was, dS, kept, a, u, v, q, given, dy, sent, da, du, dv, dq, B, heads, D, width
        )
    else:
        _remember_and_recall_back_wide(
            S, was, dS, kept, a, u, v, q, given, dy, sent, da, du, dv, dq, work, B, heads, D, width
        )
    if a >= 0:
        asked_of_decayed(sent, dq, kept, a, B, heads, D, width)
    asked_of_pair(sent, dq, kept, u, v, given, dy, B, heads, D, width)


@shared
def _remember_and_recall_back_wide(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any, q: Any, given: Any, dy: Any,
    sent: Any, da: Any, du: Any, dv: Any, dq: Any, work: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """All of it but dq, in whose place is S dy, of rows of several vectors."""
    panels = (D + WIDTH - 1) // WIDTH
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * panels * D * WIDTH
            for n in range(0, D, WIDTH):
                store(work, n, inside(load(kept, v + row + n), D - n))
                store(work, width + n, splat(0.0))
                store(work, 2 * width + n, inside(load(given, dy + row + n), D - n))
            for i in range(D):
                left, asked = splat(kept[u + row + i]), splat(kept[q + row + i])
                to_a = to_u = to_q = splat(0.0)
                for n in range(0, D, WIDTH):
                    at = place + n * D + i * WIDTH
                    before, back = load(S, was + at), load(work, 2 * width + n)
                    slope = fma(asked, back, load(dS, at))
                    to_a, to_u = fma(slope, before, to_a), fma(slope, load(work, n), to_u)
                    to_q = fma(before, back, to_q)
                    store(work, width + n, fma(left, slope, load(work, width + n)))
                    if a >= 0:
                        slope = splat(kept[a + row + i]) * slope
                    store(dS, at, slope)
                if a >= 0:
                    sent[da + row + i] = total(to_a)
                sent[du + row + i], sent[dq + row + i] = total(to_u), total(to_q)
            for n in range(0, D, WIDTH):
                store(sent, dv + row + n, merged(load(work, width + n), load(sent, dv + row + n), D - n))


@shared
def _remember_and_recall_back_narrow(
    S: Any, was: Any, dS: Any, kept: Any, a: Any, u: Any, v: Any, q: Any, given: Any, dy: Any,
    sent: Any, da: Any, du: Any, dv: Any, dq: Any, B: Any, heads: Any, D: Any, width: Any,
) -> None:  # fmt: skip
    """The same of rows of one vector."""
    for b in range(B):
        for h in range(heads):
            row, place = b * width + h * D, (b * heads + h) * D * WIDTH
            right, back, to_v = inside(load(kept, v + row), D), inside(load(given, dy + row), D), splat(0.0)
            for i in range(0, D - 3, 4):
                at, r = place + i * WIDTH, row + i
                a0, u0, q0, to_v = _asked_row(S, was, dS, at, kept, a, u, q, r, right, back, to_v)
                at, r = at + WIDTH, r + 1
                a1, u1, q1, to_v = _asked_row(S, was, dS, at, kept, a, u, q, r, right, back, to_v)
                at, r = at + WIDTH, r + 1
                a2, u2, q2, to_v = _asked_row(S, was, dS, at, kept, a, u, q, r, right, back, to_v)
                at, r = at + WIDTH, r + 1
                a3, u3, q3, to_v = _asked_row(S, was, dS, at, kept, a, u, q, r, right, back, to_v)
                if a >= 0:
                    store_totals(sent, da + row + i, a0, a1, a2, a3)
                store_totals(sent, du + row + i, u0, u1, u2, u3)
                store_totals(sent, dq + row + i, q0, q1, q2, q3)
            for i in range(D - D % 4, D):
                at, r = place + i * WIDTH, row + i
                a0, u0, q0, to_v = _asked_row(S, was, dS, at, kept, a, u, q, r, right, back, to_v)
                if a >= 0:
                    sent[da + r] = quarters_total(a0)
                sent[du + r], sent[dq + r] = quarters_total(u0), quarters_total(q0)
            store(sent, dv + row, merged(to_v, load(sent, dv + row), D))


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
            first, whole = inside(load(given, dy + row), D), 0
            if D <= WIDTH:
                whole = D - D % 4
            for i in range(0, whole, 4):
                at, r = place + i * WIDTH, row + i
                q0 = _read_row(S, was, dS, at, kept, q, r, first)
                q1 = _read_row(S, was, dS, at + WIDTH, kept, q, r + 1, first)
                q2 = _read_row(S, was, dS, at + 2 * WIDTH, kept, q, r + 2, first)
                q3 = _read_row(S, was, dS, at + 3 * WIDTH, kept, q, r + 3, first)
                store_totals(sent, dq + r, q0, q1, q2, q3)
            for i in range(whole, D):
                asked, to_q = splat(kept[q + row + i]), splat(0.0)
                for n in range(0, D, WIDTH):
                    at, back = place + n * D + i * WIDTH, inside(load(given, dy + row + n), D - n)
                    to_q = fma(load(S, was + at), back, to_q)
                    store(dS, at, fma(asked, back, load(dS, at)))
                sent[dq + row + i] = total(to_q)
