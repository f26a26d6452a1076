"""The plain network of `cells/rnn.py` as one fused scan.

Forward, at each step and for one tile of batch rows x two vectors of units: the sums in registers, from the bias,
the input and the last output, and the activation right on them.

Backward, with d meaning dloss/d and da what goes back to the sums, starting from dh' = dys and da' of the next step:

    da = (dh' + da' U^T) * (1 - h'^2), or * (h' > 0) for relu      dU += h^T da      dW += x^T da      db += da
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from rnnbench.cells.rnn import Cell
from rnnbench.kernels import _scan
from rnnbench.kernels._compile import compiled
from rnnbench.kernels._panels import (
    add_by_token,
    add_products,
    clear,
    look_up,
    pack,
    pack_transposed,
    send_back,
    unpack,
)
from rnnbench.kernels._scan import vectors
from rnnbench.kernels._vector import (
    ROWS,
    WIDTH,
    floats,
    integers,
    load,
    positive,
    prefetch,
    product,
    relu,
    splat,
    store,
    tanh,
)

if TYPE_CHECKING:
    from torch import Tensor


def serves(cell: Cell) -> bool:
    """Every plain network but a leaky one."""
    return cell.leak is False


def scan(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I), float32 on the CPU, or tokens (T, B, 1) -> ys (T, B, H); p as in `cell.shapes`."""
    return _scan.scan(fused(cell), cell, p, xs)


def warm(cell: Cell) -> None:
    """Compile the scan of this cell's switches, or load it from the disk."""
    fused(cell)


def fused(cell: Cell) -> _scan.Fused:
    """The compiled scan of this cell's switches."""
    return _fused(cell.activation == "tanh")


@cache
def _fused(is_tanh: bool) -> _scan.Fused:
    def forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep):  # type: ignore[no-untyped-def]
        N, K = (H + WIDTH - 1) // WIDTH, 1 + I + H
        width, pair = N * WIDTH, 2 * WIDTH
        b_, W, U = floats(parameters[0]), floats(parameters[1]), floats(parameters[2])
        dense = I if tokens == 0 else 0  # how many numbers of an input are multiplied
        xs, tokens, hs, panels = floats(xs), integers(tokens), floats(hs), floats(scratch)
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
                            store(hs, at, tanh(a) if is_tanh else relu(a))
                    b += rows

    def backward(parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps):  # type: ignore[no-untyped-def]
        N, K, with_dxs = (H + WIDTH - 1) // WIDTH, 1 + I + H, dxs != 0
        width, pair = N * WIDTH, 2 * WIDTH
        back_size, back_x_size = (N + 1) // 2 * pair * width, (I + pair - 1) // pair * pair * width
        dense, answered, tokens = tokens == 0, integers(answered), integers(tokens)
        dys, xs, hs, dxs, back = floats(dys), floats(xs), floats(hs), floats(dxs), floats(scratch)
        scratch += 4 * back_size
        back_x = floats(scratch)
        scratch += 4 * back_x_size
        d = floats(scratch)  # (steps, B, N, WIDTH), what one stretch of steps sends back to its sums
        scratch += 4 * steps * B * width
        dweights, dw_x, dw_h = floats(scratch), floats(scratch + 4 * width), floats(scratch + 4 * (1 + I) * width)
        scratch += 4 * K * width
        by_token = floats(scratch)
        scratch += 4 * I * width
        one, zero = floats(scratch), floats(scratch + 4 * WIDTH)
        store(one, 0, splat(1.0))
        clear(zero, pair)
        clear(back, back_size + back_x_size)
        clear(dweights, K * width)
        pack_transposed(back, width, 0, 1, 0, floats(parameters[2]), H, H)
        if with_dxs:
            pack_transposed(back_x, width, 0, 1, 0, floats(parameters[1]), I, H)
        end = T
        while end > 0:
            begin = (end - 1) // steps * steps
            for t in range(end - 1, begin - 1, -1):
                later = (t + 1 - begin) % steps * B * width  # where the next step's d lies
                slot, before = answered[t] * B * width, answered[max(t - 1, 0)] * B * width  # rows of dys
                for n in range(0, N, 2):
                    b = 0
                    while b < B:
                        column = b * width + n * WIDTH
                        out = (t - begin) * B * width + column
                        term = (d, later + b * width, width, 1, width * (t + 1 < T), back, n * WIDTH * width, pair)
                        if n + 2 <= N:
                            rows = product(2, B - b, (d, out, width), (dys, slot + column, width), (term,))
                        else:
                            rows = product(1, B - b, (d, out, width), (dys, slot + column, width), (term,))
                        for r in range(rows):
                            for m in range(min(2, N - n)):
                                vector = r * width + m * WIDTH
                                prefetch(dys, before + column + vector)  # what the step before will want
                                prefetch(hs, (t - 1) * B * width + column + vector)
                                h = load(hs, (t + 1) * B * width + column + vector)
                                slope = 1.0 - h * h if is_tanh else positive(h)
                                store(d, out + vector, load(d, out + vector) * slope)
                        b += rows
            first, taken = begin * B, (end - begin) * B
            add_products(dweights, 0, 1, N, width, one, 0, 0, d, 0, taken)
            if dense:
                add_products(dweights, width, I, N, width, xs, first * I, I, d, 0, taken)
            else:
                add_by_token(dweights, width, I, tokens, first, d, taken, width, by_token)
            add_products(dweights, (1 + I) * width, H, N, width, hs, first * width, width, d, 0, taken)
            if with_dxs:
                send_back(dxs, first, taken, I, d, width, back_x, zero)
            end = begin
        unpack(floats(dparameters[0]), 1, H, dweights, width, 0, 1, 0)
        unpack(floats(dparameters[1]), I, H, dw_x, width, 0, 1, 0)
        unpack(floats(dparameters[2]), H, H, dw_h, width, 0, 1, 0)

    def forward_scratch(B: int, I: int, H: int) -> int:
        return (1 + I + H) * (vectors(H) + 1) * WIDTH

    def backward_scratch(B: int, I: int, H: int, steps: int) -> int:
        pairs = (vectors(H) + 1) // 2 + (vectors(I) + 1) // 2
        return (2 * pairs * WIDTH + steps * B + 1 + 2 * I + H) * vectors(H) * WIDTH + (3 + 2 * ROWS) * WIDTH

    functions = compiled(forward, 3, 1, 10), compiled(backward, 3, 2, 13)
    return _scan.Fused(("b", "W", "U"), *functions, 0, forward_scratch, backward_scratch)
