"""Modular arithmetic (Deletang et al., 2023): what does an expression come to, modulo a small number?

    2 * 3 - 4 + 1 =             -> 3 (mod 5), * before + and -
    ((-2)+(3-4)) =              -> 2 (mod 5), with brackets

Without brackets a machine of finitely many states does it from left to right: it holds the sum of the terms before,
and the product so far of the present one. With brackets a stack is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.rng import Stream
from rnnbench.tasks._apart import Apart, Rows

PLUS, MINUS, TIMES, EQUALS, OPEN, CLOSE = range(6)  # tokens, after the numbers


@dataclass(frozen=True)
class Task(Apart):
    """Tokens: the numbers 0..modulus-1, then + - * = and, with brackets, ( ). Answers: the numbers. Length: how many
    tokens an expression has before the =; without brackets it is odd, so that an even length is one less.

    Without brackets numbers and the operators + - * between them are uniform, and * binds first. With brackets, as
    published, an expression of n tokens is d, -d, (d) or (-d) up to 4, and (L+R) or (L-R) beyond, where L has 1 to n -
    4 tokens, each number as likely. Answers are uniform, but for short ones without brackets: a product is 0 more
    often.

    >>> from rnnbench.rng import stream
    >>> def show(task, length):
    ...     b = task.batch(1, length, stream(1, "train"))
    ...     return "".join("01234+-*=()"[x] for x in b.xs[:, 0]), int(b.ys[0, 0])
    >>> show(Task(), 7)
    ('2*4-1*1=', 2)
    >>> show(Task(brackets=True), 12)
    ('((1-0)-(-1))=', 2)
    """

    modulus: Annotated[int, Interval(ge=2, le=100)] = 5
    brackets: bool = False

    @property
    def inputs(self) -> int:
        return self.modulus + (6 if self.brackets else 4)

    @property
    def outputs(self) -> int:
        return self.modulus

    @property
    def last(self) -> bool:
        return True

    def _tokens(self, length: int) -> int:
        """How many an expression has."""
        return length if self.brackets or length % 2 else length - 1

    def space(self, length: int) -> int | None:
        if self.brackets:
            return self._expressions(length)
        numbers = (self._tokens(length) + 1) // 2
        count = self.modulus**numbers * 3 ** (numbers - 1)
        return count if count <= tasks.COUNTED else None

    def _expressions(self, length: int) -> int | None:
        """How many expressions with brackets there are."""
        counts = [0] + [self.modulus] * 4
        for n in range(5, length + 1):
            counts.append(2 * sum(counts[left] * counts[n - 3 - left] for left in range(1, n - 3)))
            if counts[-1] > tasks.COUNTED and n < length:
                return None
        return counts[length] if counts[length] <= tasks.COUNTED else None

    def keys(self, length: int) -> int | None:
        space = self.space(length)
        return space and space // self.modulus

    def key(self, rows: Rows) -> Rows:
        """The expression but for its first number, by which each answer is as likely in each part."""
        key, first = rows[:-1].copy(), (rows[:-1] < self.modulus).argmax(0)
        key[first, np.arange(first.size)] = 0
        return key

    def draw(self, size: int, length: int, rng: Stream) -> Rows:
        """The tokens of expressions, and in the last row what they come to."""
        drawn = bracketed if self.brackets else plain
        return drawn(self.modulus, self._tokens(length), size, rng)

    def posed(self, rows: Rows, length: int) -> tasks.Batch:
        xs = rows.copy()
        xs[-1] = self.modulus + EQUALS
        return tasks.Batch(xs, rows[-1:], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first number to the =."""
        if not self.brackets:
            n = self._tokens(length)
            return tasks.Lag(n, n, n)
        before = _before(length)
        return tasks.Lag(length - before.most, length - before.mean, length - before.least)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first number, which stands for all."""
        first = (batch.xs < self.modulus).argmax(0)
        return tasks.Needed(first[None, None], batch.xs[first, np.arange(first.size)][None, None], 0, self.modulus)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        choices = np.eye(self.outputs, dtype=np.float32)
        last = len(batch.xs) - 1 - (batch.xs < self.modulus)[::-1].argmax(0)
        return {
            "always 0": choices[np.zeros_like(batch.ys)],
            "the last number alone": choices[batch.xs[last, np.arange(last.size)][None]],
        }


def plain(m: int, n: int, size: int, rng: Stream) -> Rows:
    """Expressions of n tokens without brackets, and what they come to modulo m, (n + 1, size)."""
    numbers = rng.integers(m, ((n + 1) // 2, size))
    operators = rng.integers(3, (n // 2, size))
    rows = np.empty((n + 1, size), np.int64)
    rows[:n:2], rows[1:n:2] = numbers, m + operators
    signed = np.concatenate([numbers[:1], np.where(operators == MINUS, -numbers[1:], numbers[1:])])
    total, term = np.zeros(size, np.int64), signed[0]
    for number, times in zip(signed[1:], operators == TIMES, strict=True):
        total = total + np.where(times, 0, term)
        term = np.where(times, term * number % m, number)
    rows[n] = (total + term) % m
    return rows


def bracketed(m: int, n: int, size: int, rng: Stream) -> Rows:
    """Expressions of n tokens with brackets, and what they come to modulo m, (n + 1, size): all that are equally deep
    in any of them at once, from the outside in, and their values from the inside out."""
    rows = np.empty((n + 1, size), np.int64)
    start, tokens, column = np.zeros(size, np.int64), np.full(size, n), np.arange(size)
    levels = []
    while start.size:
        inner = tokens >= 5
        at, long, col = start[~inner], tokens[~inner], column[~inner]
        number, negative, closed = rng.integers(m, at.size), long % 2 == 0, long >= 3
        rows[at[closed], col[closed]] = m + OPEN
        at = at + closed
        rows[at[negative], col[negative]] = m + MINUS
        at = at + negative
        rows[at, col] = number
        rows[at[closed] + 1, col[closed]] = m + CLOSE
        at, long, col = start[inner], tokens[inner], column[inner]
        left = 1 + (rng.uniform(at.size) * (long - 4)).astype(np.int64)
        operator = rng.integers(2, at.size)
        rows[at, col] = m + OPEN
        rows[at + 1 + left, col] = m + operator
        rows[at + long - 1, col] = m + CLOSE
        levels.append((inner, np.where(negative, -number, number), operator))
        start, tokens = np.concatenate([at + 1, at + 2 + left]), np.concatenate([left, long - 3 - left])
        column = np.concatenate([col, col])
    below = np.empty(0, np.int64)
    for inner, leaves, operator in reversed(levels):
        values = np.empty(inner.size, np.int64)
        one, two = below[: operator.size], below[operator.size :]
        values[~inner] = leaves
        values[inner] = np.where(operator == MINUS, one - two, one + two)
        below = values
    rows[n] = below % m
    return rows


@cache
def _before(length: int) -> tasks.Lag:
    """How many tokens stand before the first number of an expression with brackets."""
    before = [tasks.Lag(0, 0, 0)] * 2 + [tasks.Lag(1, 1, 1)] * 2 + [tasks.Lag(2, 2, 2)]
    for n in range(5, length + 1):
        left = before[1 : n - 3]
        least, most = min(b.least for b in left), max(b.most for b in left)
        before.append(tasks.Lag(1 + least, 1 + sum(b.mean for b in left) / len(left), 1 + most))
    return before[length]
