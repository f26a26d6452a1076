from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.hops import Task

EXAMPLES = [(Task(), 4), (Task(nodes=5, hops=1), 9), (Task(nodes=7, hops=6), 2)]


@pytest.mark.parametrize(("nodes", "hops"), [(3, 2), (6, 1), (8, 5)])
def test_the_answer_is_so_many_links_on_round_one_ring(nodes: int, hops: int) -> None:
    b = Task(nodes=nodes, hops=hops).batch(300, 3, stream(0, "train"))
    for xs, answer in zip(b.xs.T.tolist(), b.ys[0].tolist(), strict=True):
        links = dict(zip(xs[: 2 * nodes : 2], xs[1 : 2 * nodes : 2], strict=True))
        assert xs[2 * nodes : -2] == [0, 0, 0]
        seen, node = [], 1
        while node not in seen:
            seen.append(node)
            node = links[node]
        assert sorted(seen) == list(range(1, nodes + 1))
        k, node = xs[-2] - nodes, xs[-1]
        assert 1 <= k <= hops
        for _ in range(k):
            node = links[node]
        assert node == answer + 1


def test_rings_orders_and_questions_are_uniform() -> None:
    b = Task(nodes=4, hops=3).batch(40_000, 1, stream(0, "train"))
    for row in b.xs[:8]:
        assert np.bincount(row)[1:] / row.size == pytest.approx([1 / 4] * 4, abs=0.01)
    assert np.bincount(b.xs[-2])[5:] / 40_000 == pytest.approx([1 / 3] * 3, abs=0.01)
    counts = np.unique(b.xs[:8], axis=1, return_counts=True)[1]
    assert len(counts) == 6 * 24
    assert counts.max() < 1.3 * counts.mean()


def test_sequences_are_as_many_as_counted() -> None:
    task = Task(nodes=3, hops=2)
    assert len({tuple(x) for x in task.draw(5000, 2, stream(0, "x")).T}) == task.space(2) == 2 * 6 * 3 * 2


def test_so_many_hops_that_they_lead_round_are_refused() -> None:
    with pytest.raises(ValueError, match="hops: got 4 of 4 nodes, expected fewer: so many lead round"):
        Task(nodes=4, hops=4)
