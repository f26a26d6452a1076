"""The plain network of `cells/rnn.py` as one fused scan.

Forward, at each step and for one tile of batch rows x two vectors of units: the sums in registers, from the bias,
the input and the last output, and the activation right on them.

Backward, with d meaning dloss/d and da what goes back to the sums, starting from dh' = dys and da' of the next step:

    da = (dh' + da' U^T) * (1 - h'^2), or * (h' > 0) for relu      dU += h^T da      dW += x^T da      db += da

A leaky one, h' = h + a * (n - h), keeps the activation n, and what goes past the sums is carried beside them:

    da = dh' * a * (1 - n^2)          dh = da U^T + dh' * (1 - a)          dba += dh' * (n - h) * a (1 - a)

What a step sends back lies in a row of vectors: da, then, where the leak is learnt, dh' * (n - h).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from rnnbench.cells.rnn import Cell
from rnnbench.kernels import scan as scans
from rnnbench.kernels.compile import compiled
from rnnbench.kernels.maths import sigmoid, tanh
from rnnbench.kernels.panels import add_by_token, add_products, clear, look_up, pack, pack_transposed, send_back, unpack
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.vector import (
    ROWS,
    WIDTH,
    floats,
    integers,
    load,
    positive,
    prefetch,
    product,
    relu,
    shared,
    splat,
    store,
)

if TYPE_CHECKING:
    from torch import Tensor


def serves(cell: Cell) -> bool:
    """Every plain network."""
    return True


def scan(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I), float32 on the CPU, or tokens (T, B, 1) -> ys (T, B, H); p as in `cell.shapes`."""
    return scans.scan(fused(cell), cell, p, xs)


def warm(cell: Cell) -> None:
    """Compile the scan of this cell's switches, or load it from the disk."""
    fused(cell)


def fused(cell: Cell) -> scans.Fused:
    """The compiled scan of this cell's switches."""
    return _fused(cell.activation == "tanh", cell.leak)


@shared
def _fill(leaks: Any, learnt: Any, constant: Any, ba: Any, H: Any) -> None:
    """The leak of each unit, in whole vectors."""
    if learnt:
        pack(leaks, 1, 1, 0, 1, 0, ba, 1, H)
    for n in range(0, H, WIDTH):
        store(leaks, n, sigmoid(load(leaks, n)) if learnt else splat(constant))


@cache
def _fused(is_tanh: bool, leak: bool | float) -> scans.Fused:
    leaky, learnt, constant = leak is not False, leak is True, float(leak)
    D = 1 + learnt  # what is sent back

    def forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep):  # type: ignore[no-untyped-def]
        N, K = (H + WIDTH - 1) // WIDTH, 1 + I + H
        width, pair = N * WIDTH, 2 * WIDTH
        b_, W, U = floats(parameters[0]), floats(parameters[1]), floats(parameters[2])
        dense = I if tokens == 0 else 0  # how many numbers of an input are multiplied
        xs, tokens, hs, kept, panels = floats(xs), integers(tokens), floats(hs), floats(kept), floats(scratch)
        leaks = floats(scratch + 4 * K * (N + 1) * WIDTH)
        if leaky:
            _fill(leaks, learnt, constant, floats(parameters[2 + learnt]), H)
        pack(panels, 2, K, 0, 1, 0, b_, 1, H)
        pack(panels, 2, K, 1, 1, 0, W, I, H)
        pack(panels, 2, K, 1 + I, 1, 0, U, H, H)
        clear(hs, B * width)
        for t in range(T):
            for n in range(0, N, 2):
                bias = n * K * WIDTH
                if dense < I:
                    out = (t + 1) * B * width + n * WIDTH
                    look_up(hs, out, width, min(2, N - n), tokens, t * B, B, panels, bias, pair)
                b = 0
                while b < B:
                    at = t * B + b
                    out = (at + B) * width + n * WIDTH
                    start = (panels, bias, 0) if dense else (hs, out, width)
                    x = (xs, at * I, I, 1, dense, panels, bias + pair, pair)
                    h = (hs, at * width, width, 1, H, panels, bias + (1 + I) * pair, pair)
                    if n + 2 <= N:
                        rows = product(2, B - b, (hs, out, width), start, (x, h))
                    else:
                        rows = product(1, B - b, (hs, out, width), start, (x, h))
                    for r in range(rows):
                        for m in range(min(2, N - n)):
                            at = out + r * width + m * WIDTH
                            a = load(hs, at)
                            new = tanh(a) if is_tanh else relu(a)
                            if leaky:
                                store(kept, at - (t * (1 - keep) + 1) * B * width, new)
                                old = load(hs, at - B * width)
                                new = old + load(leaks, (n + m) * WIDTH) * (new - old)
                            store(hs, at, new)
                    b += rows

    def backward(parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps):  # type: ignore[no-untyped-def]
        N, K, with_dxs = (H + WIDTH - 1) // WIDTH, 1 + I + H, dxs != 0
        width, depth, pair = N * WIDTH, N * D * WIDTH, 2 * WIDTH
        back_size, back_x_size = (N + 1) // 2 * pair * width, (I + pair - 1) // pair * pair * width
        dense, answered, tokens = tokens == 0, integers(answered), integers(tokens)
        dys, xs, hs, kept, dxs, back = floats(dys), floats(xs), floats(hs), floats(kept), floats(dxs), floats(scratch)
        scratch += 4 * back_size
        back_x = floats(scratch)
        scratch += 4 * back_x_size
        d = floats(scratch)  # (steps, B, D, N, WIDTH), what one stretch of steps sends back to its sums
        scratch += 4 * steps * B * depth
        dweights, dw_x, dw_h = floats(scratch), floats(scratch + 4 * depth), floats(scratch + 4 * (1 + I) * depth)
        scratch += 4 * K * depth
        by_token = floats(scratch)
        scratch += 4 * I * depth
        straights = floats(scratch)  # (B, N, WIDTH), the part of dh that went past the sums
        scratch += 4 * B * width * leaky
        leaks = floats(scratch)
        scratch += 4 * width * leaky
        one, zero = floats(scratch), floats(scratch + 4 * WIDTH)
        if leaky:
            clear(straights, B * width)
            _fill(leaks, learnt, constant, floats(parameters[2 + learnt]), H)
        store(one, 0, splat(1.0))
        clear(zero, pair)
        clear(back, back_size + back_x_size)
        clear(dweights, K * depth)
        pack_transposed(back, width, 0, 1, 0, floats(parameters[2]), H, H)
        if with_dxs:
            pack_transposed(back_x, width, 0, 1, 0, floats(parameters[1]), I, H)
        end = T
        while end > 0:
            begin = (end - 1) // steps * steps
            for t in range(end - 1, begin - 1, -1):
                later = (t + 1 - begin) % steps * B * depth  # where the next step's d lies
                slot, before = answered[t] * B * width, answered[max(t - 1, 0)] * B * width  # rows of dys
                for n in range(0, N, 2):
                    b = 0
                    while b < B:
                        column = b * width + n * WIDTH
                        out = ((t - begin) * B + b) * depth + n * WIDTH
                        term = (d, later + b * depth, depth, 1, width * (t + 1 < T), back, n * WIDTH * width, pair)
                        if n + 2 <= N:
                            rows = product(2, B - b, (d, out, depth), (dys, slot + column, width), (term,))
                        else:
                            rows = product(1, B - b, (d, out, depth), (dys, slot + column, width), (term,))
                        for r in range(rows):
                            for m in range(min(2, N - n)):
                                at, to = column + r * width + m * WIDTH, out + r * depth + m * WIDTH
                                prefetch(dys, before + at)  # what the step before will want
                                prefetch(hs, (t - 1) * B * width + at)
                                dh = load(d, to)
                                if leaky:
                                    prefetch(kept, (t - 1) * B * width + at)
                                    a, new = load(leaks, (n + m) * WIDTH), load(kept, t * B * width + at)
                                    dh = dh + load(straights, at)
                                    store(straights, at, dh * (1.0 - a))
                                    if learnt:
                                        store(d, to + width, dh * (new - load(hs, t * B * width + at)))
                                    dh = dh * a
                                else:
                                    new = load(hs, (t + 1) * B * width + at)
                                store(d, to, dh * (1.0 - new * new if is_tanh else positive(new)))
                        b += rows
            first, taken = begin * B, (end - begin) * B
            add_products(dweights, 0, 1, N * D, depth, one, 0, 0, d, 0, taken)
            if dense:
                add_products(dweights, depth, I, N, depth, xs, first * I, I, d, 0, taken)
            else:
                add_by_token(dweights, depth, I, tokens, first, d, taken, depth, by_token)
            add_products(dweights, (1 + I) * depth, H, N, depth, hs, first * width, width, d, 0, taken)
            if with_dxs:
                send_back(dxs, first, taken, I, d, depth, width, back_x, zero)
            end = begin
        if learnt:
            for n in range(N):
                a, at = load(leaks, n * WIDTH), width + n * WIDTH
                store(dweights, at, load(dweights, at) * a * (1.0 - a))
            unpack(floats(dparameters[3]), 1, H, dweights, depth, N, 1, 0)
        unpack(floats(dparameters[0]), 1, H, dweights, depth, 0, 1, 0)
        unpack(floats(dparameters[1]), I, H, dw_x, depth, 0, 1, 0)
        unpack(floats(dparameters[2]), H, H, dw_h, depth, 0, 1, 0)

    def forward_scratch(B: int, I: int, H: int) -> int:
        return ((1 + I + H) * (vectors(H) + 1) + vectors(H)) * WIDTH

    def backward_scratch(B: int, I: int, H: int, steps: int) -> int:
        pairs = (vectors(H) + 1) // 2 + (vectors(I) + 1) // 2
        rows = 2 * pairs * WIDTH + (steps * B + 1 + 2 * I + H) * D + (B + 1) * leaky
        return rows * vectors(H) * WIDTH + (3 + 2 * ROWS) * WIDTH

    names = ("b", "W", "U", *["ba"] * learnt)
    functions = compiled(forward, len(names), 1, 10), compiled(backward, len(names), 2, 13)
    return scans.Fused(names, *functions, int(leaky), forward_scratch, backward_scratch)
