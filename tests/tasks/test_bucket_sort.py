from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.bucket_sort import Task

EXAMPLES = [(Task(), 60), (Task(alphabet=2), 24)]


@pytest.mark.parametrize("length", [1, 2, 9])
def test_the_answers_are_what_was_read_in_order(length: int) -> None:
    b = Task(alphabet=4).batch(300, length, stream(0, "train"))
    for xs, ys in zip(b.xs.T.tolist(), b.ys.T.tolist(), strict=True):
        assert sorted(xs[:length]) == ys
        assert xs[length:] == [4] * length


def test_shares_of_symbols_are_uniform() -> None:
    """Of two symbols every number of the one is as likely; of more, every combination."""
    rows = Task(alphabet=2).draw(40_000, 7, stream(0, "x"))
    assert np.bincount(rows.sum(0)) / 40_000 == pytest.approx([1 / 8] * 8, abs=0.01)
    rows = Task(alphabet=3).draw(40_000, 3, stream(0, "x"))
    found = np.unique(np.stack([(rows == k).sum(0) for k in range(3)]), axis=1, return_counts=True)[1]
    assert found / 40_000 == pytest.approx([1 / 10] * 10, abs=0.01)


@pytest.mark.parametrize("alphabet", [2, 5])
def test_no_clock_gets_better_as_strings_get_longer(alphabet: int) -> None:
    task = Task(alphabet=alphabet)
    for length, off in ((30, 0.03), (100, 0.02), (300, 0.02)):
        ys = task.batch(4000, length, stream(0, "train")).ys
        best = np.mean([np.bincount(answers).max() / answers.size for answers in ys])
        assert best == pytest.approx(task.chance, abs=off)
