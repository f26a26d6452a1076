from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.recall import Task

EXAMPLES = [
    (Task(), 10),
    (Task(pairs=2, vocabulary=9), 1),
    (Task(pairs=8, vocabulary=16, gaps="power"), 40),
    (Task(pairs=3, updates=2), 4),
    (Task(pairs=4, vocabulary=11, compositional=True), 6),
    (Task(pairs=4, vocabulary=16, updates=4, compositional=True), 3),
]


@pytest.mark.parametrize("gaps", ["uniform", "power"])
def test_every_key_is_asked_for_once_and_nothing_overwrites_a_pair(gaps: str) -> None:
    task = Task(pairs=5, vocabulary=21, gaps=gaps)  # type: ignore[arg-type]
    b = task.batch(300, 9, stream(0, "train"))
    assert b.weights is not None
    for xs, ys, asked in zip(b.xs.T, b.ys.T, b.weights.T, strict=True):
        known = dict(zip(xs[:10:2].tolist(), xs[1:10:2].tolist(), strict=True))
        assert all(1 <= k <= 10 for k in known)
        assert all(11 <= v <= 21 for v in known.values())
        assert len(known) == len(set(known.values())) == 5
        assert sorted(xs[10:][asked > 0].tolist()) == sorted(known)
        assert not xs[10:][asked == 0].any()
        assert [known[k] - 11 for k in xs[10:][asked > 0].tolist()] == ys[asked > 0].tolist()


@pytest.mark.parametrize("gaps", ["uniform", "power"])
def test_the_lag_is_from_a_value_to_its_query(gaps: str) -> None:
    task = Task(pairs=3, gaps=gaps)  # type: ignore[arg-type]
    b = task.batch(20_000, 6, stream(0, "train"))
    keys, queries = b.xs[:6:2], b.xs[6:]
    asked = 6 + (queries[None] == keys[:, None]).argmax(1)
    lags = asked - np.array([1, 3, 5])[:, None]
    lag = task.lag(6)
    assert (lags.min(), lags.max()) == (lag.least, lag.most)
    assert lags.mean() == pytest.approx(lag.mean, abs=0.15)


def test_the_power_law_asks_soon() -> None:
    task = Task(pairs=2, gaps="power")
    first = task.batch(20_000, 98, stream(0, "train")).xs[4:].astype(bool).mean(1)
    weight = np.arange(1, 101) ** -0.99
    assert first[0] > 20 * first[50]
    assert first[20:60].mean() / first[60:].mean() == pytest.approx(weight[20:60].mean() / weight[60:].mean(), rel=0.1)


def test_more_pairs_than_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="vocabulary: 5 pairs need 10, got 9"):
        Task(pairs=5, vocabulary=9)


FORMS: list[dict[str, Any]] = [
    {"pairs": 5, "updates": 3},
    {"pairs": 3, "updates": 3},
    {"pairs": 9, "compositional": True},
    {"pairs": 4, "compositional": True, "updates": 2, "gaps": "power"},
]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_what_was_told_last_counts_and_all_of_a_key(form: dict[str, Any]) -> None:
    """Read as a list of pairs: in a dictionary, a pair that is told again takes the place of the one before."""
    task = Task(vocabulary=32, **form)
    width = 2 if task.compositional else 1
    told = task.pairs + task.updates
    b = task.batch(200, 7, stream(0, "train"))
    assert b.weights is not None
    for xs, ys, asked in zip(b.xs.T.tolist(), b.ys.T.tolist(), b.weights.T.tolist(), strict=True):
        known: dict[tuple[int, ...], int] = {}
        values = []
        for n in range(told):
            *key, value = xs[n * (width + 1) : (n + 1) * (width + 1)]
            assert (tuple(key) in known) == (n >= task.pairs)
            known[tuple(key)] = value
            values.append(value)
        assert len(set(values)) == told  # no update tells what a pair had already
        assert len(known) == task.pairs
        if task.compositional:
            assert {(a, c) for a, _ in known for _, c in known} == set(known)
        start = told * (width + 1)
        answered = []
        for k, counts in enumerate(asked):
            if counts:
                key_asked = tuple(xs[start + k - width + 1 : start + k + 1])
                assert known[key_asked] == ys[k] + 17
                answered.append(key_asked)
        assert sorted(answered) == sorted(known)
        assert sum(x > 0 for x in xs[start:]) == width * task.pairs


def test_any_pair_may_be_told_again() -> None:
    b = Task(pairs=4, updates=1).batch(8000, 1, stream(0, "train"))
    again = (b.xs[:8:2] == b.xs[8]).argmax(0)
    assert np.bincount(again) / 8000 == pytest.approx([1 / 4] * 4, abs=0.02)


@pytest.mark.parametrize(("fields", "fault"), [
    ({"updates": 5}, "updates: got 5 of 4 pairs, expected no more"),
    ({"updates": 2, "vocabulary": 10}, "vocabulary: 2 updates of 4 pairs need 12, got 10"),
    ({"pairs": 5, "compositional": True}, "pairs: got 5, expected a square, as compositional keys are a grid"),
])  # fmt: skip
def test_forms_that_cant_be_are_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Task(**fields)
