from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.parity import Task

EXAMPLES = [(Task(), 8), (Task(train="exactly"), 5)]


def test_the_answer_is_the_parity_of_the_ones() -> None:
    for task in (Task(), Task(train="exactly")):
        b = task.batch(500, 9, stream(0, "train"))
        assert (b.xs[-1] == 2).all()
        np.testing.assert_array_equal(b.ys[0], (b.xs == 1).sum(0) % 2)


def test_shorter_strings_are_trained_on_and_end_where_long_ones_do() -> None:
    b = Task().batch(9000, 6, stream(0, "train"))
    lengths = (b.xs < 2).sum(0)
    np.testing.assert_allclose(np.bincount(lengths, minlength=7)[1:] / 9000, 1 / 6, atol=0.02)
    assert all((b.xs[: 6 - n, column] == 3).all() for column, n in enumerate(lengths))


@pytest.mark.parametrize("split", ["select", "test"])
def test_what_is_scored_has_the_full_length_which_is_the_lag(split: str) -> None:
    b = Task().held_out(split, 6, partial(stream, 0))  # type: ignore[arg-type]
    assert (b.xs[:-1] < 2).all()
    assert b.xs.shape[0] - 1 == Task().lag(6).least == Task().lag(6).most
