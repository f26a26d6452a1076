from __future__ import annotations

from rnnbench.rng import stream
from rnnbench.tasks.compression import Task

EXAMPLES = [(Task(), 4), (Task(alphabet=2), 14)]


def test_all_is_read_before_it_is_said_in_the_same_order() -> None:
    b = Task(alphabet=5).batch(100, 7, stream(0, "train"))
    for xs, ys in zip(b.xs.T.tolist(), b.ys.T.tolist(), strict=True):
        assert max(xs[:7]) < 5
        assert xs[7:] == [5] * 7
        assert ys == xs[:7]
    assert range(14)[b.at] == range(7, 14)
