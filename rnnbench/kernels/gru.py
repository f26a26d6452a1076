"""The GRU of `cells/gru.py` as one fused scan, every switch decided when it is compiled.

Forward, at each step and for one tile of batch rows x WIDTH units: the sums of all gates in registers, from the
bias, the input and the last output, and the cell's pointwise equations right on them. Version v1 sums what n
takes from h apart, m = h Un + cn; version v3 makes two rounds of a step, since n needs all of r * h.

Backward, with d meaning dloss/d, starting from dh' = dys and what the next step sent back:

    dz = dh' * (h - n) * z (1 - z)         dn = dh' * (1 - z) * (1 - n^2)        dh = dh' * z + dr Ur^T + dz Uz^T + ...
    v1:  dr = dn * m * r (1 - r)           dm = dn * r                           ... dm Un^T       dUn += h^T dm
    v3:  dr = e * h * r (1 - r)            e = dn Un^T                           ... e * r         dUn += (r * h)^T dn
    no reset:                                                                    ... dn Un^T       dUn += h^T dn
    dUk += h^T dk     dWk += x^T dk        dbk += dk          dcn += dm

What a step sends back lies in a row of vectors: r and z of each vector of units side by side, then all m, then all n.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnbench.cells.gru import Cell
from rnnbench.kernels import scan as scans
from rnnbench.kernels.compile import compiled
from rnnbench.kernels.maths import sigmoid, tanh
from rnnbench.kernels.panels import add_by_token, add_products, clear, look_up, pack, pack_transposed, send_back, unpack
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.vector import ROWS, WIDTH, floats, inlined, integers, load, prefetch, product, splat, store

if TYPE_CHECKING:
    from torch import Tensor


class Switches(NamedTuple):
    """What a specialisation depends on: the gates, and whether the reset acts after (v1) or before the product."""

    r: bool
    z: bool
    v1: bool
    v3: bool


def serves(cell: Cell) -> bool:
    """Every GRU."""
    return True


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
    r = cell.reset_gate
    return Switches(r, cell.update_gate, r and cell.reset == "v1", r and cell.reset == "v3")


@inlined
def _update(s: Any, kept: Any, at: Any, h: Any, n: Any) -> Any:
    """h' of one vector of units, whose z lies at kept[at]."""
    if s.z:
        z = load(kept, at + s.r * WIDTH)
        return n + z * (h - n)
    return n


@inlined
def _update_back(s: Any, kept: Any, at: Any, h: Any, dh: Any, d: Any, d_rz: Any, d_n: Any) -> Any:
    """dh' of one vector of units becomes dz at d[d_rz] and dn at d[d_n]; returns dn and what dh gets at once."""
    n = load(kept, at + (s.r + s.z) * WIDTH)
    dn, straight = dh, splat(0.0)
    if s.z:
        z = load(kept, at + s.r * WIDTH)
        store(d, d_rz + s.r * WIDTH, dh * (h - n) * z * (1.0 - z))
        dn, straight = dh * (1.0 - z), dh * z
    dn = dn * (1.0 - n * n)
    store(d, d_n, dn)
    return dn, straight


@cache
def _fused(s: Switches) -> scans.Fused:
    letters = "r" * s.r + "z" * s.z + "n"
    names = tuple(f"{kind}{k}" for k in letters for kind in "bWU") + (("cn",) if s.v1 else ())
    Q, Q1 = s.r + s.z, max(s.r + s.z, 1)  # gates that are sigmoids; a tile has at least one column
    G, D, S = Q + 1, Q + 1 + s.v1, Q + 1 + s.v1  # gates; what is sent back; what is kept: r, z, n, m

    def forward(parameters, xs, tokens, hs, kept, scratch, T, B, I, H, keep):  # type: ignore[no-untyped-def]
        N, K = (H + WIDTH - 1) // WIDTH, 2 + I + H
        width, row, slots = N * WIDTH, G * WIDTH, S * WIDTH
        dense = I if tokens == 0 else 0  # how many numbers of an input are multiplied
        xs, tokens, hs, kept, panels = floats(xs), integers(tokens), floats(hs), floats(kept), floats(scratch)
        rhs, sums = floats(scratch + 4 * K * G * width), floats(scratch + 4 * (K * G + B) * width)
        clear(panels, K * G * width)  # row 1 + I holds cn, and zeros for the other gates
        for g in range(G):
            pack(panels, G, K, 0, G, g, floats(parameters[3 * g]), 1, H)
            pack(panels, G, K, 1, G, g, floats(parameters[3 * g + 1]), I, H)
            pack(panels, G, K, 2 + I, G, g, floats(parameters[3 * g + 2]), H, H)
        if s.v1:
            pack(panels, G, K, 1 + I, G, Q, floats(parameters[3 * G]), 1, H)
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
                    h = (hs, at * width, width, 1, H, panels, bias + (2 + I) * row, row)
                    if s.v1:
                        rows = product(G, B - b, (kept, z, slots), start, (x,))
                        product(G, B - b, (sums, 0, row), (panels, bias + (1 + I) * row, 0), (h,))
                    elif s.v3:
                        rows = product(Q1, B - b, (kept, z, slots), start, (x, h))
                    else:
                        rows = product(G, B - b, (kept, z, slots), start, (x, h))
                    for r in range(rows):
                        at, k = (b + r) * width + n * WIDTH, z + r * slots
                        h_old = load(hs, t * B * width + at)
                        for q in range(Q):
                            gate = load(kept, k + q * WIDTH)
                            if s.v1:
                                gate = gate + load(sums, r * row + q * WIDTH)
                            store(kept, k + q * WIDTH, sigmoid(gate))
                        if s.v3:
                            store(rhs, at, load(kept, k) * h_old)
                        else:
                            candidate = load(kept, k + Q * WIDTH)
                            if s.v1:
                                m = load(sums, r * row + Q * WIDTH)
                                store(kept, k + G * WIDTH, m)
                                candidate = candidate + load(kept, k) * m
                            candidate = tanh(candidate)
                            store(kept, k + Q * WIDTH, candidate)
                            store(hs, (t + 1) * B * width + at, _update(s, kept, k, h_old, candidate))
                    b += rows
            if s.v3:
                for n in range(N):
                    bias = n * K * row + Q * WIDTH
                    b = 0
                    while b < B:
                        z, at = ((t * keep * N + n) * B + b) * slots, t * B + b
                        start = (panels, bias, 0) if dense else (kept, z + Q * WIDTH, slots)
                        x = (xs, at * I, I, 1, dense, panels, bias + row, row)
                        rh = (rhs, b * width, width, 1, H, panels, bias + (2 + I) * row, row)
                        rows = product(1, B - b, (kept, z + Q * WIDTH, slots), start, (x, rh))
                        for r in range(rows):
                            at, k = (t * B + b + r) * width + n * WIDTH, z + r * slots
                            candidate = tanh(load(kept, k + Q * WIDTH))
                            store(kept, k + Q * WIDTH, candidate)
                            store(hs, at + B * width, _update(s, kept, k, load(hs, at), candidate))
                        b += rows

    def backward(parameters, dparameters, dys, answered, xs, tokens, hs, kept, scratch, dxs, T, B, I, H, steps):  # type: ignore[no-untyped-def]
        N, K, with_dxs = (H + WIDTH - 1) // WIDTH, 1 + I + H, dxs != 0
        width, depth, slots, pair = N * WIDTH, N * D * WIDTH, S * WIDTH, 2 * WIDTH
        depth_h = N * (Q if s.v3 else G) * WIDTH  # what goes back to h in one product
        back_size, back_n_size = (N + 1) // 2 * pair * depth_h, (N + 1) // 2 * pair * width * s.v3
        back_x_size = (I + pair - 1) // pair * pair * depth
        dense, answered, tokens = tokens == 0, integers(answered), integers(tokens)
        dys, xs, hs, kept, dxs, back = floats(dys), floats(xs), floats(hs), floats(kept), floats(dxs), floats(scratch)
        scratch += 4 * back_size
        back_n = floats(scratch)
        scratch += 4 * back_n_size
        back_x = floats(scratch)
        scratch += 4 * back_x_size
        d = floats(scratch)  # (steps, B, D, N, WIDTH) or nearly, what one stretch of steps sends back
        scratch += 4 * steps * B * depth
        rhs = floats(scratch)
        scratch += 4 * steps * B * width * s.v3
        dweights, dw_x, dw_h = floats(scratch), scratch + 4 * depth, scratch + 4 * (1 + I) * depth
        scratch += 4 * K * depth
        by_token = floats(scratch)
        scratch += 4 * I * depth
        straights = floats(scratch)  # (B, N, WIDTH), the part of dh that went through no product
        scratch += 4 * B * width
        one, zero, dhs = floats(scratch), floats(scratch + 4 * WIDTH), floats(scratch + 12 * WIDTH)
        store(one, 0, splat(1.0))
        clear(zero, pair)
        clear(back, back_size + back_n_size + back_x_size)
        clear(dweights, K * depth)
        clear(straights, B * width)
        for g in range(G):
            W, U = floats(parameters[3 * g + 1]), floats(parameters[3 * g + 2])
            first, gates, at = (0, Q1, g) if g < Q else (N * Q, 1, 0)
            if s.v3 and g == Q:
                pack_transposed(back_n, width, 0, 1, 0, U, H, H)
            else:
                pack_transposed(back, depth_h, first, gates, at, U, H, H)
            if with_dxs:
                pack_transposed(back_x, depth, first if g < Q else N * (D - 1), gates, at, W, I, H)
        end = T
        while end > 0:
            begin = (end - 1) // steps * steps
            for t in range(end - 1, begin - 1, -1):
                later, now = (t + 1 - begin) % steps * B * depth, (t - begin) * B * depth
                slot, before = answered[t] * B * width, answered[max(t - 1, 0)] * B * width  # rows of dys
                for n in range(0, N, 2):
                    b = 0
                    while b < B:
                        start = (dys, slot + b * width + n * WIDTH, width)
                        term = (d, later + b * depth, depth, 1, depth_h * (t + 1 < T), back, n * WIDTH * depth_h, pair)
                        if n + 2 <= N:
                            rows = product(2, B - b, (dhs, 0, pair), start, (term,))
                        else:
                            rows = product(1, B - b, (dhs, 0, pair), start, (term,))
                        for m in range(n, min(n + 2, N)):
                            for r in range(rows):
                                k = ((t * N + m) * B + b + r) * slots
                                at, line = (b + r) * width + m * WIDTH, now + (b + r) * depth
                                for q in range(S):  # what the step before will want
                                    prefetch(kept, k - N * B * slots + q * WIDTH)
                                prefetch(dys, before + at)
                                prefetch(hs, (t - 1) * B * width + at)
                                d_rz, d_n = line + m * Q * WIDTH, line + (N * (D - 1) + m) * WIDTH
                                dh = load(dhs, r * pair + (m - n) * WIDTH) + load(straights, at)
                                dn, straight = _update_back(s, kept, k, load(hs, t * B * width + at), dh, d, d_rz, d_n)
                                store(straights, at, straight)
                                if s.v1:
                                    reset = load(kept, k)
                                    store(d, d_rz, dn * load(kept, k + G * WIDTH) * reset * (1.0 - reset))
                                    store(d, d_n - width, dn * reset)
                        b += rows
                if s.v3:
                    for n in range(0, N, 2):
                        b = 0
                        while b < B:
                            term = (
                                d,
                                now + b * depth + N * Q * WIDTH,
                                depth,
                                1,
                                width,
                                back_n,
                                n * WIDTH * width,
                                pair,
                            )
                            if n + 2 <= N:
                                rows = product(2, B - b, (dhs, 0, pair), (zero, 0, 0), (term,))
                            else:
                                rows = product(1, B - b, (dhs, 0, pair), (zero, 0, 0), (term,))
                            for m in range(n, min(n + 2, N)):
                                for r in range(rows):
                                    at = (b + r) * width + m * WIDTH
                                    e, h = load(dhs, r * pair + (m - n) * WIDTH), load(hs, t * B * width + at)
                                    reset = load(kept, ((t * N + m) * B + b + r) * slots)
                                    store(d, now + (b + r) * depth + m * Q * WIDTH, e * h * reset * (1.0 - reset))
                                    store(straights, at, load(straights, at) + e * reset)
                                    store(rhs, (t - begin) * B * width + at, reset * h)
                            b += rows
            first, taken, at_U, last = begin * B, (end - begin) * B, (1 + I) * depth, N * (D - 1) * WIDTH
            add_products(dweights, 0, 1, N * D, depth, one, 0, 0, d, 0, taken)
            if not dense:
                add_by_token(dweights, depth, I, tokens, first, d, taken, depth, by_token)
            elif s.v1:
                add_products(dweights, depth, I, N * Q, depth, xs, first * I, I, d, 0, taken)
                add_products(dweights, depth + last, I, N, depth, xs, first * I, I, d, last, taken)
            else:
                add_products(dweights, depth, I, N * G, depth, xs, first * I, I, d, 0, taken)
            if s.v3:
                add_products(dweights, at_U, H, N * Q, depth, hs, first * width, width, d, 0, taken)
                add_products(dweights, at_U + last, H, N, depth, rhs, 0, width, d, last, taken)
            else:
                add_products(dweights, at_U, H, N * G, depth, hs, first * width, width, d, 0, taken)
            if with_dxs:
                send_back(dxs, first, taken, I, d, depth, depth, back_x, zero)
            end = begin
        for g in range(G):
            first, gates, at = (0, Q1, g) if g < Q else (N * (D - 1), 1, 0)
            unpack(floats(dparameters[3 * g]), 1, H, dweights, depth, first, gates, at)
            unpack(floats(dparameters[3 * g + 1]), I, H, floats(dw_x), depth, first, gates, at)
            first = first if g < Q else N * Q
            unpack(floats(dparameters[3 * g + 2]), H, H, floats(dw_h), depth, first, gates, at)
        if s.v1:
            unpack(floats(dparameters[3 * G]), 1, H, dweights, depth, N * Q, 1, 0)

    def forward_scratch(B: int, I: int, H: int) -> int:
        return ((2 + I + H) * G + B) * vectors(H) * WIDTH + ROWS * G * WIDTH

    def backward_scratch(B: int, I: int, H: int, steps: int) -> int:
        N, pairs = vectors(H), (vectors(H) + 1) // 2 + (vectors(I) + 1) // 2
        depth = N * D * WIDTH
        rows = 2 * pairs * WIDTH + steps * B + 1 + 2 * I + H
        return rows * depth + (B + steps * B * s.v3) * N * WIDTH + (3 + 2 * ROWS) * WIDTH

    functions = compiled(forward, len(names), 1, 10), compiled(backward, len(names), 2, 13)
    return scans.Fused(names, *functions, S, forward_scratch, backward_scratch)
