"""The two halves of a transformer's block, forward and back: what comes ahead of attention, and what comes after it.

    ahead:    n = norm(x)        q, k, v = n Wq + bq, n Wk + bk, n Wv + bv
    after:    y = x + o Wo + bo        y + relu(norm(y) W1 + b1) W2 + b2, normalised where the block is the last

Examples lie in lanes (`lanes`); x, k and v are of all T steps, (T, H, L), the rest of K of them, first + i * step. Each
step is taken through a whole half at once, so that what is between its parts stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.lanewise import (
    add_affine,
    add_bias,
    add_lanes,
    add_outer,
    affine,
    normalise,
    normalise_back,
    rescale,
    sum_over,
    to_lanes,
    to_rows,
)
from rnnbench.kernels.panels import clear
from rnnbench.kernels.vector import WIDTH, floats, load, positive, relu, shared, store


class Halves(NamedTuple):
    """The compiled halves, each of a tuple of addresses and sizes."""

    ahead: Callable[..., None]
    ahead_back: Callable[..., None]
    after: Callable[..., None]
    after_back: Callable[..., None]


@shared
def _rectify(x: Any, at: Any, size: Any) -> None:
    """x becomes relu(x), from one place on."""
    for n in range(at, at + size, WIDTH):
        store(x, n, relu(load(x, n)))


@shared
def _rectify_back(d: Any, x: Any, at: Any, size: Any) -> None:
    """d times the slope of what became x."""
    for n in range(0, size, WIDTH):
        store(d, n, load(d, n) * positive(load(x, at + n)))


@cache
def halves() -> Halves:
    """Both halves and their ways back; weights as `lanewise.turned` and `lanewise.wide` make them, on the way back as
    they are."""

    def ahead(addresses, T, K, first, step, H, L):  # type: ignore[no-untyped-def]
        x, hat, scales = floats(addresses[0]), floats(addresses[1]), floats(addresses[2])
        q, k, v = floats(addresses[3]), floats(addresses[4]), floats(addresses[5])
        Wq, bq, Wk, bk = floats(addresses[6]), floats(addresses[7]), floats(addresses[8]), floats(addresses[9])
        Wv, bv, gain, bias = floats(addresses[10]), floats(addresses[11]), floats(addresses[12]), floats(addresses[13])
        n, i, size = floats(addresses[14]), 0, H * L
        for t in range(T):
            at = t * size
            normalise((hat, at), (scales, t * L), (x, at), H, L)
            rescale((n, 0), (hat, at), gain, bias, H, L)
            affine((k, at), H, bk, Wk, H, (n, 0), L)
            affine((v, at), H, bv, Wv, H, (n, 0), L)
            if i < K and t == first + i * step:
                affine((q, i * size), H, bq, Wq, H, (n, 0), L)
                i += 1

    def ahead_back(addresses, T, K, first, step, H, L, B):  # type: ignore[no-untyped-def]
        dx, dq, dk, dv = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        hat, scales = floats(addresses[4]), floats(addresses[5])
        Wq, Wk, Wv = floats(addresses[6]), floats(addresses[7]), floats(addresses[8])
        gain, bias = floats(addresses[9]), floats(addresses[10])
        dWq, dWk, dWv = floats(addresses[11]), floats(addresses[12]), floats(addresses[13])
        dbq, dbk, dbv = floats(addresses[14]), floats(addresses[15]), floats(addresses[16])
        dgain, dbias, zeros = floats(addresses[17]), floats(addresses[18]), floats(addresses[20])
        sums, room = addresses[19], addresses[21]
        row, size, i = (H + WIDTH - 1) // WIDTH * WIDTH, H * L, 0
        n, d, rows = floats(room), floats(room + 4 * size), floats(room + 8 * size)
        one = 4 * H * WIDTH
        sq, sk, sv = floats(sums), floats(sums + one), floats(sums + 2 * one)
        sg, sb = floats(sums + 3 * one), floats(sums + 4 * one)
        clear(sq, 5 * H * WIDTH)
        clear(rows, B * row)
        clear(dWq, H * row)
        clear(dWk, H * row)
        clear(dWv, H * row)
        for t in range(T):
            at = t * size
            rescale((n, 0), (hat, at), gain, bias, H, L)
            to_rows((rows, 0), row, (n, 0), L, H, B)
            affine((d, 0), H, zeros, Wk, H, (dk, at), L)
            add_affine((d, 0), H, Wv, H, (dv, at), L)
            add_outer(dWk, H, row, (dk, at), L, rows, B)
            add_outer(dWv, H, row, (dv, at), L, rows, B)
            add_lanes(sk, (dk, at), H, L)
            add_lanes(sv, (dv, at), H, L)
            if i < K and t == first + i * step:
                add_affine((d, 0), H, Wq, H, (dq, i * size), L)
                add_outer(dWq, H, row, (dq, i * size), L, rows, B)
                add_lanes(sq, (dq, i * size), H, L)
                i += 1
            normalise_back((dx, at), sg, sb, (d, 0), (hat, at), (scales, t * L), gain, H, L)
        sum_over(dbq, sq, H)
        sum_over(dbk, sk, H)
        sum_over(dbv, sv, H)
        sum_over(dgain, sg, H)
        sum_over(dbias, sb, H)

    def after(addresses, T, K, first, step, H, F, L, B, keep, ends):  # type: ignore[no-untyped-def]
        x, o, hat, scales = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        hidden, final, final_scales = floats(addresses[4]), floats(addresses[5]), floats(addresses[6])
        ys = floats(addresses[7])
        Wo, bo, W1, b1 = floats(addresses[8]), floats(addresses[9]), floats(addresses[10]), floats(addresses[11])
        W2, b2, gf, bf = floats(addresses[12]), floats(addresses[13]), floats(addresses[14]), floats(addresses[15])
        gy, by, room, size = floats(addresses[16]), floats(addresses[17]), addresses[18], H * L
        row = (H + WIDTH - 1) // WIDTH * WIDTH
        n, y, out = floats(room), floats(room + 4 * size), floats(room + 8 * size)
        clear(ys, T * B * row)
        for i in range(K):
            t, at, wide = first + i * step, i * size, keep * i * F * L
            add_bias((y, 0), (x, t * size), bo, H, L)
            add_affine((y, 0), H, Wo, H, (o, at), L)
            normalise((hat, at), (scales, i * L), (y, 0), H, L)
            rescale((n, 0), (hat, at), gf, bf, H, L)
            affine((hidden, wide), F, b1, W1, H, (n, 0), L)
            _rectify(hidden, wide, F * L)
            add_bias((out, 0), (y, 0), b2, H, L)
            add_affine((out, 0), H, W2, F, (hidden, wide), L)
            if ends:
                normalise((final, at), (final_scales, i * L), (out, 0), H, L)
                rescale((out, 0), (final, at), gy, by, H, L)
            to_rows((ys, t * B * row), row, (out, 0), L, H, B)

    def after_back(addresses, T, K, first, step, H, F, L, B, ends):  # type: ignore[no-untyped-def]
        dys, o, hat, scales = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        hidden, final, final_scales = floats(addresses[4]), floats(addresses[5]), floats(addresses[6])
        Wo, W1, W2 = floats(addresses[7]), floats(addresses[8]), floats(addresses[9])
        gf, bf, gy = floats(addresses[10]), floats(addresses[11]), floats(addresses[12])
        dx, do = floats(addresses[13]), floats(addresses[14])
        dWo, dW1, dW2 = floats(addresses[15]), floats(addresses[16]), floats(addresses[17])
        dbo, db1, db2 = floats(addresses[18]), floats(addresses[19]), floats(addresses[20])
        dgf, dbf, dgy, dby = floats(addresses[21]), floats(addresses[22]), floats(addresses[23]), floats(addresses[24])
        sums, zeros, room = addresses[25], floats(addresses[26]), addresses[27]
        row, size = (H + WIDTH - 1) // WIDTH * WIDTH, H * L
        n, d, wide = floats(room), floats(room + 4 * size), floats(room + 8 * size)
        rows = floats(room + 4 * (2 * size + F * L))
        one = 4 * H * WIDTH
        so, s2, sgf, sbf = floats(sums), floats(sums + one), floats(sums + 2 * one), floats(sums + 3 * one)
        sgy, sby, s1 = floats(sums + 4 * one), floats(sums + 5 * one), floats(sums + 6 * one)
        clear(rows, B * row)
        clear(dx, T * size)
        clear(so, (6 * H + F) * WIDTH)
        clear(dWo, H * row)
        clear(dW1, F * row)
        clear(dW2, F * row)
        for i in range(K):
            t, at = first + i * step, i * size
            to = t * size
            if ends:
                to_lanes((d, 0), L, (dys, t * B * row), row, H, B)
                normalise_back((dx, to), sgy, sby, (d, 0), (final, at), (final_scales, i * L), gy, H, L)
            else:
                to_lanes((dx, to), L, (dys, t * B * row), row, H, B)
            to_rows((rows, 0), row, (dx, to), L, H, B)
            add_outer(dW2, F, row, (hidden, i * F * L), L, rows, B)
            add_lanes(s2, (dx, to), H, L)
            affine((wide, 0), F, zeros, W2, H, (dx, to), L)
            _rectify_back(wide, hidden, i * F * L, F * L)
            rescale((n, 0), (hat, at), gf, bf, H, L)
            to_rows((rows, 0), row, (n, 0), L, H, B)
            add_outer(dW1, F, row, (wide, 0), L, rows, B)
            add_lanes(s1, (wide, 0), F, L)
            affine((d, 0), H, zeros, W1, F, (wide, 0), L)
            normalise_back((dx, to), sgf, sbf, (d, 0), (hat, at), (scales, i * L), gf, H, L)
            to_rows((rows, 0), row, (dx, to), L, H, B)
            add_outer(dWo, H, row, (o, at), L, rows, B)
            add_lanes(so, (dx, to), H, L)
            affine((do, at), H, zeros, Wo, H, (dx, to), L)
        sum_over(dbo, so, H)
        sum_over(db1, s1, F)
        sum_over(db2, s2, H)
        sum_over(dgf, sgf, H)
        sum_over(dbf, sbf, H)
        if ends:
            sum_over(dgy, sgy, H)
            sum_over(dby, sby, H)

    return Halves(
        compiled(ahead, 15, 1, 6),
        compiled(ahead_back, 22, 1, 7),
        compiled(after, 19, 1, 10),
        compiled(after_back, 28, 1, 9),
    )
