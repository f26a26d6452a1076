"""Tasks: one file, one task, which owns its sizes, its data, its loss and its score.

A file here is found by its name: `tasks/copy.py` holds the class `Task` that a suite calls `copy`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor

Split = Literal["select", "test"]
Streams = Callable[[str], Stream]  # the streams of a run, by purpose
SIZES: dict[Split, int] = {"select": 1024, "test": 2048}
ALL_SEEN = 2**12  # inputs: 1000 steps of 32 examples show each of so many 8 times
COUNTED = 2**40  # inputs: more than anybody trains on aren't counted


class Lag(NamedTuple):
    """Steps from the input that must be held longest to the answer that is scored, over a length's examples and,
    where each answer has an input of its own, over their answers."""

    least: int
    mean: float
    most: int


class Batch(NamedTuple):
    """Examples of one length, time first.

    `xs` (T, B) tokens or (T, B, I) numbers; `at` the K steps that are answered; `ys` (K, B) classes or (K, B, O)
    numbers; `weights` (K, B), 0 where an answer is not scored (None: all are).
    """

    xs: NDArray[Any]
    ys: NDArray[Any]
    at: slice = slice(None)
    weights: NDArray[Any] | None = None

    def part(self, start: int, stop: int) -> Batch:
        """Examples start to stop of the batch."""
        weights = None if self.weights is None else self.weights[:, start:stop]
        return Batch(self.xs[:, start:stop], self.ys[:, start:stop], self.at, weights)

    def taken(self, places: NDArray[np.int64]) -> Batch:
        """The examples at these places of the batch, in their order; any may come more than once."""
        weights = None if self.weights is None else self.weights.take(places, 1)
        return Batch(self.xs.take(places, 1), self.ys.take(places, 1), self.at, weights)

    @classmethod
    def joined(cls, batches: Sequence[Batch]) -> Batch:
        """The examples of several batches of one length, one after another."""
        weights = [b.weights for b in batches if b.weights is not None]
        xs, ys = (np.concatenate(arrays, 1) for arrays in ([b.xs for b in batches], [b.ys for b in batches]))
        return cls(xs, ys, batches[0].at, np.concatenate(weights, 1) if weights else None)


class Needed(NamedTuple):
    """The inputs that each answer hangs on, N of them, the one that is held longest first.

    `steps` (N, K, B) is where they are read, -1 where an answer does without; `values` (N, K, B) what of each is to be
    held, a class or a number. Tokens that could stand there as well are `first`, ..., `first + choices - 1`, each
    (N, K, B) or one number for all; `choices` is 0 where none may take its place.
    """

    steps: NDArray[Any]
    values: NDArray[Any]
    first: NDArray[Any] | int = 0
    choices: NDArray[Any] | int = 0


@dataclass(frozen=True)
class Task(ABC):
    """How to draw a batch at a length and how to score the answers; a subclass's fields are the difficulty.

    As written here: one of `outputs` classes at each answer, cross-entropy in nats, accuracy above `chance`.
    """

    bar: ClassVar[float] = 0.95  # a score at or over it is "solved"
    causal: ClassVar[bool] = False  # no model may look ahead: it would see answers, or it was published so
    shortest: ClassVar[int] = 1  # the least length
    # Fields of its own that a training on many lengths sets: what would mix lengths within a batch, as that does over
    # batches.
    drawn: ClassVar[Mapping[str, Any]] = {}
    tokens: ClassVar[bool] = True  # inputs are tokens, fed one-hot
    padded: ClassVar[bool] = False  # examples are padded in front to one length, with tokens that a model sees
    # Which of `kernels.readout.LOSSES` computes `loss` on a CPU; "" where nothing but torch does.
    nats: ClassVar[str] = "classes"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "loss" in cls.__dict__ and "nats" not in cls.__dict__:  # a loss of its own is what it says alone
            cls.nats = ""

    @property
    @abstractmethod
    def inputs(self) -> int:
        """I: how many tokens there are, or numbers a step."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """O: the width of an answer."""

    @property
    def last(self) -> bool:
        """Whether there is one answer, after the last step."""
        return False

    @property
    def chance(self) -> float:
        """The accuracy of the best shortcut that does without the memory in question: score 0."""
        return 1 / self.outputs

    @abstractmethod
    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        """`size` fresh training examples."""

    @abstractmethod
    def lag(self, length: int) -> Lag:
        """How long the needed input must be held."""

    def space(self, length: int) -> int | None:
        """How many different inputs there are to test; None where they are numbers, or nobody counts that far."""
        return None

    def split(self, length: int) -> bool:
        """Whether the inputs are split: no training batch holds one that is tested or decides when to stop."""
        return False

    def all_seen(self, length: int) -> bool:
        """Whether there are so few inputs, too few to split, that a training has seen all that are tested."""
        space = self.space(length)
        return space is not None and space <= ALL_SEEN and not self.split(length)

    def held_out(self, split: Split, length: int, stream: Streams) -> Batch:
        """The examples that decide when to stop (`select`) or that are reported (`test`)."""
        return self.batch(SIZES[split], length, stream(split))

    def needed(self, batch: Batch) -> Needed | None:
        """The inputs that answers hang on, for probes; None where a task does not say it."""
        return None

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """What models without the memory would answer, by name: (K, B, O). A test scores each; the best is near 0."""
        return {}

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """answers (..., K, B, O), ys (..., K, B) -> the mean loss of each run, (...)."""
        nats = -torch.log_softmax(answers, -1).gather(-1, ys.unsqueeze(-1)).squeeze(-1)
        return mean(nats, weights)

    def right(self, answers: Tensor, ys: Tensor) -> Tensor | None:
        """answers (..., K, B, O) -> 1 where one is right, else 0, (..., K, B); None where answers are numbers."""
        return None if ys.is_floating_point() else (answers.argmax(-1) == ys).to(torch.float64)

    def accuracy(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """How many of a run's answers are right, in [0, 1], (...)."""
        return mean((answers.argmax(-1) == ys).to(torch.float64), weights)

    def score(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """answers (..., K, B, O), ys (..., K, B) -> the score of each run in [0, 1], (...)."""
        return above_chance(self.accuracy(answers, ys, weights), self.chance)


def strings(symbols: int, length: int) -> int | None:
    """How many strings of that length there are; None beyond what is counted.

    >>> strings(4, 2), strings(8, 1000)
    (16, None)
    """
    return symbols**length if length * math.log2(symbols) <= math.log2(COUNTED) else None


def mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """The mean of (..., K, B) over K and B, weighted if there are weights."""
    if weights is None:
        return values.mean((-2, -1))
    return (values * weights).sum((-2, -1)) / weights.sum((-2, -1))


def above_chance(accuracy: Tensor, chance: float) -> Tensor:
    """0 at chance, 1 where every answer is right; 0 where chance is 1, which leaves nothing to score."""
    if chance >= 1:
        return torch.zeros_like(accuracy)
    return ((accuracy - chance) / (1 - chance)).clamp(min=0)
