from __future__ import annotations

from rnnbench.rng import stream
from rnnbench.tasks.even_pairs import Task

EXAMPLES = [(Task(), 14), (Task(), 20)]


def test_the_answer_counts_the_pairs() -> None:
    for length in (2, 3, 9):
        b = Task().batch(300, length, stream(0, "train"))
        for xs, answer in zip(b.xs.T.tolist(), b.ys[0].tolist(), strict=True):
            text = "".join(map(str, xs[:-1]))
            pairs = [text[i : i + 2] for i in range(length - 1)]
            assert answer == (pairs.count("01") + pairs.count("10") + 1) % 2
            assert xs[-1] == 2
