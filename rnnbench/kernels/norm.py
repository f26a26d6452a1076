"""Layer norm (Ba et al., 2016) of rows of whole vectors, forward and back, for one run on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.lanes import inside
from rnnbench.kernels.lanewise import EPSILON
from rnnbench.kernels.panels import clear, sum_lanes
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.vector import WIDTH, floats, fma, lane, load, shared, splat, sqrt, store

Floats = NDArray[np.float32]


class Norm:
    """The norm of rows (..., N * WIDTH), of which H numbers count, with gain and bias (1, H)."""

    def __init__(self, gain: Floats, bias: Floats) -> None:
        self.gain, self.bias, self.H = gain, bias, gain.shape[1]
        self.width = vectors(self.H) * WIDTH
        self.functions = _functions()

    def forward(self, xs: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
        """The rows as they are normalised, zeros behind H; and what the way back needs."""
        count = xs.size // self.width
        out, hat, scales = np.empty_like(xs), np.empty_like(xs), np.empty(count, np.float32)
        rows = np.zeros((3, self.width), np.float32)
        rows[0, : self.H], rows[1, : self.H] = self.gain, self.bias
        addresses = tuple(each.ctypes.data for each in (xs, out, hat, scales, rows))
        self.functions[0](addresses, count, self.H)
        return out, (hat, scales)

    def back(self, dys: Floats, kept: tuple[Floats, Floats], dgain: Floats, dbias: Floats) -> Floats:
        """The gradient of the rows; those of gain and bias are written."""
        hat, scales = kept
        out, rows = np.empty_like(dys), np.zeros((4, self.width), np.float32)
        rows[0, : self.H] = self.gain
        addresses = tuple(each.ctypes.data for each in (dys, out, hat, scales, rows))
        self.functions[1](addresses, dys.size // self.width, self.H)
        dgain[:], dbias[:] = rows[1, : self.H], rows[2, : self.H]
        return out


@shared
def _total(row: Any, width: Any) -> Any:
    """The sum of whole vectors of numbers: lane by lane, then the lanes in their order."""
    total = load(row, 0)
    for n in range(WIDTH, width, WIDTH):
        total = total + load(row, n)
    store(row, 0, total)
    return sum_lanes(row, 0)


@cache
def _functions() -> tuple[Callable[..., None], Callable[..., None]]:
    def forward(addresses, count, H):  # type: ignore[no-untyped-def]
        xs, out, hat = floats(addresses[0]), floats(addresses[1]), floats(addresses[2])
        scales, gain = floats(addresses[3]), floats(addresses[4])
        width = (H + WIDTH - 1) // WIDTH * WIDTH
        bias, work = floats(addresses[4] + 4 * width), floats(addresses[4] + 8 * width)
        whole = float(H)
        for r in range(count):
            at = r * width
            for n in range(0, width, WIDTH):
                store(work, n, inside(load(xs, at + n), H - n))
            mean = splat(_total(work, width)) / splat(whole)
            for n in range(0, width, WIDTH):
                centred = inside(load(xs, at + n) - mean, H - n)
                store(hat, at + n, centred)
                store(work, n, centred * centred)
            scale = 1.0 / sqrt(splat(_total(work, width)) / splat(whole) + EPSILON)
            scales[r] = lane(scale)
            for n in range(0, width, WIDTH):
                normal = load(hat, at + n) * scale
                store(hat, at + n, normal)
                store(out, at + n, fma(normal, load(gain, n), load(bias, n)))

    def back(addresses, count, H):  # type: ignore[no-untyped-def]
        dys, out, hat = floats(addresses[0]), floats(addresses[1]), floats(addresses[2])
        scales, gain = floats(addresses[3]), floats(addresses[4])
        width = (H + WIDTH - 1) // WIDTH * WIDTH
        dgain, dbias = floats(addresses[4] + 4 * width), floats(addresses[4] + 8 * width)
        work, whole = floats(addresses[4] + 12 * width), float(H)
        clear(dgain, 2 * width)
        for r in range(count):
            at = r * width
            for n in range(0, width, WIDTH):
                dy, normal = inside(load(dys, at + n), H - n), load(hat, at + n)
                store(dgain, n, fma(dy, normal, load(dgain, n)))
                store(dbias, n, load(dbias, n) + dy)
                store(out, at + n, dy * load(gain, n))
            for n in range(0, width, WIDTH):
                store(work, n, load(out, at + n))
            mean = splat(_total(work, width)) / splat(whole)
            for n in range(0, width, WIDTH):
                store(work, n, load(out, at + n) * load(hat, at + n))
            along, scale = splat(_total(work, width)) / splat(whole), splat(scales[r])
            for n in range(0, width, WIDTH):
                left = load(out, at + n) - fma(load(hat, at + n), along, mean)
                store(out, at + n, inside(left * scale, H - n))

    return compiled(forward, 5, 1, 2), compiled(back, 5, 1, 2)
