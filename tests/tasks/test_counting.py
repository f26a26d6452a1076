from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from rnnbench.rng import stream
from rnnbench.tasks import Batch, Split
from rnnbench.tasks._brackets import Brackets
from rnnbench.tasks._languages import INTERVALS, Blocks, Spikes
from rnnbench.tasks.counting import Task

EXAMPLES = [
    (Task(), 10),
    (Task(), 3),
    (Task(language="anbncn"), 8),
    (Task(language="dyck1"), 6),
    (Task(language="dyck1"), 3),
    (Task(language="dyck2"), 4),
    (Task(language="timing"), 9),
]
SPLITS: tuple[Split, ...] = ("select", "test")


def sets(b: Batch, column: int) -> list[set[int]]:
    """What may come next, step by step, in one string."""
    steps = len(b.ys) if b.weights is None else int(b.weights[:, column].sum())
    return [set(np.flatnonzero(y)) for y in b.ys[:steps, column]]


@pytest.mark.parametrize("length", [*range(3, 45), 112, 160])
def test_the_n_that_are_tested_were_never_trained_on_nor_selected_by(length: int) -> None:
    ns = Blocks(2).ns(length)
    train, select, test = (set(ns[split]) for split in ("train", "select", "test"))
    assert not train & select
    assert not train & test
    assert not select & test
    assert {1, 2} <= train
    assert train | select | test == {*range(1, length + 3)}
    assert max(train) <= length < max(test) < max(select)
    assert any(n <= length for n in select)
    assert min(select) < min(test)
    if length >= 6:
        assert any(n <= length for n in test)
    assert all({n - 3, n + 1, n + 2} & select for n in test)


@pytest.mark.parametrize("language", ["anbn", "anbncn"])
def test_the_answers_are_exact_from_the_first_b_on(language: str) -> None:
    b = Task(language=language).held_out("test", 8, partial(stream, 0))  # type: ignore[arg-type]
    for column, n in enumerate(Blocks(2).ns(8)["test"]):
        after = {"anbn": [2] * (n - 1) + [0], "anbncn": [2] * (n - 1) + [3] * n + [0]}[language]
        assert sets(b, column) == [{1}] + [{1, 2}] * n + [{s} for s in after]
        string = b.xs[: len(after) + n + 1, column].tolist()
        assert string == [0] + [1] * n + [2] * n + [3] * n * (language == "anbncn")


def test_the_lag_runs_from_the_first_a_to_the_mark_at_the_end() -> None:
    lag = Task().lag(10)
    assert (lag.least, lag.most) == (1, 19)
    assert lag.mean == pytest.approx(sum(2 * n - 1 for n in (1, 2, 4, 5, 7, 9, 10)) / 7)
    assert Task(language="anbncn").lag(10).most == 29


@pytest.mark.parametrize("kinds", [1, 2])
def test_brackets_balance_and_the_answers_are_a_stacks(kinds: int) -> None:
    b = Brackets(kinds).batch(60, 5, stream(0, "train"))
    depths = []
    for column in range(60):
        stack: list[int] = []
        deepest = 0
        for symbol, may in zip(b.xs[:, column].tolist(), sets(b, column), strict=True):
            if symbol % 2:
                stack.append(symbol)
            elif symbol:
                assert stack.pop() == symbol - 1
            deepest = max(deepest, len(stack))
            assert may == set(range(1, 2 * kinds, 2)) | ({stack[-1] + 1} if stack else {0})
        assert not stack
        depths.append(deepest)
    assert set(depths) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(("kinds", "length"), [(1, 3), (1, 8), (2, 3)])
def test_strings_that_are_tested_have_the_depth_and_were_never_trained_on(kinds: int, length: int) -> None:
    language = Brackets(kinds)
    trained = {s.tobytes() for step in range(40) for s in language.batch(64, length, stream(0, "train", step)).xs.T}
    held = {split: language.held_out(split, length, partial(stream, 0)).xs for split in SPLITS}
    for xs in held.values():
        assert (np.where(xs == 0, 0, np.where(xs % 2, 1, -1)).cumsum(0).max(0) == length).all()
    strings = {split: {s.tobytes() for s in xs.T} for split, xs in held.items()}
    assert not trained & strings["test"]
    assert not trained & strings["select"]
    assert not strings["select"] & strings["test"]
    assert len(strings["test"]) > 200


@pytest.mark.parametrize("length", [3, 4, 8])
def test_no_certain_times_at_which_all_brackets_are_closed(length: int) -> None:
    closed = Brackets(1).held_out("test", length, partial(stream, 0)).ys[..., 0]
    _, counts = np.unique(closed, axis=1, return_counts=True)
    assert counts.max() < 0.04 * closed.shape[1]


@pytest.mark.parametrize("length", [3, 12])
def test_the_lag_of_brackets_is_their_longest_parts(length: int) -> None:
    b = Brackets(1).held_out("test", length, partial(stream, 0))
    lags = [int(np.diff(np.flatnonzero(closed)).max()) - 1 for closed in b.ys[..., 0].T]
    lag = Brackets(1).lag(length)
    assert lag.least <= min(lags) <= 2 * length + 3
    assert max(lags) <= lag.most
    assert np.mean(lags) == pytest.approx(lag.mean, rel=0.05)


def test_spikes_come_after_one_of_two_intervals_and_the_answers_know_when() -> None:
    b = Spikes().held_out("test", 6, partial(stream, 0))
    lags = []
    for column in range(b.xs.shape[1]):
        spikes = np.flatnonzero(b.xs[:, column])
        intervals = np.diff(spikes)
        assert len(intervals) == INTERVALS
        assert set(intervals) <= {6, 7}
        expected: list[set[int]] = []
        for interval in intervals:
            expected += [{0}] * 5 + [{0, 1}] + [{1}] * (interval - 6)
        assert sets(b, column) == [*expected, {0}]
        lags += [interval - 1 for interval in intervals]
    lag = Spikes().lag(6)
    assert (min(lags), max(lags)) == (lag.least, lag.most)
    assert np.mean(lags) == pytest.approx(lag.mean, abs=0.1)


def test_the_orders_of_spikes_are_split_without_a_rest() -> None:
    orders = Spikes().orders()
    assert sorted(np.concatenate(list(orders.values()))) == list(range(2**INTERVALS))


def test_a_string_is_right_if_every_step_is_and_padding_does_not_count() -> None:
    b = Task().held_out("test", 6, partial(stream, 0))
    ys, weights = torch.from_numpy(b.ys), torch.from_numpy(np.asarray(b.weights))
    answers = 2 * ys - 1
    answers[-1, 0] *= -1  # the shorter string's padding
    assert float(Task().score(answers, ys, weights)) == 1
    answers[2, 0, 1] *= -1
    assert float(Task().score(answers, ys, weights)) == 0.5
