from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.arithmetic import Task, bracketed

EXAMPLES = [
    (Task(), 9),
    (Task(modulus=3), 14),
    (Task(brackets=True), 11),
    (Task(modulus=2, brackets=True), 16),
]


def texts(task: Task, size: int, length: int) -> list[tuple[str, int]]:
    b = task.batch(size, length, stream(0, "train"))
    signs = [*map(str, range(task.modulus)), *"+-*=()"]
    return [("".join(signs[x] for x in xs), int(y)) for xs, y in zip(b.xs.T, b.ys[0], strict=True)]


@pytest.mark.parametrize("brackets", [False, True])
@pytest.mark.parametrize("modulus", [2, 5, 10])
def test_answers_are_what_the_expressions_come_to(modulus: int, brackets: bool) -> None:
    for length in (1, 2, 3, 4, 5, 8, 9, 30):
        if length == 2 and not brackets:
            continue
        for text, answer in texts(Task(modulus=modulus, brackets=brackets), 60, length):
            assert text.endswith("=")
            assert eval(text[:-1]) % modulus == answer, text  # Python's own rules are the oracle


def test_expressions_are_as_long_as_stated_and_of_the_form() -> None:
    assert {len(text) for text, _ in texts(Task(), 20, 9)} == {len(text) for text, _ in texts(Task(), 20, 10)} == {10}
    for text, _ in texts(Task(), 20, 9):
        assert all(c.isdigit() == (i % 2 == 0) for i, c in enumerate(text[:-1]))
    for length in range(1, 30):
        assert {len(text) for text, _ in texts(Task(brackets=True), 20, length)} == {length + 1}
    assert "*" not in "".join(text for text, _ in texts(Task(brackets=True), 200, 20))


def test_operators_and_numbers_are_uniform_without_brackets() -> None:
    found = Counter("".join(text for text, _ in texts(Task(), 4000, 21)))
    assert [found[c] / 44_000 for c in "01234"] == pytest.approx([0.2] * 5, abs=0.01)
    assert [found[c] / 40_000 for c in "+-*"] == pytest.approx([1 / 3] * 3, abs=0.01)


def test_every_split_into_left_and_right_is_as_likely() -> None:
    rows = bracketed(5, 12, 40_000, stream(0, "x"))
    depth = np.where(rows[:-1] == 9, 1, np.where(rows[:-1] == 10, -1, 0)).cumsum(0)
    places = []
    for xs, d in zip(rows[:-1].T[:8000], depth.T[:8000], strict=True):  # the operator at depth 1, behind something
        places += [next(t for t in range(2, 12) if d[t] == 1 and xs[t] in (5, 6) and xs[t - 1] != 9)]
    np.testing.assert_allclose(np.bincount(places, minlength=10)[2:10] / len(places), 1 / 8, atol=0.02)


@pytest.mark.parametrize(("task", "length"), [(Task(modulus=2, brackets=True), n) for n in range(1, 9)] + [
    (Task(modulus=2), 3), (Task(modulus=3), 3), (Task(modulus=2), 5)])  # fmt: skip
def test_as_many_expressions_as_counted(task: Task, length: int) -> None:
    rows = task.draw(20_000, length, stream(0, "x"))[:-1]
    assert len({tuple(x) for x in rows.T}) == task.space(length)


def test_answers_are_uniform_with_brackets_and_nearly_without() -> None:
    for task, length, off in ((Task(brackets=True), 6, 0.01), (Task(), 21, 0.01)):
        b = task.batch(40_000, length, stream(0, "train"))
        np.testing.assert_allclose(np.bincount(b.ys[0]) / 40_000, 1 / 5, atol=off)
