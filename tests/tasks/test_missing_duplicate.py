from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.missing_duplicate import Task

EXAMPLES = [(Task(), 12), (Task(alphabet=5), 6)]


@pytest.mark.parametrize("alphabet", [2, 4])
def test_filling_in_the_answer_makes_it_a_string_twice(alphabet: int) -> None:
    for length in (1, 2, 7):
        b = Task(alphabet=alphabet).batch(300, length, stream(0, "train"))
        for xs, answer in zip(b.xs.T.tolist(), b.ys[0].tolist(), strict=True):
            assert xs.pop() == alphabet + 1
            assert xs.count(alphabet) == 1
            xs[xs.index(alphabet)] = answer
            assert xs[:length] == xs[length:]


def test_any_symbol_of_both_times_is_missing() -> None:
    b = Task().batch(20_000, 5, stream(0, "train"))
    assert np.bincount((b.xs == 2).argmax(0)) / 20_000 == pytest.approx([1 / 10] * 10, abs=0.01)
