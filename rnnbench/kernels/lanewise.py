"""What a layer is made of whose examples lie in the lanes of vectors: an affine map, layer norm, and their ways back.

The values of a step are (H, L): a unit a row, and L examples, the batch in whole vectors. Whatever an example has of
its own stays in its lane, so that no sum runs over lanes but those that the gradients of parameters are, and units need
no padding. Products read a matrix number by number and multiply it with vectors of examples.

Where values lie is (array, index), unless it says otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.kernels.panels import sum_lanes
from rnnbench.kernels.tiles import accumulate, product
from rnnbench.kernels.vector import WIDTH, fma, load, shared, splat, sqrt, store

EPSILON = 1e-5  # as torch adds it to the variance
WIDE = 3 * WIDTH  # the most columns of a tile
Floats = NDArray[np.float32]


def padded(count: int) -> int:
    """So many numbers in whole vectors."""
    return -(-count // WIDTH) * WIDTH


def wide(bias: Floats) -> Floats:
    """A bias (1, O) as `affine` takes it: (O, WIDE), each number in every lane of as many vectors as a tile has."""
    return np.repeat(bias.reshape(-1, 1), WIDE, 1)


def turned(matrix: Floats) -> Floats:
    """A matrix (I, O) as `affine` takes it: (O, I)."""
    return np.ascontiguousarray(matrix.T)


@shared
def to_lanes(out: Any, L: Any, rows: Any, row: Any, columns: Any, B: Any) -> None:
    """B examples, `row` floats apart, of so many columns, to (columns, L), with zeros behind B."""
    for c in range(columns):
        for b in range(B):
            out[0][out[1] + c * L + b] = rows[0][rows[1] + b * row + c]
        for b in range(B, L):
            out[0][out[1] + c * L + b] = 0.0


@shared
def to_rows(rows: Any, row: Any, x: Any, L: Any, columns: Any, B: Any) -> None:
    """The way back of `to_lanes`."""
    for b in range(B):
        for c in range(columns):
            rows[0][rows[1] + b * row + c] = x[0][x[1] + c * L + b]


@shared
def _multiply(out: Any, start: Any, a: Any, rows: Any, depth: Any, x: Any, L: Any) -> None:
    """out[r] = start[r] + sum over k of a[r, k] * x[k]; the start is (array, index, step from row to row, whether its
    columns are its own instead of one tile's for all)."""
    n = 0
    while n < L:
        left, r = (L - n) // WIDTH, 0
        while r < rows:
            place = (out[0], out[1] + r * L + n, L)
            begin = (start[0], start[1] + r * start[2] + n * start[3], start[2])
            term = (a, r * depth, depth, 1, depth, x[0], x[1] + n, L)
            if left == 1:
                r += product(1, rows - r, place, begin, (term,))
            elif left == 2 or left == 4:
                r += product(2, rows - r, place, begin, (term,))
            else:
                r += product(3, rows - r, place, begin, (term,))
        n += WIDTH * (1 if left == 1 else 2 if left == 2 or left == 4 else 3)


@shared
def affine(out: Any, O: Any, bias: Any, matrix: Any, I: Any, x: Any, L: Any) -> None:
    """out (O, L) = bias + matrix x (I, L); the matrix (O, I) and the bias (O, WIDE) as `turned` and `wide` make them.

    With the matrix as it is (I, O), O its depth and a bias of zeros: what a gradient is sent back.
    """
    _multiply(out, (bias, 0, WIDE, 0), matrix, O, I, x, L)


@shared
def add_affine(out: Any, O: Any, matrix: Any, I: Any, x: Any, L: Any) -> None:
    """As `affine`, added to what lies there."""
    _multiply(out, (out[0], out[1], L, 1), matrix, O, I, x, L)


@shared
def add_outer(out: Any, rows: Any, row: Any, a: Any, L: Any, d: Any, B: Any) -> None:
    """out[r] += sum over B examples of a[r, b] * d[b], for a (rows, L) and d (B, row): a step's share of the gradient
    of a matrix. The sum over the step is finished before it is added."""
    n = 0
    while n < row:
        left, r = (row - n) // WIDTH, 0
        while r < rows:
            place, term = (out, r * row + n, row), (a[0], a[1] + r * L, L, 1, B, d, n, row)
            if left == 1:
                r += accumulate(1, rows - r, place, term)
            elif left == 2 or left == 4:
                r += accumulate(2, rows - r, place, term)
            else:
                r += accumulate(3, rows - r, place, term)
        n += WIDTH * (1 if left == 1 else 2 if left == 2 or left == 4 else 3)


@shared
def add_lanes(out: Any, x: Any, O: Any, L: Any) -> None:
    """out (O, WIDTH) += x (O, L), vector by vector: a step's share of the gradient of a bias, before `sum_over`."""
    for o in range(O):
        for n in range(o * L, (o + 1) * L, WIDTH):
            store(out, o * WIDTH, load(out, o * WIDTH) + load(x[0], x[1] + n))


@shared
def sum_over(out: Any, lanes: Any, O: Any) -> None:
    """out (O,) = the sums of the lanes of (O, WIDTH), in their order."""
    for o in range(O):
        out[o] = sum_lanes(lanes, o * WIDTH)


@shared
def add_bias(out: Any, x: Any, bias: Any, O: Any, L: Any) -> None:
    """out = x + bias, of values (O, L) and a bias as `wide` makes it."""
    for o in range(O):
        for n in range(o * L, (o + 1) * L, WIDTH):
            store(out[0], out[1] + n, load(x[0], x[1] + n) + load(bias, o * WIDE))


@shared
def normalise(hat: Any, scales: Any, x: Any, H: Any, L: Any) -> None:
    """hat (H, L) = (x - mean) * scale, scale (L,) = 1 / sqrt(variance + EPSILON), each example over its units (Ba et
    al., 2016)."""
    whole = float(H)
    for m in range(0, L, WIDTH):
        total = splat(0.0)
        for n in range(m, H * L, L):
            total = total + load(x[0], x[1] + n)
        mean, squares = total / whole, splat(0.0)
        for n in range(m, H * L, L):
            centred = load(x[0], x[1] + n) - mean
            store(hat[0], hat[1] + n, centred)
            squares = fma(centred, centred, squares)
        scale = 1.0 / sqrt(squares / whole + EPSILON)
        store(scales[0], scales[1] + m, scale)
        for n in range(m, H * L, L):
            store(hat[0], hat[1] + n, load(hat[0], hat[1] + n) * scale)


@shared
def rescale(out: Any, hat: Any, gain: Any, bias: Any, H: Any, L: Any) -> None:
    """out (H, L) = what was normalised times gain, plus bias."""
    for h in range(H):
        for n in range(h * L, (h + 1) * L, WIDTH):
            store(out[0], out[1] + n, fma(load(hat[0], hat[1] + n), splat(gain[h]), splat(bias[h])))


@shared
def normalise_back(dx: Any, dgain: Any, dbias: Any, d: Any, hat: Any, scales: Any, gain: Any, H: Any, L: Any) -> None:
    """dx += the gradient of what was normalised, given that of what `rescale` made of it; those of gain and bias too,
    before `sum_over`."""
    whole = float(H)
    for m in range(0, L, WIDTH):
        mean, along = splat(0.0), splat(0.0)
        for h in range(H):
            n, to = h * L + m, h * WIDTH
            dy, normal = load(d[0], d[1] + n), load(hat[0], hat[1] + n)
            store(dgain, to, fma(dy, normal, load(dgain, to)))
            store(dbias, to, load(dbias, to) + dy)
            dy = dy * splat(gain[h])
            mean = mean + dy
            along = fma(dy, normal, along)
        mean, along, scale = mean / whole, along / whole, load(scales[0], scales[1] + m)
        for h in range(H):
            n = h * L + m
            left = load(d[0], d[1] + n) * splat(gain[h]) - fma(load(hat[0], hat[1] + n), along, mean)
            store(dx[0], dx[1] + n, fma(left, scale, load(dx[0], dx[1] + n)))
