"""Recurrent cells: one file, one cell, and nothing but its equations.

A file here is found by its name: `cells/gru.py` holds the class `Cell` that a suite calls `gru`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench.cells.rotation import Rotation
from rnnbench.rng import Stream

if TYPE_CHECKING:
    from torch import Tensor

Shapes = dict[str, tuple[int, int]]
Streams = Callable[[str], Stream]
Arrays = dict[str, NDArray[np.float32]]
# A Tensor; named loosely so that a cell's file needs no import of torch to be read.
Parameters = Mapping[str, "Tensor"]
State = tuple["Tensor", ...]
# Switches that several cells have: a bias at the start; the longest lag to reach, in steps (true: the rung's own).
Bias = Annotated[float, Interval(ge=-100, le=100)]
Chrono = bool | Annotated[int, Interval(ge=3, le=10**7)]


# Functions of a cell's equations are methods of what they are given: a step is traced without torch.
def tanh(x: Tensor) -> Tensor:
    """tanh of each number."""
    return x.tanh()


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)) by way of tanh: torch's own has other bits in its scalar tail than in its vector body,
    so that a run's bits would depend on how many are stacked beside it."""
    return 0.5 * (0.5 * x).tanh() + 0.5


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), written out for the same reason; log(sigmoid(x)) is -softplus(-x). Its slope at 0 is 1/2."""
    size = x.abs()
    return 0.5 * (x + size) + (1 + (-size).exp()).log()


def positive(x: Tensor) -> Tensor:
    """x + 1/2 where x >= 0, else sigmoid(x): above 0 everywhere (Feng et al., 2024)."""
    return (x + 0.5).where(x >= 0, sigmoid(x))


def activation(name: str) -> Callable[[Any], Any]:
    """The function that a switch names: tanh, relu, positive or identity."""
    return {"tanh": tanh, "relu": lambda x: x.relu(), "positive": positive, "identity": lambda x: x}[name]


@dataclass(frozen=True)
class Cell(ABC):
    """Recurrent equations; a subclass's fields are the switches that an ablation turns.

    Raises ValueError from `__post_init__` when its switches contradict each other.
    """

    # Switches whose "off" is the identity activation; and others that are no bools, with the value that means off.
    activations: ClassVar[tuple[str, ...]] = ()
    offs: ClassVar[Mapping[str, object]] = {}

    @property
    def heads(self) -> int:
        """How many heads its units fall into, equal parts of H: one, or what a switch of that name says."""
        return 1

    @property
    def frozen(self) -> tuple[str, ...]:
        """The parameters that stay as they start: they are neither trained nor counted."""
        return ()

    @abstractmethod
    def shapes(self, I: int, H: int) -> Shapes:
        """Each parameter's (rows, columns), gate by gate; a gate that is off has none. The first has H columns."""

    @abstractmethod
    def step(self, p: Parameters, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step: x (..., B, I), each state (..., B, width) -> output (..., B, H) and the next state."""

    def rotations(self) -> Mapping[str, Rotation]:
        """Orthogonal or skew-symmetric matrices (H, H) that `step` finds in `p` by these names, each made of a
        parameter."""
        return {}

    def prepare(self, p: Parameters) -> Parameters:
        """What `step` takes instead of `p`: here belongs what a scan computes once and not at each step. A cell that
        says it otherwise than by `rotations` goes through torch's graph."""
        like = next(iter(p.values()))
        return {**p, **{name: each.matrix(p.get(each.of), like) for name, each in self.rotations().items()}}

    def widths(self, H: int) -> tuple[int, ...]:
        """The width of each tensor of the state, which starts as zeros."""
        return (H,)

    def init(self, shapes: Shapes, stream: Streams) -> Arrays:
        """The parameters at the start; a cell with special cases says them here."""
        return uniform(shapes, stream)


def uniform(shapes: Shapes, stream: Streams) -> Arrays:
    """Matrices uniform in +-1/sqrt(columns), as in torch; single rows (biases, peepholes) zero."""
    p: Arrays = {}
    for name, (rows, columns) in shapes.items():
        if rows == 1 and name[0].islower():
            p[name] = np.zeros((rows, columns), np.float32)
        else:
            p[name] = (2 * stream(name).uniform((rows, columns)) - 1) * np.float32(columns**-0.5)
    return p


def times(a: State, h: State) -> State:
    """a * h of real numbers, (real,), or of complex ones, (real, imaginary)."""
    if len(h) == 1:
        return (a[0] * h[0],)
    return a[0] * h[0] - a[1] * h[1], a[0] * h[1] + a[1] * h[0]


class Linear(Cell):
    """A cell whose state is linear in itself, h' = a * h + b with a and b of the input alone: a scan can compute
    all steps at once. The state is one tensor, or the two halves of a complex one."""

    @abstractmethod
    def drive(self, p: Parameters, x: Tensor) -> tuple[State, State]:
        """x (..., rows, I) -> a and b, each tensor (..., rows, H); a may have one row for all."""

    @abstractmethod
    def read(self, p: Parameters, h: State, x: Tensor) -> Tensor:
        """The output (..., rows, H) from the state after x."""

    def step(self, p: Parameters, x: Tensor, state: State) -> tuple[Tensor, State]:
        a, b = self.drive(p, x)
        h = tuple(u + v for u, v in zip(times(a, state), b, strict=True))
        return self.read(p, h, x), h


def chrono_bias(longest: float, H: int, stream: Streams) -> NDArray[np.float32]:
    """log U(1, longest - 1), one row of H: time scales spread over the task's lags (Tallec & Ollivier, 2018)."""
    u = stream("chrono").uniform((1, H)).astype(np.float64)
    return np.log(1 + u * (max(float(longest), 3.0) - 2)).astype(np.float32)
