"""The LSTM of `cells/lstm.py` as one fused scan, every switch decided when it is compiled.

Forward, at each step and for one tile of batch rows x WIDTH units: the sums of all gates in registers, from the
input, the last output and the bias at once, and the cell's pointwise equations right on them.

Backward, with d meaning dloss/d, starting from dh = dys and what the next step sent back:

    do = dh * tanh(c') * o (1 - o)                    dc' += dh * o * (1 - tanh(c')^2) + po * do
    df = dc' * c * f (1 - f)                          di = dc' * g * i (1 - i)         dg = dc' * i * (1 - g^2)
    dc = dc' * f + pf * df + pi * di                  dh = [di df do dg] [Ui Uf Uo Ug]^T
    coupled (i = 1 - f):                              df = dc' * (c - g) * f (1 - f)
    dU += h^T [di df do dg]     dW += x^T [di df do dg]     db += sum of them     dp += c * di, c * df, c' * do

The weights' gradients take several steps at once, while those steps' gates are still in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from rnnbench.cells.lstm import Cell
from rnnbench.kernels._compile import compiled
from rnnbench.kernels._panels import Loan, empty, flat, gates_apart, gates_together, transposed, vectors, widened, zeros
from rnnbench.kernels._vector import WIDTH, accumulate, load, product, sigmoid, splat, store, tanh, tile_rows

if TYPE_CHECKING:
    from torch import Tensor


class Switches(NamedTuple):
    """What a specialisation depends on; `gates` are the letters of those with parameters, g among them."""

    gates: str
    coupled: bool
    peepholes: bool
    tanh_g: bool
    tanh_c: bool


def _switches(cell: Cell) -> Switches:
    tanh_g, tanh_c = cell.candidate_activation == "tanh", cell.output_activation == "tanh"
    return Switches(cell.gates + "g", cell.coupled_gates, cell.peepholes, tanh_g, tanh_c)


def serves(cell: Cell) -> bool:
    """Every cell but one whose gates see the last step's gates."""
    return not cell.gate_recurrence


def warm(cell: Cell) -> None:
    """Compile the scan of this cell's switches, or load it from the disk."""
    _forward(_switches(cell))
    _backward(_switches(cell))


def scan(cell: Cell, p: Mapping[str, Tensor], xs: Tensor) -> Tensor:
    """xs (T, B, I) -> ys (T, B, H), both float32 on the CPU; p as in `cell.shapes`."""
    switches = _switches(cell)
    parameters = [p[f"{kind}{k}"] for k in switches.gates for kind in "bWU"]
    parameters += [p[f"p{k}"] for k in switches.gates[:-1]] if cell.peepholes else []
    if torch.is_grad_enabled() and any(each.requires_grad for each in (xs, *parameters)):
        ys: Tensor = _Scan.apply(switches, xs, *parameters)  # type: ignore[no-untyped-call]
        return ys
    return _scan(switches, xs, parameters, keep=False)[0]


def _scan(s: Switches, xs: Tensor, parameters: list[Tensor], keep: bool) -> tuple[Tensor, Tensor, Loan, Tensor, Tensor]:
    """ys, a view of hs (T + 1, B, N * WIDTH), and what the backward pass needs besides."""
    (T, B, I), H, G = xs.shape, parameters[0].shape[1], len(s.gates)
    N = vectors(H)
    weights = torch.cat(parameters[: 3 * G]).view(G, 1 + I + H, H)
    peepholes = widened(torch.cat(parameters[3 * G :])) if s.peepholes else weights  # any array will do without
    panels = gates_together(weights)
    hs, c = empty(T + 1, B, N * WIDTH), zeros(B, N * WIDTH)
    hs[0] = 0
    kept = Loan((T if keep else 1) * B * N * _slots(s) * WIDTH)
    _forward(s)(flat(xs), flat(hs), flat(panels), flat(peepholes), flat(c), kept.array, T, B, I, H, keep)
    return hs[1:, :, :H], hs, kept, weights, peepholes


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, s: Switches, xs: Tensor, *parameters: Tensor) -> Tensor:
        ys, ctx.hs, ctx.kept, weights, peepholes = _scan(s, xs, list(parameters), keep=True)
        ctx.switches = s
        ctx.save_for_backward(xs, ys, weights, peepholes)
        return ys

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        (dys,), (xs, _, weights, peepholes), s = upstream, ctx.saved_tensors, ctx.switches
        (T, B, I), H, G = xs.shape, dys.shape[2], len(s.gates)
        N, steps = vectors(H), max(2, 256 // B)
        with_dxs = ctx.needs_input_grad[1]
        dxs = empty(T, B, 2 * WIDTH * -(-I // (2 * WIDTH)) if with_dxs else 0)
        dweights = zeros(1 + I + H, N, G, WIDTH)
        dpeepholes = zeros(2, max(1, G - 1), N * WIDTH)  # of the step at hand, and of all
        arrays = (
            *(widened(dys), xs, ctx.hs),
            *(transposed(weights[:, 1 + I :]), transposed(weights[:, 1 : 1 + I]) if with_dxs else weights, peepholes),
            *(empty(steps, B, N, G, WIDTH), empty(tile_rows(2), 2 * WIDTH), zeros(B, N * WIDTH)),
            *(dweights, dpeepholes, dxs, torch.ones(1), zeros(2 * WIDTH)),
        )
        _backward(s)(*map(flat, arrays), ctx.kept.array, T, B, I, H, steps, with_dxs)
        gradients: list[Tensor] = []
        for each in gates_apart(dweights, H):
            gradients += each.split([1, I, H])
        gradients += list(dpeepholes[1, :, None, :H]) if s.peepholes else []
        return None, dxs[:, :, :I] if with_dxs else None, *gradients


def _slots(s: Switches) -> int:
    """Vectors kept for each vector of units and each step: the gates, the last c, and tanh(c')."""
    return len(s.gates) + 1 + s.tanh_c


@cache
def _forward(s: Switches) -> Callable[..., None]:
    G, S = len(s.gates), _slots(s)
    has_i, has_f, has_o, coupled, peepholes = "i" in s.gates, "f" in s.gates, "o" in s.gates, s.coupled, s.peepholes
    tanh_g, tanh_c = s.tanh_g, s.tanh_c
    at_f, at_o, at_g = has_i * WIDTH, (has_i + has_f) * WIDTH, (G - 1) * WIDTH
    at_c, at_tanh = G * WIDTH, (G + 1) * WIDTH

    def forward(xs, hs, panels, p, cs, kept, T, B, I, H, keep):  # type: ignore[no-untyped-def]
        N = (H + WIDTH - 1) // WIDTH
        K, row, width = 1 + I + H, N * S * WIDTH, N * WIDTH
        for t in range(T):
            for n in range(N):
                panel = n * K * G * WIDTH
                b = 0
                while b < B:
                    z = (t * B * keep + b) * row + n * S * WIDTH
                    x = (xs, (t * B + b) * I, I, 1, I, panels, panel + G * WIDTH, G * WIDTH)
                    h = (hs, (t * B + b) * width, width, 1, H, panels, panel + (1 + I) * G * WIDTH, G * WIDTH)
                    rows = product(G, B - b, (kept, z, row), (panels, panel, 0), (x, h))
                    for r in range(b, b + rows):
                        at = r * width + n * WIDTH
                        c = load(cs, at)
                        store(kept, z + at_c, c)
                        i, f = splat(1.0), splat(1.0)
                        if has_f:
                            f = load(kept, z + at_f)
                            if peepholes:
                                f = f + c * load(p, at_f * N + n * WIDTH)
                            f = sigmoid(f)
                            store(kept, z + at_f, f)
                        if has_i:
                            i = load(kept, z)
                            if peepholes:
                                i = i + c * load(p, n * WIDTH)
                            i = sigmoid(i)
                            store(kept, z, i)
                        if coupled:
                            i = 1.0 - f
                        g = load(kept, z + at_g)
                        if tanh_g:
                            g = tanh(g)
                            store(kept, z + at_g, g)
                        c = f * c + i * g
                        store(cs, at, c)
                        h_new = c
                        if tanh_c:
                            h_new = tanh(c)
                            store(kept, z + at_tanh, h_new)
                        if has_o:
                            o = load(kept, z + at_o)
                            if peepholes:
                                o = o + c * load(p, at_o * N + n * WIDTH)
                            o = sigmoid(o)
                            store(kept, z + at_o, o)
                            h_new = o * h_new
                        store(hs, (t + 1) * B * width + at, h_new)
                        z += row
                    b += rows

    return compiled(forward, "void(f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], f4[::1], i8, i8, i8, i8, i8)")


@cache
def _backward(s: Switches) -> Callable[..., None]:
    G, S = len(s.gates), _slots(s)
    has_i, has_f, has_o, coupled, peepholes = "i" in s.gates, "f" in s.gates, "o" in s.gates, s.coupled, s.peepholes
    tanh_g, tanh_c = s.tanh_g, s.tanh_c
    at_f, at_o, at_g = has_i * WIDTH, (has_i + has_f) * WIDTH, (G - 1) * WIDTH
    at_c, at_tanh = G * WIDTH, (G + 1) * WIDTH
    P = max(1, G - 1)

    def backward(  # type: ignore[no-untyped-def]
        dys, xs, hs, back, back_x, p, ds, dhs, dcs, dweights, dp, dxs, ones, zeros, kept, T, B, I, H, steps, with_dxs
    ):
        N = (H + WIDTH - 1) // WIDTH
        row, width, depth = N * S * WIDTH, N * WIDTH, N * G * WIDTH
        high = T
        while high > 0:
            low = (high - 1) // steps * steps
            for t in range(high - 1, low - 1, -1):
                later = (t + 1 - low) % steps * B * depth  # where the next step's gradients lie
                for n in range(0, N, 2):
                    panel = n * WIDTH * depth
                    b = 0
                    while b < B:
                        start = (dys, (t * B + b) * width + n * WIDTH, width)
                        d = (ds, later + b * depth, depth, 1, depth * (t + 1 < T), back, panel, 2 * WIDTH)
                        if n + 2 <= N:
                            columns = 2
                            rows = product(2, B - b, (dhs, 0, 2 * WIDTH), start, (d,))
                        else:
                            columns = 1
                            rows = product(1, B - b, (dhs, 0, 2 * WIDTH), start, (d,))
                        for m in range(rows * columns):
                            r, v = b + m // columns, n + m % columns
                            z = (t * B + r) * row + v * S * WIDTH
                            d_at = ((t - low) * B + r) * depth + v * G * WIDTH
                            dc_at = r * width + v * WIDTH
                            dh = load(dhs, (m // columns * 2 + m % columns) * WIDTH)
                            dc = load(dcs, dc_at)
                            c = load(kept, z + at_c)
                            g = load(kept, z + at_g)
                            i, f = splat(1.0), splat(1.0)
                            if has_f:
                                f = load(kept, z + at_f)
                            if has_i:
                                i = load(kept, z)
                            if coupled:
                                i = 1.0 - f
                            c_new = f * c + i * g
                            out = c_new
                            if tanh_c:
                                out = load(kept, z + at_tanh)
                            if has_o:
                                o = load(kept, z + at_o)
                                do = dh * out * o * (1.0 - o)
                                store(ds, d_at + at_o, do)
                                dh = dh * o
                                if peepholes:
                                    dc = dc + do * load(p, at_o * N + v * WIDTH)
                                    store(dp, at_o * N + v * WIDTH, load(dp, at_o * N + v * WIDTH) + do * c_new)
                            if tanh_c:
                                dc = dc + dh * (1.0 - out * out)
                            else:
                                dc = dc + dh
                            dg = dc * i
                            if tanh_g:
                                dg = dg * (1.0 - g * g)
                            store(ds, d_at + at_g, dg)
                            dc_old = dc * f
                            if has_f:
                                if coupled:
                                    df = dc * (c - g) * f * (1.0 - f)
                                else:
                                    df = dc * c * f * (1.0 - f)
                                store(ds, d_at + at_f, df)
                                if peepholes:
                                    dc_old = dc_old + df * load(p, at_f * N + v * WIDTH)
                                    store(dp, at_f * N + v * WIDTH, load(dp, at_f * N + v * WIDTH) + df * c)
                            if has_i:
                                di = dc * g * i * (1.0 - i)
                                store(ds, d_at, di)
                                if peepholes:
                                    dc_old = dc_old + di * load(p, v * WIDTH)
                                    store(dp, v * WIDTH, load(dp, v * WIDTH) + di * c)
                            store(dcs, dc_at, dc_old)
                        b += rows
                if peepholes:  # the step's sum is added to the total: less is lost in rounding
                    for m in range(0, P * width, WIDTH):
                        store(dp, P * width + m, load(dp, P * width + m) + load(dp, m))
                        store(dp, m, splat(0.0))
            first, taken = low * B, (high - low) * B
            for n in range(N):
                at = n * G * WIDTH
                accumulate(G, 1, (dweights, at, depth), (ones, 0, 0, 0, taken, ds, at, depth))
                at_W, at_U = at + depth, at + (1 + I) * depth
                accumulate(G, I, (dweights, at_W, depth), (xs, first * I, 1, I, taken, ds, at, depth))
                accumulate(G, H, (dweights, at_U, depth), (hs, first * width, 1, width, taken, ds, at, depth))
            if with_dxs:
                for n in range(0, I, 2 * WIDTH):
                    r = 0
                    wide = (I + 2 * WIDTH - 1) // (2 * WIDTH) * 2 * WIDTH
                    while r < taken:
                        d = (ds, r * depth, depth, 1, depth, back_x, n * depth, 2 * WIDTH)
                        r += product(2, taken - r, (dxs, (first + r) * wide + n, wide), (zeros, 0, 0), (d,))
            high = low

    return compiled(backward, "void(" + "f4[::1], " * 15 + "i8, i8, i8, i8, i8, i8)")
