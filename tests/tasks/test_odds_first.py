from __future__ import annotations

import pytest

from rnnbench.rng import stream
from rnnbench.tasks.odds_first import Task

EXAMPLES = [(Task(), 12), (Task(alphabet=4), 7)]


@pytest.mark.parametrize("length", [1, 2, 7, 8])
def test_the_first_third_fifth_come_first(length: int) -> None:
    b = Task(alphabet=5).batch(200, length, stream(0, "train"))
    for xs, ys in zip(b.xs.T.tolist(), b.ys.T.tolist(), strict=True):
        first = [x for place, x in enumerate(xs[:length], 1) if place % 2 == 1]
        others = [x for place, x in enumerate(xs[:length], 1) if place % 2 == 0]
        assert ys == first + others
        assert xs[length:] == [5] * length
