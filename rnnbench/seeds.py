"""A run's seed: a number that decides all that is random in it, or a pair of which each decides a part.

    init    where the network starts, and its own noise in training (dropout)
    data    what it is shown: training batches, their lengths and order, and the examples that it is judged by

An ordinary seed s is the pair (s, s), and is written as the number: so that a run is one run, whichever asks for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rnnbench import strict


class Pair(NamedTuple):
    """A seed whose parts differ; `3:1` is the third initialisation with the first data, counted from 0.

    >>> str(Pair(3, 1)), f"seed {Pair(3, 1)}"
    ('3:1', 'seed 3:1')
    """

    init: int
    data: int

    def __str__(self) -> str:
        return f"{self.init}:{self.data}"


Seed = int | Pair


def of(init: int, data: int) -> Seed:
    """The seed of these parts.

    >>> of(2, 2), of(2, 3)
    (2, Pair(init=2, data=3))
    """
    return init if init == data else Pair(init, data)


def init(seed: Seed) -> int:
    """The part that decides where the network starts."""
    return seed.init if isinstance(seed, Pair) else seed


def data(seed: Seed) -> int:
    """The part that decides what it is shown."""
    return seed.data if isinstance(seed, Pair) else seed


def plain(seed: Seed) -> int | dict[str, int]:
    """A seed as plain JSON.

    >>> plain(2), plain(Pair(2, 3))
    (2, {'init': 2, 'data': 3})
    """
    return seed._asdict() if isinstance(seed, Pair) else seed


def from_plain(value: Any) -> Seed:
    """The seed of plain JSON, checked; ValueError where it is none.

    >>> from_plain({"init": 2, "data": 2})
    Traceback (most recent call last):
    ValueError: seed: got an object, expected the number 2, since both parts are that
    """
    if type(value) is not dict:
        return strict.whole("seed", value)
    found = strict.keys("seed", value, ("init", "data"))
    parts = [strict.whole(f"seed: {name}", found[name]) for name in ("init", "data")]
    if parts[0] == parts[1]:
        strict.refuse("seed", value, f"the number {parts[0]}, since both parts are that")
    return Pair(*parts)
