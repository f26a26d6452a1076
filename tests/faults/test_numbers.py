"""Numbers that are none, wherever they come up: the run diverged, its record is strict JSON, nobody else notices."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from rnnbench import tasks
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.tasks import SIZES, Batch, Lag, Split, copy
from rnnbench.training import trainer as training
from rnnbench.training.cohort import Cohort
from rnnbench.training.trainer import Trainer
from rnnbench.training.trial import trial_of_task

EVIL = """
import torch

class Late(torch.nn.GRU):
    '''Sound on a batch of training, not on one of an evaluation.'''
    worst = 1.0
    def forward(self, xs):
        ys, h = super().forward(xs)
        return (ys * self.worst if xs.shape[1] > 50 else ys), h

class NaN(Late):
    worst = float("nan")

class Infinite(Late):
    worst = float("inf")

class Huge(Late):
    worst = 1e38
"""
SETTINGS = {"hidden": 3, "batch": 4, "steps": 30, "stop": "never"}


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few held-out examples, looks every 10 steps, and the module `late_evil`."""
    for split in ("select", "test"):
        monkeypatch.setitem(SIZES, split, 100)
    monkeypatch.setattr(training, "LOOK", 10)
    (tmp_path / "late_evil.py").write_text(EVIL)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("late_evil", None)


def run(model: dict[str, Any], seed: int = 0, **settings: Any) -> Run:
    return Run(Rung(model, {"task": "adding"}, 4, SETTINGS | settings), seed)


def records(*runs: Run) -> dict[str, Record]:
    return {e.id: e for e in Trainer("cpu", "reference").train(runs) if isinstance(e, Record)}


def is_diverged(record: Record) -> bool:
    json.loads(canonical(record.as_dict()), parse_constant=pytest.fail)
    return (record.status, record.score, record.loss, record.solved_at) == ("diverged", 0.0, None, None)


@pytest.mark.parametrize("name", ["NaN", "Infinite", "Huge"])
@pytest.mark.parametrize("looks", [False, True], ids=("test", "select"))
def test_an_evaluation_without_a_number_is_a_run_that_diverged(
    name: str, looks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if looks:  # whatever its score on the batches of training, validation is looked at
        monkeypatch.setattr(training, "SLACK", 2.0)
    (record,) = records(run({"module": f"late_evil.{name}", "args": {}})).values()
    assert is_diverged(record)
    assert record.steps == (10 if looks else 30)


@pytest.mark.parametrize("which", ["score", "loss"])
@pytest.mark.parametrize("split", ["select", "test"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_costs_its_own_run(
    which: str, split: Split, bad: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [run({"cell": "orthogonal"}, seed) for seed in range(3)]
    monkeypatch.setattr(training, "SLACK", 2.0)
    sound = records(*runs)
    evaluate = Cohort.evaluate

    def spoiled(self: Cohort, rows: Any, asked: Split, length: int) -> list[tuple[float, float]]:
        found = evaluate(self, rows, asked, length)
        for place, row in enumerate(rows):
            if asked == split and self.runs[row].seed == 1:
                score, loss = found[place]
                found[place] = (bad, loss) if which == "score" else (score, bad)
        return found

    monkeypatch.setattr(Cohort, "evaluate", spoiled)
    found = records(*runs)
    assert is_diverged(found[runs[1].id])
    for other in (runs[0], runs[2]):
        assert canonical(found[other.id].results()) == canonical(sound[other.id].results())


def test_a_training_score_that_is_no_number_is_a_run_that_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    means = Cohort.take_means
    monkeypatch.setattr(Cohort, "take_means", lambda self, *n: (means(self, *n)[0], [math.nan] * len(self.runs)))
    (record,) = records(run({"cell": "rnn"})).values()
    assert is_diverged(record)


def test_losses_that_overflow_are_no_number() -> None:
    (record,) = records(run({"cell": "rnn", "activation": "identity"}, lr=100.0, optimizer="sgd", clip=0.0)).values()
    assert is_diverged(record)


class Unscored(copy.Task):
    def batch(self, size: int, length: int, rng: Any) -> Batch:
        found = super().batch(size, length, rng)
        return found._replace(weights=np.zeros(found.ys.shape, np.float32))


class Wild(tasks.Task):
    tokens: ClassVar[bool] = False
    inputs = outputs = 2

    def lag(self, length: int) -> Lag:
        return Lag(1, 1.0, 1)

    def batch(self, size: int, length: int, rng: Any) -> Batch:
        return Batch(np.full((length, size, 2), np.nan, np.float32), np.zeros((length, size), np.int64))


@pytest.mark.parametrize(
    ("task", "why"),
    [(Unscored(), "got weights that are all 0"), (Wild(), "got inputs that are not finite"), (copy.Task(), "")],
    ids=("unscored", "wild", "sound"),
)
def test_a_task_that_can_give_no_score_is_told(task: tasks.Task, why: str) -> None:
    assert trial_of_task(task, 4).startswith(why)
    assert bool(trial_of_task(task, 4)) == bool(why)


def test_nothing_above_a_chance_of_one() -> None:

    assert tasks.above_chance(torch.tensor([1.0, 0.5]), 1.0).tolist() == [0.0, 0.0]
