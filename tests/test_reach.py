"""Trained on many lengths, tested at many: which lengths are drawn, whose bits a run has, what its record holds, the
reach that is made of it.

Ladders are written down as in ladders.py, a letter a seed and a word a *tested* length.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from bits import results
from bits import small_splits as small_splits
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import report
from rnnbench.analysis import effects, reach, spans
from rnnbench.analysis.verdicts import verdicts
from rnnbench.curriculum import Curriculum
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.plan.reach import folded, unfolded
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.report.frame import frame
from rnnbench.rng import stream
from rnnbench.store import Store, bulk
from rnnbench.suite import Claim, Suite, TaskEntry, Variant
from rnnbench.suite.load import loads
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

LENGTHS = (5, 10, 20, 40, 80)
SMALL = {"hidden": 6, "batch": 3, "steps": 130, "stop": "never"}
COPY = {"task": "copy", "items": 2, "alphabet": 3}
TESTED = {"tested": [2, 4, 9]}


def rung(model: dict[str, Any], train: dict[str, Any] | None = None, **settings: Any) -> Rung:
    return Rung(model, COPY, 6, SMALL | settings, TESTED if train is None else train)


# which lengths


@pytest.mark.parametrize("train", [{}, {"from": 4, "over": 50}])
def test_a_length_is_a_word_of_the_stream_of_its_seed_and_step(train: dict[str, int]) -> None:
    curriculum = Curriculum.of(Rung({"cell": "rnn"}, COPY, 20, {}, {"tested": [20]} | train), 3)
    for seed, step in ((0, 1), (0, 2), (7, 2), (7, 49), (7, 51), (7, 5000)):
        word = int(np.random.Philox(key=stream(seed, "lengths", step)._philox.state["state"]["key"],
                                    counter=[0, 0, 0, step]).random_raw(1)[0]) % 2**32  # fmt: skip
        top = 4 + 16 * (step - 1) // 50 if train and step <= 50 else 20
        assert curriculum.length(seed, step) == 3 + word * (top - 2) // 2**32


@given(shortest=st.integers(1, 5), more=st.integers(0, 30), start=st.integers(0, 30), over=st.integers(0, 40),
       step=st.integers(1, 60), seed=st.integers(0, 2**63 - 1))  # fmt: skip
def test_only_lengths_that_are_open_are_drawn(
    shortest: int, more: int, start: int, over: int, step: int, seed: int
) -> None:
    upto = shortest + more
    train = {"from": min(shortest + start, upto), "over": over} if over else {}
    c = Curriculum.of(Rung({}, {}, upto, {}, {"tested": [upto]} | train), shortest)
    assert shortest <= c.length(seed, step) <= c.longest(step) <= c.longest(step + 1) <= c.longest(over + 1) == upto
    assert c.longest(1) == (train.get("from", upto))


def test_every_length_is_as_likely() -> None:
    curriculum = Curriculum.of(Rung({}, {}, 12, {}, {"tested": [12]}), 3)
    counts = Counter(curriculum.length(1, step) for step in range(1, 4001))
    assert set(counts) == set(range(3, 13))
    assert sum((n - 400) ** 2 / 400 for n in counts.values()) < 27.9  # chi squared, 9 degrees: once in a thousand


def test_a_run_that_trains_on_its_own_length_draws_none() -> None:
    curriculum = Curriculum.of(Rung({}, {}, 7, {}), 3)
    assert (curriculum.drawn, curriculum.length(0, 5), curriculum.trained, curriculum.beyond) == (False, 7, (7,), ())


def test_batches_are_of_the_lengths_drawn() -> None:
    one = rung({"cell": "gru"})
    cohort = Cohort(Model.of(one), [Run(one, 4)], False, "cpu")
    lengths = set()
    for step in range(1, 30):
        cohort.step = step
        (batch,) = {id(b): b for b in cohort.batches()}.values()
        length = len(batch.xs) - 2 * COPY["items"]  # type: ignore[operator]
        assert length == cohort.curriculum.length(4, step)
        lengths.add(length)
    assert lengths == set(range(1, 7))
    with pytest.raises(ValueError, match="a step is of one length"):
        Cohort(Model.of(one), [Run(one, 0), Run(one, 1)], False, "cpu")


# whose bits


@pytest.mark.parametrize("kernels", ["auto", "reference"])
@pytest.mark.parametrize("model", [{"cell": "gru"}, {"layer": "transformer", "heads": 2}])
def test_a_run_has_the_same_bits_alone_among_others_and_resumed(kernels: str, model: dict[str, Any]) -> None:
    """Whatever the seeds' lengths, whatever the way."""
    trainer = Trainer("cpu", kernels)
    runs = [Run(rung(model, TESTED | {"from": 2, "over": 60}), seed) for seed in (3, 4)]
    together = results(trainer, runs)
    assert len(together) == 2
    alone = results(trainer, runs[:1])
    assert alone[runs[0].id] == together[runs[0].id]
    steps = iter(range(1000))
    saved = [e for e in trainer.train(runs[1:], stop=lambda: next(steps) >= 70) if isinstance(e, Checkpoint)]
    again = {c.run_id: Checkpoint.from_bytes(c.to_bytes()) for c in saved}
    assert [c.state["step"] for c in saved] == [71]
    assert results(trainer, runs[1:], checkpoints=again) == {runs[1].id: together[runs[1].id]}


def test_a_run_is_judged_by_what_it_trained_on_and_tested_at_all() -> None:
    one = rung({"cell": "rnn"}, steps=100)
    (record,) = (e for e in Trainer().train([Run(one, 0)]) if isinstance(e, Record))
    assert [length for length, _ in record.scores] == TESTED["tested"]
    assert record.score == min(score for length, score in record.scores if length <= 6)
    assert len(record.positions) == COPY["items"]
    answered = (2 / 3) * dict(record.scores)[9] + 1 / 3  # accuracy, of a score over chance
    assert record.scores[-1][1] == 0 or sum(record.positions) / 2 == pytest.approx(answered)
    assert record == Record.from_dict(json.loads(canonical(record.as_dict())))


def test_what_is_no_number_beyond_the_trained_lengths_is_a_score_of_0(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Cohort.evaluate

    def broken(at: int) -> Callable[..., Any]:
        def evaluate(self: Cohort, rows: list[int], split: Any, length: int | None = None) -> Any:
            found = whole(self, rows, split, length)
            return [(1.0, float("nan"))] * len(rows) if length == at and split == "test" else found

        return evaluate

    run = Run(rung({"cell": "rnn"}, steps=10), 0)
    monkeypatch.setattr(Cohort, "evaluate", broken(9))
    (record,) = (e for e in Trainer().train([run]) if isinstance(e, Record))
    assert (record.status, dict(record.scores)[9]) == ("unsolved", 0.0)
    monkeypatch.setattr(Cohort, "evaluate", broken(4))
    (record,) = (e for e in Trainer().train([run]) if isinstance(e, Record))
    assert (record.status, record.scores, record.score) == ("diverged", (), 0.0)


# what its record holds

RUN = Run(Rung({"cell": "rnn"}, COPY, 6, {"steps": 200}, {"tested": [2, 4, 9], "from": 3, "over": 50}), 1)
RECORD = Record(RUN, "unsolved", 0.25, 1.5, 200, scores=((2, 1.0), (4, 0.25), (9, 0.5)),
                positions=(1.0, 0.25), numerics="n", fingerprint="f")  # fmt: skip


def test_an_id_holds_what_is_trained_on_and_tested_and_nothing_new_where_neither_is_used() -> None:
    plain = Rung({"cell": "rnn"}, COPY, 6, {})
    assert plain.as_dict().keys() == {"length", "model", "settings", "task"}
    every = [plain, replace(plain, train={"tested": [6]}), replace(plain, train={"tested": [2, 6]}), RUN.rung]
    assert len({each.id(0) for each in every}) == 4
    assert Run.from_dict(json.loads(canonical(RUN.as_dict()))) == RUN


def test_a_store_and_an_export_give_it_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ordinary = Record(Run(Rung({"cell": "rnn"}, COPY, 6, {}), 1), "unsolved", 0.25, 1.5, 200)
    with store.writing():
        for each in (RECORD, ordinary, RECORD):  # what is told twice is there once
            store.add(each)
    for curves in (False, True):
        found = store.records([RUN, ordinary.run], curves)
        assert found[RUN.id].scores == RECORD.scores
        assert found[ordinary.id].scores == ()
        assert found[RUN.id].positions == RECORD.positions
        assert [r.scores for r in bulk.by_id(store, found, curves)] == [found[id].scores for id in sorted(found)]
    assert [r.attempt for r in store.attempts()] == [1, 1]
    assert "scores" not in ordinary.results()
    assert Record.from_dict(json.loads(canonical(RECORD.results()))).scores == RECORD.scores


@pytest.mark.parametrize(("change", "says"), [
    ({"scores": [[2, 1.0], [4, 0.25]]}, "scores: got a list, expected those of the lengths 2, 4, 9 beside"),
    ({"scores": [[2, 1.0], [4, 0.25], [9, 1.5]]}, "scores: score: got 1.5, expected a number from 0 to 1"),
    ({"scores": [[2, 1.0], [4, 0.25], [9.0, 0.5]]}, "scores: length: got 9.0, expected an integer of at least 1"),
    ({"scores": [[2, 1.0], [4, 0.25], [9, float("nan")]]}, "scores: score: got nan"),
    ({"scores": [[2, 1.0], [4, 0.25], [9]]}, "scores: got a list, expected a list of [length, score]"),
    ({"scores": {"2": 1.0}}, "scores: got an object, expected a list of [length, score]"),
    ({"scores": [[4, 0.25], [2, 1.0], [9, 0.5]]}, "scores: got a list, expected those of the lengths 2, 4, 9"),
    ({"scores": None}, "scores: got null"),
    ({"positions": [0.5, 2]}, "positions: got 2, expected a number from 0 to 1"),
    ({"positions": {}}, "positions: got an object, expected a list of numbers"),
    ({"scores": [], "positions": [0.5]}, "scores: got a list, expected those"),
    ({"score": 0.5}, "score: got 0.5, expected the least of its scores at lengths up to 6"),
    ({"status": "crashed", "score": None, "loss": None}, "scores: got a list, expected none beside status crashed"),
    ({"status": "diverged", "score": 0.0}, "scores: got a list, expected none beside status diverged"),
])  # fmt: skip
def test_scores_that_are_none_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        Record.from_dict(RECORD.as_dict() | change)
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize(("train", "says"), [
    ({}, "train: got no 'tested', expected one"),
    ({"tested": []}, "train: tested: got a list, expected a list of lengths"),
    ({"tested": [4, 2]}, "train: tested: got 2, expected an integer of at least 5"),
    ({"tested": [4, 4]}, "train: tested: got 4, expected an integer of at least 5"),
    ({"tested": [True]}, "train: tested: got true"),
    ({"tested": [7]}, "train: tested: got 7, expected a length of at most 6"),
    ({"tested": [4], "from": 2}, "train: got one of from and over, expected both or neither"),
    ({"tested": [4], "from": 7, "over": 3}, "train: from: got 7, expected an integer from 1 to 6"),
    ({"tested": [4], "from": 2, "over": 0}, "train: over: got 0, expected an integer of at least 1"),
    ({"tested": [4], "upto": 6}, "train: got key 'upto'"),
    ([4], "train: got a list, expected an object"),
])  # fmt: skip
def test_a_training_that_is_none_is_refused(train: Any, says: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        Rung.from_dict(RUN.rung.as_dict() | {"train": train})
    assert str(refused.value).startswith(says)


# what a suite says

HEAD = "rnnbench: 1\nname: s\nseeds: 2\narchitectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}\n"


def suite(task: str, more: str = "") -> Suite:
    return loads(f"{HEAD}tasks: {{{task}}}\n{more}".encode(), "s.yaml")


def test_a_task_that_trains_on_many_lengths_asks_for_one_run_a_seed() -> None:
    found = suite("copy: {items: 2, train: {upto: 6, from: 3, over: 50}, lengths: [9, 2, 4]}")
    (entry,) = found.tasks
    assert (entry.lengths, entry.trained, entry.beyond, entry.headline) == ((2, 4, 9), (6,), (9,), "reach")
    asked = plan(found)
    assert asked.count == 4
    assert asked.ladders[0].rungs[0].as_dict() == {
        "length": 6, "model": {"cell": "rnn"}, "settings": {}, "task": {"task": "copy", "items": 2},
        "train": {"tested": [2, 4, 9], "from": 3, "over": 50},
    }  # fmt: skip
    assert Suite.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    same = suite("copy: {items: 2, train: {upto: 6, from: 6, over: 50}, lengths: [9, 2, 4]}")
    plain = suite("copy: {items: 2, train: {upto: 6}, lengths: [9, 2, 4]}")
    assert [r.id for r in plan(same).runs()] == [r.id for r in plan(plain).runs()]
    assert "train" not in suite("copy: {lengths: [5]}").as_dict()["tasks"][0]


def test_a_tasks_own_field_of_that_name_is_meant_where_it_is_no_mapping() -> None:
    (own,) = suite("parity: {train: exactly, lengths: [4]}").tasks
    assert (own.task, own.train) == ({"task": "parity", "train": "exactly"}, {})
    (many,) = suite("parity: {train: {upto: 8}, lengths: [4, 16]}").tasks
    assert (many.task, many.train) == ({"task": "parity", "train": "exactly"}, {"upto": 8})


@pytest.mark.parametrize(("task", "says"), [
    ("copy: {train: 6, lengths: [4]}", "tasks.copy.train: got 6, expected {upto: LENGTH}"),
    ("copy: {train: {}, lengths: [4]}", "tasks.copy.train.upto: got nothing, expected the longest length to train on"),
    ("counting: {train: {upto: 2}, lengths: [4]}", "tasks.counting.train.upto: got 2, expected the longest length"),
    ("copy: {train: {upto: 6}, lengths: [7]}", "tasks.copy.train.upto: got 6, expected at least 7, the shortest"),
    ("copy: {train: {upto: 6, from: 3}, lengths: [4]}", "tasks.copy.train.over: got nothing, expected it beside from"),
    ("copy: {train: {upto: 6, over: 3}, lengths: [4]}", "tasks.copy.train.from: got nothing, expected it beside over"),
    ("copy: {train: {upto: 6, from: 8, over: 3}, lengths: [4]}", "tasks.copy.train.from: got 8, expected"),
    ("copy: {train: {up_to: 6}, lengths: [4]}", "tasks.copy.train.up_to: got an unknown key"),
    ("parity: {train: no, lengths: [4]}", "tasks.parity.train: got 'no', expected one of 'up_to', 'exactly'"),
])  # fmt: skip
def test_a_training_that_cant_be_is_refused_where_it_stands(task: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        suite(task)
    assert says in str(refused.value)


@pytest.mark.parametrize(("that", "says"), [
    ("span(lstm, copy) > 4", "got span of 'copy', expected its reach"),
    ("reach(lstm, adding) > 4", "got reach of 'adding', expected its span"),
    ("reach(lstm, copy) > span(lstm, adding)", "expected measures of one kind"),
    ("score(lstm, copy, 6) > .5", "got 6, expected a length of copy: 2, 9"),
])  # fmt: skip
def test_claims_ask_each_task_for_its_own_headline(that: str, says: str) -> None:
    tasks = "copy: {train: {upto: 6}, lengths: [2, 9]}, adding: {lengths: [5]}"
    with pytest.raises(UserError) as refused:
        suite(tasks, f'claims: [{{says: so, that: "{that}"}}]')
    assert says in str(refused.value)
    suite(tasks, 'claims: [{says: so, that: "reach(lstm, copy) >= 2 * reach(rnn, copy)"}]')


# what is made of it

ENTRY = TaskEntry("parity", {"task": "parity", "train": "exactly"}, LENGTHS, {"steps": 300}, train={"upto": 20})
VARIANTS = (
    Variant("lstm", {"cell": "lstm"}),
    Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
)


def record(run: Run, word: str) -> Record:
    """The record of a run whose letters are its tested lengths'; one letter if it broke or diverged at all of them."""
    if word in ("d", "x"):
        return Record(
            run, "diverged" if word == "d" else "crashed", 0.0 if word == "d" else None, steps=300 * (word == "d")
        )
    scores = tuple((length, 0.99 if letter == "s" else 0.5) for length, letter in zip(LENGTHS, word, strict=True))
    least = min(score for length, score in scores if length <= 20)
    return Record(run, "solved" if least > 0.95 else "unsolved", least, 0.1, 300, 200 if least > 0.95 else None,
                  9, scores=scores)  # fmt: skip


def seen(words: dict[str, str], claims: tuple[str, ...] = ()) -> tuple[Suite, list[Climb]]:
    """The view of a store where each variant's seeds have these words, one a seed, `.` where it has not run."""
    n = len(next(iter(words.values())).split())
    of = Suite("s", VARIANTS, (ENTRY,), tuple(range(n)), claims=tuple(Claim("so", that) for that in claims))
    known = {}
    for ladder in plan(of).ladders:
        for seed, word in enumerate(words.get(ladder.variant.name, "").split()):
            if word != ".":
                run = Run(ladder.rungs[0], seed)
                known[run.id] = record(run, word)
    return of, unfolded(view(plan(of), known))


def brute(word: str) -> int:
    """The longest length up to which every letter is an s; 0 without any."""
    found = [length for k, length in enumerate(LENGTHS) if set(word[: k + 1]) == {"s"}]
    return max(found, default=0)


@given(st.lists(st.text("su", min_size=5, max_size=5), min_size=1, max_size=8))
def test_a_seeds_reach_is_the_longest_length_up_to_which_it_solves_all(words: list[str]) -> None:
    _, (climb, _) = seen({"lstm": " ".join(words)})
    assert [s.low or 0 for s in spans.seed_spans(climb)] == list(map(brute, words))
    beyond = {length: sum(w[k] == "s" and "u" in w[:k] for w in words) for k, length in enumerate(LENGTHS)}
    assert reach.holes(climb) == {length: n for length, n in beyond.items() if n}


def test_of_what_has_not_run_broke_or_diverged() -> None:
    _, (climb, _) = seen({"lstm": "sssus d x ."})
    assert [step.rung.length for step in climb.steps] == list(LENGTHS)
    assert [step.solved for step in climb.steps] == [1, 1, 1, 0, 1]
    assert {(step.tally.finished, step.tally.broken, step.missing) for step in climb.steps} == {(2, 1, 1)}
    found = spans.seed_spans(climb)
    assert [(s.low or 0, s.provisional) for s in found] == [(20, False), (0, False), (0, True), (0, True)]
    assert tuple(folded(climb).steps[0].tally) == (1, 1, 2, 1, 0, 0, 0)
    assert unfolded([climb]) == [climb]


def test_what_is_shown_keeps_the_ids_of_the_training() -> None:
    of, climbs = seen({"lstm": "sssss suuuu"})
    ids = [run.id for run in plan(of).runs()][:2]
    assert {step.rung.id(seed) for step in climbs[0].steps for seed in (0, 1)} == set(ids)
    rows = frame(climbs)
    assert list(rows.id) == ids * 5
    assert list(rows.length) == [length for length in LENGTHS for _ in ids]
    assert list(rows.status) == ["solved"] * 2 + ["solved", "unsolved"] * 4
    assert list(rows.solved_at.fillna(0)) == [200, 0] + [200, 0] * 2 + [0] * 4  # beyond the range only the test tells


def test_effects_and_claims_are_about_reaches() -> None:
    claims = ("reach(lstm, parity) >= 40", "reach(lstm-forget_gate, parity) < reach(lstm, parity)",
              "effect(forget_gate, parity) < 0", "score(lstm, parity, 80) < .9", "reach(lstm, parity) >= 80",
              "solved(lstm, parity, 40) > .5")  # fmt: skip
    with_gate, without = "ssssu " * 8, "ssusu " * 8  # a hole at 20: 40 doesn't count
    of, climbs = seen({"lstm": with_gate, "lstm-forget_gate": without}, claims)
    (effect,) = effects.effects(climbs)
    assert effect.n == 8
    assert effect.octaves.value == pytest.approx(-2.0)
    assert [v.outcome for v in verdicts(of, climbs)] == ["holds", "holds", "holds", "holds", "fails", "holds"]


@pytest.mark.parametrize("format", ["table", "markdown", "csv", "json"])
def test_a_report_tells_the_trained_range_apart(format: str) -> None:
    of, climbs = seen({"lstm": "ssssu ssusu x", "lstm-forget_gate": "ssuuu suuuu d"})
    text = report.render(of, climbs, format, width=200)
    if format == "csv":
        rows = [line.split(",") for line in text.splitlines()[1:]]
        assert [row[2] for row in rows] == [str(length) for length in LENGTHS] * 2
        assert [row[7] for row in rows[:5]] == ["2", "2", "1", "2", "0"]
    elif format == "json":
        (whole, _) = json.loads(text)["results"]
        assert whole["span"] is None
        assert whole["reach"]
        assert len({run["id"] for rung in whole["rungs"] for run in rung["runs"]}) == 3
    else:
        for words in ("→40", "→80", "one training on lengths up to 20, one a batch; → beyond them", "up to 20",
                      "solved, though a shorter length isn't (seeds): lstm at 40 (1)", "6 runs",
                      "reach of the variant"):  # fmt: skip
            assert words in text, words
        assert "→20" not in text


def test_a_tiny_suite_goes_all_the_way(tmp_path: Path, cli: Callable[..., CompletedProcess[str]]) -> None:
    (tmp_path / "s.yaml").write_text(
        f"{HEAD}defaults: {{hidden: 4, batch: 4, steps: 100}}\n"
        "tasks: {copy: {items: 1, alphabet: 2, train: {upto: 3}, lengths: [1, 3, 6]}}\n"
        'claims: [{says: it holds, that: "reach(lstm, copy) >= 3"}]\n'
    )
    assert "4 runs, 0 known, 0 pruned, 4 to train" in cli("run", "s.yaml", "--dry-run").stdout
    assert "trained on up to 3, tested at 3 lengths (1, 3, 6)" in cli("plan", "s.yaml").stdout
    first = cli("run", "s.yaml", "-j", "2")
    assert first.returncode == 0, first.stderr
    assert "nothing to do" in cli("run", "s.yaml").stderr
    export = cli("export", "s.yaml", "--canonical").stdout
    found = [json.loads(line) for line in export.splitlines()]
    assert [[n for n, _ in each["scores"]] for each in found] == [[1, 3, 6]] * 4
    assert len(cli("export", "s.yaml", "--format", "csv").stdout.splitlines()) == 1 + 4 * 3
    (tmp_path / "e.jsonl").write_text(export)
    shown = cli("report", "s.yaml", "--all", "--from", "e.jsonl")
    assert "→6" in shown.stdout, shown.stderr
    written = cli("baseline", "s.yaml", "--update")
    assert written.returncode == 0, written.stderr
    checked = cli("check", "s.yaml", "--no-run")
    assert "exact: " in checked.stdout, checked.stderr
    assert checked.returncode in (0, 6), checked.stdout
    assert "worse" not in checked.stdout
    assert cli("compare", "e.jsonl", "results", "--suite", "s.yaml").returncode == 0
    assert cli("verify", "e.jsonl", "--sample", "1").returncode == 0
