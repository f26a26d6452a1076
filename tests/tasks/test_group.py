from __future__ import annotations

from functools import partial
from itertools import permutations, product

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnbench.rng import stream
from rnnbench.tasks._groups import group
from rnnbench.tasks.group import Task

EXAMPLES = [
    (Task(), 8),
    (Task(of="Z2"), 12),
    (Task(of="A5", symbols="generators"), 10),
    (Task(of="A4xZ5"), 5),
    (Task(of="S4", symbols="swaps", answers="last"), 7),
    (Task(of="S3xZ10", answers="last"), 4),
]
SIZES = {"Z2": 2, "Z60": 60, "S2": 2, "S3": 6, "S4": 24, "S5": 120, "A3": 3, "A4": 12, "A5": 60, "A4xZ5": 60,
         "S3xZ10": 60, "Z2xZ2": 4, "Z6xS3xZ2": 72}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_a_table_is_a_groups(name: str) -> None:
    table = group(name).table
    n = len(table)
    assert n == SIZES[name]
    every = np.arange(n)
    np.testing.assert_array_equal(table[0], every)
    np.testing.assert_array_equal(table[:, 0], every)
    assert all((np.sort(line) == every).all() for line in (*table, *table.T))
    a, b, c = stream(0, "elements").integers(n, (3, 2000))
    np.testing.assert_array_equal(table[table[a, b], c], table[a, table[b, c]])


@pytest.mark.parametrize("name", SIZES)
def test_generators_generate_all_and_come_with_their_inverses(name: str) -> None:
    found = group(name)
    reached = {0}
    while True:
        more = reached | {int(found.table[x, g]) for x in reached for g in found.generators}
        if more == reached:
            break
        reached = more
    assert len(reached) == SIZES[name]
    assert 0 in found.steps
    assert all(any(found.table[g, h] == 0 for h in found.steps) for g in found.steps)


def test_the_three_of_size_60_are_unlike() -> None:
    """Abelian, solvable, neither: by the commutators that there are, and those that these generate."""

    def derived(table: NDArray[np.int64], inside: set[int]) -> set[int]:
        inverse = {x: int((table[x] == 0).argmax()) for x in inside}
        found = {int(table[table[table[inverse[x], inverse[y]], x], y]) for x, y in product(inside, inside)}
        while True:
            more = found | {int(table[x, y]) for x, y in product(found, found)}
            if more == found:
                return found
            found = more

    def series(name: str) -> list[int]:
        table, inside = group(name).table, set(range(SIZES[name]))
        sizes = [len(inside)]
        while len(inside) > 1 and (len(sizes) < 2 or sizes[-1] < sizes[-2]):
            inside = derived(table, inside)
            sizes.append(len(inside))
        return sizes

    assert series("Z60") == [60, 1]
    assert series("A4xZ5") == [60, 4, 1]
    assert series("A5") == [60, 60]


@pytest.mark.parametrize("symbols", ["elements", "generators", "swaps"])
def test_the_answers_are_what_permuting_things_comes_to(symbols: str) -> None:
    """Four cups, moved step by step: the oracle moves them, and looks up where they are."""
    every = list(permutations(range(4)))
    b = Task(of="S4", symbols=symbols).batch(300, 9, stream(0, "train"))  # type: ignore[arg-type]
    for xs, ys in zip(b.xs.T.tolist(), b.ys.T.tolist(), strict=True):
        where = list(range(4))  # where each cup is
        for t, x in enumerate(xs):
            where = [every[x][place] for place in where]
            if t:
                assert every.index(tuple(where)) == ys[t - 1]


def test_swaps_are_those_of_two_points_and_the_identity() -> None:
    b = Task(of="S5", symbols="swaps").batch(500, 6, stream(0, "train"))
    every = list(permutations(range(5)))
    moved = {sum(a != i for i, a in enumerate(every[x])) for x in set(b.xs[1:].ravel().tolist())}
    assert moved == {0, 2}
    assert len(set(b.xs[1:].ravel().tolist())) == 11
    assert len(set(b.xs[0].tolist())) > 100


def test_cumulative_parity_is_the_group_of_two() -> None:
    b = Task(of="Z2").batch(50, 20, stream(0, "train"))
    np.testing.assert_array_equal(b.ys, (b.xs.cumsum(0) % 2)[1:])


def test_the_last_answer_is_that_of_all() -> None:
    dense, last = (Task(answers=how).batch(40, 12, stream(0, "train")) for how in ("dense", "last"))
    np.testing.assert_array_equal(dense.xs, last.xs)
    np.testing.assert_array_equal(dense.ys[-1:], last.ys)


@pytest.mark.parametrize("symbols", ["elements", "generators"])
def test_no_step_is_easier_by_chance(symbols: str) -> None:
    b = Task(of="S3", symbols=symbols).batch(60_000, 4, stream(0, "train"))  # type: ignore[arg-type]
    for answers in b.ys:
        np.testing.assert_allclose(np.bincount(answers) / answers.size, 1 / 6, atol=0.01)


def test_what_is_held_out_is_never_trained_on() -> None:
    task = Task(of="A5", symbols="generators")
    trained = {x.tobytes() for step in range(8) for x in task.batch(2048, 5, stream(0, "train", step)).xs.T}
    held = [{x.tobytes() for x in task.held_out(s, 5, partial(stream, 0)).xs.T} for s in ("select", "test")]
    assert not trained & held[0]
    assert not trained & held[1]
    assert not held[0] & held[1]


@pytest.mark.parametrize(("name", "fault"), [
    ("B5", "of: got 'B5', expected Z, S or A with a number, or a product such as A4xZ5"),
    ("", "of: got ''"),
    ("A5x", "of: got 'A5x'"),
    ("S7", "of: got 'S7', expected permutations of at most 6 points"),
    ("Z1001", "of: got 'Z1001', expected at most 1000 elements"),
    ("A5xA5", "of: got 'A5xA5', expected at most 1000 elements"),
    ("Z1", "of: got 'Z1', which has one element, expected two or more"),
])  # fmt: skip
def test_a_group_that_is_none_is_told(name: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Task(of=name)


def test_only_permutations_have_swaps() -> None:
    with pytest.raises(ValueError, match="symbols: got 'swaps' of A5, which only S2 to S6 have"):
        Task(of="A5", symbols="swaps")
