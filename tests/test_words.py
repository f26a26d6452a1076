"""Words that help: what is selected by a name, what an undecided claim would need, what to type next."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import ladders
import pytest

from rnnbench.analysis import advice
from rnnbench.analysis.verdicts import verdicts
from rnnbench.cli import BEGIN, common
from rnnbench.errors import Exit, UserError
from rnnbench.plan import Plan, plan, selection
from rnnbench.plan.filter import matcher, select
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record
from rnnbench.suite import Claim, Suite, TaskEntry, Variant
from rnnbench.suite.load import load

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
VARIANTS = (
    Variant("rnn", {"cell": "rnn"}),
    Variant("lstm", {"cell": "lstm"}),
    Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
    Variant("lstm-2", {"cell": "lstm"}, {"layers": 2}, base="lstm", part="layers: 2"),
)
TASKS = (TaskEntry("copy", {"task": "copy"}, (2, 20)), TaskEntry("copy-hard", {"task": "copy", "items": 20}, (2, 20)))
CLAIMS = (
    Claim("outlasts", "span(lstm, copy) > span(rnn, copy)", number=1),
    Claim("matters", "effect(forget_gate, copy) < 0", number=2),
    Claim("is good", "score(lstm, copy-hard, 20) > .5", number=3),
    Claim("is small", "parameters(rnn) < parameters(lstm)", number=4),
)


def suite(n: int = 6, *claims: Claim) -> Suite:
    return Suite("s", VARIANTS, TASKS, tuple(range(n)), claims=claims or CLAIMS)


def names(chosen: Plan) -> set[tuple[str, str]]:
    return {(ladder.variant.name, ladder.task.name) for ladder in chosen.ladders}


# Selection


@pytest.mark.parametrize(
    ("expression", "variants", "tasks"),
    [
        ("lstm", {"lstm"}, {"copy", "copy-hard"}),
        ("LSTM and copy", {"lstm"}, {"copy"}),
        ("lst", {"lstm", "lstm-forget_gate", "lstm-2"}, {"copy", "copy-hard"}),
        ("lstm*", {"lstm", "lstm-forget_gate", "lstm-2"}, {"copy", "copy-hard"}),
        ("lstm-* and *hard", {"lstm-forget_gate", "lstm-2"}, {"copy-hard"}),
        ("*f*g*", {"lstm-forget_gate"}, {"copy", "copy-hard"}),
        ("2 and lstm and copy", {"lstm"}, {"copy"}),  # the length, not lstm-2 nor 20
    ],
)
def test_a_word_that_is_a_name_means_that_one_alone(expression: str, variants: set[str], tasks: set[str]) -> None:
    chosen = select(plan(suite()), expression)
    assert names(chosen) == {(v, t) for v in variants for t in tasks}
    if expression.startswith("2"):
        assert [rung.length for ladder in chosen.ladders for rung in ladder.rungs] == [2]


def test_a_star_stands_for_anything_and_costs_little() -> None:
    assert matcher("*")(frozenset({"x"}))
    assert matcher("a*a")(frozenset({"aba"}))
    assert not matcher("a*a")(frozenset({"a"}))
    assert not matcher("*a" * 20_000)(frozenset({"a" * 100}))


def test_what_is_not_selected_is_not_claimed() -> None:
    def left(expression: str) -> list[int]:
        return [claim.number for claim in select(plan(suite()), expression).suite.claims]

    assert left("copy") == [1, 2, 4]
    assert left("lstm* and copy") == [2]
    assert left("copy-hard and 2") == [4]
    assert left("copy-hard") == [3, 4]
    assert left("(rnn or lstm)") == [1, 3, 4]


@pytest.mark.parametrize(
    ("number", "pairs"),
    [
        (1, {("lstm", "copy"), ("rnn", "copy")}),
        (2, {("lstm", "copy"), ("lstm-forget_gate", "copy")}),
        (3, {("lstm", "copy-hard")}),
        (4, {(v, t) for v in ("rnn", "lstm") for t in ("copy", "copy-hard")}),
    ],
)
def test_a_claim_selects_what_decides_it(number: int, pairs: set[tuple[str, str]]) -> None:
    chosen = selection.claim(plan(suite()), number)
    assert names(chosen) == pairs
    assert [claim.number for claim in chosen.suite.claims] == [number]


def test_a_claim_that_is_none_is_told() -> None:
    with pytest.raises(UserError, match="--claim: got 9, expected the number of a claim of s: 1, 2, 3, 4") as refused:
        selection.claim(plan(suite()), 9)
    assert refused.value.code == Exit.NOTHING_SELECTED


@pytest.mark.parametrize("name", ["long_deps", "ci", "starts", "sizes"])
def test_all_claims_of_a_suite_that_ships_are_about_what_it_has(name: str) -> None:
    asked = plan(load(name))
    assert selection.trimmed(asked, asked.ladders).suite.claims == asked.suite.claims
    for claim in asked.suite.claims:
        assert selection.claim(asked, claim.number).suite.claims == (claim,)


# Advice


def told(n: int, claim: str, **results: str) -> str:
    """The advice on a claim; `results` by variant, letters for seeds, all on copy."""
    return advised(n, claim, results)


def advised(n: int, claim: str, results: Mapping[str, str], apart: bool = False) -> str:
    """The same, of a claim that is undecided for another reason where two rates part."""
    asked = plan(suite(n, Claim("so it is", claim, number=1)))
    records: dict[str, Record] = {}
    for ladder in asked.ladders:
        if ladder.task.name == "copy":
            records |= ladders.records(ladder.rungs, results.get(ladder.variant.name, ""))
    climbs: list[Climb] = view(asked, records)
    (found,) = verdicts(asked.suite, climbs)
    verdict = replace(found, apart=apart)
    (out,) = advice.advised(asked.suite, climbs, [verdict])
    assert out.why.startswith(verdict.why)
    return out.why.removeprefix(verdict.why)


def test_more_seeds_where_there_are_too_few() -> None:
    found = told(3, "span(lstm, copy) > span(rnn, copy)", lstm="sss sss", rnn="sss uuu")
    assert found.startswith("; --seeds 6, about ")
    assert found.endswith(" more on one core")
    assert advice.seeds(replace(suite(), seeds=(5, 6, 7)), (), 6) == "--seeds 5..10"
    assert advice.seeds(replace(suite(), seeds=(3, 7)), (), 6) == "6 seeds"


def test_a_longer_ladder_where_its_end_hides_the_difference() -> None:
    found = told(6, "span(lstm, copy) > 2 * span(rnn, copy)", lstm="ssssss sssssu", rnn="ssssss uuuuuu")
    assert found == "; lstm solved copy at its longest length (20) in 5 of 6 seeds: add lengths beyond 20"
    found = told(6, "span(lstm, copy) > 2 * span(rnn, copy)", lstm="ssssss uuuuuu", rnn="uuuuuu uuuuuu")
    assert found == "; rnn did not solve copy at its shortest length (2) in 6 of 6 seeds: add lengths below 2"


def test_rungs_nearer_together_where_they_leave_much_open() -> None:
    found = told(6, "span(lstm, copy) > span(rnn, copy)", lstm="ssssss uuuuuu", rnn="ssssss uuuuuu")
    assert found.startswith(
        "; it may take rungs nearer than 3.3 octaves (per_octave: 2 or more), or more seeds: --seeds 12"
    )


def test_an_effect_that_is_told_though_its_claim_is_undecided() -> None:
    results = {"lstm": "ssssss uuuuuu", "lstm-forget_gate": "uuuuuu uuuuuu"}
    found = advised(6, "effect(forget_gate, copy) < -1", results)
    assert found.startswith(f"; told from 0 by the mean (lstm-forget_gate on copy), {advice.WIDER}; ")
    assert "add lengths below 2" in found
    assert "told from 0" not in advised(6, "effect(forget_gate, copy) < -1", results, apart=True)
    results["lstm-forget_gate"] = "uuusss uuuuuu"
    assert "told from 0" not in advised(6, "effect(forget_gate, copy) < -1", results)


def test_what_a_search_left_out_is_no_failure() -> None:
    """A length that it didn't try since a longer one was solved, or since a shorter one was not."""
    task = replace(TASKS[0], lengths=(2, 5, 20), search="bisect")
    asked = plan(replace(suite(6, Claim("so", "span(lstm, copy) > span(rnn, copy)", number=1)), tasks=(task,)))
    words = {"lstm": "...... ssssss uuuuuu", "rnn": "...... ssssss uuuuuu"}
    records: dict[str, Record] = {}
    for ladder in asked.ladders:
        records |= ladders.records(ladder.rungs, words.get(ladder.variant.name, ""))
    climbs: list[Climb] = view(asked, records)
    (verdict,) = advice.advised(asked.suite, climbs, verdicts(asked.suite, climbs))
    assert verdict.outcome != "holds"
    assert "did not solve" not in verdict.why


def test_the_runs_that_are_missing_or_broke() -> None:
    assert told(6, "span(lstm, copy) > span(rnn, copy)", lstm="ssssss ssssss", rnn="s") == "; train what is missing"
    found = told(6, "span(lstm, copy) > span(rnn, copy)", lstm="ssssss ssssss", rnn="ssssss xuuuuu")
    assert found == "; train again what broke: --rerun failed"


def test_a_claim_that_is_decided_needs_nothing() -> None:
    assert told(6, "parameters(rnn) < parameters(lstm)") == ""
    assert advice.few(suite(6)) == 0
    assert advice.few(suite(3)) == 3  # all but the one on sizes


# The command line


def test_rnnbench_alone_says_where_to_begin(cli: Cli) -> None:
    done = cli()
    assert (done.returncode, done.stdout, done.stderr) == (0, BEGIN, "")
    assert max(map(len, BEGIN.splitlines())) <= 80


def test_the_name_of_a_file_says_its_format() -> None:
    known = {".md": "markdown", ".txt": "table"}
    assert common.format_of(Path("x.MD"), known, "csv") == "markdown"
    assert common.format_of(None, known, "csv") == common.format_of(Path("x"), known, "csv") == "csv"
    with pytest.raises(UserError, match=r"got 'x\.parquet', expected a name that ends in \.md, \.txt, or"):
        common.format_of(Path("x.parquet"), known, "csv")


def test_run_ends_with_what_to_type_next(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text(
        "rnnbench: 1\nname: few\ndefaults: {hidden: 4, steps: 20}\nseeds: 2\n"
        "architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}\ntasks: {copy: {items: 1, lengths: [2]}}\n"
        "claims:\n- {says: far, that: 'span(rnn, copy) < span(lstm, copy)'}\n"
    )
    done = cli("run", "few.yaml", "-k", "rnn", "-r", "there")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "next: rnnbench report -r there"
    assert "claims" not in done.stderr  # the one that there is is about another variant, too
    done = cli("run", "few.yaml", "-n", "--claim", "1")
    assert done.stdout.startswith("few: 4 runs")
    want = "few: 1 of 1 claims can't be decided with 2 seeds, 6 are needed: --seeds 6"
    assert done.stderr.startswith(want)


def test_a_line_is_folded_between_words_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "copy: 3 variants (rnn, lstm, lstm-forget_gate) x 2 lengths (1,000,000, 2,000,000)"
    common.tell(line)
    assert capsys.readouterr().out == f"{line}\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    common.tell(line)
    assert capsys.readouterr().out.splitlines() == [
        "copy: 3 variants (rnn, lstm,",
        "  lstm-forget_gate) x 2 lengths",
        "  (1,000,000, 2,000,000)",
    ]
