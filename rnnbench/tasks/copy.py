"""Copy memory (Hochreiter & Schmidhuber, 1997; as in Arjovsky, Shah & Bengio, 2016).

`items` symbols, then length - 1 blanks and a delimiter, then as many blanks as items, during which the items
are to be said in order. Only these last answers are scored: accuracy over the blanks would be near 1 for nothing.

Two tasks go by this name, and their losses can't be compared. `recall` trains on the items alone. `whole` is
Arjovsky's: the mean over all length + 2 items steps, of which all but the last are to be answered with a blank; who
remembers nothing pays items * ln(alphabet) / (length + 2 items) nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks import _split

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens: 0 blank, 1..alphabet the symbols, alphabet + 1 the delimiter. Length: the steps
    from the last item to the last blank before the answers, so that every item is held for items + length steps.

    >>> from rnnbench.rng import stream
    >>> b = Task(items=2, alphabet=4).batch(1, 3, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), b.ys[:, 0].tolist()
    ([3, 4, 0, 0, 5, 0, 0], [2, 3])
    >>> Task(items=2, alphabet=4, form="whole").batch(1, 3, stream(1, "train")).ys[:, 0].tolist()
    [0, 0, 0, 0, 0, 3, 4]
    """

    items: Annotated[int, Interval(ge=1, le=1000)] = 10
    alphabet: Annotated[int, Interval(ge=2, le=1000)] = 8
    form: Literal["recall", "whole"] = "recall"

    @property
    def inputs(self) -> int:
        return self.alphabet + 2

    @property
    def outputs(self) -> int:
        return self.alphabet + (self.form == "whole")

    @property
    def chance(self) -> float:
        return 1 / self.alphabet

    def space(self, length: int) -> int | None:
        return tasks.strings(self.alphabet, self.items)

    def split(self, length: int) -> bool:
        return _split.divided(_split.count(self.alphabet, self.items - 1))

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._asked(size, length, rng, "train")

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return self._asked(tasks.SIZES[split], length, stream(split), split)

    def _asked(self, size: int, length: int, rng: Stream, part: _split.Part) -> tasks.Batch:
        K = self.items
        symbols = _split.strings(self.alphabet, K, size, rng, part)
        xs = np.zeros((2 * K + length, size), np.int64)
        xs[:K] = symbols + 1
        xs[K + length - 1] = self.alphabet + 1
        if self.form == "recall":
            return tasks.Batch(xs, symbols, slice(K + length, None))
        ys = np.zeros_like(xs)
        ys[-K:] = symbols + 1
        return tasks.Batch(xs, ys)

    def lag(self, length: int) -> tasks.Lag:
        steps = self.items + length
        return tasks.Lag(steps, steps, steps)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """Each answer's item; a blank that is to be said hangs on none."""
        K, size = batch.ys.shape
        item = np.arange(K) - (K - self.items)
        steps = np.broadcast_to(np.maximum(item, -1)[:, None], (1, K, size))
        return tasks.Needed(steps, batch.xs[steps, np.arange(size)] - 1, 1, self.alphabet)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        constant = np.zeros((*batch.ys.shape, self.outputs), np.float32)
        constant[: -self.items, :, 0] = 1
        constant[-self.items :, :, -1] = 1
        return {"always one symbol": constant}

    def accuracy(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Of the items alone, (...)."""
        return super().accuracy(answers[..., -self.items :, :, :], ys[..., -self.items :, :], weights)
