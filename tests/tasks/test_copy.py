from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnnbench.rng import stream
from rnnbench.tasks.copy import Task

EXAMPLES = [
    (Task(), 5),
    (Task(items=3, alphabet=4), 1),
    (Task(form="whole"), 5),
    (Task(items=2, form="whole", alphabet=3), 1),
]


def test_every_item_is_answered_items_and_length_steps_later() -> None:
    task = Task(items=3, alphabet=4)
    b = task.batch(50, 6, stream(0, "train"))
    assert task.lag(6) == (9, 9, 9)
    answers = range(b.xs.shape[0])[b.at]
    for k, t in enumerate(answers):
        assert (b.xs[t - 9] == b.ys[k] + 1).all()
        assert (b.xs[t] == 0).all()  # while answering, it reads blanks only


def test_the_delimiter_comes_right_before_the_answers() -> None:
    b = Task(items=2, alphabet=4).batch(3, 5, stream(0, "train"))
    assert (b.xs[6] == 5).all()
    assert (np.delete(b.xs[2:], 4, 0) == 0).all()


def test_the_whole_form_reads_the_same_and_answers_at_every_step() -> None:
    recall, whole = Task(items=3, alphabet=4), Task(items=3, alphabet=4, form="whole")
    a, b = (task.batch(20, 6, stream(0, "train")) for task in (recall, whole))
    assert (a.xs == b.xs).all()
    assert (b.ys[:-3] == 0).all()
    assert (b.ys[-3:] == a.ys + 1).all()


@pytest.mark.parametrize(("length", "published"), [(50, 0.297), (100, 0.173), (200, 0.0945), (1000, 0.0204)])
def test_remembering_nothing_costs_what_arjovsky_printed(length: int, published: float) -> None:
    task = Task(form="whole")
    b = task.batch(4, length, stream(0, "train"))
    logits = torch.full((*b.ys.shape, 9), -50.0)
    logits[:-10, :, 0] = 50
    logits[-10:, :, 1:] = 0
    assert float(task.loss(logits, torch.from_numpy(b.ys), None)) == pytest.approx(published, rel=3e-3)
    assert published == pytest.approx(10 * math.log(8) / (length + 20), rel=3e-3)


def test_the_whole_form_scores_the_items_alone() -> None:
    task = Task(items=2, alphabet=4, form="whole")
    ys = torch.from_numpy(task.batch(64, 50, stream(0, "train")).ys)
    blanks = torch.nn.functional.one_hot(torch.zeros_like(ys), 5)
    assert float(task.score(blanks, ys, None)) == 0
    assert float((blanks.argmax(-1) == ys).double().mean()) > 0.9
