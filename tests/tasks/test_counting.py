from __future__ import annotations

from functools import partial

import pytest

from rnnbench.rng import stream
from rnnbench.tasks.counting import Task

EXAMPLES = [(Task(), 10), (Task(), 3)]


@pytest.mark.parametrize("length", [3, 5, 8, 10, 40])
def test_what_is_tested_was_never_trained_on_nor_selected_by(length: int) -> None:
    ns = Task().ns(length)
    train, select, test = (set(ns[split]) for split in ("train", "select", "test"))
    assert not train & select
    assert not train & test
    assert not select & test
    assert {1, 2} <= train
    assert max(train) <= length < max(test) < max(select)
    assert any(n <= length for n in test)
    if length >= 8:
        assert any(n <= length for n in select)


def test_the_answers_are_exact_from_the_first_b_on() -> None:
    task = Task()
    b = task.held_out("test", 8, partial(stream, 0))
    for column, n in enumerate(task.ns(8)["test"]):
        string = b.xs[: 2 * n + 1, column].tolist()
        assert string == [0] + [1] * n + [2] * n
        sets = b.ys[: 2 * n + 1, column].astype(int).tolist()
        assert sets == [[0, 1, 0]] + [[0, 1, 1]] * n + [[0, 0, 1]] * (n - 1) + [[1, 0, 0]]
        assert b.weights is not None
        assert b.weights[:, column].sum() == 2 * n + 1


def test_the_lag_runs_from_the_first_a_to_the_mark_after_the_last_b() -> None:
    task = Task()
    lag = task.lag(10)
    assert (lag.least, lag.most) == (1, 19)
    assert lag.mean == pytest.approx(sum(2 * n - 1 for n in (1, 2, 4, 5, 7, 9, 10)) / 7)
