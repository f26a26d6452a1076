from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.flipflop import Task

EXAMPLES = [(Task(), 14), (Task(ignored=0.5, tested="sparse"), 12), (Task(ignored=0.2), 8)]


@pytest.mark.parametrize("ignored", [0.01, 0.5, 0.8])
def test_every_read_is_of_what_was_written_last(ignored: float) -> None:
    b = Task(ignored=ignored).batch(400, 15, stream(0, "train"))
    assert b.weights is not None
    for xs, ys, weights in zip(b.xs.T.tolist(), b.ys.T.tolist(), b.weights.T.tolist(), strict=True):
        register = None
        told = ["01wir"[x] for x in xs[::2]]
        assert told[0] == "w"
        assert told[-1] == "r"
        for k, (instruction, bit) in enumerate(zip(told, xs[1::2], strict=True)):
            assert bit in (0, 1)
            if instruction == "w":
                register = bit
            if instruction == "r":
                assert bit == register
                assert ys[k] == register
            assert weights[k] == (instruction == "r" and k > 1)


def test_instructions_are_as_frequent_as_stated_in_training_and_where_it_is_tested() -> None:
    for task, p in ((Task(), 0.8), (Task(tested="sparse"), 0.98), (Task(tested="dense"), 0.1)):
        trained = task.batch(2048, 30, stream(0, "train")).xs[2:-2:2]
        held = [task.held_out(split, 30, partial(stream, 0)).xs[2:-2:2] for split in ("select", "test")]
        for xs, ignored in ((trained, 0.8), (held[0], p), (held[1], p)):
            shares = [(xs == token).mean() for token in (3, 2, 4)]
            assert shares == pytest.approx([ignored, (1 - ignored) / 2, (1 - ignored) / 2], abs=0.012)


def test_bits_that_are_written_or_to_be_ignored_are_uniform() -> None:
    b = Task(ignored=0.5).batch(3000, 20, stream(0, "train"))
    for token in (2, 3):
        assert b.xs[1::2][b.xs[::2] == token].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("ignored", [0.1, 0.8])
def test_the_lags_have_a_long_tail_of_the_stated_mean(ignored: float) -> None:
    b = Task(ignored=ignored).batch(4000, 40, stream(0, "train"))
    lags = []
    for xs in b.xs.T:
        written = 0
        for k, token in enumerate(xs[::2]):
            if token == 2:
                written = k
            if token == 4 and k > 1:
                lags.append(2 * (k - written) - 1)
    lag = Task(ignored=ignored).lag(40)
    assert np.mean(lags) == pytest.approx(lag.mean, rel=0.03)
    assert max(lags) <= lag.most


def test_short_strings_are_as_many_as_counted() -> None:
    task = Task(ignored=0.3)
    drawn = task.draw(20_000, 4, stream(0, "x"))
    assert len({tuple(x) for x in task.posed(drawn, 4).xs.T}) == task.space(4) == 50
