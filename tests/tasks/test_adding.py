from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from rnnbench.rng import stream
from rnnbench.tasks.adding import Task

EXAMPLES = [
    (Task(), 10),
    (Task(first="early"), 50),
    (Task(), 2),
    (Task(), 7),
    (Task(sums=2), 10),
    (Task(sums=5, first="early"), 7),
    (Task(form="1997"), 40),
    (Task(form="1997"), 2),
]


def test_the_marks_lie_one_in_each_half_and_the_answer_is_their_sum() -> None:
    for length in (2, 7, 20):
        b = Task().batch(500, length, stream(0, "train"))
        marks = b.xs[:, :, 1]
        assert (marks.sum(0) == 2).all()
        assert (marks[: length // 2].sum(0) == 1).all()
        np.testing.assert_allclose((b.xs[..., 0] * marks).sum(0), b.ys[0, :, 0], rtol=1e-6)


def test_the_lag_is_the_first_marks() -> None:
    for task in (Task(), Task(first="early")):
        b = task.batch(4000, 40, stream(0, "train"))
        lags = 39 - b.xs[:, :, 1].argmax(0)
        lag = task.lag(40)
        assert (lags.min(), lags.max()) == (lag.least, lag.most)
        assert abs(lags.mean() - lag.mean) < 0.5
    assert Task(first="early").lag(40).least == 36


@pytest.mark.parametrize("length", [40, 300, 3000])
@pytest.mark.parametrize(("first", "share"), [("early", 10), ("anywhere", 2)])
def test_marks_fill_their_parts_at_any_length(first: Literal["anywhere", "early"], share: int, length: int) -> None:
    marks = [t for t, _ in np.argwhere(Task(first=first).batch(200, length, stream(0, "train")).xs[:, :, 1] == 1)]
    early, late = ([t for t in marks if (t >= length // 2) == half] for half in (False, True))
    assert (max(early) < length // share) & (max(early) >= 0.9 * (length // share) - 1)
    assert min(early) <= 0.1 * length // share
    assert min(late) <= 0.55 * length <= 0.95 * length <= max(late)


def test_several_sums_follow_each_other_and_the_answer_steps_are_marked() -> None:
    b = Task(sums=3).batch(100, 8, stream(0, "train"))
    assert b.xs.shape == (24, 100, 3)
    assert list(range(24))[b.at] == [7, 15, 23]
    np.testing.assert_array_equal(b.xs[:, :, 2].any(1), [t % 8 == 7 for t in range(24)])
    for k in range(3):
        own = b.xs[8 * k : 8 * k + 8]
        assert (own[..., 1].sum(0) == 2).all()
        np.testing.assert_allclose((own[..., 0] * own[..., 1]).sum(0), b.ys[k, :, 0], rtol=1e-6)


@pytest.mark.parametrize("sums", [2, 3, 10])
def test_the_best_use_of_a_running_total_is_the_scores_zero(sums: int) -> None:
    task = Task(sums=sums)
    b = task.batch(20_000, 2, stream(0, "train"))
    ys = torch.from_numpy(b.ys)
    errors = {
        name: float(task.loss(torch.from_numpy(a), ys, None)) / task.zero for name, a in task.shortcuts(b).items()
    }
    assert errors["the running total's mean"] == pytest.approx(1, abs=0.03) == min(errors.values())
    totals = b.ys[..., 0].cumsum(0)  # no line through the total does better
    best = 0.0
    for total, y in zip(totals, b.ys[..., 0], strict=True):
        slope, constant = np.polyfit(total, y, 1)
        best += float(((slope * total + constant - y) ** 2).mean()) / sums
    assert best / task.zero == pytest.approx(1, abs=0.03)


def test_the_1997_form_is_as_it_was() -> None:
    task = Task(form="1997")
    b = task.batch(4000, 50, stream(0, "train"))
    marks = b.xs[..., 1]
    start = (marks == -1).argmax(0)
    assert (b.xs[-1, :, 1] == -1).all()
    assert ((marks == -1).sum(0) == 2).all()
    assert ((marks == 1).sum(0) == 2).all()
    steps = b.xs.shape[0] - start - 2
    assert (steps.min(), steps.max()) == (50, 55)
    assert all(not b.xs[:s, c].any() for c, s in enumerate(start))
    places = np.stack([np.flatnonzero(m == 1) for m in marks.T]) - 1 - start[:, None]
    assert (places.min(), places.max()) == (0, 24)
    assert (places.min(1) < 10).all()
    values = np.where(marks == 1, b.xs[..., 0], 0).sum(0)
    np.testing.assert_allclose(b.ys[0, :, 0], 0.5 + values / 4, rtol=1e-6)
    assert -1 <= b.xs[..., 0].min() < -0.99
    lags = b.xs.shape[0] - 1 - (marks == 1).argmax(0)
    lag = task.lag(50)
    assert (lags.min(), lags.max()) == (lag.least, lag.most)
    assert lags.mean() == pytest.approx(lag.mean, abs=0.1)


def test_the_1997_form_scores_answers_within_4_hundredths() -> None:
    task = Task(form="1997")
    ys = torch.zeros(1, 4, 1)
    assert float(task.accuracy(torch.tensor([0.0, 0.03, -0.05, 1.0]).reshape(1, 4, 1), ys, None)) == 0.5


@pytest.mark.parametrize(("field", "values"), [("sums", {"sums": 2}), ("first", {"first": "early"})])
def test_the_1997_form_has_one_sum_and_places_of_its_own(field: str, values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Task(form="1997", **values)  # type: ignore[arg-type]
