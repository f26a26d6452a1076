from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks._apart import apart
from rnnbench.tasks._split import Part
from rnnbench.tasks.automata import Task

EXAMPLES = [
    (Task(longest=3), 40),
    (Task(nodes=5, alphabet=3, edges=1, longest=5), 14),
]


@pytest.mark.parametrize(
    "fields", [{}, {"longest": 2}, {"alphabet": 5, "edges": 1}, {"edges": 3, "longest": 3}], ids=str
)
def test_an_answer_is_what_followed_the_same_symbols_before_wherever_that_is_all(fields: dict[str, int]) -> None:
    task = Task(**fields)
    rows = task.draw(60, 50, stream(0, "x"))
    symbols, targets = task._automaton(rows)
    b = task.posed(rows, 50)
    assert b.weights is not None
    for column, (xs, weights) in enumerate(zip(b.xs.T.tolist(), b.weights.T.tolist(), strict=True)):
        followed: dict[tuple[int, ...], set[int]] = {}
        prefix: tuple[int, ...] = ()
        node = 0
        for t, token in enumerate(xs):
            if token:
                edge = (symbols[node, :, column] + 1).tolist().index(token)
                node = int(targets[node, edge, column])
                followed.setdefault(prefix, set()).add(token)
                prefix = (*prefix, token)
            else:
                prefix, node = (), 0
            may = set((symbols[node, :, column] + 1).tolist())
            assert len(may) == task.edges
            assert set((np.flatnonzero(b.ys[t, column]) + 1).tolist()) == may
            assert weights[t] == (followed.get(prefix, set()) == may)


def test_strings_are_of_every_length_and_begin_with_a_mark() -> None:
    b = Task(longest=4).batch(500, 60, stream(0, "train"))
    assert (b.xs[0] == 0).all()
    lengths = [n - 1 for xs in b.xs.T for n in np.diff(np.flatnonzero(xs == 0))]
    assert np.bincount(lengths)[1:] / len(lengths) == pytest.approx([1 / 4] * 4, abs=0.03)


def test_no_automaton_is_in_two_parts_whatever_its_nodes_are_called() -> None:
    task = Task(nodes=3, alphabet=3, edges=1)
    rows = task.draw(400, 9, stream(0, "x"))
    size = 3
    for names in ([0, 1, 2], [0, 2, 1]):  # the first node stays where strings begin
        called = rows.copy()
        symbols, targets = task._automaton(rows)
        new = np.array(names)
        called[:size] = symbols[new].reshape(size, -1)
        called[size : 2 * size] = new[targets[new]].reshape(size, -1)
        np.testing.assert_array_equal(task.key(called), task.key(rows))


def test_what_is_held_out_is_of_other_automata() -> None:
    task = Task()
    parts: tuple[Part, ...] = ("train", "select", "test")
    keys = {}
    for part in parts:
        rng = stream(0, part)
        rows = apart(partial(task.draw, length=12, rng=rng), task.key, 1500, part)
        keys[part] = {tuple(k) for k in task.key(rows).T}
    assert not keys["train"] & keys["test"]
    assert not keys["train"] & keys["select"]
    assert not keys["select"] & keys["test"]
    assert task.held_out("test", 12, partial(stream, 0)).xs.shape == (12, 2048)


def test_as_many_edges_as_symbols_are_refused() -> None:
    with pytest.raises(ValueError, match="edges: got 2 of 2 symbols, expected fewer: any may come then"):
        Task(alphabet=2, edges=2)
