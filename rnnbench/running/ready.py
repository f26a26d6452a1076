"""The runs that wait for a worker, by their priority and by what may train side by side.

Nothing here walks over all that wait: to add or take a run costs the logarithm of how many there are.
"""

from __future__ import annotations

import heapq
from collections import Counter
from itertools import count, islice

from rnnbench.records import Run


class Ready:
    """Runs by id, each with a priority: the largest goes first, among equals the one that came first."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._places: dict[str, tuple[float, int]] = {}  # (- priority, number) of each
        self._heap: list[tuple[tuple[float, int], str]] = []  # what is gone, or has moved up, is passed over
        self._shapes: Counter[str] = Counter()  # how many wait of each shape
        self._company: dict[str, dict[str, Run]] = {}  # those of each shape that may have company
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._runs)

    def add(self, run: Run, priority: float, solo: bool = False) -> None:
        """A run that waits from now on; one that does already may move up. `solo`: it is to have no company."""
        id, shape = run.id, run.rung.shape
        if id not in self._runs:
            self._runs[id] = run
            self._shapes[shape] += 1
            if not solo:
                self._company.setdefault(shape, {})[id] = run
        elif priority <= -self._places[id][0]:
            return
        self._places[id] = -priority, next(self._numbers)
        heapq.heappush(self._heap, (self._places[id], id))

    def first(self) -> Run:
        """The run to go first."""
        while self._places.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._runs[self._heap[0][1]]

    def beside(self, run: Run) -> int:
        """How many may train side by side, a run and those of its shape; 1 where it is to have no company."""
        same = self._company.get(run.rung.shape, {})
        return len(same) if run.id in same else 1

    def shapes(self) -> int:
        """How many shapes wait."""
        return len(self._shapes)

    def take(self, run: Run, most: int = 1) -> list[tuple[Run, float]]:
        """Takes out a run, and of those that may train beside it the first, `most` in all; and their priorities."""
        company = (other for other in self._company.get(run.rung.shape, {}).values() if other.id != run.id)
        return [(one, self._drop(one)) for one in (run, *islice(company, most - 1))]

    def take_like(self, run: Run) -> list[Run]:
        """Takes out all that might have trained beside a run."""
        same = list(self._company.get(run.rung.shape, {}).values())
        for one in same:
            self._drop(one)
        return same

    def _drop(self, run: Run) -> float:
        id, shape = run.id, run.rung.shape
        priority, _ = self._places.pop(id)
        del self._runs[id]
        self._shapes[shape] -= 1
        if not self._shapes[shape]:
            del self._shapes[shape]
        same = self._company.get(shape, {})
        same.pop(id, None)
        if not same:
            self._company.pop(shape, None)
        return -priority
