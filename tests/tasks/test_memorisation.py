from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.memorisation import Task

EXAMPLES = [(Task(), 3), (Task(facts=60), 1)]


@pytest.mark.parametrize("facts", [2, 50])
def test_each_key_has_a_value_of_its_own_whatever_the_seed(facts: int) -> None:
    task = Task(facts=facts)
    known: dict[int, int] = {}
    for seed in range(3):
        b = task.batch(400, 4, stream(seed, "train"))
        assert (b.xs[1:-1] == 0).all()
        assert (b.xs[-1] == facts + 1).all()
        for key, value in zip(b.xs[0].tolist(), b.ys[0].tolist(), strict=True):
            assert known.setdefault(key, value) == value
    assert sorted(known) == list(range(1, facts + 1))
    assert sorted(known.values()) == list(range(facts))


def test_every_fact_is_tested_once_and_all_count_as_seen() -> None:
    task = Task(facts=5000)
    b = task.held_out("test", 2, partial(stream, 0))
    assert np.array_equal(np.sort(b.xs[0]), 1 + np.arange(5000))
    assert task.all_seen(2)
