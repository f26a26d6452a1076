from __future__ import annotations

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.majority import Task

EXAMPLES = [(Task(), 15), (Task(alphabet=5), 12), (Task(), 40)]


@pytest.mark.parametrize("alphabet", [2, 3, 7])
def test_the_answer_is_what_was_there_most_often_and_never_a_tie(alphabet: int) -> None:
    for length in (1, 2, 6, 11):
        b = Task(alphabet=alphabet).batch(300, length, stream(0, "train"))
        for xs, answer in zip(b.xs.T.tolist(), b.ys[0].tolist(), strict=True):
            assert xs[-1] == alphabet
            (first, n), *others = Counter(xs[:-1]).most_common(2)
            assert first == answer
            assert not others or others[0][1] < n


@pytest.mark.parametrize(("alphabet", "length"), [(2, 12), (3, 4), (6, 6)])
def test_no_symbol_wins_more_often_nor_at_any_place(alphabet: int, length: int) -> None:
    """Ties among others, where the lesser symbol would win each, or the first of the others would give way."""
    task = Task(alphabet=alphabet)
    b = task.posed(task.draw(60_000, length, stream(0, "x")), length)  # before any are held out
    np.testing.assert_allclose(np.bincount(b.ys[0]) / 60_000, 1 / alphabet, atol=0.01)
    same = (b.xs[:-1] == b.ys).mean(1)
    np.testing.assert_allclose(same, same.mean(), atol=0.01)


@pytest.mark.parametrize(("alphabet", "length"), [(2, 1), (2, 6), (2, 7), (3, 5), (4, 4), (5, 3)])
def test_strings_are_as_many_as_counted(alphabet: int, length: int) -> None:
    decided = 0
    for string in product(range(alphabet), repeat=length):
        counts = sorted(Counter(string).values())
        decided += len(counts) == 1 or counts[-1] > counts[-2]
    assert Task(alphabet=alphabet).space(length) == decided


def test_the_last_symbol_alone_tells_as_much_as_stated() -> None:
    for length in (15, 101):
        b = Task().batch(40_000, length, stream(0, "train"))
        found = (b.xs[-2] == b.ys[0]).mean()
        assert found == pytest.approx(0.5 + math.comb(length - 1, length // 2) / 2**length, abs=0.01)
        assert found == pytest.approx(0.5 + 0.4 / math.sqrt(length), abs=0.015)
