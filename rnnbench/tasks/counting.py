"""Counting: languages whose strings can only be told by counting (Gers & Schmidhuber, 2000, 2001; Suzgun et al., 2019).

A string is read symbol by symbol, `$ a a b b`; at each step the set of the symbols that may come next is asked for,
$ being the end. A string counts only if every step is right, and no string that is tested was trained on.

`anbn` and `anbncn`: a^n b^n (c^n). From the first b on the answer is exact: b until there were as many as a, then c
or $. At length L a model trains on n = 1..L without those held out: n = 6, 11, 16, ... and L + 1 are tested, n = 3, 8,
13, ... and L + 2 decide when to stop. So both splits hold strings inside and beyond the range, and what decides when to
stop begins below what is tested and ends beyond it.

`dyck1` and `dyck2`: balanced brackets of one kind or two, by depth: strings of 4 L + 16 brackets, of depths 1..L in
training, of depth L in what is tested. That a bracket closed tells little about whether all are closed. One kind needs
a counter, two need a stack.

`timing`: spikes, each L or L + 1 steps after the one before; when may the next one come, and when must it? Telling L
steps from one fewer is all there is to it, the lag is crisp, and no count of symbols helps. It is here that peepholes
matter. (Gers & Schmidhuber asked for the interval's class at its end, or for the spikes themselves; sets of what may
come next ask for the same count, and share this task's loss and its score.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.lazy import torch
from rnnbench.rng import Stream
from rnnbench.tasks._brackets import Brackets
from rnnbench.tasks._languages import Blocks, Language, Spikes

if TYPE_CHECKING:
    from torch import Tensor

LANGUAGES: dict[str, Language] = {
    "anbn": Blocks(2),
    "anbncn": Blocks(3),
    "dyck1": Brackets(1),
    "dyck2": Brackets(2),
    "timing": Spikes(),
}


@dataclass(frozen=True)
class Task(tasks.Task):
    """Tokens and answers: the language's symbols, 0 the mark $ (in `timing`: silence). Length: the largest n that is
    trained on; of brackets the depth; of spikes the shorter interval.

    >>> from rnnbench.rng import stream
    >>> b = Task().batch(1, 4, stream(1, "train"))
    >>> b.xs[:6, 0].tolist(), b.ys[:5, 0].astype(int).tolist()
    ([0, 1, 1, 2, 2, 0], [[0, 1, 0], [0, 1, 1], [0, 1, 1], [0, 0, 1], [1, 0, 0]])
    """

    bar: ClassVar[float] = 1.0
    nats: ClassVar[str] = "symbols"
    causal: ClassVar[bool] = True
    shortest: ClassVar[int] = 3

    language: Literal["anbn", "anbncn", "dyck1", "dyck2", "timing"] = "anbn"

    @property
    def _language(self) -> Language:
        return LANGUAGES[self.language]

    @property
    def inputs(self) -> int:
        return self._language.symbols

    @property
    def outputs(self) -> int:
        return self._language.symbols

    @property
    def chance(self) -> float:
        return 0.0

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._language.batch(size, length, rng)

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return self._language.held_out(split, length, stream)

    def lag(self, length: int) -> tasks.Lag:
        return self._language.lag(length)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        return self._language.needed(batch)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        return self._language.shortcuts(batch)

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Binary cross-entropy of the symbols, summed, a step: nats, (...)."""
        towards = torch.where(ys > 0, answers, -answers)
        size = towards.abs()
        nats = 0.5 * (size - towards) + torch.log1p(torch.exp(-size))  # -log sigmoid(towards), whatever its size
        return tasks.mean(nats.sum(-1), weights)

    def right(self, answers: Tensor, ys: Tensor) -> Tensor:
        """Whether each step's set is right, (..., K, B)."""
        return ((answers > 0) == (ys > 0)).all(-1).to(torch.float64)

    def accuracy(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """How many strings are right at every step, (...)."""
        wrong = ((answers > 0) != (ys > 0)).any(-1)
        if weights is not None:
            wrong = wrong & (weights > 0)
        return (~wrong.any(-2)).to(torch.float64).mean(-1)
