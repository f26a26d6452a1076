"""Languages in context (after RegBench; Akyurek et al., 2024): what may come next, by an automaton seen for the first
time?

Each sequence has a random automaton of its own: from each of `nodes` nodes, `edges` of the symbols lead somewhere. It
writes strings of random lengths, all from its first node, with a mark before each. At each step the set of symbols that
may come next is asked for. It is scored where the sequence has told it: where after a mark and the same symbols as now
every symbol that may come has come before. So the answer is what followed then, and whoever holds no more than the
present step can't know it.

RegBench scores whether the likeliest symbol is among those that may come, at every step, also where nobody could know.
Automata that are tested are trained on under no other numbering of their nodes either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.lazy import torch
from rnnbench.rng import Stream, stream
from rnnbench.tasks._apart import Apart, Rows, _mixed
from rnnbench.tasks.counting import Task as Counting

if TYPE_CHECKING:
    from torch import Tensor

MEASURED = 300  # sequences over which the mean lag is taken


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: 0 the mark, 1..alphabet the symbols. Answers: which of the symbols may come next, a set. Strings have 1
    to `longest` symbols. Length: how many steps there are.

    >>> from rnnbench.rng import stream
    >>> b = Task(alphabet=3, edges=1, longest=3).batch(1, 9, stream(1, "train"))
    >>> b.xs[:, 0].tolist(), [(t, b.ys[t, 0].astype(int).tolist()) for t in range(9) if b.weights[t, 0]]
    ([0, 3, 3, 0, 3, 3, 3, 0, 3], [(3, [0, 0, 1]), (4, [0, 0, 1]), (7, [0, 0, 1]), (8, [0, 0, 1])])
    """

    causal: ClassVar[bool] = True  # what is asked for comes next
    nats: ClassVar[str] = "symbols"
    shortest: ClassVar[int] = 9

    nodes: Annotated[int, Interval(ge=2, le=64)] = 4
    alphabet: Annotated[int, Interval(ge=2, le=64)] = 4
    edges: Annotated[int, Interval(ge=1, le=4)] = 2
    longest: Annotated[int, Interval(ge=1, le=1000)] = 8

    def __post_init__(self) -> None:
        if self.edges >= self.alphabet:
            raise ValueError(f"edges: got {self.edges} of {self.alphabet} symbols, expected fewer: any may come then")

    @property
    def inputs(self) -> int:
        return 1 + self.alphabet

    @property
    def outputs(self) -> int:
        return self.alphabet

    @property
    def chance(self) -> float:
        """One set of so many symbols is as likely as another."""
        return 1 / math.comb(self.alphabet, self.edges)

    def keys(self, length: int) -> int | None:
        """At least: each may be numbered in so many ways."""
        n = min(self.nodes, 16)
        count = (math.comb(self.alphabet, self.edges) * n**self.edges) ** n // math.factorial(n - 1)
        return count if count <= tasks.COUNTED else None

    def key(self, rows: Rows) -> Rows:
        """The automaton, its nodes numbered as they are reached from the first one by symbols in order; others left
        out. Symbols are shifted alike so that the first one's first is 0."""
        symbols, targets = self._automaton(rows)
        symbols = (symbols - symbols[0, 0]) % self.alphabet
        order = np.argsort(symbols, axis=1, kind="stable")
        symbols, targets = (np.take_along_axis(x, order, 1) for x in (symbols, targets))
        number, nodes = np.full_like(symbols[:, 0], -1), np.full_like(symbols[:, 0], -1)
        column, reached = np.arange(rows.shape[1]), np.ones(rows.shape[1], np.int64)
        number[0], nodes[0] = 0, 0
        key = np.zeros((2, *symbols.shape), np.int64)
        for n in range(self.nodes):
            there = nodes[n] >= 0
            for e in range(self.edges):
                to = targets[nodes[n], e, column]
                new = np.flatnonzero(there & (number[to, column] < 0))
                number[to[new], new] = reached[new]
                nodes[reached[new], new] = to[new]
                reached[new] += 1
                key[0, n, e] = np.where(there, 1 + symbols[nodes[n], e, column], 0)
                key[1, n, e] = np.where(there, 1 + number[to, column], 0)
        return key.reshape(-1, rows.shape[1])

    def _automaton(self, rows: Rows) -> tuple[Rows, Rows]:
        """The symbols, ascending, that lead on from each node, and where to, (nodes, edges, B) each."""
        shape = (2, self.nodes, self.edges, rows.shape[1])
        symbols, targets = rows[: 2 * self.nodes * self.edges].reshape(shape)
        return symbols, targets

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The automaton, what is read, and the node at each step."""
        N, E = self.nodes, self.edges
        orders = rng.shuffled(size * N, self.alphabet)[:, :E].reshape(size, N, E)
        symbols = np.sort(orders, 2).transpose(1, 2, 0)
        targets = rng.integers(N, (N, E, size))
        starts = np.concatenate([np.zeros((1, size), np.int64), 2 + rng.integers(self.longest, (length // 2, size))])
        xs, at, column = np.zeros((length, size), np.int64), np.zeros((length, size), np.int64), np.arange(size)
        marks = np.zeros((length, size), bool)
        begin = starts.cumsum(0)
        string, col = np.nonzero(begin < length)
        marks[begin[string, col], col] = True
        edge = rng.integers(E, (length, size))
        for t in range(1, length):
            xs[t] = np.where(marks[t], 0, 1 + symbols[at[t - 1], edge[t], column])
            at[t] = np.where(marks[t], 0, targets[at[t - 1], edge[t], column])
        return np.concatenate([symbols.reshape(-1, size), targets.reshape(-1, size), xs, at])

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        symbols, _ = self._automaton(rows)
        xs, at = rows[-2 * length : -length], rows[-length:]
        column = np.arange(xs.shape[1])
        allowed = symbols.transpose(0, 2, 1)[at, column]  # (T, B, edges)
        ys = (allowed[..., None] == np.arange(self.alphabet)).any(2).astype(np.float32)
        weights = (_followed(xs, self.alphabet) >= ys).all(2).astype(np.float32)
        return tasks.Batch(xs, ys, weights=weights)

    def lag(self, length: int) -> tasks.Lag:
        """From the first symbol that followed the same ones as now to the answer. The mean is measured, on draws of its
        own."""
        return tasks.Lag(2 * self.edges - 1, _mean_lag(self, length), length - 2)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first symbol that followed the same ones as now."""
        prefix = _prefixes(batch.xs)
        t = np.arange(len(prefix))[:, None]
        followed = np.concatenate([batch.xs[1:] > 0, np.zeros((1, batch.xs.shape[1]), bool)])
        order = np.argsort(prefix, axis=0, kind="stable")  # in time, within a prefix
        same, going = (np.take_along_axis(x, order, 0) for x in (prefix, followed))
        begins = np.concatenate([np.ones_like(same[:1], bool), same[1:] != same[:-1]])
        group = begins.cumsum(0)
        first = np.full((len(prefix) + 1, prefix.shape[1]), -1)
        columns = np.broadcast_to(np.arange(prefix.shape[1]), order.shape)
        rows = np.where(going, group, 0)[::-1]
        first[rows.ravel(), columns.ravel()] = order[::-1].ravel()  # the earliest is written last
        steps = np.empty_like(order)
        np.put_along_axis(steps, order, first[group, columns] + 1, 0)
        scored = np.asarray(batch.weights) > 0
        steps = np.where(scored & (steps <= t), steps, -1)[None]
        return tasks.Needed(steps, np.where(steps < 0, 0, batch.xs[steps, columns]))

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        same = np.where(np.arange(self.alphabet) < self.edges, 1.0, -1.0).astype(np.float32)
        return {"always the same symbols": np.broadcast_to(same, batch.ys.shape).copy()}

    def loss(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """Binary cross-entropy of the symbols, summed, a step: nats, (...)."""
        return Counting().loss(answers, ys, weights)

    def right(self, answers: Tensor, ys: Tensor) -> Tensor:
        """Whether each step's set is right, (..., K, B)."""
        return ((answers > 0) == (ys > 0)).all(-1).to(torch.float64)

    def accuracy(self, answers: Tensor, ys: Tensor, weights: Tensor | None) -> Tensor:
        """How many sets are right, (...)."""
        return tasks.mean(self.right(answers, ys), weights)


def _prefixes(xs: Rows) -> NDArray[np.uint64]:
    """A number for the symbols since the last mark at each step, (T, B), the same where they are the same."""
    found = np.empty(xs.shape, np.uint64)
    code = np.zeros(xs.shape[1], np.uint64)
    for t, token in enumerate(xs):
        code = np.where(token == 0, np.uint64(0), _mixed(code + token.astype(np.uint64)))
        found[t] = code
    return found


def _followed(xs: Rows, alphabet: int) -> NDArray[np.bool_]:
    """Which symbols followed the same ones as now before, (T, B, alphabet)."""
    prefix = _prefixes(xs)
    order = np.argsort(prefix, axis=0, kind="stable")
    coming = np.concatenate([xs[1:], np.zeros_like(xs[:1])])
    shown = coming[..., None] == 1 + np.arange(alphabet)
    same = np.take_along_axis(prefix, order, 0)
    counts = np.take_along_axis(shown, order[..., None], 0).cumsum(0)
    before = np.concatenate([np.zeros_like(counts[:1]), counts[:-1]])
    begins = np.concatenate([np.ones_like(same[:1], bool), same[1:] != same[:-1]])
    start = np.maximum.accumulate(np.where(begins, np.arange(len(xs))[:, None], 0), 0)
    since = before - np.take_along_axis(before, start[..., None], 0)
    found = np.empty(shown.shape, bool)
    np.put_along_axis(found, order[..., None], since > 0, 0)
    return found


@cache
def _mean_lag(task: Task, length: int) -> float:
    batch = task.posed(task.draw(MEASURED, length, stream(0, "lag")), length)
    steps = task.needed(batch).steps[0]
    return float((np.arange(length)[:, None] - steps)[steps >= 0].mean())
