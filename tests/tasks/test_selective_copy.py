from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.selective_copy import Task

EXAMPLES = [(Task(), 8), (Task(items=1, alphabet=2), 1), (Task(items=3, alphabet=4), 5)]


def test_the_items_are_asked_for_in_their_order() -> None:
    task = Task(items=3, alphabet=4)
    b = task.batch(200, 6, stream(0, "train"))
    assert b.xs.shape[0] == 6 + 3 + 3
    assert (b.xs[9:] == 5).all()
    for column in range(200):
        read = b.xs[:9, column]
        assert (read[read > 0] - 1).tolist() == b.ys[:, column].tolist()


def test_every_place_is_as_likely_and_the_lag_is_as_stated() -> None:
    task = Task(items=3, alphabet=4)
    b = task.batch(9000, 6, stream(0, "train"))
    np.testing.assert_allclose((b.xs[:9] > 0).mean(1), 3 / 9, atol=0.02)
    places = np.stack([np.flatnonzero(c) for c in b.xs[:9].T], 1)
    lags = np.arange(9, 12)[:, None] - places
    lag = task.lag(6)
    assert (lags.min(), lags.max()) == (lag.least, lag.most)
    assert lags.mean() == pytest.approx(lag.mean, abs=0.05)
