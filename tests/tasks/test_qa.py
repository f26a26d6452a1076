from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnbench.rng import stream
from rnnbench.tasks.qa import Task

EXAMPLES = [
    (Task(), 5),
    (Task(agents=2, objects=12, verbs=6, lead=0), 1),
    (Task(facts=2), 5),
    (Task(facts=2, agents=2, objects=2, places=3, lead=0), 1),
    (Task(facts=3), 5),
    (Task(facts=3, verbs=1, places=12), 1),
]


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


def told(task: Task, xs: NDArray[np.int64]) -> tuple[list[list[str]], list[str]]:
    """The statements and the question of a story, read naively."""
    words = [task.words[w] for w in xs]
    question = words[words.index("where") :]
    statements = []
    for t, word in enumerate(words[: -len(question)]):
        if word == ".":
            statements.append(words[t - 6 : t + 1])
    return statements, question


@pytest.mark.parametrize("facts", [2, 3])
def test_the_answer_follows_from_who_took_it_and_went_where(facts: Literal[2, 3]) -> None:
    task = Task(facts=facts)
    b = task.batch(300, 5, stream(0, "train"))
    for column in range(300):
        statements, question = told(task, b.xs[:, column])
        carrier: dict[str, str] = {}
        way: dict[str, list[str]] = {}
        for the, agent, _, my, thing, place, _ in statements:
            assert the == "the"
            if my == "my":
                assert place == "there"
                carrier[thing] = agent
            else:
                way.setdefault(agent, []).append(place)
        assert len(carrier) == len(way) == 2
        assert all(len(places) == facts - 1 for places in way.values())
        stops = way[carrier[question[3]]]
        if facts == 2:
            assert question == ["where", "is", "my", question[3], "?"]
        else:
            assert question == ["where", "was", "my", question[3], "before", "the", stops[-1], "?"]
            assert {places[-1] for places in way.values()} == {stops[-1]}
        assert task.answers[b.ys[0, column]] == stops[0]
        assert len({places[0] for places in way.values()} | {stops[-1]}) == facts


@pytest.mark.parametrize("facts", [2, 3])
def test_the_lag_of_a_chain_runs_from_who_took_the_thing(facts: Literal[2, 3]) -> None:
    task = Task(facts=facts)
    b = task.batch(8000, 5, stream(0, "train"))
    thing = b.xs[-2 if facts == 2 else -5]
    lags = len(b.xs) - 1 - ((b.xs == thing).argmax(0) - 3)
    lag = task.lag(5)
    assert (lags.min(), lags.max()) == (lag.least, lag.most)
    assert lags.mean() == pytest.approx(lag.mean, abs=0.3)


@pytest.mark.parametrize("facts", [2, 3])
def test_answers_of_chains_are_balanced(facts: Literal[2, 3]) -> None:
    counts = np.bincount(Task(facts=facts).batch(12_000, 3, stream(0, "train")).ys[0], minlength=6)
    assert counts.min() > 0.9 * 2000


def test_one_fact_knows_no_places() -> None:
    with pytest.raises(ValueError, match="one fact is about none"):
        Task(places=3)
