"""Finitely many examples to train on: which are drawn and in which order, whose bits a run has, what a suite says of
it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from bits import results
from bits import small_splits as small_splits
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import registry, report
from rnnbench.analysis import comparison
from rnnbench.errors import UserError
from rnnbench.finite import BLOCK, Finite
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.records import Run, Rung, canonical
from rnnbench.rng import stream
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.tasks import Task
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

COPY = {"task": "copy", "items": 2, "alphabet": 3}
SMALL = {"hidden": 6, "batch": 3, "steps": 130, "stop": "never"}
HEAD = "rnnbench: 1\nname: s\nseeds: 2\narchitectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}\n"


def rung(model: dict[str, Any], examples: int = 20, **settings: Any) -> Rung:
    return Rung(model, COPY, 6, SMALL | settings, {"examples": examples})


def task(name: str = "copy", **fields: Any) -> Task:
    return registry.task({"task": name, **fields})


# which examples, in which order


@given(count=st.integers(1, 50), size=st.integers(1, 70), steps=st.integers(1, 12), seed=st.integers(0, 2**63 - 1))
def test_every_pass_has_each_example_once(count: int, size: int, steps: int, seed: int) -> None:
    finite = Finite(task(), 3, count, seed)
    shown = np.concatenate([finite.rows(size, step) for step in range(1, steps + 1)])
    assert len(shown) == size * steps
    whole, rest = divmod(len(shown), count)
    for k in range(whole):
        assert sorted(shown[k * count : (k + 1) * count]) == list(range(count))
    assert len(set(shown[whole * count :])) == rest


@given(count=st.integers(1, 50), size=st.integers(1, 70), step=st.integers(1, 10**6))
def test_a_steps_examples_follow_from_the_step_alone(count: int, size: int, step: int) -> None:
    """Whoever asks for it, whatever was asked for before."""
    went_on = Finite(task(), 3, count, 5)
    for earlier in range(max(1, step - 3), step):
        went_on.rows(size, earlier)
    assert (went_on.rows(size, step) == Finite(task(), 3, count, 5).rows(size, step)).all()


def test_passes_have_orders_of_their_own_and_seeds_too() -> None:
    orders = {tuple(Finite(task(), 3, 40, seed).rows(40, step)) for seed in (0, 1) for step in (1, 2, 3)}
    assert len(orders) == 6
    first = Counter(int(Finite(task(), 3, 5, seed).rows(5, 1)[0]) for seed in range(1000))
    assert sum((n - 200) ** 2 / 200 for n in first.values()) < 18.5  # chi squared, 4 degrees: once in a thousand


@pytest.mark.parametrize(("name", "length"), [("copy", 5), ("adding", 10), ("counting", 10), ("parity", 7), ("qa", 20)])
def test_examples_are_those_of_the_task_and_fewer_are_the_first_of_more(name: str, length: int) -> None:
    own, count = task(name), BLOCK + 9
    few, more = (Finite(own, length, n, 3).whole for n in (count, 2 * BLOCK))
    blocks = [own.batch(BLOCK, length, stream(3, "examples", k)) for k in (0, 1)]
    for field in ("xs", "ys", "weights"):
        arrays = [getattr(b, field) for b in (few, more, *blocks)]
        if arrays[0] is None:
            assert arrays == [None] * 4
        else:
            assert (arrays[0] == arrays[1][:, :count]).all()
            assert (arrays[1] == np.concatenate(arrays[2:], 1)).all()
            assert arrays[0].dtype == arrays[2].dtype
    taken = few.taken(np.array([8, 8, 0]))
    assert few.at == blocks[0].at == taken.at
    assert taken.xs.flags.c_contiguous
    assert (taken.xs == few.xs[:, [8, 8, 0]]).all()
    assert (taken.ys == few.ys[:, [8, 8, 0]]).all()


def test_a_step_trains_on_them_and_what_is_held_out_stays_what_it_was() -> None:
    one = rung({"cell": "gru"}, 4, batch=6)
    cohort = Cohort(Model.of(one), [Run(one, 4), Run(one, 5)], False, "cpu")
    every = {seed: Finite(cohort.task, 6, 4, seed) for seed in (4, 5)}
    for step in range(1, 8):
        cohort.step = step
        for seed, batch in zip((4, 5), cohort.batches(), strict=True):
            assert (batch.xs == every[seed].whole.xs[:, every[seed].rows(6, step)]).all()
            assert (batch.ys == every[seed].whole.ys[:, every[seed].rows(6, step)]).all()
    for split in ("select", "test"):
        held = cohort.held_out(0, split, None)
        assert (held.xs == cohort.task.held_out(split, 6, partial(stream, 4)).xs).all()


def test_strings_that_are_held_out_are_in_no_set_of_examples() -> None:
    own = task("parity")
    assert own.split(10)
    trained = {tuple(column) for column in Finite(own, 10, 2000, 0).whole.xs.T}
    held = own.held_out("test", 10, partial(stream, 0))
    assert not trained & {tuple(column) for column in held.xs.T}


# whose bits


@pytest.mark.parametrize("kernels", ["auto", "reference"])
@pytest.mark.parametrize("examples", [2, 20])  # fewer than a batch, and more
def test_a_run_has_the_same_bits_alone_among_others_and_resumed(kernels: str, examples: int) -> None:
    trainer = Trainer("cpu", kernels)
    runs = [Run(rung({"cell": "gru"}, examples), seed) for seed in (3, 4)]
    together = results(trainer, runs)
    assert len(together) == 2
    alone = results(trainer, runs[:1])
    assert alone[runs[0].id] == together[runs[0].id]
    steps = iter(range(1000))
    saved = [e for e in trainer.train(runs[1:], stop=lambda: next(steps) >= 70) if isinstance(e, Checkpoint)]
    again = {c.run_id: Checkpoint.from_bytes(c.to_bytes()) for c in saved}
    assert [c.state["step"] for c in saved] == [71]
    assert results(trainer, runs[1:], checkpoints=again) == {runs[1].id: together[runs[1].id]}


def test_how_many_there_are_is_a_part_of_what_a_run_is() -> None:
    fresh = replace(rung({"cell": "rnn"}), train={})
    every = [fresh, rung({"cell": "rnn"}), rung({"cell": "rnn"}, 21)]
    assert len({each.id(0) for each in every}) == 3
    assert fresh.as_dict().keys() == {"length", "model", "settings", "task"}
    found = [json.loads(*results(Trainer(), [Run(each, 0)]).values()) for each in every]
    assert len({each["loss"] for each in found}) == 3
    for each in every:
        assert Run.from_dict(json.loads(canonical(Run(each, 1).as_dict()))) == Run(each, 1)


@pytest.mark.parametrize(("train", "says"), [
    ({"examples": 0}, "train: examples: got 0, expected an integer of at least 1"),
    ({"examples": True}, "train: examples: got true"),
    ({"examples": [5]}, "train: examples: got a list"),
    ({"examples": 5, "tested": [6]}, "train: got key 'tested'"),
])  # fmt: skip
def test_a_number_that_is_none_is_refused(train: Any, says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        Rung.from_dict(rung({"cell": "rnn"}).as_dict() | {"train": train})
    assert str(refused.value).startswith(says)


# what a suite says, and what is said of it


def suite(task: str) -> Suite:
    return loads(f"{HEAD}tasks: {{{task}}}\n".encode(), "s.yaml")


def test_a_task_says_how_many() -> None:
    found = suite("copy: {items: 2, examples: 1000, lengths: [4, 9]}")
    assert plan(found).ladders[0].rungs[1].as_dict() == {
        "length": 9, "model": {"cell": "rnn"}, "settings": {}, "task": {"task": "copy", "items": 2},
        "train": {"examples": 1000},
    }  # fmt: skip
    assert Suite.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert "examples" not in suite("copy: {lengths: [5]}").as_dict()["tasks"][0]


@pytest.mark.parametrize(("task", "says"), [
    ("copy: {examples: 0, lengths: [4]}", "tasks.copy.examples: got 0, expected how many examples to train on"),
    ("copy: {examples: 100001, lengths: [4]}", "a whole number from 1 to 100000"),
    ("copy: {examples: 1e3, lengths: [4]}", "tasks.copy.examples: got 1000.0, expected how many"),
    ("copy: {examples: all, lengths: [4]}", "tasks.copy.examples: got 'all', expected how many"),
    ("copy: {examples: 9, train: {upto: 6}, lengths: [4]}", "tasks.copy.examples: got 9, expected none beside `train`"),
    ("copy: {example: 9, lengths: [4]}", "tasks.copy.example: got an unknown key"),
])  # fmt: skip
def test_a_number_that_cant_be_is_refused_where_it_stands(task: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        suite(task)
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_report_says_on_how_many_and_what_of_the_test_was_among_them() -> None:
    def text(task: str) -> str:
        of = suite(task)
        return report.render(of, view(plan(of), {}), "table", width=400)

    of = "each trained on 50 examples, drawn once a seed, in a new order each pass"
    assert of in text("adding: {examples: 50, lengths: [9]}")
    few = "copy: {items: 1, alphabet: 2, %s lengths: [4]}"
    assert "all inputs seen in training: there are only 2 different ones" in text(few % "")
    assert "all inputs seen in training: there are only 2 different ones" in text(few % "examples: 50,")
    told = text(few % "examples: 2,").replace("\xa0", " ")
    assert "up to 75 % of the inputs tested seen in training: there are only 2" in told


def test_a_comparison_tells_what_two_suites_differ_in() -> None:
    stated = [comparison._stated(each) for each in (rung({"cell": "rnn"}), replace(rung({"cell": "rnn"}), train={}))]
    assert stated[0] == stated[1] | {"examples": 20}


@pytest.mark.thorough
def test_a_tiny_suite_goes_all_the_way(tmp_path: Path, cli: Callable[..., CompletedProcess[str]]) -> None:
    (tmp_path / "s.yaml").write_text(
        f"{HEAD}defaults: {{hidden: 4, batch: 4, steps: 100}}\n"
        "tasks: {copy: {items: 1, alphabet: 3, examples: 7, lengths: [1, 3]}}\n"
    )
    assert "on 7 examples x 2 lengths (1, 3)" in cli("plan", "s.yaml").stdout
    refused = cli("plan", "s.yaml", "--set", "examples=9")  # it is no setting, and --set is of settings alone
    assert "examples: got an unknown key, expected a setting" in refused.stderr
    first = cli("run", "s.yaml", "-j", "2")
    assert first.returncode == 0, first.stderr
    assert "nothing to do" in cli("run", "s.yaml").stderr
    export = cli("export", "s.yaml", "--canonical").stdout
    assert {json.loads(line)["run"]["rung"]["train"]["examples"] for line in export.splitlines()} == {7}
    (tmp_path / "e.jsonl").write_text(export)
    shown = cli("report", "s.yaml", "--from", "e.jsonl", "--all")
    assert "7 examples" in shown.stdout, shown.stderr
    assert cli("verify", "e.jsonl", "--sample", "1").returncode == 0
