"""Flip-flop language (FFL; Liu et al., 2023): what was written last, however many bits were to be ignored since?

Pairs of an instruction and a bit are read: `w` writes the bit, `i` is to be ignored, and after `r` the bit that was
written last must come: it is asked for at the r, before it is shown. The first instruction is a w, the last an r; each
other is an i with probability `ignored`, else a w or an r, as likely. So lags are geometric, with a long tail. One bit
of state suffices; attention, which must tell one write from thousands, glitches.

A read is told by the pair before it where that was a w or an r, and by luck half of the other times: 1 - ignored / 2 of
all are right without a memory of more than that, and score 0. The read right after the first write isn't scored: it is
always told so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows

WRITE, IGNORE, READ = 2, 3, 4
TESTED = {"sparse": 0.98, "dense": 0.1}


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: 0 and 1 the bits, 2 w, 3 i, 4 r. Answers: the bits. Length: how many pairs there are. What is tested, and
    what decides when to stop, is drawn as in training (`same`), or ignores .98 (`sparse`) or .1 (`dense`) of all pairs,
    as published.

    >>> from rnnbench.rng import stream
    >>> b = Task(ignored=0.5).batch(1, 6, stream(1, "train"))
    >>> " ".join("01wir"[x] for x in b.xs[:, 0]), b.ys[:, 0].tolist(), b.weights[:, 0].tolist()
    ('w 1 r 1 i 0 i 1 w 0 r 0', [0, 1, 0, 0, 0, 0], [0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    """

    causal: ClassVar[bool] = True  # what is asked for comes next
    shortest: ClassVar[int] = 3

    ignored: Annotated[float, Interval(ge=0.01, le=0.99)] = 0.8
    tested: Literal["same", "sparse", "dense"] = "same"

    @property
    def inputs(self) -> int:
        return 5

    @property
    def outputs(self) -> int:
        return 2

    @property
    def chance(self) -> float:
        """What the pair before tells."""
        return 1 - self._tested / 2

    @property
    def _tested(self) -> float:
        return TESTED.get(self.tested, self.ignored)

    def space(self, length: int) -> int | None:
        """The first bit; then pairs of a w or an i with either bit, or of an r with the one that it must have."""
        between = tasks.strings(5, length - 2)
        return between and 2 * between

    def keys(self, length: int) -> int | None:
        space = self.space(length)
        return space and space // 2

    def key(self, rows: Rows) -> Rows:
        """The instructions, and the bits as they would be if the first were 0: so each bit is as often the answer."""
        half = len(rows) // 2
        return np.concatenate([rows[:half], rows[half:] ^ rows[half]])

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The instructions, then the bits."""
        luck = rng.uniform((length, size))
        writes = (1 + self.ignored) / 2
        told = np.where(luck < self.ignored, IGNORE, np.where(luck < writes, WRITE, READ))
        told[0], told[-1] = WRITE, READ
        bits = rng.integers(2, (length, size))
        written = np.maximum.accumulate(np.where(told == WRITE, np.arange(length)[:, None], 0), 0)
        bits = np.where(told == READ, np.take_along_axis(bits, written, 0), bits)
        return np.concatenate([told, bits])

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return replace(self, ignored=self._tested)._part(tasks.SIZES[split], length, stream(split), split)

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        told, bits = rows[:length], rows[length:]
        xs = np.stack([told, bits], 1).reshape(2 * length, -1)
        weights = (told == READ).astype(np.float32)
        weights[1] = 0
        return tasks.Batch(xs, np.where(told == READ, bits, 0), slice(0, None, 2), weights)

    def lag(self, length: int) -> tasks.Lag:
        """From the bit that was written last to the r, over all reads that are scored in training."""
        write = (1 - self.ignored) / 2
        k = np.arange(2, length)  # a read's pair; the write is at each one before as likely, or at the first of all
        reads = np.where(k < length - 1, write, 1)
        pairs = (1 - (1 - write) ** k) / write
        return tasks.Lag(1, 2 * float((reads * pairs).sum() / reads.sum()) - 1, 2 * length - 3)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The bit that was written last."""
        told = batch.xs[::2]
        written = np.maximum.accumulate(np.where(told == WRITE, np.arange(len(told))[:, None], 0), 0)
        steps = np.where(np.asarray(batch.weights) > 0, 2 * written + 1, -1)
        return tasks.Needed(steps[None], batch.ys[None], 0, 2)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(2, dtype=np.float32)
        before = np.concatenate([batch.ys[:1] * 0, batch.xs[1:-2:2]])
        return {"the bit before": choices[before], "always 0": choices[batch.ys * 0]}
