from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.induction import Task

EXAMPLES = [(Task(), 12), (Task(alphabet=3), 9)]


def test_the_answer_follows_the_only_mark_before_the_end() -> None:
    for length in (2, 3, 10):
        b = Task(alphabet=6).batch(300, length, stream(0, "train"))
        for xs, answer in zip(b.xs.T.tolist(), b.ys[0].tolist(), strict=True):
            assert xs.pop() == 6
            assert xs.count(6) == 1
            assert xs[xs.index(6) + 1] == answer


def test_the_mark_is_anywhere_and_the_answer_any_symbol() -> None:
    b = Task(alphabet=5).batch(20_000, 9, stream(0, "train"))
    place = (b.xs == 5).argmax(0)
    assert np.bincount(place) / place.size == pytest.approx([1 / 8] * 8, abs=0.01)
    assert np.bincount(b.ys[0]) / place.size == pytest.approx([1 / 5] * 5, abs=0.01)


def test_sequences_are_as_many_as_counted() -> None:
    task = Task(alphabet=3)
    drawn = task.posed(task.draw(20_000, 5, stream(0, "x")), 5)
    assert len({tuple(x) for x in drawn.xs.T}) == task.space(5)
