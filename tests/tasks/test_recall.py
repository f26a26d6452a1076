from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.recall import Task

EXAMPLES = [(Task(), 10), (Task(pairs=2, vocabulary=9), 1), (Task(pairs=8, vocabulary=16, gaps="power"), 40)]


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
