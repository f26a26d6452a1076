"""The LSTM of `cells/lstm.py` as one fused scan, every switch decided when it is compiled.

Forward, at each step and for one tile of batch rows x WIDTH units: the sums of all gates in registers, from the
bias, the input and the last output at once, and the cell's pointwise equations right on them.

Backward, with d meaning dloss/d, starting from dh = dys and what the next step sent back:

    do = dh * tanh(c') * o (1 - o)             dc' += dh * o * (1 - tanh(c')^2) + po * do
    df = dc' * c * f (1 - f)                   di = dc' * g * i (1 - i)              dg = dc' * i * (1 - g^2)
    coupled, i = 1 - f:                        df = dc' * (c - g) * f (1 - f)
    dc = dc' * f + pf * df + pi * di           dh = di Ui^T + df Uf^T + do Uo^T + dg Ug^T
    dUk += h^T dk       dWk += x^T dk          dbk += dk          dpi += c * di      dpf += c * df      dpo += c' * do

The weights' gradients are summed over several steps at once, while what those steps sent back is in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnbench.cells.lstm import Cell
from rnnbench.kernels import scan as scans
from rnnbench.kernels.compile import compiled
from rnnbench.kernels.maths import sigmoid, tanh
from rnnbench.kernels.panels import add_by_token, add_products, clear, look_up, pack, pack_transposed, send_back, unpack
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.vector import ROWS, WIDTH, floats, inlined, integers, load, prefetch, product, splat, store

if TYPE_CHECKING:
    from torch import Tensor


class Switches(NamedTuple):
    """What a specialisation depends on: which gates have parameters, and what else they do."""

    i: bool
    f: bool
    o: bool
    coupled: bool
    peepholes: bool
    tanh_g: bool
    tanh_c: bool


def serves(cell: Cell) -> bool:
    """Every cell but one whose gates see the last step's gates."""
    return not cell.gate_recurrence


def scan(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I), float32 on the CPU, or tokens (T, B, 1) -> ys (T, B, H); p as in `cell.shapes`."""
    return scans.scan(fused(cell), cell, p, xs)


def warm(cell: Cell) -> None:
    """Compile the scan of this cell's switches, or load it from the disk."""
    fused(cell)


def fused(cell: Cell) -> scans.Fused:
    """The compiled scan of this cell's switches."""
    return _fused(_switches(cell))


def _switches(cell: Cell) -> Switches:
    return Switches(
        *("i" in cell.gates, "f" in cell.gates, "o" in cell.gates, cell.coupled_gates, cell.peepholes),
        *(cell.candidate_activation == "tanh", cell.output_activation == "tanh"),
    )


@inlined
def _step(s: Any, kept: Any, z: Any, c: Any, p: Any, peephole: Any) -> Any:
    """One vector of units: the gates' sums at kept[z] become gates, behind which c is kept; returns h' and c'."""
    at_f, at_o = s.i * WIDTH, (s.i + s.f) * WIDTH
    at_g, at_c = at_o + s.o * WIDTH, at_o + (s.o + 1) * WIDTH
    i, f, o = splat(1.0), splat(1.0), splat(1.0)
    if s.i:
        i = load(kept, z)
        if s.peepholes:
            i = i + c * load(p, peephole)
        i = sigmoid(i)
        store(kept, z, i)
    if s.f:
        f = load(kept, z + at_f)
        if s.peepholes:
            f = f + c * load(p, peephole + at_f)
        f = sigmoid(f)
        store(kept, z + at_f, f)
    if s.coupled:
        i = 1.0 - f
    g = load(kept, z + at_g)
    if s.tanh_g:
        g = tanh(g)
        store(kept, z + at_g, g)
    store(kept, z + at_c, c)
    c = f * c + i * g
    if s.o:
        o = load(kept, z + at_o)
        if s.peepholes:
            o = o + c * load(p, peephole + at_o)
        o = sigmoid(o)
        store(kept, z + at_o, o)
    return (o * tanh(c) if s.tanh_c else o * c), c


@inlined
def _step_back(s: Any, kept: Any, z: Any, dh: Any, dc: Any, d: Any, at: Any, p: Any, dp: Any, peephole: Any) -> Any:
    """One vector of units: dh and dc' become the gradients of the gates' sums at d[at]; returns dc."""
    at_f, at_o = s.i * WIDTH, (s.i + s.f) * WIDTH
    at_g, at_c = at_o + s.o * WIDTH, at_o + (s.o + 1) * WIDTH
    i, f = splat(1.0), splat(1.0)
    if s.i:
        i = load(kept, z)
    if s.f:
        f = load(kept, z + at_f)
    if s.coupled:
        i = 1.0 - f
    g, c = load(kept, z + at_g), load(kept, z + at_c)
    c_new = f * c + i * g
    out = tanh(c_new) if s.tanh_c else c_new
    if s.o:
        o = load(kept, z + at_o)
        do = dh * out * o * (1.0 - o)
        store(d, at + at_o, do)
        dh = dh * o
        if s.peepholes:
            dc = dc + do * load(p, peephole + at_o)
            store(dp, peephole + at_o, load(dp, peephole + at_o) + do * c_new)
    dc = dc + (dh * (1.0 - out * out) if s.tanh_c else dh)
    dg = dc * i * (1.0 - g * g) if s.tanh_g else dc * i
    store(d, at + at_g, dg)
    dc_old = dc * f
    if s.f:
        df = dc * (c - g if s.coupled else c) * f * (1.0 - f)
        store(d, at + at_f, df)
        if s.peepholes:
            dc_old = dc_old + df * load(p, peephole + at_f)
            store(dp, peephole + at_f, load(dp, peephole + at_f) + df * c)
    if s.i:
        di = dc * g * i * (1.0 - i)
        store(d, at, di)
        if s.peepholes:
            dc_old = dc_old + di * load(p, peephole)
            store(dp, peephole, load(dp, peephole) + di * c)
    return dc_old


@cache
def _fused(s: Switches) -> scans.Fused:
    letters = "i" * s.i + "f" * s.f + "o" * s.o
    names = tuple(f"{kind}{k}" for k in letters + "g" for kind in "bWU")
    names += tuple(f"p{k}" for k in letters) if s.peepholes else ()
    G, P, S = len(letters) + 1, len(letters) if s.peepholes else 0, len(letters) + 2

    def forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep):  # type: ignore[no-untyped-def]
        N, K = (H + WIDTH - 1) // WIDTH, 1 + I + H
        width, row, slots = N * WIDTH, G * WIDTH, S * WIDTH
        dense = I if tokens == 0 else 0  # how many numbers of an input are multiplied
        xs, tokens, hs, kept, panels = floats(xs), integers(tokens), floats(hs), floats(kept), floats(scratch)
        p, cs = floats(scratch + 4 * K * G * width), floats(scratch + 4 * (K * G + P) * width)
        for g in range(G):
            pack(panels, G, K, 0, G, g, floats(parameters[3 * g]), 1, H)
            pack(panels, G, K, 1, G, g, floats(parameters[3 * g + 1]), I, H)
            pack(panels, G, K, 1 + I, G, g, floats(parameters[3 * g + 2]), H, H)
        for g in range(P):
            pack(p, P, 1, 0, P, g, floats(parameters[3 * G + g]), 1, H)
        clear(cs, B * width)
        clear(hs, B * width)
        for t in range(T):
            for n in range(N):
                bias = n * K * row
                if dense < I:
                    z = (t * keep * N + n) * B * slots
                    look_up(kept, z, slots, G, tokens, t * B, B, panels, bias, row)
                b = 0
                while b < B:
                    z, at = ((t * keep * N + n) * B + b) * slots, t * B + b
                    start = (panels, bias, 0) if dense else (kept, z, slots)
                    x = (xs, at * I, I, 1, dense, panels, bias + row, row)
                    h = (hs, at * width, width, 1, H, panels, bias + (1 + I) * row, row)
                    rows = product(G, B - b, (kept, z, slots), start, (x, h))
                    for r in range(rows):
                        at = (b + r) * width + n * WIDTH
                        h_new, c = _step(s, kept, z + r * slots, load(cs, at), p, n * P * WIDTH)
                        store(cs, at, c)
                        store(hs, (t + 1) * B * width + at, h_new)
                    b += rows

    def backward(parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps):  # type: ignore[no-untyped-def]
        N, K, with_dxs = (H + WIDTH - 1) // WIDTH, 1 + I + H, dxs != 0
        width, depth, slots, pair = N * WIDTH, N * G * WIDTH, S * WIDTH, 2 * WIDTH
        back_size, back_x_size = (N + 1) // 2 * pair * depth, (I + pair - 1) // pair * pair * depth
        dense, answered, tokens = tokens == 0, integers(answered), integers(tokens)
        dys, xs, hs, kept, dxs, back = floats(dys), floats(xs), floats(hs), floats(kept), floats(dxs), floats(scratch)
        scratch += 4 * back_size
        back_x = floats(scratch)
        scratch += 4 * back_x_size
        d = floats(scratch)  # (steps, B, N, G, WIDTH), what one stretch of steps sends back to its gates' sums
        scratch += 4 * steps * B * depth
        dweights = floats(scratch)  # (K, N, G, WIDTH): b, W, U
        dw_x, dw_h = scratch + 4 * depth, scratch + 4 * (1 + I) * depth
        scratch += 4 * K * depth
        by_token = floats(scratch)
        scratch += 4 * I * depth
        dcs = floats(scratch)
        scratch += 4 * B * width
        p, dp, dp_step = floats(scratch), floats(scratch + 4 * P * width), floats(scratch + 8 * P * width)
        scratch += 12 * P * width
        one, zero, dhs = floats(scratch), floats(scratch + 4 * WIDTH), floats(scratch + 12 * WIDTH)
        store(one, 0, splat(1.0))
        clear(zero, pair)
        clear(back, back_size + back_x_size)
        for g in range(G):
            if with_dxs:
                pack_transposed(back_x, depth, 0, G, g, floats(parameters[3 * g + 1]), I, H)
            pack_transposed(back, depth, 0, G, g, floats(parameters[3 * g + 2]), H, H)
        for g in range(P):
            pack(p, P, 1, 0, P, g, floats(parameters[3 * G + g]), 1, H)
        clear(dweights, K * depth)
        clear(dcs, B * width)
        clear(dp, 2 * P * width)
        end = T
        while end > 0:
            begin = (end - 1) // steps * steps
            for t in range(end - 1, begin - 1, -1):
                later = (t + 1 - begin) % steps * B * depth  # where the next step's d lies
                slot, before = answered[t] * B * width, answered[max(t - 1, 0)] * B * width  # rows of dys
                for n in range(0, N, 2):
                    b = 0
                    while b < B:
                        start = (dys, slot + b * width + n * WIDTH, width)
                        term = (d, later + b * depth, depth, 1, depth * (t + 1 < T), back, n * WIDTH * depth, pair)
                        if n + 2 <= N:
                            rows = product(2, B - b, (dhs, 0, pair), start, (term,))
                        else:
                            rows = product(1, B - b, (dhs, 0, pair), start, (term,))
                        for m in range(n, min(n + 2, N)):
                            for r in range(rows):
                                z = ((t * N + m) * B + b + r) * slots
                                at = (b + r) * width + m * WIDTH
                                for k in range(S):  # what the step before will want
                                    prefetch(kept, z - N * B * slots + k * WIDTH)
                                prefetch(dys, before + at)
                                prefetch(hs, (t - 1) * B * width + at)
                                d_at = ((t - begin) * B + b + r) * depth + m * G * WIDTH
                                dh, dc = load(dhs, r * pair + (m - n) * WIDTH), load(dcs, at)
                                dc = _step_back(s, kept, z, dh, dc, d, d_at, p, dp_step, m * P * WIDTH)
                                store(dcs, at, dc)
                        b += rows
                for m in range(0, P * width, WIDTH):  # a sum of sums: less is lost in rounding
                    store(dp, m, load(dp, m) + load(dp_step, m))
                    store(dp_step, m, splat(0.0))
            first, taken = begin * B, (end - begin) * B
            add_products(dweights, 0, 1, N * G, depth, one, 0, 0, d, 0, taken)
            if dense:
                add_products(dweights, depth, I, N * G, depth, xs, first * I, I, d, 0, taken)
            else:
                add_by_token(dweights, depth, I, tokens, first, d, taken, depth, by_token)
            add_products(dweights, (1 + I) * depth, H, N * G, depth, hs, first * width, width, d, 0, taken)
            if with_dxs:
                send_back(dxs, first, taken, I, d, depth, depth, back_x, zero)
            end = begin
        for g in range(G):
            unpack(floats(dparameters[3 * g]), 1, H, dweights, depth, 0, G, g)
            unpack(floats(dparameters[3 * g + 1]), I, H, floats(dw_x), depth, 0, G, g)
            unpack(floats(dparameters[3 * g + 2]), H, H, floats(dw_h), depth, 0, G, g)
        for g in range(P):
            unpack(floats(dparameters[3 * G + g]), 1, H, dp, 0, 0, P, g)

    def forward_scratch(B: int, I: int, H: int) -> int:
        return ((1 + I + H) * G + P + B) * vectors(H) * WIDTH

    def backward_scratch(B: int, I: int, H: int, steps: int) -> int:
        N, pairs = vectors(H), (vectors(H) + 1) // 2 + (vectors(I) + 1) // 2
        depth = N * G * WIDTH
        return (
            (2 * pairs * WIDTH + steps * B + 1 + 2 * I + H) * depth + (B + 3 * P) * N * WIDTH + (3 + 2 * ROWS) * WIDTH
        )

    return scans.Fused(
        names,
        compiled(forward, len(names), 1, 10),
        compiled(backward, len(names), 2, 13),
        S,
        forward_scratch,
        backward_scratch,
    )
