"""Finite groups by name, as tables: cyclic Z60, symmetric S5, alternating A5, and products of them, A4xZ5."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

LARGEST = 1000  # elements
MOST_POINTS = 6  # of permutations: 720
FACTOR = re.compile(r"([ZSA])([1-9][0-9]{0,3})")

Table = NDArray[np.int64]


class Group:
    """The group of that name; ValueError where there is none. Elements are 0..n-1, 0 the identity. Those of Zm are its
    residues, those of Sn and An permutations in lexicographic order; of a product the last factor changes fastest.

    `table` (n, n) holds the product of the row's element and, after it, the column's: of permutations the row's is done
    first. `generators` generate all, `swaps` are the exchanges of two points (none unless it is one Sn).

    >>> Group("Z3").table.tolist(), len(Group("A4xZ5").table), Group("S3").swaps
    ([[0, 1, 2], [1, 2, 0], [2, 0, 1]], 60, (1, 2, 5))
    """

    def __init__(self, name: str) -> None:
        factors = [FACTOR.fullmatch(part) for part in name.split("x")]
        if not all(factors):
            raise ValueError(f"got '{name[:30]}', expected Z, S or A with a number, or a product such as A4xZ5")
        self.table: Table = np.zeros((1, 1), np.int64)
        every: list[int] = []
        swaps: tuple[int, ...] = ()
        for factor in factors:
            assert factor is not None
            table, generators, swaps = _factor(factor[1], int(factor[2]))
            n, m = len(self.table), len(table)
            if n * m > LARGEST:
                raise ValueError(f"got '{name[:30]}', expected at most {LARGEST} elements")
            product = self.table[:, None, :, None] * m + table[None, :, None, :]
            self.table = product.reshape(n * m, n * m)
            every = [*(g * m for g in every), *generators]
        self.generators = tuple(every)
        self.swaps = swaps if len(factors) == 1 else ()
        if len(self.table) == 1:
            raise ValueError(f"got '{name[:30]}', which has one element, expected two or more")

    @property
    def steps(self) -> tuple[int, ...]:
        """The identity, the generators and their inverses, ascending: by these one can go anywhere, or stay."""
        inverses = [int((self.table[g] == 0).argmax()) for g in self.generators]
        return tuple(sorted({0, *self.generators, *inverses}))


@lru_cache(maxsize=8)
def group(name: str) -> Group:
    """The group of that name."""
    return Group(name)


def _factor(kind: str, n: int) -> tuple[Table, tuple[int, ...], tuple[int, ...]]:
    """The table, generators and swaps of Zn, Sn or An."""
    if kind == "Z":
        if n > LARGEST:
            raise ValueError(f"got 'Z{n}', expected at most {LARGEST} elements")
        residues = np.arange(n)
        return (residues[:, None] + residues) % n, (1,) if n > 1 else (), ()
    if n > MOST_POINTS:
        raise ValueError(f"got '{kind}{n}', expected permutations of at most {MOST_POINTS} points")
    every = np.array([p for p in permutations(range(n)) if kind == "S" or _even(p)])
    weights = n ** np.arange(n)
    place = {int(code): i for i, code in enumerate(every @ weights)}
    after = np.array([every[:, p] for p in every])  # [p, q, point] = q(p(point))
    table = np.vectorize(place.__getitem__, otypes=[np.int64])(after @ weights)

    def index(cycle: list[int]) -> int:
        moved = np.arange(n)
        moved[cycle] = np.roll(cycle, -1)
        return place[int(moved @ weights)]

    if kind == "S":
        cycles = [[0, 1], list(range(n))] if n > 1 else []
    else:  # (1 2 3), and the cycle of all points, or of all but the first: whichever is even
        cycles = [[0, 1, 2], list(range(1 - n % 2, n))] if n > 2 else []
    swaps = tuple(int(i) for i in np.flatnonzero((every != np.arange(n)).sum(1) == 2)) if kind == "S" else ()
    return table, tuple(dict.fromkeys(map(index, cycles))), swaps


def _even(permutation: tuple[int, ...]) -> bool:
    """Whether a permutation is made of an even number of swaps.

    >>> _even((1, 2, 0)), _even((1, 0, 2))
    (True, False)
    """
    inversions = sum(a > b for i, a in enumerate(permutation) for b in permutation[i + 1 :])
    return inversions % 2 == 0
