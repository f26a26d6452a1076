from __future__ import annotations

import numpy as np

from rnnbench.rng import stream
from rnnbench.tasks.adding import Task

EXAMPLES = [(Task(), 10), (Task(first="early"), 50), (Task(), 2), (Task(), 7)]


def test_the_marks_lie_one_in_each_half_and_the_answer_is_their_sum() -> None:
    for length in (2, 7, 20):
        b = Task().batch(500, length, stream(0, "train"))
        marks = b.xs[:, :, 1]
        assert (marks.sum(0) == 2).all()
        assert (marks[: length // 2].sum(0) == 1).all()
        np.testing.assert_allclose((b.xs[..., 0] * marks).sum(0), b.ys[0, :, 0], rtol=1e-6)


def test_the_lag_is_the_first_marks() -> None:
    for task in (Task(), Task(first="early")):
        b = task.batch(4000, 40, stream(0, "train"))
        lags = 39 - b.xs[:, :, 1].argmax(0)
        lag = task.lag(40)
        assert (lags.min(), lags.max()) == (lag.least, lag.most)
        assert abs(lags.mean() - lag.mean) < 0.5
    assert Task(first="early").lag(40).least == 36
