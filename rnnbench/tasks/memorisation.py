"""Memorisation (MAD; Poli et al., 2024): facts that no input tells, and that only weights can hold.

Each key has a value of its own, the same in every example and for every seed, by an order that is drawn once. A key is
read, then blanks, then a mark, at which its value is asked for. Nothing is held out, as nothing can be inferred: what
is tested is that all facts are known. With one step between key and answer it is the published task; with more, the key
(or its value) must be held as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream, stream


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 blank, 1..facts the keys, facts + 1 the mark. Answers: the values. Length: the steps from the key to
    the mark. Each fact is tested once.

    >>> from rnnbench.rng import stream
    >>> b = Task(facts=8).batch(3, 2, stream(1, "train"))
    >>> b.xs.T.tolist(), b.ys[0].tolist()
    ([[5, 0, 9], [8, 0, 9], [3, 0, 9]], [3, 2, 4])
    """

    facts: Annotated[int, Interval(ge=2, le=8192)] = 128

    @property
    def inputs(self) -> int:
        return self.facts + 2

    @property
    def outputs(self) -> int:
        return self.facts

    @property
    def last(self) -> bool:
        return True

    def space(self, length: int) -> int | None:
        return self.facts

    def all_seen(self, length: int) -> bool:
        """However many there are: they are what is to be learnt."""
        return True

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._asked(rng.integers(self.facts, size), length)

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return self._asked(np.arange(self.facts), length)

    def _asked(self, keys: NDArray[np.int64], length: int) -> tasks.Batch:
        xs = np.zeros((length + 1, keys.size), np.int64)
        xs[0], xs[-1] = 1 + keys, 1 + self.facts
        return tasks.Batch(xs, _values(self.facts)[None, keys], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        return tasks.Lag(length, length, length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The key."""
        return tasks.Needed(np.zeros((1, *batch.ys.shape), np.int64), batch.ys[None], 1, self.facts)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return {"always one value": np.eye(self.outputs, dtype=np.float32)[np.zeros_like(batch.ys)]}


@cache
def _values(facts: int) -> NDArray[np.int64]:
    """The value of each key, (facts,)."""
    values: NDArray[np.int64] = stream(0, "memorisation").shuffled(1, facts)[0]
    return values
