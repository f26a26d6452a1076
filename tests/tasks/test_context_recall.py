from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks import Batch
from rnnbench.tasks.context_recall import Task

EXAMPLES = [
    (Task(), 6),
    (Task(vocabulary=24, noise=0.3, noises=4), 5),
    (Task(vocabulary=16, motif=2), 3),
    (Task(vocabulary=7), 9),
]


def told(task: Task, b: Batch) -> list[list[tuple[tuple[int, ...], tuple[int, ...], bool]]]:
    """The pairs of each sequence, as the tokens say: key, value, whether its value is asked for; checks that it is."""
    assert b.weights is not None
    K, V = task.keys_there, task.vocabulary
    found = []
    for xs, ys, weights in zip(b.xs.T.tolist(), b.ys.T.tolist(), b.weights.T.tolist(), strict=True):
        pairs, t = [], 0
        while t < len(xs):
            if xs[t] == 0 or xs[t] > V:
                assert not weights[t]
                t += 1
                continue
            key: tuple[int, ...] = ()
            value: tuple[int, ...] = ()
            while 1 <= xs[t] <= K:
                key, t = (*key, xs[t]), t + 1
            start = t
            while t < len(xs) and K < xs[t] <= V:
                value, t = (*value, xs[t]), t + 1
            asked = weights[start - 1 : t - 1]
            assert len(set(asked)) == 1
            if asked[0]:
                assert [y + 1 + K for y in ys[start - 1 : t - 1]] == list(value)
            assert not any(weights[start - len(key) : start - 1])
            assert not weights[t - 1] or t == len(xs)
            pairs.append((key, value, bool(asked[0])))
        found.append(pairs)
    return found


@pytest.mark.parametrize("task", [Task(), Task(vocabulary=9), Task(noise=0.5), Task(motif=3), Task(motif=2, noise=0.2)])
def test_a_key_keeps_its_value_and_is_asked_for_once_it_was_shown(task: Task) -> None:
    for length in (2, 5, 12):
        for pairs in told(task, task.batch(60, length, stream(0, "train"))):
            known: dict[tuple[int, ...], tuple[int, ...]] = {}
            for key, value, asked in pairs:
                assert 1 <= len(key) <= task.motif
                assert len(set(key)) == len(key)
                assert asked == (key in known)
                assert known.setdefault(key, value) == value
            assert pairs[-1][2]
            assert len({value[0] for value in known.values()}) == len(known)
            assert len(pairs) == length or task.noise


def test_noise_takes_the_stated_share_of_pairs_and_is_never_asked_for() -> None:
    task = Task(noise=0.4, noises=5)
    b = task.batch(2000, 22, stream(0, "train"))
    noisy = b.xs[::2] > 16
    assert (noisy == (b.xs[1::2] > 16)).all()
    assert noisy[1:-1].mean() == pytest.approx(0.4, abs=0.01)
    assert not noisy[[0, -1]].any()
    assert set(b.xs[b.xs > 16].tolist()) == set(range(17, 22))


def test_motifs_are_of_every_size() -> None:
    sizes = [
        (len(k), len(v))
        for pairs in told(Task(motif=3), Task(motif=3).batch(500, 6, stream(0, "train")))
        for k, v, _ in pairs
    ]
    for each in zip(*sizes, strict=True):
        assert np.bincount(each)[1:] / len(each) == pytest.approx([1 / 3] * 3, abs=0.06)


def test_the_lag_is_from_the_last_showing() -> None:
    task = Task()
    b = task.batch(2000, 30, stream(0, "train"))
    lags = []
    for xs in b.xs.T.tolist():
        last: dict[int, int] = {}
        for t in range(0, 60, 2):
            if xs[t] in last:
                lags.append(t - last[xs[t]])
            last[xs[t]] = t + 1
    lag = task.lag(30)
    assert (min(lags), max(lags) <= lag.most) == (lag.least, True)
    assert np.mean(lags) == pytest.approx(lag.mean, rel=0.05)


@pytest.mark.parametrize(("vocabulary", "length"), [(4, 2), (4, 3), (4, 5), (6, 4), (7, 3)])
def test_sequences_are_as_many_as_counted(vocabulary: int, length: int) -> None:
    task = Task(vocabulary=vocabulary)
    drawn = task.key(task.draw(60_000, length, stream(0, "x")))
    assert len({tuple(x) for x in drawn.T}) == task.space(length)


def test_long_motifs_of_few_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="motif: got 3, of 2 tokens of keys, expected no more"):
        Task(vocabulary=5, motif=3)
