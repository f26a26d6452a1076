from __future__ import annotations

from functools import partial

import numpy as np

from rnnbench.rng import stream
from rnnbench.tasks.reverse import Task

EXAMPLES = [(Task(), 6), (Task(alphabet=5, train="exactly"), 3)]


def test_each_string_is_said_backwards_at_its_markers() -> None:
    for train in ("up_to", "exactly"):
        b = Task(alphabet=4, train=train).batch(300, 7, stream(0, "train"))
        assert b.weights is not None
        for xs, ys, asked in zip(b.xs.T, b.ys.T, b.weights.T, strict=True):
            n = int(asked.sum())
            read = xs[7 - n : 7]
            assert (read > 0).all()
            assert xs.tolist() == [0] * (7 - n) + read.tolist() + [5] * n + [0] * (7 - n)
            assert (ys[:n] + 1).tolist() == read[::-1].tolist()


def test_all_lengths_are_trained_on_and_the_full_one_is_scored() -> None:
    b = Task().batch(9000, 6, stream(0, "train"))
    assert b.weights is not None
    np.testing.assert_allclose(np.bincount(b.weights.sum(0).astype(int))[1:] / 9000, 1 / 6, atol=0.02)
    held = Task().held_out("test", 6, partial(stream, 0))
    assert held.weights is not None
    assert held.weights.all()


def test_the_lag_is_from_a_symbol_to_its_answer() -> None:
    lags = [6 + k - (5 - k) for k in range(6)]
    assert Task().lag(6) == (min(lags), sum(lags) / 6, max(lags))
