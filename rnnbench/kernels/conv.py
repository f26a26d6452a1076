"""The causal convolution of `layers/conv.py` for one run on a CPU, forward and back: rows of whole vectors, a filter
for each number."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.maths import sigmoid
from rnnbench.kernels.panels import clear
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.vector import WIDTH, floats, fma, load, splat, store

Floats = NDArray[np.float32]


class Kept(NamedTuple):
    """What the way back needs: the input, and the sums where an activation follows them."""

    xs: Floats
    sums: Floats


class Conv:
    """The filter of rows (T, B, N * WIDTH), of which I numbers count, with w (k, I) and b (1, I)."""

    def __init__(self, w: Floats, b: Floats, silu: bool, residual: bool) -> None:
        self.w, self.b, (self.taps, self.I) = w, b, w.shape
        self.silu, self.residual = silu, residual
        self.width = vectors(self.I) * WIDTH
        self.functions = _functions()

    def forward(self, xs: Floats) -> tuple[Floats, Kept]:
        """The rows as they are filtered, zeros behind I as there are in xs; and what the way back needs."""
        out, sums = np.empty_like(xs), np.empty(xs.shape if self.silu else 0, np.float32)
        rows = np.zeros((self.taps + 1, self.width), np.float32)
        rows[: self.taps, : self.I], rows[self.taps, : self.I] = self.w, self.b
        self.functions[0](_addresses(xs, out, sums, rows), *self._sizes(xs))
        return out, Kept(xs, sums)

    def back(self, dys: Floats, kept: Kept, dw: Floats, db: Floats, wanted: bool) -> Floats | None:
        """The gradient of the rows, where it is wanted; those of w and b are written. dys has zeros behind I."""
        dsums, rows = np.empty_like(dys), np.zeros((self.taps + 1, self.width), np.float32)
        dxs = np.empty_like(dys) if wanted else np.empty(0, np.float32)
        sums = np.empty((2, *rows.shape), np.float32)  # over all steps, over one
        rows[: self.taps, : self.I] = self.w
        addresses = _addresses(dys, kept.xs, kept.sums, rows, dsums, dxs, sums[0], sums[1])
        self.functions[1](addresses, *self._sizes(dys), int(wanted))
        dw[:], db[:] = sums[0, : self.taps, : self.I], sums[0, self.taps, : self.I]
        return dxs if wanted else None

    def _sizes(self, xs: Floats) -> tuple[int, ...]:
        return *xs.shape[:2], self.width, self.taps, int(self.silu), int(self.residual)


def _addresses(*arrays: Floats) -> tuple[int, ...]:
    return tuple(each.ctypes.data for each in arrays)


@cache
def _functions() -> tuple[Callable[..., None], Callable[..., None]]:
    def forward(addresses, T, B, width, taps, silu, residual):  # type: ignore[no-untyped-def]
        xs, out, sums, rows = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        for t in range(T):
            for at in range(t * B * width, (t + 1) * B * width, width):
                for n in range(0, width, WIDTH):
                    found = load(rows, taps * width + n)
                    for j in range(min(taps, t + 1)):
                        found = fma(load(rows, j * width + n), load(xs, at - j * B * width + n), found)
                    if silu:
                        store(sums, at + n, found)
                        found = found * sigmoid(found)
                    if residual:
                        found = load(xs, at + n) + found
                    store(out, at + n, found)

    def back(addresses, T, B, width, taps, silu, residual, wanted):  # type: ignore[no-untyped-def]
        dys, xs, sums, rows = floats(addresses[0]), floats(addresses[1]), floats(addresses[2]), floats(addresses[3])
        dsums, dxs, whole, step = floats(addresses[4]), floats(addresses[5]), floats(addresses[6]), floats(addresses[7])
        size = (taps + 1) * width
        clear(whole, size)
        for t in range(T):
            clear(step, size)
            for at in range(t * B * width, (t + 1) * B * width, width):
                for n in range(0, width, WIDTH):
                    d = load(dys, at + n)
                    if silu:
                        total = load(sums, at + n)
                        gate = sigmoid(total)
                        d = d * (gate * fma(total, 1.0 - gate, 1.0))
                    store(dsums, at + n, d)
                    store(step, taps * width + n, load(step, taps * width + n) + d)
                    for j in range(min(taps, t + 1)):
                        past = load(xs, at - j * B * width + n)
                        store(step, j * width + n, fma(d, past, load(step, j * width + n)))
            for n in range(0, size, WIDTH):  # less is lost in rounding than in one sum over all steps and examples
                store(whole, n, load(whole, n) + load(step, n))
        if wanted:
            for t in range(T):
                for at in range(t * B * width, (t + 1) * B * width, width):
                    for n in range(0, width, WIDTH):
                        d = splat(0.0)
                        if residual:
                            d = load(dys, at + n)
                        for j in range(min(taps, T - t)):
                            d = fma(load(rows, j * width + n), load(dsums, at + j * B * width + n), d)
                        store(dxs, at + n, d)

    return compiled(forward, 4, 1, 6), compiled(back, 8, 1, 7)
