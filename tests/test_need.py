"""Need: the fewest examples of a ladder with which a task is solved; what a suite says of such a ladder, how it is
climbed, and what is made of it.

Ladders are written down as in ladders.py, a letter a seed and a word a seed's rungs, *most examples first*.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import report
from rnnbench.analysis import advice, bars, comparison, effects, effort, reach, spans
from rnnbench.analysis.comparison import Side
from rnnbench.analysis.verdicts import verdicts
from rnnbench.check import baseline, compare
from rnnbench.errors import UserError
from rnnbench.plan import cost, labels, plan
from rnnbench.plan.filter import select
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Point, Record, Run
from rnnbench.report import answer, broken, charts, compared, looks, marks, page, tables
from rnnbench.report.frame import frame
from rnnbench.report.page import provenance
from rnnbench.report.sections import steps_effects
from rnnbench.report.study import Study
from rnnbench.suite import Claim, Suite, TaskEntry, Variant
from rnnbench.suite.load import loads

if TYPE_CHECKING:
    from rnnbench.check.baseline import Cell
    from rnnbench.records import Status

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
    assert [r.train["examples"] for r in select(asked, "lstm and 300").ladders[0].rungs] == [300]
    assert len(select(asked, "lstm and 20").ladders[0].rungs) == 4


def test_a_suite_that_a_store_remembers_with_one_number_is_read_and_written_as_it_was() -> None:
    found = suite("parity: {examples: 300, lengths: [20]}")
    plain = found.as_dict()
    assert plain["tasks"][0]["examples"] == 300
    assert Suite.from_dict(plain) == found


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
    ("need(lstn, parity) > 4", "did you mean 'lstm'?"),
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


def test_what_hides_behind_an_end_of_the_ladder_is_told_beside_a_claim() -> None:
    claims = ("need(lstm, parity) < 90", "need(lstm-forget_gate, parity) > 5000", "score(lstm, parity, 100) > .9")
    of, climbs = seen({"lstm": "ssss " * 6, "lstm-forget_gate": "uu.. " * 6}, claims, prune=True)
    told = [v.why for v in advice.advised(of, climbs, verdicts(of, climbs))]
    assert told[0].endswith(
        "; lstm solved parity with its fewest examples (100) in 6 of 6 seeds: add numbers of examples under 100"
    )
    assert told[1].endswith(
        "; lstm-forget_gate did not solve parity with its most examples (3000) in 6 of 6 seeds: "
        "add numbers of examples over 3000"
    )
    of, climbs = seen({"lstm": "sss. sss. sss. sss. sss. sss.", "lstm-forget_gate": "ssss " * 6}, claims)
    assert verdicts(of, climbs)[2].why == "lstm on parity with 100 examples: of 6 runs 6 missing"


@pytest.mark.parametrize(("lstm", "outcome", "text"), [
    ("sssu " * 5, "fine", "needs as they were"),
    ("ssss " * 5, "fine", "+1 (+1 to +1) rungs; needs 100 100 100 100 100, were 300 300 300 300 300"),
    ("suuu " * 5, "worse", "-2 (-2 to -2) rungs, margin 1; needs 3000 3000 3000 3000 3000, were 300 300 300 300 300"),
    ("suuu " * 4 + "uuuu", "worse",
     "-2.2 (-2.6 to -1.8) rungs, margin 1; needs 3000 3000 3000 3000 >3000, were 300 300 300 300 300"),
    ("sssu " * 4 + "uuuu", "unclear",
     "-0.6 (-1.9 to +0.68) rungs, margin 1; needs 300 300 300 300 >3000, were 300 300 300 300 300"),
])  # fmt: skip
def test_check_calls_a_larger_need_worse(lstm: str, outcome: str, text: str) -> None:
    """Rungs that are lost, as of spans: the sign is that of what is solved, not of the number of examples."""
    _, (before, _) = seen({"lstm": "sssu " * 5})
    _, (now, _) = seen({"lstm": lstm})
    was = cast("Cell", SimpleNamespace(spans=baseline.rungs(before), diverged=0))
    assert compare._cell(now, was, range(5), 1.0) == (outcome, text)


def test_a_run_of_a_ladder_goes_by_its_number_of_examples() -> None:
    of, climbs = seen({"lstm": "sxuu"})
    asked = plan(of)
    names = [labels.label(ladder, run) for ladder in asked.ladders[:1] for run in ladder.runs(of.seeds)]
    assert names == [f"lstm/parity/{n}/0" for n in MOST_FIRST]
    found = [labels.of_label(asked, name) for name in names]
    assert [each.run.rung.train["examples"] for each in found] == list(MOST_FIRST)
    assert found[1].filter == "lstm and parity and 1000"
    with pytest.raises(UserError, match=r"got the number of examples '20', expected one of s; known: 100, 1000, 300"):
        labels.of_label(asked, "lstm/parity/20/0")
    assert broken.notes(climbs) == ["! lstm with 1,000 examples, seed 0: crashed"]
    assert "with 1,000 examples" in provenance.broken(climbs)
    assert ">examples<" in provenance.broken(climbs)


def test_rungs_below_the_one_that_is_climbed_are_no_work_left() -> None:
    """All are of one length: what is left is told by their places."""
    _, (climb, _) = seen({"lstm": "ss.."})
    each = cost.estimate(climb.steps[2].rung)
    assert cost.priority(climb, climb.steps[2]) == pytest.approx(2 * each)


def test_steps_are_tested_with_the_fewest_examples_that_can_tell() -> None:
    """Where as much is known at several rungs it is the hardest, as for lengths."""

    def record(run: Run, sooner: bool) -> Record:
        return Record(run, "solved", 0.99, 0.1, 300, 100 if sooner else 300, 9)

    of = Suite("s", VARIANTS, (ENTRY,), tuple(range(6)))
    asked = plan(of)
    known = [record(run, k == 1) for k, ladder in enumerate(asked.ladders) for run in ladder.runs(of.seeds)]
    climbs = view(asked, {r.id: r for r in known})
    (pace,) = effort.paces(climbs)
    assert (pace.place, [r.place for r in pace.ratios]) == (100, list(MOST_FIRST))
    (values,) = steps_effects.values(climbs)
    assert (values["examples"], values["ratios"][0]["examples"]) == (100, 3000)
    assert "length" not in values
    (table,) = steps_effects.tables([(ENTRY, climbs)])
    assert [c.title for c in table.columns][2:6] == ["3,000", "1,000", "300", "100"]
    assert "at one number of examples" in table.about


def test_two_views_are_compared_at_the_numbers_of_examples_that_both_have() -> None:
    of, climbs = seen({"lstm": "sssu " * 6, "lstm-forget_gate": "ssuu " * 6})
    few = replace(ENTRY, examples=MOST_FIRST[1:])
    fewer = plan(Suite("s", VARIANTS, (few,), of.seeds))
    known = {r.id: r for c in climbs for r in c.records}
    side = Side("a", of.seeds, tuple(climbs))
    found = comparison.compare(side, Side("b", of.seeds, tuple(view(fewer, known))))
    assert [p.lengths for p in found.pairs] == [(1000, 300, 100)] * 2
    assert found.alone == {"numbers of examples of parity": (("3000",), ())}
    text = compared.render(found, "table", width=160)
    assert "the need of b less that of a" in text
    assert "at the numbers of examples that both have" in text
    by_length = plan(Suite("s", VARIANTS, (replace(ENTRY, examples=(), lengths=(100, 300)),), of.seeds))
    other = comparison.compare(side, Side("b", of.seeds, tuple(view(by_length, {}))))
    assert other.pairs == ()
    assert other.alone["lengths of parity"] == ((), ("100", "300"))
    assert other.alone["numbers of examples of parity"] == (("100", "300", "1000", "3000"), ())


# what is said and drawn of it


def test_the_answer_speaks_of_examples() -> None:
    of, climbs = seen({"lstm": "ssss " * 6, "lstm-forget_gate": "ssuu " * 6})
    (said,) = answer.sentences(of, Study(climbs), [])
    assert said.replace("\u00a0", " ") == (
        "On parity, lstm solves it with every seed, even with 100 examples; lstm-forget_gate has the largest mean "
        "need, 548 (300 to 1000) examples. Of 1 part 1 is told to change the need, in octaves (+: more examples): "
        "lstm-forget_gate ≥ +3.2."
    )
    of, climbs = seen({"lstm": "sssu " * 6, "lstm-forget_gate": "uu.. " * 6}, prune=True)
    (said,) = answer.sentences(of, Study(climbs), [])
    assert said.replace("\u00a0", " ").startswith(
        "On parity, lstm has the smallest mean need, 173 (100 to 300) examples; lstm-forget_gate solves it with no "
        "seed, even with 3,000 examples. "
    )


def test_charts_are_drawn_over_examples() -> None:
    of, climbs = seen({"lstm": "sssu sssu ssuu", "lstm-forget_gate": "ssuu suuu ssuu"})
    found = charts.charts(ENTRY, Study(climbs), looks.series(of.variants), looks.PAGE)
    for name, said in {
        "spans": "Need, in examples, of each variant on parity: lstm 254",
        "scores": "Mean score against examples on parity, bar .95: lstm .99 with 3,000 examples, .99 with 1,000 ",
        "solved": "Share of seeds that solve parity at each number of examples: lstm 1.00 with 3,000 examples, ",
        "steps": "Steps to solve of the middle seed on parity: lstm 200 with 3,000 examples",
        "effects": "Effects of 1 part on the need on parity, in octaves: ",
    }.items():
        assert said in found[name].alt, found[name].alt
    axes = {name: found[name].spec["layer"][-1]["encoding"]["x"] for name in ("spans", "scores", "solved", "steps")}
    assert {name: x["title"] for name, x in axes.items()} == {
        "spans": "need, in examples (log)", "scores": "examples (log)", "solved": "examples (log)",
        "steps": "examples (log)",
    }  # fmt: skip
    assert all(x["axis"]["values"] == sorted(MOST_FIRST) for x in axes.values())
    assert all(x["scale"]["domain"][0] <= 100 and x["scale"]["domain"][1] >= 3000 for x in axes.values())
    places = [p["place"] for p in found["scores"].spec["layer"][-1]["data"]["values"]]
    assert places == list(MOST_FIRST)


def test_learning_curves_are_those_with_the_fewest_examples() -> None:
    of = Suite("s", VARIANTS, (ENTRY,), (0,))
    curve = (Point(100, 1.0, 0.2), Point(200, 0.5, 0.9))
    asked = plan(of)
    known = {r.id: r for r in (replace(record(run, "s"), curve=curve) for run in asked.runs())}
    found = charts.charts(ENTRY, Study(view(asked, known)), looks.series(of.variants), looks.PAGE)["curves"]
    assert found.title == "parity with 100 examples"
    assert "with the fewest examples that all variants trained on" in found.about
    assert "on parity with 100 examples: lstm 1 seed; lstm-forget_gate 1 seed" in found.alt


def test_the_page_and_its_legend_speak_of_examples() -> None:
    of, climbs = seen({"lstm": "sssu ssss ssuu", "lstm-forget_gate": "uuu. suu. uuu."}, prune=True)
    text = page.made(of, climbs)
    for words in ("How many examples, seed by seed", "Score by examples", "Solved by examples", ">Need</h2>"):
        assert words in text, words
    for words in (marks.OF_NEEDS[marks.PRUNED], marks.OF_NEEDS["≥"], marks.OF_NEEDS["≤"]):
        assert words in text, words
    for words in ("longest length", "two lengths in a row", "Score by length", "remembers", "one span"):
        assert words not in text, words


def test_a_mark_that_means_something_else_of_lengths_is_explained_for_both() -> None:
    """A page on spans and needs."""
    mixed = suite("parity: {examples: [9, 99], lengths: [20]}, adding: {lengths: [5, 10]}")
    records = {
        run.id: record(run, "s" if run.rung.length == 20 or (run.rung.length == 5 and run.seed) else "u")
        for run in plan(mixed).runs()
    }
    found = tables.report(mixed, view(plan(mixed), records)).legend
    told = [line for line in found if line.startswith("≤")]
    assert [line.split(" ", 2)[2] for line in told] == [marks.LEGEND["≤"], marks.OF_NEEDS["≤"]]
    titles = page.figures._title("scores", mixed.tasks), page.figures._title("spans", mixed.tasks)
    assert titles == ("Score by examples and by length", "How many examples, how far back, seed by seed")


def test_a_claim_at_other_bars_is_told_in_words_of_needs() -> None:
    """At .9 what scores .93 is solved: there the variant needs no more than its base."""

    def made(run: Run, solved: bool) -> Record:
        score, status = (0.99, "solved") if solved else (0.93, "unsolved")
        return Record(run, cast("Status", status), score, 0.1, 300, 200 if solved else None, 9)

    of = Suite("s", VARIANTS, (ENTRY,), tuple(range(6)))
    known: dict[str, Record] = {}
    for ladder in plan(of).ladders:
        solving = 3 if ladder.variant.base is None else 2
        for k, rung in enumerate(ladder.rungs):
            known |= {run.id: made(run, k < solving) for run in (Run(rung, seed) for seed in of.seeds)}
    found = bars.effect_outcomes(view(plan(of), known))
    assert found["parity", "lstm-forget_gate"] == {0.9: "nothing told"}
    assert bars._outcomes(view(plan(of), known)) == {("parity", "lstm-forget_gate"): "larger"}


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
        assert 100 < whole["need"]["examples"] < 300
        assert "length" not in whole["need"]
        assert [rung["examples"] for rung in whole["rungs"]] == list(MOST_FIRST)
    else:
        for words in ("at length 20, trained on so many examples", "3,000",
                      "the examples needed to learn it within", "steps to solve by examples",
                      "solved, though with more examples it isn't (seeds): lstm at 100"):  # fmt: skip
            assert words in text, words
        assert "as a length" not in text


@pytest.mark.thorough
def test_a_tiny_suite_goes_all_the_way(tmp_path: Path, cli: Callable[..., CompletedProcess[str]]) -> None:
    (tmp_path / "s.yaml").write_text(
        "rnnbench: 1\nname: s\nseeds: 1\narchitectures: {rnn: {cell: rnn}}\n"
        "defaults: {hidden: 4, batch: 4, steps: 100}\n"
        "tasks: {copy: {items: 1, alphabet: 3, examples: [7, 20], lengths: [1]}}\n"
        'claims: [{says: it holds, that: "need(rnn, copy) <= 20"}]\n'
    )
    run = cli("run", "s.yaml", "-j", "1")
    assert run.returncode == 0, run.stderr
    assert " rnn copy with 20 examples at 1 seed 0: " in run.stderr
    assert "need" in cli("report", "s.yaml").stdout
    listed = cli("list", "runs", "s.yaml").stdout.splitlines()
    assert [line.split()[2] for line in listed] == ["rnn/copy/20/0", "rnn/copy/7/0"]
    shown = cli("show", "rnn/copy/7/0", "s.yaml").stdout
    assert shown.startswith("rnn on copy with 7 examples, seed 0: ")
    assert "examples: 7" in shown
    assert " -k 'rnn and copy and 7' " in shown
    written = cli("baseline", "s.yaml", "--update")
    assert written.returncode == 0, written.stderr
    checked = cli("check", "s.yaml", "--no-run")
    assert "exact: " in checked.stdout, checked.stderr
    assert checked.returncode in (0, 6), checked.stdout
    assert "worse" not in checked.stdout
