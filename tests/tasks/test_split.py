"""What is tested was neither trained on nor used to decide when to stop, where a task's inputs are few."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import get_args

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks import SIZES, Task
from rnnbench.tasks._split import LEAST, MOST, Part, digits, divided, members, strings
from rnnbench.tasks.copy import Task as Copy
from rnnbench.tasks.parity import Task as Parity
from rnnbench.tasks.reverse import Task as Reverse
from rnnbench.tasks.selective_copy import Task as SelectiveCopy

PARTS: tuple[Part, ...] = get_args(Part)
SPLIT: list[tuple[Task, int]] = [
    (Copy(items=3), 4),
    (Copy(items=5, alphabet=4, form="whole"), 1),
    (Reverse(), 8),
    (Reverse(alphabet=4, train="exactly"), 4),
    (Parity(), 9),
    (Parity(train="exactly"), 12),
    (SelectiveCopy(items=3), 4),
]


@pytest.mark.parametrize(("task", "length"), SPLIT, ids=str)
def test_no_part_holds_an_input_of_another(task: Task, length: int) -> None:
    held = {s: {x.tobytes() for seed in range(8) for x in task.held_out(s, length, partial(stream, seed)).xs.T}
            for s in SIZES}  # fmt: skip
    trained = {x.tobytes() for step in range(8) for x in task.batch(2048, length, stream(0, "train", step)).xs.T}
    assert task.split(length)
    assert not task.all_seen(length)
    assert all(not a & b for a, b in combinations([*held.values(), trained], 2))


@pytest.mark.parametrize(("task", "length"), SPLIT, ids=str)
def test_all_that_is_not_held_out_is_trained_on(task: Task, length: int) -> None:
    space = task.space(length)
    assert space is not None
    if space > 5000:
        return
    drawn = [x for step in range(100) for x in task.batch(2048, length, stream(0, "train", step)).xs.T]
    padding = {Parity: 3, Reverse: 0}.get(type(task))  # before strings that are shorter than those tested
    assert len({x.tobytes() for x in drawn if x[0] != padding}) == space * 3 // 4


def test_what_is_too_small_or_too_large_to_split_is_drawn_from_all() -> None:
    assert [divided(n) for n in (LEAST - 1, LEAST, MOST, MOST + 1)] == [False, True, True, False]
    for symbols, length in ((4, 2), (8, 10)):
        expected = stream(0, "train").integers(symbols, (length, 50))
        for part in PARTS:
            np.testing.assert_array_equal(strings(symbols, length, 50, stream(0, "train"), part), expected)


@pytest.mark.parametrize("kinds", [LEAST, 65, 1000, 4096, MOST])
def test_parts_share_nothing_and_hold_all(kinds: int) -> None:
    parts = [members(kinds, part) for part in PARTS]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(kinds))
    assert [len(part) for part in parts[1:]] == pytest.approx([kinds / 8] * 2, abs=1)


def test_the_split_is_the_same_for_ever() -> None:
    """Which inputs are held out is part of what every record says."""
    assert members(64, "test").tolist() == [3, 7, 16, 20, 41, 50, 54, 58]


@pytest.mark.parametrize("part", PARTS)
def test_every_symbol_is_as_frequent_in_each_part(part: Part) -> None:
    found = strings(4, 4, 100_000, stream(0, "x"), part)
    for row in found:
        np.testing.assert_allclose(np.bincount(row) / row.size, 1 / 4, atol=0.006)
    distinct, counts = np.unique(found, axis=1, return_counts=True)
    assert distinct.shape[1] == 4 * len(members(64, part))
    assert counts.min() > 0.8 * counts.mean()


def test_digits_are_those_of_their_kind() -> None:
    found = digits(3, 5, 5000, stream(0, "x"), "test")
    assert set((found * 3 ** np.arange(5)[:, None]).sum(0).tolist()) == set(members(243, "test").tolist())
