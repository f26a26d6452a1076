from __future__ import annotations

import numpy as np
import pytest

from rnnbench.rng import stream
from rnnbench.tasks.qa import Task

EXAMPLES = [(Task(), 5), (Task(agents=2, objects=12, verbs=6, lead=0), 1)]


def test_the_question_fits_the_statement_and_its_answer_is_not_in_it() -> None:
    task = Task()
    b = task.batch(300, 7, stream(0, "train"))
    words = task.words
    for column in range(300):
        text = [words[w] for w in b.xs[:, column]]
        the, end = text.index("the"), text.index(".")
        _, agent, past, _, thing, _ = text[the : end + 1]
        answer = task.answers[b.ys[0, column]]
        question = text[-5:]
        if question[0] == "who":
            assert question == ["who", past, "my", thing, "?"]
            assert answer == agent
        else:
            assert question[:3] == ["what", "did", agent]
            assert answer == thing
        assert answer not in text[end:]
        assert len(text) - 6 - end - 1 >= 7  # at least as much filler as was asked for


def test_the_lag_runs_from_the_answers_word_to_the_question_mark() -> None:
    task = Task()
    b = task.batch(20_000, 9, stream(0, "train"))
    lags = b.xs.shape[0] - 1 - (b.xs == b.ys).argmax(0)
    lag = task.lag(9)
    assert (lags.min(), lags.max()) == (lag.least, lag.most)
    assert lags.mean() == pytest.approx(lag.mean, abs=0.05)


def test_answers_are_balanced() -> None:
    task = Task()
    counts = np.bincount(task.batch(24_000, 3, stream(0, "train")).ys[0], minlength=task.outputs)
    assert counts.min() > 0.9 * 24_000 / task.outputs
