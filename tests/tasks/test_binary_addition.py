from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.binary_addition import Task

EXAMPLES = [(Task(), 14), (Task(), 24)]


@pytest.mark.parametrize("length", [4, 5, 12, 80])
def test_the_answer_is_the_sum(length: int) -> None:
    b = Task().batch(300, length, stream(0, "train"))
    assert b.weights is not None
    for xs, ys, weights in zip(b.xs.T.tolist(), b.ys.T.tolist(), b.weights.T.tolist(), strict=True):
        assert xs[length:] == [3] * (length + 1)
        plus = xs.index(2)
        one, two = (int("".join(map(str, bits))[::-1], 2) for bits in (xs[:plus], xs[plus + 1 : length]))
        total = one + two  # of any size: Python's own numbers
        said = [*(map(int, f"{total:b}"[::-1]) if total else []), 2]
        assert ys[: len(said)] == said
        assert weights == [1] * len(said) + [0] * (length + 1 - len(said))


def test_numbers_are_of_every_length() -> None:
    rows = Task().draw(20_000, 7, stream(0, "x"))
    assert np.bincount((rows == 2).argmax(0))[1:] / 20_000 == pytest.approx([1 / 5] * 5, abs=0.01)
    assert rows[rows < 2].mean() == pytest.approx(0.5, abs=0.01)
    assert len({tuple(x) for x in rows.T}) == Task().space(7)
