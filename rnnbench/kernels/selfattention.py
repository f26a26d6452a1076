"""Self-attention of several heads over steps, forward and back, for one run on a CPU whose examples lie in lanes.

    o_t = sum over s of p_ts v_s        p_ts = exp(q_t k_s / sqrt(D) - slope |t - s| - m_t) / l_t        D = H / heads

with s up to t where it is causal, m_t the largest of the scores and l_t the sum of the exponentials: by blocks of steps
(Milakov and Gimelshein, 2018; Dao et al., 2022), so that scores of more than a few steps at a time lie nowhere. The way
back computes them again from m and 1 / l. A rotation turns pairs of units of q and k by the angles of their steps (Su
et al., 2021), `slope` is ALiBi's (Press et al., 2022).

Values are (T, H, L) as in `lanes`; queries are of K of the T steps, first + i * step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.loans import Loan
from rnnbench.kernels.maths import decay
from rnnbench.kernels.panels import clear
from rnnbench.kernels.tiles import lane_product
from rnnbench.kernels.vector import WIDTH, floats, fma, load, shared, splat, store, where_gt

QUERIES, KEYS = 8, 32  # steps of a block: their scores stay in the first-level cache
LOWEST = -3e38  # of no score yet
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """What attention over T steps kept for its way back: the largest score and 1 / the sum of the exponentials, each
    (heads, K, L), and what it turned by."""

    largest: Floats
    share: Floats
    turns: tuple[Floats, Floats] | None


class SelfAttention:
    """Attention of several heads, with ALiBi's slopes (heads,) or without."""

    def __init__(self, heads: int, causal: bool, slopes: Floats | None) -> None:
        self.heads, self.causal, self.slopes, self.functions = heads, causal, slopes, _functions()

    def forward(
        self, q: Floats, k: Floats, v: Floats, steps: range, turns: tuple[Floats, Floats] | None
    ) -> tuple[Floats, Seen]:
        """o (K, H, L) of the steps that ask, and what the way back needs; `turns`, the cos and sin (T, D / 2) of what
        each step is turned by, or None."""
        (K, H, L), T, heads = q.shape, len(k), self.heads
        o, largest, share = (Loan(*shape).array for shape in ((K, H, L), (heads, K, L), (heads, K, L)))
        seen = Seen(largest, share, turns)
        row = H // heads * WIDTH
        work = Loan((K + 2 * T + QUERIES) * row + (QUERIES * KEYS + 2 * QUERIES + 1) * WIDTH)
        self._call(0, (q, k, v, o, largest, share), seen, work, steps)
        return o, seen

    def back(
        self, do: Floats, q: Floats, k: Floats, v: Floats, o: Floats, seen: Seen, steps: range
    ) -> tuple[Floats, Floats, Floats]:
        """The gradients of q, k and v."""
        (K, H, _), T = q.shape, len(k)
        dq, dk, dv = (Loan(*each.shape).array for each in (q, k, v))
        row = H // self.heads * WIDTH
        work = Loan((3 * K + 4 * T) * row + (2 * QUERIES * KEYS + QUERIES + 1) * WIDTH)
        self._call(1, (q, k, v, o, seen.largest, seen.share, do, dq, dk, dv), seen, work, steps)
        return dq, dk, dv

    def _call(self, way: int, arrays: Sequence[Floats], seen: Seen, work: Loan, steps: range) -> None:
        T, H, L = arrays[1].shape
        scale = np.array([1 / math.sqrt(H // self.heads)], np.float32)
        slopes = scale if self.slopes is None else self.slopes
        addresses = tuple(each.ctypes.data for each in (*arrays, *(seen.turns or (scale, scale)), slopes, scale))
        flags = int(self.causal), int(seen.turns is not None), int(self.slopes is not None)
        self.functions[way](
            (*addresses, work.address), len(steps), T, steps.start, steps.step, H, self.heads, L, *flags
        )


def warm() -> None:
    """Compile all of it, or load it from the disk."""
    _functions()


# A table of what one head and one vector of examples have at some steps is (steps, D) vectors, one after the other.
# Which steps: (count, first, step). Where a head's values lie among all: (array, index, H * L, L, D).


@shared
def _take(out: Any, x: Any, steps: Any, scale: Any, turns: Any) -> None:
    """A head's values as a table, times scale, and turned by the angles of their steps where there are `turns`."""
    (count, first, step), (cos, sin, turn), (values, at, x_step, L, D) = steps, turns, x
    for i in range(count):
        a, to, angle = at + i * x_step, i * D * WIDTH, (first + i * step) * (D // 2)
        if turn:
            for d in range(D // 2):
                c, s = splat(cos[angle + d] * scale), splat(sin[angle + d] * scale)
                one, two, place = load(values, a + 2 * d * L), load(values, a + (2 * d + 1) * L), to + 2 * d * WIDTH
                store(out, place, one * c - two * s)
                store(out, place + WIDTH, one * s + two * c)
        else:
            for d in range(D):
                store(out, to + d * WIDTH, load(values, a + d * L) * splat(scale))


@shared
def _give(x: Any, table: Any, steps: Any, scale: Any, turns: Any) -> None:
    """The way back of `_take`: a table of gradients to a head's."""
    (count, first, step), (cos, sin, turn), (values, at, x_step, L, D) = steps, turns, x
    for i in range(count):
        a, to, angle = i * D * WIDTH, at + i * x_step, (first + i * step) * (D // 2)
        if turn:
            for d in range(D // 2):
                c, s, place = splat(cos[angle + d] * scale), splat(sin[angle + d] * scale), a + 2 * d * WIDTH
                one, two = load(table, place), load(table, place + WIDTH)
                store(values, to + 2 * d * L, one * c + two * s)
                store(values, to + (2 * d + 1) * L, two * c - one * s)
        else:
            for d in range(D):
                store(values, to + d * L, load(table, a + d * WIDTH) * splat(scale))


@shared
def _multiply(out: Any, start: Any, a: Any, b: Any, rows: Any, columns: Any, depth: Any) -> None:
    """out[r, n] = start[r, n] + sum over k of a[r, k] * b[n, k], vectors all of them; each is (array, index, step from
    row to row, step from column to column), of b from n to n and from k to k."""
    n = 0
    while n < columns:
        left, r = columns - n, 0
        while r < rows:
            place = (out[0], out[1] + r * out[2] + n * out[3], out[2], out[3])
            begin = (start[0], start[1] + r * start[2] + n * start[3], start[2], start[3])
            term = (a[0], a[1] + r * a[2], a[2], a[3], depth, b[0], b[1] + n * b[2], b[2], b[3])
            if left == 1:
                r += lane_product(1, rows - r, place, begin, term)
            elif left == 2 or left == 4:
                r += lane_product(2, rows - r, place, begin, term)
            else:
                r += lane_product(3, rows - r, place, begin, term)
        n += 1 if left == 1 else 2 if left == 2 or left == 4 else 3


@shared
def _seen(t: Any, s: Any, count: Any, causal: Any) -> Any:
    """How many of `count` keys from step s on the query of step t sees."""
    return max(0, min(count, t + 1 - s)) if causal else count


@shared
def _lean(scores: Any, at: Any, count: Any, apart: Any, slope: Any) -> None:
    """ALiBi: scores of `count` keys, the first `apart` steps before the query, less the slope times the distance."""
    for n in range(count):
        store(scores, at + n * WIDTH, load(scores, at + n * WIDTH) - splat(slope * abs(apart - n)))


@shared
def _weigh(scores: Any, at: Any, seen: Any, count: Any, most: Any, total: Any, mean: Any, row: Any) -> None:
    """A query's scores of `count` keys become exponentials, of those that it sees, and what it had of earlier keys
    shrinks as the largest score grows."""
    old, end = load(most[0], most[1]), at + seen * WIDTH
    highest = old
    for n in range(at, end, WIDTH):
        score = load(scores, n)
        highest = where_gt(score, highest, score, highest)
    less = decay(old - highest)
    store(most[0], most[1], highest)
    added = load(total[0], total[1]) * less
    for n in range(at, end, WIDTH):
        p = decay(load(scores, n) - highest)
        store(scores, n, p)
        added = added + p
    store(total[0], total[1], added)
    _clear(scores, end, at + count * WIDTH)
    for d in range(mean[1], mean[1] + row, WIDTH):
        store(mean[0], d, load(mean[0], d) * less)


@shared
def _clear(out: Any, start: Any, end: Any) -> None:
    """Zeros from one place to another, a whole number of vectors of them."""
    for n in range(start, end, WIDTH):
        store(out, n, splat(0.0))


@cache
def _functions() -> tuple[Callable[..., None], Callable[..., None]]:
    def forward(addresses, K, T, first, step, H, heads, L, causal, turn, slope):  # type: ignore[no-untyped-def]
        q, k, v, o = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        largest, share, slopes, scale = floats(addresses[4]), floats(addresses[5]), floats(addresses[8]), addresses[9]
        cos, sin, scale, one = floats(addresses[6]), floats(addresses[7]), floats(scale)[0], np.float32(1)
        D, line, queries = H // heads, KEYS * WIDTH, floats(addresses[10])
        row, work = D * WIDTH, addresses[10] + 4 * K * D * WIDTH
        keys, values, mean = floats(work), floats(work + 4 * T * row), floats(work + 8 * T * row)
        work += 8 * T * row + 4 * QUERIES * row
        scores, most = floats(work), floats(work + 4 * QUERIES * line)
        work += 4 * QUERIES * (line + WIDTH)
        total, zero = floats(work), (floats(work + 4 * QUERIES * WIDTH), 0, 0, 0)
        store(zero[0], 0, splat(0.0))
        ask, every = (K, first, step), (T, 0, 1)
        for h in range(heads):
            for at in range(h * D * L, h * D * L + L, WIDTH):
                lane = at - h * D * L
                _take(queries, (q, at, H * L, L, D), ask, scale, (cos, sin, turn))
                _take(keys, (k, at, H * L, L, D), every, one, (cos, sin, turn))
                _take(values, (v, at, H * L, L, D), every, one, (cos, sin, 0))
                for i in range(0, K, QUERIES):
                    rows = min(QUERIES, K - i)
                    clear(mean, rows * row)
                    clear(total, rows * WIDTH)
                    for r in range(rows):
                        store(most, r * WIDTH, splat(LOWEST))
                    last = first + (i + rows - 1) * step
                    for s in range(0, _seen(last, 0, T, causal), KEYS):
                        count = _seen(last, s, min(KEYS, T - s), causal)
                        place = (scores, 0, line, WIDTH)
                        _multiply(
                            place, zero, (queries, i * row, row, WIDTH), (keys, s * row, row, WIDTH), rows, count, D
                        )
                        for r in range(rows):
                            t = first + (i + r) * step
                            seen = _seen(t, s, count, causal)
                            if slope:
                                _lean(scores, r * line, seen, t - s, slopes[h])
                            _weigh(
                                scores,
                                r * line,
                                seen,
                                count,
                                (most, r * WIDTH),
                                (total, r * WIDTH),
                                (mean, r * row),
                                row,
                            )
                        _multiply(
                            (mean, 0, row, WIDTH),
                            (mean, 0, row, WIDTH),
                            place,
                            (values, s * row, WIDTH, row),
                            rows,
                            D,
                            count,
                        )
                    for r in range(rows):
                        part, to = 1.0 / load(total, r * WIDTH), (h * K + i + r) * L + lane
                        store(largest, to, load(most, r * WIDTH))
                        store(share, to, part)
                        for d in range(D):
                            store(o, (i + r) * H * L + at + d * L, load(mean, r * row + d * WIDTH) * part)

    def back(addresses, K, T, first, step, H, heads, L, causal, turn, slope):  # type: ignore[no-untyped-def]
        q, k, v, o = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        largest, share, do = floats(addresses[4]), floats(addresses[5]), floats(addresses[6])
        dq, dk, dv, cos, sin = (
            floats(addresses[7]),
            floats(addresses[8]),
            floats(addresses[9]),
            floats(addresses[10]),
            floats(addresses[11]),
        )
        slopes, scale, one = floats(addresses[12]), floats(addresses[13])[0], np.float32(1)
        D, line, work = H // heads, KEYS * WIDTH, addresses[14]
        row = D * WIDTH
        queries, asked, dqueries = floats(work), floats(work + 4 * K * row), floats(work + 8 * K * row)
        work += 12 * K * row
        keys, values = floats(work), floats(work + 4 * T * row)
        dkeys, dvalues = floats(work + 8 * T * row), floats(work + 12 * T * row)
        work += 16 * T * row
        p, dp, along = floats(work), floats(work + 4 * QUERIES * line), floats(work + 8 * QUERIES * line)
        zero = (floats(work + 8 * QUERIES * line + 4 * QUERIES * WIDTH), 0, 0, 0)
        store(zero[0], 0, splat(0.0))
        ask, every = (K, first, step), (T, 0, 1)
        for h in range(heads):
            for at in range(h * D * L, h * D * L + L, WIDTH):
                lane = at - h * D * L
                _take(queries, (q, at, H * L, L, D), ask, scale, (cos, sin, turn))
                _take(asked, (do, at, H * L, L, D), ask, one, (cos, sin, 0))
                _take(keys, (k, at, H * L, L, D), every, one, (cos, sin, turn))
                _take(values, (v, at, H * L, L, D), every, one, (cos, sin, 0))
                clear(dqueries, K * row)
                clear(dkeys, 2 * T * row)
                for i in range(0, K, QUERIES):
                    rows = min(QUERIES, K - i)
                    for r in range(rows):
                        total = splat(0.0)
                        for d in range(D):
                            value = load(o, (i + r) * H * L + at + d * L)
                            total = fma(load(asked, (i + r) * row + d * WIDTH), value, total)
                        store(along, r * WIDTH, total)
                    last = first + (i + rows - 1) * step
                    for s in range(0, _seen(last, 0, T, causal), KEYS):
                        count = _seen(last, s, min(KEYS, T - s), causal)
                        asks, asked_by = (queries, i * row, row, WIDTH), (asked, i * row, row, WIDTH)
                        _multiply((p, 0, line, WIDTH), zero, asks, (keys, s * row, row, WIDTH), rows, count, D)
                        _multiply((dp, 0, line, WIDTH), zero, asked_by, (values, s * row, row, WIDTH), rows, count, D)
                        for r in range(rows):
                            t, to = first + (i + r) * step, (h * K + i + r) * L + lane
                            seen = _seen(t, s, count, causal)
                            if slope:
                                _lean(p, r * line, seen, t - s, slopes[h])
                            highest, part, less = load(largest, to), load(share, to), load(along, r * WIDTH)
                            for n in range(r * line, r * line + seen * WIDTH, WIDTH):
                                weight = decay(load(p, n) - highest) * part
                                store(p, n, weight)
                                store(dp, n, weight * (load(dp, n) - less))
                            _clear(p, r * line + seen * WIDTH, r * line + count * WIDTH)
                            _clear(dp, r * line + seen * WIDTH, r * line + count * WIDTH)
                        to_values, to_keys = (dvalues, s * row, row, WIDTH), (dkeys, s * row, row, WIDTH)
                        to_query = (dqueries, i * row, row, WIDTH)
                        by_key, by_query = (dp, 0, WIDTH, line), (dp, 0, line, WIDTH)
                        _multiply(
                            to_values, to_values, (p, 0, WIDTH, line), (asked, i * row, WIDTH, row), count, D, rows
                        )
                        _multiply(to_keys, to_keys, by_key, (queries, i * row, WIDTH, row), count, D, rows)
                        _multiply(to_query, to_query, by_query, (keys, s * row, WIDTH, row), rows, D, count)
                _give((dq, at, H * L, L, D), dqueries, ask, scale, (cos, sin, turn))
                _give((dk, at, H * L, L, D), dkeys, every, one, (cos, sin, turn))
                _give((dv, at, H * L, L, D), dvalues, every, one, (cos, sin, 0))

    return compiled(forward, 11, 1, 10), compiled(back, 15, 1, 10)
