"""`search: bisect`: which rung of a ladder a seed is trained at next, so that its span is found in few runs.

Outcomes are taken to be monotone: what solves a length solves every shorter one. Then `low` rungs of a ladder are known
to be solved, those from `high` on are not, and one run between them halves what is left. Far from the bottom that is
bisection; near it, where the next rung up is cheap and the top is not, no run is further up than twice as many rungs as
are solved (Bentley & Yao, 1976), so that no seed takes more runs than it would by climbing: at most two beyond those
that it solves, and at most all. Every seed is searched by itself, whatever the others came to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from rnnbench.records import Record


@dataclass(frozen=True)
class Search:
    """How far a seed's search has come: rungs below `low` are solved, those from `high` on are not, `visited` were
    trained at. `asked`: the rung to train at next; None where it has ended, or its last run broke."""

    low: int
    high: int
    visited: tuple[int, ...]
    asked: int | None

    @property
    def left(self) -> int:
        """How many runs it may still take, at most."""
        return 0 if self.asked is None else most(self.low, self.high)

    def implied(self, rung: int) -> bool | None:
        """Whether a rung where nothing was trained is solved; None where that is open."""
        if rung in self.visited or self.low <= rung < self.high:
            return None
        return rung < self.low


def probe(low: int, high: int) -> int:
    """The rung to train at, of those from low to below high.

    >>> probe(0, 15), probe(2, 15), probe(6, 15), probe(2, 5)
    (1, 5, 10, 3)
    """
    return min((low + high) // 2, 2 * low + 1)


@cache
def most(low: int, high: int) -> int:
    """How many runs it takes at most.

    >>> most(0, 15), most(6, 10)
    (6, 3)
    """
    if low == high:
        return 0
    k = probe(low, high)
    return 1 + max(most(low, k), most(k + 1, high))


def worst(seconds: Sequence[float], low: int, high: int) -> float:
    """The most that a search may take, if a run at each rung takes so long.

    >>> worst([1, 2, 4, 8], 0, 4), worst([1, 2, 4, 8], 0, 1)
    (14.0, 1.0)
    """
    return _path(low, high, seconds, seconds, lambda solved, failed, _: max(solved, failed))


def mean(solved: Sequence[float], failed: Sequence[float], low: int, high: int) -> float:
    """What a search takes in the mean over all places where it may end, if a run at each rung takes so long where that
    is solved, and so long where it isn't.

    >>> mean([1, 1, 1], [2, 2, 2], 0, 3)
    3.0
    """
    return _path(low, high, solved, failed, lambda up, down, share: share * up + (1 - share) * down)


def _path(
    low: int,
    high: int,
    solved: Sequence[float],
    failed: Sequence[float],
    both: Callable[[float, float, float], float],
) -> float:
    """What comes of a search by what comes of its two ways on: `both` is given them and the share of the places where
    it may end that lie on the first."""

    @cache
    def of(low: int, high: int) -> float:
        if low >= high:
            return 0.0
        k = probe(low, high)
        return both(solved[k] + of(k + 1, high), failed[k] + of(low, k), (high - k) / (high - low + 1))

    return of(low, high)


def search(records: Sequence[Record | None]) -> Search:
    """What one seed's records come to, of each rung from the shortest; those that it doesn't ask for don't count."""
    low, high = 0, len(records)
    visited: list[int] = []
    while low < high:
        k = probe(low, high)
        record = records[k]
        if record is None:
            return Search(low, high, tuple(visited), k)
        visited.append(k)
        if not record.finished:
            return Search(low, high, tuple(visited), None)
        low, high = (k + 1, high) if record.status == "solved" else (low, k)
    return Search(low, high, tuple(visited), None)
