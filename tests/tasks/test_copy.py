from __future__ import annotations

import numpy as np

from rnnbench.rng import stream
from rnnbench.tasks.copy import Task

EXAMPLES = [(Task(), 5), (Task(items=3, alphabet=4), 1)]


def test_every_item_is_answered_items_and_length_steps_later() -> None:
    task = Task(items=3, alphabet=4)
    b = task.batch(50, 6, stream(0, "train"))
    assert task.lag(6) == (9, 9, 9)
    answers = range(b.xs.shape[0])[b.at]
    for k, t in enumerate(answers):
        assert (b.xs[t - 9] == b.ys[k] + 1).all()
        assert (b.xs[t] == 0).all()  # while answering, it reads blanks only


def test_the_delimiter_comes_right_before_the_answers() -> None:
    b = Task(items=2, alphabet=4).batch(3, 5, stream(0, "train"))
    assert (b.xs[6] == 5).all()
    assert (np.delete(b.xs[2:], 4, 0) == 0).all()
