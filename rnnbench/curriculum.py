"""On which lengths a run trains, step by step, and at which it is tested: its own alone, or many.

A run that trains on many lengths draws one for each batch, uniformly from the task's shortest to the longest that is
open at that step, by a stream of its own that is keyed by seed and step: so two variants at one seed see the same
lengths, seeds see others, and a run that is resumed needs to know its step alone.

    longest(step) = from + (upto - from) (step - 1) // over    for the first `over` steps
                    upto                                       after them, and always where there is no `from`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rnnbench.records import Rung
from rnnbench.rng import stream

if TYPE_CHECKING:
    from rnnbench.seeds import Seed

PURPOSE = "lengths"  # of the stream that draws them


@dataclass(frozen=True)
class Curriculum:
    """The lengths from `shortest` to `upto`, of which up to `start` are open at the first step and all after `over`;
    those that are `tested`, ascending.

    >>> c = Curriculum(3, 20, start=5, over=10, tested=(10, 20, 40))
    >>> [c.longest(step) for step in (1, 2, 6, 10, 11, 999)], c.trained, c.beyond
    ([5, 6, 12, 18, 20, 20], (10, 20), (40,))
    """

    shortest: int
    upto: int
    start: int
    over: int
    tested: tuple[int, ...]

    @classmethod
    def of(cls, rung: Rung, shortest: int) -> Curriculum:
        """A rung's; `shortest` is the least length that its task admits."""
        if not rung.tested:
            return cls(rung.length, rung.length, rung.length, 0, (rung.length,))
        return cls(shortest, rung.length, rung.train.get("from", rung.length), rung.train.get("over", 0), rung.tested)

    @property
    def drawn(self) -> bool:
        """Whether steps may differ in their length."""
        return self.shortest < self.upto

    @property
    def trained(self) -> tuple[int, ...]:
        """The tested lengths that are among those trained on: they decide when to stop, and what is solved."""
        return tuple(length for length in self.tested if length <= self.upto)

    @property
    def beyond(self) -> tuple[int, ...]:
        """The tested lengths that are longer than all that is trained on."""
        return tuple(length for length in self.tested if length > self.upto)

    def longest(self, step: int) -> int:
        """The longest length that is open at a step, counted from 1."""
        return self.start + (self.upto - self.start) * (step - 1) // self.over if step <= self.over else self.upto

    def length(self, seed: Seed, step: int) -> int:
        """What the batch of a step is as long as."""
        if not self.drawn:
            return self.upto
        return self.shortest + int(stream(seed, PURPOSE, step).integers(self.longest(step) - self.shortest + 1, 1)[0])
