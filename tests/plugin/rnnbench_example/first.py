"""Say the first symbol again, after the last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks import Batch, Lag


@dataclass(frozen=True)
class Task(tasks.Task):
    """Its fields are the difficulty."""

    symbols: Annotated[int, Interval(ge=2, le=100)] = 2

    @property
    def inputs(self) -> int:
        return self.symbols

    @property
    def outputs(self) -> int:
        return self.symbols

    @property
    def last(self) -> bool:
        return True

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        xs = rng.integers(self.symbols, (length + 1, size))
        return Batch(xs, xs[:1], slice(-1, None))

    def lag(self, length: int) -> Lag:
        return Lag(length, float(length), length)
