from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnbench.rng import stream
from rnnbench.tasks.postcast import Task

EXAMPLES = [(Task(), 4), (Task(answers=1), 9)]


@pytest.mark.parametrize("answers", [1, 5])
def test_each_answer_is_what_was_read_so_many_steps_before(answers: int) -> None:
    b = Task(answers=answers).batch(50, 3, stream(0, "train"))
    for column in range(50):
        read = b.xs[:, column, 0].tolist()
        assert len(read) == 3 + answers
        assert b.ys[:, column, 0].tolist() == [read[t - 3] for t in range(3, 3 + answers)]


def test_the_score_is_the_share_of_the_variance_that_is_told() -> None:
    b = Task(answers=10).batch(4000, 2, stream(0, "train"))
    assert b.xs.var() == pytest.approx(1 / 3, abs=0.005)
    assert (b.xs.min(), b.xs.max()) == (pytest.approx(-1, abs=1e-3), pytest.approx(1, abs=1e-3))
    ys = torch.from_numpy(b.ys)
    half = 0.5 * ys  # misses by half of each: a quarter of the variance
    assert float(Task(answers=10).score(half, ys, None)) == pytest.approx(0.75, abs=0.01)
    other = 1 - np.square(b.ys - half.numpy()).mean() / b.ys.var()
    assert float(Task(answers=10).score(half, ys, None)) == pytest.approx(float(other), abs=0.01)
