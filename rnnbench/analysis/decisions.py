"""What is known of a comparison's difference, seed by seed -> whether it holds: true, false, or None, and why.

Each takes tests: what is known of a sum for each seed, and the sign by which it is compared with 0. All of them must
hold; one is a comparison, two are `about`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from rnnbench.analysis import stats
from rnnbench.analysis.ranges import Range

Samples = tuple[Range, ...]
Tests = Sequence[tuple[Samples, str]]


@dataclass(frozen=True)
class Found:
    """A truth in three values, and why."""

    truth: bool | None
    why: str


def all_of(truths: Sequence[bool | None]) -> bool | None:
    """True where all are, False where one is.

    >>> all_of([True, None]), all_of([False, None]), all_of([True, True])
    (None, False, True)
    """
    return False if False in truths else None if None in truths else True


def mean(samples: Samples, level: float) -> Range:
    """The t interval of a mean, from the lower end of the least that it can be to the upper end of the most."""
    least, most = [s.low for s in samples], [s.high for s in samples]
    low = stats.mean(least, level).low if all(map(math.isfinite, least)) else -math.inf
    high = stats.mean(most, level).high if all(map(math.isfinite, most)) else math.inf
    # where all seeds agree the interval has no width, and an open end stays open
    return Range(low, high, any(s.low_open for s in samples), any(s.high_open for s in samples))


def ends(found: Range) -> str:
    if math.isinf(found.low) and math.isinf(found.high):
        return "unknown"
    if math.isinf(found.high):
        return f"at least {found.low:.3g}"
    return f"at most {found.high:.3g}" if math.isinf(found.low) else f"{found.low:.3g} to {found.high:.3g}"


def by_seed(tests: Tests) -> Found:
    """The sign test: true for so many seeds, or false for so many, that they can't well be half of all."""
    columns = [[s.compare(sign) for s in samples] for samples, sign in tests]
    n = max(map(len, columns))
    rows = list(zip(*(column * (n // len(column)) for column in columns), strict=True))
    truths = [all_of(row) for row in rows]
    yes, no = truths.count(True), truths.count(False)
    needed = heads(n)
    told = f"true for {yes} of {n} seeds" if yes or not no else f"false for {no} of {n} seeds"
    told += f", false for {no}" if yes and no else ""
    if yes < n and yes + no < n:
        told += f"; for {n - yes - no} the ladder or the budget can't tell"
    if yes >= needed or no >= needed:
        return Found(yes >= needed, told)
    return Found(None, f"{told}; {needed} needed")


def tail(n: int, k: int) -> float:
    """The chance of k heads or more in n throws."""
    ways, more = math.comb(n, k), 0
    for i in range(k, n + 1):
        more += ways
        ways = ways * (n - i) // (i + 1)
    return float(more / 2**n)


@cache
def heads(n: int) -> int:
    """So many heads in n throws, or more, that a fair coin shows them with a chance of at most 2.5 %; over n where no
    number is.

    >>> heads(10), heads(6), heads(5)
    (9, 6, 6)
    """
    k, ways, more = n + 1, 1, 0  # `more`: patterns with k heads or more; `ways`: with k - 1
    while k > 0 and (more + ways) / 2**n <= (1 - stats.LEVEL) / 2:
        more += ways
        k -= 1
        ways = ways * k // (n - k + 1)
    return k


def exactly(tests: Tests) -> Found:
    every = [s.compare(sign) for samples, sign in tests for s in samples]
    truths = [truth for truth in every if truth is not None]  # None: a task that a variant can't do
    if not truths:
        return Found(None, "no task that all of them can do")
    wrong = truths.count(False)
    return Found(not wrong, "exact" if not wrong else f"exact: not on {wrong} of {len(truths)} tasks")


def shares(centre: float, terms: Sequence[tuple[float, int]], n: int, level: float) -> Range:
    """The interval of a linear sum of shares, (weight, hits of n) each, whose estimate is `centre`: the distances to
    each one's Jeffreys ends, squared and added (MOVER; Zou & Donner, 2008). It takes the shares for independent, which
    is wide of the mark on the safe side where seeds are paired.

    >>> ends(shares(0.5, [(1.0, 8), (-1.0, 3)], 10, 0.95))
    '0.0697 to 0.759'
    """
    below = above = 0.0
    for weight, hits in terms:
        share = stats.proportion(hits, n, level)
        down, up = share.value - share.low, share.high - share.value
        below += (weight * (down if weight > 0 else up)) ** 2
        above += (weight * (up if weight > 0 else down)) ** 2
    return Range(centre - math.sqrt(below), centre + math.sqrt(above))
