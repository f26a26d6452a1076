from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.stack import Task

EXAMPLES = [(Task(), 40), (Task(), 64)]


@pytest.mark.parametrize("length", [2, 3, 11])
def test_the_answer_is_what_a_list_would_hold(length: int) -> None:
    b = Task().batch(400, length, stream(0, "train"))
    assert b.weights is not None
    for xs, ys, weights in zip(b.xs.T.tolist(), b.ys.T.tolist(), b.weights.T.tolist(), strict=True):
        assert xs[length:] == [5] * (length + 1)
        stack: list[int] = []
        for token in xs[:length]:
            if token == 2:
                stack = stack[:-1]
            else:
                stack.append({0: 0, 1: 1, 3: 0, 4: 1}[token])
        said = [*stack[::-1], 2]
        assert ys[: len(said)] == said
        assert weights == [1] * len(said) + [0] * (length + 1 - len(said))


def test_every_number_of_bits_is_as_likely_and_so_is_every_action() -> None:
    rows = Task().draw(20_000, 6, stream(0, "x"))
    bits = (rows < 2).sum(0)
    assert np.bincount(bits)[1:] / 20_000 == pytest.approx([1 / 5] * 5, abs=0.01)
    assert all(
        (column[:n] < 2).all() and (column[n:] >= 2).all() for column, n in zip(rows.T[:500], bits, strict=False)
    )
    actions = Counter(rows[rows >= 2].tolist())
    assert [actions[a] / sum(actions.values()) for a in (2, 3, 4)] == pytest.approx([1 / 3] * 3, abs=0.01)


def test_examples_are_as_many_as_counted() -> None:
    assert len({tuple(x) for x in Task().draw(20_000, 4, stream(0, "x")).T}) == Task().space(4) == 54 + 36 + 24
