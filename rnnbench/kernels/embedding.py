"""Where a stack of layers begins whose examples lie in lanes (`lanes`): numbers or tokens times a matrix, plus a bias
and what a step has of its own; and rows to lanes and back.

    x_t = xs_t E + be + table_t        of a token the row of E that it stands for
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.compile import compiled
from rnnbench.kernels.lanewise import (
    WIDE,
    add_lanes,
    add_outer,
    affine,
    padded,
    sum_over,
    to_lanes,
    to_rows,
    turned,
    wide,
)
from rnnbench.kernels.loans import Loan
from rnnbench.kernels.panels import clear
from rnnbench.kernels.vector import WIDTH, floats, integers, load, splat, store

Floats = NDArray[np.float32]


def call(function: Callable[..., None], arrays: Sequence[NDArray[Any]], *numbers: int) -> None:
    """A compiled function of arrays, by their addresses, and numbers."""
    function(tuple(each.ctypes.data for each in arrays), *numbers)


def laid(xs: Floats) -> Floats:
    """Rows (T, B, I) as values in lanes, (T, I, L)."""
    T, B, I = xs.shape
    out = Loan(T, I, padded(B)).array
    call(_functions().laid, (xs, out), T, B, I, padded(B))
    return out


def read(x: Floats, B: int) -> Floats:
    """The way back of `laid`."""
    (T, O, L), out = x.shape, np.empty((x.shape[0], B, x.shape[1]), np.float32)
    call(_functions().read, (out, x), T, B, O, L)
    return out


class Embedding:
    """The matrix E (I, H) and the bias be (1, H), whose gradients are written to dE and dbe."""

    def __init__(self, E: Floats, be: Floats, dE: Floats, dbe: Floats) -> None:
        self.E, self.be, self.dE, self.dbe = E, be, dE, dbe
        self.functions = _functions()

    def forward(self, xs: NDArray[Any], table: Floats | None) -> tuple[Floats, Floats | None]:
        """Numbers (T, B, I), or tokens (T, B, 1) -> x (T, H, L), and the numbers in lanes; `table` (T, H)."""
        (T, B, _), (I, H), L = xs.shape, self.E.shape, padded(xs.shape[1])
        x, own = Loan(T, H, L).array, np.zeros((T, H), np.float32) if table is None else table
        if xs.dtype == np.int64:
            if int(xs.view(np.uint64).max()) >= I:
                raise ValueError(f"tokens: expected 0 to {I - 1}, got {xs.min()} to {xs.max()}")
            call(self.functions.looked, (xs, x, self.E, self.be, own), T, B, H, L)
            return x, None
        given = laid(xs)
        call(self.functions.embedded, (given, x, turned(self.E), wide(self.be), own), T, I, H, L)
        return x, given

    def back(self, dx: Floats, xs: NDArray[Any], given: Floats | None, wanted: bool) -> Floats | None:
        """Given the gradient of x: writes those of E and be, and returns that of numbers (T, B, I) if it is wanted."""
        (T, H, L), B, I = dx.shape, xs.shape[1], len(self.E)
        sums = np.empty((H, WIDTH), np.float32)
        if given is None:
            self.dE[:] = 0
            call(self.functions.looked_back, (xs, dx, self.dE, self.dbe, sums), T, B, H, L)
            return None
        E, room = np.empty((I, padded(H)), np.float32), np.empty((B, padded(H)), np.float32)
        call(self.functions.embedded_back, (given, dx, E, self.dbe, sums, room), T, B, I, H, L)
        self.dE[:] = E[:, :H]
        if not wanted:
            return None
        dxs, bias, own = Loan(T, I, L).array, np.zeros((I, WIDE), np.float32), np.zeros((T, I), np.float32)
        call(self.functions.embedded, (dx, dxs, self.E, bias, own), T, H, I, L)
        return read(dxs, B)


class _Functions(NamedTuple):
    laid: Callable[..., None]
    read: Callable[..., None]
    looked: Callable[..., None]
    looked_back: Callable[..., None]
    embedded: Callable[..., None]
    embedded_back: Callable[..., None]


def warm() -> None:
    """Compile all of it, or load it from the disk."""
    _functions()


@cache
def _functions() -> _Functions:
    def laid(addresses, T, B, I, L):  # type: ignore[no-untyped-def]
        xs, out = floats(addresses[0]), floats(addresses[1])
        for t in range(T):
            to_lanes((out, t * I * L), L, (xs, t * B * I), I, I, B)

    def read(addresses, T, B, O, L):  # type: ignore[no-untyped-def]
        out, x = floats(addresses[0]), floats(addresses[1])
        for t in range(T):
            to_rows((out, t * B * O), O, (x, t * O * L), L, O, B)

    def looked(addresses, T, B, H, L):  # type: ignore[no-untyped-def]
        tokens, x = integers(addresses[0]), floats(addresses[1])
        E, be, sines = floats(addresses[2]), floats(addresses[3]), floats(addresses[4])
        for t in range(T):
            for h in range(H):
                to = (t * H + h) * L
                for b in range(B):
                    x[to + b] = E[tokens[t * B + b] * H + h] + be[h] + sines[t * H + h]
                for b in range(B, L):
                    x[to + b] = 0.0

    def looked_back(addresses, T, B, H, L):  # type: ignore[no-untyped-def]
        tokens, dx = integers(addresses[0]), floats(addresses[1])
        E, be, sums = floats(addresses[2]), floats(addresses[3]), floats(addresses[4])
        clear(sums, H * WIDTH)
        for t in range(T):
            add_lanes(sums, (dx, t * H * L), H, L)
            for b in range(B):
                place = tokens[t * B + b] * H
                for h in range(H):
                    E[place + h] += dx[(t * H + h) * L + b]
        sum_over(be, sums, H)

    def embedded(addresses, T, I, H, L):  # type: ignore[no-untyped-def]
        given, x = floats(addresses[0]), floats(addresses[1])
        E, be, sines = floats(addresses[2]), floats(addresses[3]), floats(addresses[4])
        for t in range(T):
            affine((x, t * H * L), H, be, E, I, (given, t * I * L), L)
            for h in range(H):
                for n in range((t * H + h) * L, (t * H + h + 1) * L, WIDTH):
                    store(x, n, load(x, n) + splat(sines[t * H + h]))

    def embedded_back(addresses, T, B, I, H, L):  # type: ignore[no-untyped-def]
        given, dx, E = floats(addresses[0]), floats(addresses[1]), floats(addresses[2])
        be, sums, rows = floats(addresses[3]), floats(addresses[4]), floats(addresses[5])
        row = (H + WIDTH - 1) // WIDTH * WIDTH
        clear(rows, B * row)
        clear(E, I * row)
        clear(sums, H * WIDTH)
        for t in range(T):
            add_lanes(sums, (dx, t * H * L), H, L)
            to_rows((rows, 0), row, (dx, t * H * L), L, H, B)
            add_outer(E, I, row, (given, t * I * L), L, rows, B)
        sum_over(be, sums, H)

    return _Functions(
        compiled(laid, 2, 1, 4),
        compiled(read, 2, 1, 4),
        compiled(looked, 5, 1, 4),
        compiled(looked_back, 5, 1, 4),
        compiled(embedded, 5, 1, 4),
        compiled(embedded_back, 6, 1, 5),
    )
