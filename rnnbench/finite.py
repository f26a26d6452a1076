"""Finitely many examples to train on: drawn once for each seed, gone through again and again.

    the example at place p of a run's training = order(p // n)[p mod n] of its n
    step s has those at places (s - 1) B, .., s B - 1

Each pass has an order of its own, by a stream that is keyed by seed and pass, and a batch may end one pass and begin
the next, or hold several: so which examples a step trains on follows from the step alone, whoever resumes there. They
are drawn in blocks of one size, so that of one seed fewer examples are the first ones of more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rnnbench.rng import stream
from rnnbench.tasks import Batch

if TYPE_CHECKING:
    from rnnbench.seeds import Seed
    from rnnbench.tasks import Task

DRAWN, SHUFFLED = "examples", "order"  # purposes of the streams: by block, and by pass
BLOCK = 64  # examples drawn by one stream


class Finite:
    """`count` examples of a length, of one seed."""

    def __init__(self, task: Task, length: int, count: int, seed: Seed) -> None:
        blocks = [task.batch(BLOCK, length, stream(seed, DRAWN, k)) for k in range(-(-count // BLOCK))]
        self.count, self.seed = count, seed
        self.whole = Batch.joined(blocks).part(0, count)
        self._pass, self._places = -1, np.empty(0, np.int64)

    def batch(self, size: int, step: int) -> Batch:
        """What a step trains on, counted from 1."""
        return self.whole.taken(self.rows(size, step))

    def rows(self, size: int, step: int) -> NDArray[np.int64]:
        """The places of a step's examples among all, (size,)."""
        first, last, n = (step - 1) * size, step * size, self.count
        passes = range(first // n, -(-last // n))
        return np.concatenate([self._order(p)[max(first - p * n, 0) : last - p * n] for p in passes])

    def _order(self, number: int) -> NDArray[np.int64]:
        """The order of a pass, counted from 0, (count,). The last one that was asked for is kept."""
        if number != self._pass:
            self._pass, self._places = number, stream(self.seed, SHUFFLED, number).shuffled(1, self.count)[0]
        return self._places
