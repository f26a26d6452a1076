"""`seeds: {init: 5, data: 4}`: every initialisation is trained on every stream of data, to tell whose luck a score is.

The pairs whose two parts are one number are ordinary seeds, and share neither part with each other: they are the
suite's `seeds`, of which all of its statistics are. The others are trained besides, for the crossing alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rnnbench import seeds
from rnnbench.seeds import Seed
from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader

LEAST, MOST = 2, 100  # initialisations, and streams of data: of one alone nothing varies
KEYS = ("init", "data", "from")


@dataclass(frozen=True)
class Crossing:
    """So many initialisations and so many streams of data, both numbered from `start`.

    >>> Crossing(2, 3).diagonal, Crossing(2, 3).pairs
    (range(0, 2), (Pair(init=0, data=1), Pair(init=0, data=2), Pair(init=1, data=0), Pair(init=1, data=2)))
    """

    init: int
    data: int
    start: int = 0

    def __str__(self) -> str:
        return f"{self.init} initialisations x {self.data} streams of data"

    @property
    def diagonal(self) -> range:
        """The seeds whose parts are one number."""
        return range(self.start, self.start + min(self.init, self.data))

    @property
    def numbers(self) -> range:
        """All that stand in any of its seeds."""
        return range(self.start, self.start + max(self.init, self.data))

    @property
    def every(self) -> Iterator[Seed]:
        """All its seeds, those of one initialisation after another."""
        for init in range(self.init):
            for data in range(self.data):
                yield seeds.of(self.start + init, self.start + data)

    @cached_property
    def pairs(self) -> tuple[Seed, ...]:
        """Those that are no ordinary seeds, in that order."""
        return tuple(seed for seed in self.every if isinstance(seed, seeds.Pair))


def crossing(reader: Reader, path: Path) -> Crossing | None:
    """`{init: NUMBER, data: NUMBER}`, and which number both begin `from`; None where that is a fault."""
    entry = reader.mapping(path, "{init: NUMBER, data: NUMBER}", KEYS, of="init, data or from") or {}
    found = {}
    for key, many in (("init", "a number of initialisations"), ("data", "a number of streams of data")):
        if key not in entry:
            reader.missing((*path, key), many)
        else:
            found[key] = reader.whole((*path, key), LEAST, MOST, many)
    start = reader.whole((*path, "from"), 0, 2**62, "a seed") if "from" in entry else 0
    if len(found) < 2 or None in found.values() or start is None:
        return None
    return Crossing(found["init"] or 0, found["data"] or 0, start)
