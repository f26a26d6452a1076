"""Matrices in float64 where a start needs them, with the same bits on every machine: numpy's own products are those of
a library that chooses its order by the CPU, so that here rows are added one after another.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
SQUARINGS = 20  # of a matrix whose radius is asked for: a power of 2^20
TERMS = 18  # of exp's series, where no sum along a row is over 1/2: the rest is below 2^-70


def product(a: Matrix, b: Matrix) -> Matrix:
    """a b.

    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    found = np.zeros((len(a), b.shape[1]))
    for k, row in enumerate(b):
        found += a[:, k : k + 1] * row
    return found


def radius(a: Matrix) -> float:
    """The largest |eigenvalue| of a square matrix, by the size of a power of it (Gelfand): to within a factor of
    H^(2^-20); 0 where a power is 0.

    >>> round(radius(np.array([[0.0, 2.0], [-2.0, 0.0]])), 4)
    2.0
    """
    found = 1.0
    for k in range(SQUARINGS + 1):
        size = float(np.abs(a).max())
        if size == 0:
            return 0.0
        a = a / size
        for _ in range(k):  # size ** (2 ** -k): a root is rounded the same way everywhere, a power is not
            size = math.sqrt(size)
        found *= size
        a = product(a, a)
    return found


def exponential(a: Matrix) -> Matrix:
    """exp(a) of a square matrix: its series at a / 2^n, squared n times.

    >>> exponential(np.array([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    size, squarings = float(np.abs(a).sum(1).max()), 0
    while size > 0.5:
        size, squarings = size / 2, squarings + 1
    a = a / 2.0**squarings
    one = np.eye(len(a))
    found = one
    for k in range(TERMS, 0, -1):
        found = one + product(a, found) / k
    for _ in range(squarings):
        found = product(found, found)
    return found
