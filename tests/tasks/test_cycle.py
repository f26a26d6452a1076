from __future__ import annotations

import numpy as np

from rnnbench.rng import stream
from rnnbench.tasks.cycle import Task

EXAMPLES = [(Task(), 12), (Task(), 20)]


def test_the_answer_is_where_one_is_after_going_there() -> None:
    b = Task().batch(500, 12, stream(0, "train"))
    assert (b.xs[-1] == 3).all()
    for moves, answer in zip(b.xs[:-1].T.tolist(), b.ys[0].tolist(), strict=True):
        place = 0
        for move in moves:
            place = {0: place, 1: place + 1, 2: place - 1}[move]
            place = 0 if place == 5 else 4 if place == -1 else place
        assert place == answer


def test_the_likeliest_place_is_no_likelier_than_stated() -> None:
    walk = np.eye(5)[0]
    for n in range(1, 30):
        walk = (walk + np.roll(walk, 1) + np.roll(walk, -1)) / 3
        assert abs(walk.max() - (0.2 + 0.4 * ((1 + 2 * np.cos(2 * np.pi / 5)) / 3) ** n)) < 0.4 * 0.21**n + 1e-9
        if n >= Task.shortest:
            assert walk.max() < 0.22
