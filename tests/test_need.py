"""Need: the fewest examples of a ladder with which a task is solved; what a suite says of such a ladder, how it is
climbed, and what is made of it.

Ladders are written down as in ladders.py, a letter a seed and a word a seed's rungs, *most examples first*.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import report
from rnnbench.analysis import effects, reach, spans
from rnnbench.analysis.verdicts import verdicts
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.filter import select
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run
from rnnbench.report import marks
from rnnbench.report.frame import frame
from rnnbench.suite import Claim, Suite, TaskEntry, Variant
from rnnbench.suite.load import loads

MOST_FIRST = (3000, 1000, 300, 100)
ENTRY = TaskEntry("parity", {"task": "parity"}, (20,), {"steps": 300}, examples=MOST_FIRST)
VARIANTS = (
    Variant("lstm", {"cell": "lstm"}),
    Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
)
HEAD = "rnnbench: 1\nname: s\nseeds: 2\narchitectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}\n"


def suite(task: str, more: str = "") -> Suite:
    return loads(f"{HEAD}tasks: {{{task}}}\n{more}".encode(), "s.yaml")


def record(run: Run, letter: str) -> Record:
    if letter == "x":
        return Record(run, "crashed")
    solved = letter == "s"
    return Record(
        run, "solved" if solved else "unsolved", 0.99 if solved else 0.5, 0.1, 300, 200 if solved else None, 9
    )


def seen(words: dict[str, str], claims: tuple[str, ...] = (), prune: bool = False) -> tuple[Suite, list[Climb]]:
    """The view of a store where each variant's seeds have these words, `.` where a rung has not run."""
    n = len(next(iter(words.values())).split())
    of = Suite("s", VARIANTS, (ENTRY,), tuple(range(n)), claims=tuple(Claim("so", c) for c in claims), prune=prune)
    known = {}
    for ladder in plan(of).ladders:
        for seed, word in enumerate(words.get(ladder.variant.name, "").split()):
            for rung, letter in zip(ladder.rungs, word, strict=True):
                if letter != ".":
                    known[Run(rung, seed).id] = record(Run(rung, seed), letter)
    return of, view(plan(of), known)


# what a suite says


def test_a_ladder_is_climbed_from_the_most_examples_to_the_fewest() -> None:
    found = suite("parity: {examples: [100, 3000, 300, 1000], lengths: [20]}")
    (entry,) = found.tasks
    assert (entry.examples, entry.places, entry.headline) == (MOST_FIRST, MOST_FIRST, "need")
    asked = plan(found)
    assert [r.train for r in asked.ladders[0].rungs] == [{"examples": n} for n in MOST_FIRST]
    assert {r.length for r in asked.ladders[0].rungs} == {20}
    assert asked.count == 2 * 4 * 2
    assert Suite.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    alone = {run.id for run in plan(suite("parity: {examples: 300, lengths: [20]}")).runs()}
    assert alone < {run.id for run in asked.runs()}
    assert [r.train["examples"] for r in select(asked, "lstm and 300").ladders[0].rungs] == [3000, 300]


@pytest.mark.parametrize(("task", "says"), [
    ("parity: {examples: [9, 99], lengths: [4, 8]}", "tasks.parity.lengths: got a list, expected one length beside a"),
    ("parity: {examples: [9], lengths: [4]}", "tasks.parity.examples: got a list, expected a number, or a list of two"),
    ("parity: {examples: [], lengths: [4]}", "tasks.parity.examples: got an empty list, expected numbers of examples"),
    ("parity: {examples: [9, 9], lengths: [4]}", "tasks.parity.examples[1]: got a second 9, expected it once"),
    ("parity: {examples: [9, 0], lengths: [4]}", "tasks.parity.examples[1]: got 0, expected how many examples"),
    ("parity: {examples: [9, 99], search: bisect, lengths: [4]}", "expected climb, or nothing, beside a ladder of"),
])  # fmt: skip
def test_a_ladder_that_cant_be_is_refused_where_it_stands(task: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        suite(task)
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("beside", ["tune: {lr: [1e-3, 1e-2]}", "budgets: [1, 4]"])
def test_it_stands_beside_no_instrument_that_is_made_for_lengths(beside: str) -> None:
    with pytest.raises(UserError, match=r"tasks\.parity\.examples: got a list, expected one number beside"):
        suite("parity: {examples: [9, 99], lengths: [4]}", beside)
    suite("parity: {examples: 99, lengths: [4]}", beside)
    assert suite("parity: {examples: [9, 99], lengths: [4]}", "search: bisect").tasks[0].search == "climb"


@pytest.mark.parametrize(("that", "says"), [
    ("span(lstm, parity) > 4", "got span of 'parity', expected its need: its rungs are numbers of examples"),
    ("need(lstm, adding) > 4", "got need of 'adding', expected its span"),
    ("need(lstm, parity) > span(lstm, adding)", "expected measures of one kind"),
    ("score(lstm, parity, 20) > .5", "got 20, expected a number of examples of parity: 9, 99"),
])  # fmt: skip
def test_claims_ask_each_task_for_its_own_headline(that: str, says: str) -> None:
    tasks = "parity: {examples: [9, 99], lengths: [20]}, adding: {lengths: [5]}"
    with pytest.raises(UserError) as refused:
        suite(tasks, f'claims: [{{says: so, that: "{that}"}}]')
    assert says in str(refused.value)
    suite(
        tasks,
        'claims: [{says: so, that: "need(lstm, parity) <= 2 * need(rnn, parity) and solved(lstm, parity, 9) > 0"}]',
    )


# what is made of it


def brute(word: str) -> float:
    """The fewest examples down to which every letter is an s; infinite without any."""
    found = [n for k, n in enumerate(MOST_FIRST) if set(word[: k + 1]) == {"s"}]
    return min(found, default=float("inf"))


@given(st.lists(st.text("su", min_size=4, max_size=4), min_size=1, max_size=8))
def test_a_seeds_need_is_the_fewest_examples_down_to_which_it_solves_all(words: list[str]) -> None:
    _, (climb, _) = seen({"lstm": " ".join(words)})
    found = spans.seed_spans(climb)
    assert [s.high for s in found] == list(map(brute, words))
    for need, word in zip(found, words, strict=True):
        assert need.low == next((n for n, letter in zip(MOST_FIRST, word, strict=True) if letter == "u"), 0)
        assert (need.bottom, need.top) == (word == "ssss", word[0] == "u")
        assert need.low < 2**need.octaves < need.high
    assert spans.solved(climb) == [(word + "u").index("u") for word in words]
    fewer = {n: sum(w[k] == "s" and "u" in w[:k] for w in words) for k, n in enumerate(MOST_FIRST)}
    assert reach.holes(climb) == {n: count for n, count in fewer.items() if count}


@pytest.mark.parametrize(("words", "shown"), [
    ("ssuu ssuu", "548"), ("ssss ssss", "≤100"), ("uuuu uuuu", "over3000"), ("ssuu suuu", "974"), ("ssus ssus", "548"),
    ("sss. ss..", "308…"), ("sxuu ssuu", "548…"), ("sssu ssss", "≤100"),
])  # fmt: skip
def test_a_variants_need_is_the_mean_of_its_seeds(words: str, shown: str) -> None:
    """Each half-way, in octaves, between what does and what doesn't: of 300 and 1000 that is 548."""
    _, (climb, _) = seen({"lstm": words})
    cell = marks.span(spans.span(climb), True)
    assert "".join(part for part in cell.parts if "(" not in part).replace(" ", "") == shown


def test_after_two_rungs_that_no_seed_solves_fewer_examples_are_pruned() -> None:
    _, (climb, _) = seen({"lstm": "suu. suu."}, prune=True)
    assert [step.state for step in climb.steps] == ["done", "done", "done", "pruned"]
    assert [(s.low, s.high) for s in spans.seed_spans(climb)] == [(1000, 3000)] * 2


def test_effects_and_claims_are_about_needs() -> None:
    """Without the gate 300 to 1000 are needed instead of 100 to 300."""
    claims = ("need(lstm, parity) <= 300", "need(lstm, parity) <= 100", "need(lstm-forget_gate, parity) > 300",
              "effect(forget_gate, parity) > 0", "need(lstm-forget_gate, parity) > need(lstm, parity)",
              "solved(lstm, parity, 300) > .5", "need(lstm, parity) < 250")  # fmt: skip
    of, climbs = seen({"lstm": "sssu " * 8, "lstm-forget_gate": "ssuu " * 8}, claims)
    (effect,) = effects.effects(climbs)
    assert (effect.n, effect.rungs.value, effect.bound) == (8, 1.0, "")
    assert effect.octaves.value == pytest.approx(math.log2(10) / 2)
    told = [v.outcome for v in verdicts(of, climbs)]
    assert told == ["holds", "fails", "holds", "holds", "holds", "holds", "undecided"]


@pytest.mark.parametrize(("lstm", "without", "bound"), [
    ("ssss", "ssuu", "≥"), ("sssu", "uuuu", "≥"), ("uuuu", "sssu", "≤"), ("ssuu", "ssss", "≤"), ("sssu", "ssuu", ""),
])  # fmt: skip
def test_a_need_at_an_end_of_the_ladder_bounds_the_effect(lstm: str, without: str, bound: str) -> None:
    _, climbs = seen({"lstm": f"{lstm} " * 8, "lstm-forget_gate": f"{without} " * 8})
    (effect,) = effects.effects(climbs)
    assert effect.bound == bound


def test_rows_say_how_many() -> None:
    _, climbs = seen({"lstm": "sssu ssuu"})
    rows = frame(climbs)
    assert list(rows.examples) == [n for n in MOST_FIRST for _ in (0, 1)]
    assert set(rows.length) == {20}


@pytest.mark.parametrize("format", ["table", "markdown", "csv", "json"])
def test_a_report_tells_the_need(format: str) -> None:
    of, climbs = seen({"lstm": "sssu ssus sssu", "lstm-forget_gate": "ssuu uuuu suuu"})
    text = report.render(of, climbs, format, width=200)
    if format == "csv":
        rows = [line.split(",") for line in text.splitlines()]
        assert rows[0][-1] == "examples"
        assert [row[-1] for row in rows[1:]] == [str(n) for n in MOST_FIRST] * 2
    elif format == "json":
        whole, _ = json.loads(text)["results"]
        assert whole["span"] is None
        assert (whole["need"]["n"], whole["need"]["need"]) == (3, True)
        assert [rung["examples"] for rung in whole["rungs"]] == list(MOST_FIRST)
    else:
        for words in ("at length 20, trained on so many examples", "3,000",
                      "the examples needed to learn it within", "steps to solve by examples",
                      "solved, though with more examples it isn't (seeds): lstm at 100"):  # fmt: skip
            assert words in text, words
        assert "as a length" not in text


def test_a_tiny_suite_goes_all_the_way(tmp_path: Path, cli: Callable[..., CompletedProcess[str]]) -> None:
    (tmp_path / "s.yaml").write_text(
        f"{HEAD}defaults: {{hidden: 4, batch: 4, steps: 100}}\nseeds: 1\n".replace("seeds: 2\n", "")
        + "tasks: {copy: {items: 1, alphabet: 3, examples: [7, 20], lengths: [1]}}\n"
        'claims: [{says: it holds, that: "need(lstm, copy) <= 20"}]\n'
    )
    assert "x 2 numbers of examples at length 1 (20, 7)" in cli("plan", "s.yaml").stdout
    first = cli("run", "s.yaml", "-j", "2")
    assert first.returncode == 0, first.stderr
    assert "nothing to do" in cli("run", "s.yaml").stderr
    export = cli("export", "s.yaml", "--canonical").stdout
    assert {json.loads(line)["run"]["rung"]["train"]["examples"] for line in export.splitlines()} == {7, 20}
    (tmp_path / "e.jsonl").write_text(export)
    assert "need" in cli("report", "s.yaml", "--from", "e.jsonl").stdout
    written = cli("baseline", "s.yaml", "--update")
    assert written.returncode == 0, written.stderr
    checked = cli("check", "s.yaml", "--no-run")
    assert "exact: " in checked.stdout, checked.stderr
    assert checked.returncode in (0, 6), checked.stdout
    assert "worse" not in checked.stdout
    assert cli("compare", "e.jsonl", "results", "--suite", "s.yaml").returncode == 0
