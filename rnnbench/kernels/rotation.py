"""Orthogonal matrices out of skew-symmetric ones and the way back, in arithmetic of our own: `cells.rotation` compiled,
for one run on a CPU.

Matrices are rows of whole vectors, (H, N * WIDTH), zeros behind H; S is A / 64 and what it is made of has the names of
`cells.rotation`. The way back goes through the same products in the opposite order:

    C = X Y               dX = dC Y^T,  dY = X^T dC
    U = 2 M - I, M = (I + A)^-1       dA = -M^T (2 dU) M^T
    a above the diagonal              da = dA - dA^T there
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rnnbench.cells import Cell
from rnnbench.cells.rotation import COEFFICIENTS, SQUARINGS
from rnnbench.kernels.compile import compiled
from rnnbench.kernels.loans import Loan
from rnnbench.kernels.panels import clear
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.tiles import product
from rnnbench.kernels.vector import WIDTH, floats, fma, load, shared, splat, store

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 6 + SQUARINGS  # matrices of exp: S, S2, S3, S4, the two inner polynomials, and what is squared each time
_C = np.array(COEFFICIENTS, np.float32)


class Operands:
    """What a cell's fused scan reads, and where the gradients of that go: parameters as they are, and matrices that are
    made of some of them anew for each pass. p and gradients by the names of `Cell.shapes`."""

    def __init__(self, cell: Cell, names: Sequence[str], p: Mapping[str, Tensor], gradients: Mapping[str, Tensor]):
        rotations = cell.rotations()
        self.made: list[tuple[Any, ...]] = []
        self.tensors: list[Tensor] = []
        self.gradients: list[Tensor] = []
        H = next(iter(p.values())).shape[-1]
        for name in names:
            tensor, to = p.get(name), gradients.get(name)
            if tensor is None or to is None:
                tensor, to = torch.eye(H) if rotations[name].map != "skew" else torch.zeros(H, H), torch.empty(H, H)
                if (a := rotations[name].of) in p:
                    kept = np.empty(KEPT * H * vectors(H) * WIDTH, np.float32)
                    self.made.append((rotations[name].map, H, p[a], gradients[a], tensor, to, kept))
            self.tensors.append(tensor)
            self.gradients.append(torch.empty_like(to) if name in cell.frozen else to)  # that of one stays 0
        self.places = [each.data_ptr() for each in self.gradients]

    def make(self) -> None:
        """The matrices of the parameters as they are now."""
        for name, H, a, _, U, _, kept in self.made:
            room = Loan(4 * H * vectors(H) * WIDTH)
            self._map(name, 0, a, U, kept, room, H)

    def back(self) -> None:
        """From the gradients of the matrices to those of the parameters that they were made of."""
        for name, H, _, da, _, dU, kept in self.made:
            room = Loan(12 * H * vectors(H) * WIDTH)
            self._map(name, 1, dU, da, kept, room, H)

    def _map(self, name: str, way: int, given: Tensor, out: Tensor, kept: Any, room: Loan, H: int) -> None:
        addresses = given.data_ptr(), out.data_ptr(), kept.ctypes.data, room.address, _C.ctypes.data
        _maps(name)[way](addresses, H, SQUARINGS)


@shared
def _multiply(out: Any, start: Any, a: Any, a_row: Any, a_k: Any, b: Any, H: Any, row: Any) -> None:
    """out = start + a b of matrices (H, row), a's numbers `a_row` and `a_k` apart: with both turned, its transpose."""
    n = 0
    while n < row:
        left, r = (row - n) // WIDTH, 0
        while r < H:
            place, begin = (out, r * row + n, row), (start, r * row + n, row)
            term = (a, r * a_row, a_row, a_k, H, b, n, row)
            if left == 1:
                r += product(1, H - r, place, begin, (term,))
            else:
                r += product(2, H - r, place, begin, (term,))
        n += WIDTH if left == 1 else 2 * WIDTH


@shared
def _transpose(out: Any, a: Any, H: Any, row: Any) -> None:
    """out = a^T of matrices (H, row); what lies behind H in a row of out stays."""
    for i in range(H):
        for j in range(H):
            out[j * row + i] = a[i * row + j]


@shared
def _back_left(dx: Any, dc: Any, y: Any, turned: Any, H: Any, row: Any) -> None:
    """dx += dc y^T."""
    _transpose(turned, y, H, row)
    _multiply(dx, dx, dc, row, 1, turned, H, row)


@shared
def _back_right(dy: Any, dc: Any, x: Any, H: Any, row: Any) -> None:
    """dy += x^T dc."""
    _multiply(dy, dy, x, 1, row, dc, H, row)


@shared
def _add(out: Any, x: Any, factor: Any, size: Any) -> None:
    """out += factor * x."""
    for n in range(0, size, WIDTH):
        store(out, n, fma(load(x, n), splat(factor), load(out, n)))


@shared
def _polynomial(out: Any, k: Any, S: Any, S2: Any, S3: Any, c: Any, H: Any, row: Any) -> None:
    """out = c[k] I + c[k + 1] S + c[k + 2] S2 + c[k + 3] S3."""
    size = H * row
    clear(out, size)
    _add(out, S3, c[k + 3], size)
    _add(out, S2, c[k + 2], size)
    _add(out, S, c[k + 1], size)
    for i in range(H):
        out[i * row + i] += np.float32(c[k])


@shared
def _skew(out: Any, a: Any, H: Any, row: Any, factor: Any) -> None:
    """out = factor * A."""
    clear(out, H * row)
    at = 0
    for i in range(H):
        for j in range(i + 1, H):
            out[i * row + j] = a[at] * np.float32(factor)
            out[j * row + i] = -out[i * row + j]
            at += 1


@shared
def _above(da: Any, dA: Any, H: Any, row: Any, factor: Any) -> None:
    """da = factor * (dA - dA^T) above the diagonal."""
    at = 0
    for i in range(H):
        for j in range(i + 1, H):
            da[at] = (dA[i * row + j] - dA[j * row + i]) * np.float32(factor)
            at += 1


@shared
def _copy(out: Any, out_row: Any, x: Any, row: Any, H: Any) -> None:
    """H numbers of each of H rows."""
    for i in range(H):
        for j in range(H):
            out[i * out_row + j] = x[i * row + j]


@shared
def _invert(x: Any, H: Any, row: Any) -> None:
    """x becomes its inverse, by Gauss and Jordan without exchanging rows: x = I + A with A skew-symmetric has pivots of
    1 or more, 1 + v^T (I + A')^-1 v each."""
    for k in range(H):
        pivot = np.float32(1) / x[k * row + k]
        x[k * row + k] = np.float32(1)
        for n in range(k * row, k * row + row, WIDTH):
            store(x, n, load(x, n) * splat(pivot))
        for i in range(H):
            if i != k:
                factor = -x[i * row + k]
                x[i * row + k] = np.float32(0)
                for n in range(0, row, WIDTH):
                    store(x, i * row + n, fma(load(x, k * row + n), splat(factor), load(x, i * row + n)))


@cache
def _maps(name: str) -> tuple[Callable[..., None], Callable[..., None]]:
    """A map and its way back: of the addresses of a, U, what is kept, scratch memory and the coefficients (of dU, da
    and the same on the way back), of H and of the number of squarings."""

    def exp(addresses, H, squarings):  # type: ignore[no-untyped-def]
        row = (H + WIDTH - 1) // WIDTH * WIDTH
        size, kept, zeros, c = H * row, addresses[2], floats(addresses[3]), floats(addresses[4])
        S, S2, S3 = floats(kept), floats(kept + 4 * size), floats(kept + 8 * size)
        S4, P2, P1 = floats(kept + 12 * size), floats(kept + 16 * size), floats(kept + 20 * size)
        part, last = floats(addresses[3] + 4 * size), floats(addresses[3] + 8 * size)
        clear(zeros, size)
        _skew(S, floats(addresses[0]), H, row, 1 / 2.0**squarings)
        _multiply(S2, zeros, S, row, 1, S, H, row)
        _multiply(S3, zeros, S2, row, 1, S, H, row)
        _multiply(S4, zeros, S2, row, 1, S2, H, row)
        _polynomial(P2, 8, S, S2, S3, c, H, row)
        _add(P2, S4, c[12], size)
        _polynomial(part, 4, S, S2, S3, c, H, row)
        _multiply(P1, part, S4, row, 1, P2, H, row)
        _polynomial(part, 0, S, S2, S3, c, H, row)
        _multiply(floats(kept + 24 * size), part, S4, row, 1, P1, H, row)
        for k in range(squarings):
            U = floats(kept + 4 * (6 + k) * size)
            if k < squarings - 1:
                _multiply(floats(kept + 4 * (7 + k) * size), zeros, U, row, 1, U, H, row)
            else:
                _multiply(last, zeros, U, row, 1, U, H, row)
        _copy(floats(addresses[1]), H, last, row, H)

    def exp_back(addresses, H, squarings):  # type: ignore[no-untyped-def]
        row = (H + WIDTH - 1) // WIDTH * WIDTH
        size, kept, room, c = H * row, addresses[2], addresses[3], floats(addresses[4])
        S, S2, S4 = floats(kept), floats(kept + 4 * size), floats(kept + 12 * size)
        P2, P1 = floats(kept + 16 * size), floats(kept + 20 * size)
        turned, dP1, dP2 = floats(room), floats(room + 4 * size), floats(room + 8 * size)
        dS, dS2 = floats(room + 12 * size), floats(room + 16 * size)
        dS3, dS4 = floats(room + 20 * size), floats(room + 24 * size)
        clear(floats(room), 9 * size)
        _copy(floats(room + 28 * size), row, floats(addresses[0]), H, H)
        for back in range(squarings):
            U = floats(kept + 4 * (5 + squarings - back) * size)
            d, before = floats(room + 4 * (7 + back % 2) * size), floats(room + 4 * (7 + (back + 1) % 2) * size)
            clear(before, size)
            _back_left(before, d, U, turned, H, row)
            _back_right(before, d, U, H, row)
        dP0 = floats(room + 4 * (7 + squarings % 2) * size)
        _back_left(dS4, dP0, P1, turned, H, row)
        _back_right(dP1, dP0, S4, H, row)
        _back_left(dS4, dP1, P2, turned, H, row)
        _back_right(dP2, dP1, S4, H, row)
        _add(dS4, dP2, c[12], size)
        for k in range(3):
            dP = dP0
            if k == 1:
                dP = dP1
            if k == 2:
                dP = dP2
            _add(dS, dP, c[4 * k + 1], size)
            _add(dS2, dP, c[4 * k + 2], size)
            _add(dS3, dP, c[4 * k + 3], size)
        _back_left(dS2, dS4, S2, turned, H, row)
        _back_right(dS2, dS4, S2, H, row)
        _back_left(dS2, dS3, S, turned, H, row)
        _back_right(dS, dS3, S2, H, row)
        _back_left(dS, dS2, S, turned, H, row)
        _back_right(dS, dS2, S, H, row)
        _above(floats(addresses[1]), dS, H, row, 1 / 2.0**squarings)

    def cayley(addresses, H, squarings):  # type: ignore[no-untyped-def]
        row = (H + WIDTH - 1) // WIDTH * WIDTH
        M, U = floats(addresses[2]), floats(addresses[1])
        _skew(M, floats(addresses[0]), H, row, 1.0)
        for i in range(H):
            M[i * row + i] = np.float32(1)
        _invert(M, H, row)
        for i in range(H):
            for j in range(H):
                U[i * H + j] = np.float32(2) * M[i * row + j]
            U[i * H + i] -= np.float32(1)

    def cayley_back(addresses, H, squarings):  # type: ignore[no-untyped-def]
        row = (H + WIDTH - 1) // WIDTH * WIDTH
        size, M, room = H * row, floats(addresses[2]), addresses[3]
        turned, d, half, dA = (
            floats(room), floats(room + 4 * size), floats(room + 8 * size), floats(room + 12 * size),
        )  # fmt: skip
        clear(floats(room), 4 * size)
        _copy(d, row, floats(addresses[0]), H, H)
        _back_left(half, d, M, turned, H, row)
        _back_right(dA, half, M, H, row)
        _above(floats(addresses[1]), dA, H, row, -2.0)

    def skew(addresses, H, squarings):  # type: ignore[no-untyped-def]
        row, room = (H + WIDTH - 1) // WIDTH * WIDTH, floats(addresses[3])
        _skew(room, floats(addresses[0]), H, row, 1.0)
        _copy(floats(addresses[1]), H, room, row, H)

    def skew_back(addresses, H, squarings):  # type: ignore[no-untyped-def]
        _above(floats(addresses[1]), floats(addresses[0]), H, H, 1.0)

    one, back = {"exp": (exp, exp_back), "cayley": (cayley, cayley_back), "skew": (skew, skew_back)}[name]
    return compiled(one, 5, 1, 2), compiled(back, 5, 1, 2)
