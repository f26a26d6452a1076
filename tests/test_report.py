"""Reports of a small synthetic suite: golden texts, and every format read back."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import ladders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from rnnbench import report
from rnnbench.analysis import stats
from rnnbench.analysis.effort import Ratio
from rnnbench.analysis.ranges import Range
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run, Status
from rnnbench.report import brief, formats, marks, tables
from rnnbench.report.frame import COLUMNS, frame
from rnnbench.report.model import Cell, Table
from rnnbench.seeds import data
from rnnbench.suite import Claim, Suite, TaskEntry, Variant

SUITE = Suite(
    name="small",
    about="How far back?",
    variants=(
        Variant("rnn", {"cell": "rnn"}),
        Variant("lstm", {"cell": "lstm"}),
        Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
        Variant("lstm+chrono", {"cell": "lstm", "chrono": True}, base="lstm", part="+chrono"),
        Variant("bilstm", {"cell": "lstm"}, {"bidirectional": True}, base="lstm", part="bidirectional: true"),
    ),
    tasks=(
        TaskEntry("adding", {"task": "adding"}, (10, 20, 40, 80), {"steps": 1500}),
        TaskEntry("counting", {"task": "counting"}, (5, 10)),
    ),
    seeds=(0, 1, 2),
)

# One word a seed: a score, or d diverged, x crashed, . not run. At or over the bar it is solved.
RESULTS = {
    ("rnn", "adding"): ["1 .98 .97", ".62 .31 .97", ".1 .05 0", ".02 d 0", ""],
    ("lstm", "adding"): ["1 1 1", ".99 .998 .98", ".98 .97 x", ".5 .2 .98"],
    ("lstm-forget_gate", "adding"): [".99 .98 .99", ".3 d .2", ".1 .1 .1", ""],
    ("lstm+chrono", "adding"): ["1 1 1", "1 1 1", "1 .99 1", ".99 .98 .98"],
    ("bilstm", "adding"): [".99 .98 .99", ".98 .98 .", ".98 . .", ""],
    ("rnn", "counting"): ["x x x", ""],
    ("lstm", "counting"): ["1 1 1", "1 .9 .998"],
    ("lstm-forget_gate", "counting"): ["1 1 1", "1 1 1"],
    ("lstm+chrono", "counting"): [".5 .5 .5", ".4 .4 .4"],
}
BARS = {"adding": 0.97, "counting": 1.0}


def record(run: Run, word: str, bar: float) -> Record:
    status: Status = "diverged" if word == "d" else "crashed" if word == "x" else "unsolved"
    score = {"d": 0.0, "x": None}.get(word, 0.0) if word in "dx" else float(word)
    if score is not None and score >= bar:
        status = "solved"
    solved = status == "solved"
    error = "Traceback (most recent call last):\nMemoryError: no room" if word == "x" else None
    steps = 300 + 100 * data(run.seed) if solved else 1500
    size = 1000 + 337 * ("lstm" in str(run.rung.model))
    return Record(
        run, status, score, 0.1, steps, steps if solved else None, size, 1.25 + data(run.seed), (), error, "kernel"
    )


def climbs(suite: Suite = SUITE, results: dict[tuple[str, str], list[str]] | None = None) -> list[Climb]:
    asked = plan(suite)
    records: dict[str, Record] = {}
    for ladder in asked.ladders:
        name = ladder.variant.name, ladder.task.name
        made = partial(record, bar=BARS[ladder.task.task["task"]])
        words = (RESULTS if results is None else results).get(name, [])
        records |= ladders.records(ladder.rungs, [word.split() for word in words], made, suite.seeds)
    return view(asked, records)


def rendered(format: str = "table", width: int = 100) -> str:
    return report.render(SUITE, climbs(), format, width=width, notes=["3 records are stale"])


GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (20, 60, 100)


def hidden(text: str) -> set[str]:
    """The control characters of a text, line ends aside."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"}


def golden_files() -> dict[str, str]:
    """For a change that is meant: `python -m tests.golden`."""
    tables = {f"tests/golden/report_{width}.txt": rendered(width=width) for width in WIDTHS}
    return tables | {"tests/golden/report.md": rendered("markdown")}


@pytest.mark.parametrize("width", WIDTHS)
def test_table_is_the_golden_text(width: int) -> None:
    assert rendered(width=width) == (GOLDEN / f"report_{width}.txt").read_text("utf-8")


def test_markdown_is_the_golden_text() -> None:
    assert rendered("markdown") == (GOLDEN / "report.md").read_text("utf-8")


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 160))
def test_no_number_is_cut_at_any_width(width: int) -> None:
    lines = rendered(width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    wide = " ".join(rendered(width=300).split())
    words = [word for word in wide.split() if any(c.isdigit() for c in word)]
    assert sorted(w for w in " ".join(lines).split() if any(c.isdigit() for c in w)) == sorted(words)


def test_width_is_the_terminals_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert report.render(SUITE, climbs(), "table", notes=["3 records are stale"]) == rendered(width=60)


def test_color_only_if_wanted_and_not_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    colored = report.render(SUITE, climbs(), "table", width=100, color=True)
    assert "\x1b[32m1.00 ✓3/3" in colored  # green
    assert "\x1b[1m≥ 80" in colored  # the best span in bold
    monkeypatch.setenv("NO_COLOR", "1")
    plain = report.render(SUITE, climbs(), "table", width=100, color=True)
    assert plain == report.render(SUITE, climbs(), "table", width=100)
    assert not hidden(plain)


def test_the_legend_explains_marks_by_numbers_that_stand_in_its_tables() -> None:
    """The bound of a difference, `≤ −3.0`, is none of a ladder's end: its table explains it."""
    suite = replace(SUITE, variants=SUITE.variants[1:3], tasks=SUITE.tasks[:1])
    made = tables.report(suite, climbs(suite))
    said = {line.split(" ")[0]: line for line in made.legend}
    cells = {text for table in made.tables for row in table.rows for cell in row for text in (cell.text, *cell.parts)}
    assert said["!1"] == "!1 so many runs broke (failed, crashed or timed out) and are left out of the mean"
    assert any(said["✓3/3"].partition(" ")[0] in text.split() for text in cells)
    effect = Table("effects", "", (), ((Cell(("lstm",)), Cell(("≤", "−3.0"))),))
    assert marks.legend([effect]) == ()
    span = Table("span", "", (), ((Cell(("lstm",)), Cell(("▇▂▁", "≤", "4.0", "(≤ 6.0)"))),), headline="span")
    need = Table("need", "", (), ((Cell(("lstm",)), Cell(("≤", "100"))),), headline="need")
    assert marks.legend([effect, need, span]) == (f"≤ 4.0 {marks.LEGEND['≤']}", f"≤ 100 {marks.OF_NEEDS['≤']}")


def test_nothing_run_yet() -> None:
    text = report.render(SUITE, climbs(SUITE, {}), "table", width=100)
    assert "5 variants, 2 tasks, 3 seeds; 84 runs: 84 to do" in text
    assert "lstm               ·   ·   ·   ·     ·\n" in text
    assert "effects" not in text
    assert "pruned" not in text  # the legend has only what is used


def test_nothing_solved_and_all_the_rest_pruned() -> None:
    suite = replace(SUITE, variants=SUITE.variants[:1], tasks=SUITE.tasks[:1])
    view = climbs(suite, {("rnn", "adding"): [".1 .2 .3", "0 0 0"]})
    text = report.render(suite, view, "table", width=100)
    assert "12 runs: 6 unsolved, 6 pruned" in text
    assert "rnn  .20 0/3  .00 0/3   –   –  < 10\n" in text
    assert "rnn       0.25  > 1500" not in text


def test_one_seed_has_no_interval() -> None:
    suite = replace(SUITE, seeds=(0,))
    text = report.render(suite, climbs(suite), "table", width=100)
    assert "score on held-out examples: one seed; ✓ half or more reach .97" in text
    assert "lstm              1.00 ✓1/1   .99 ✓1/1   .98 ✓1/1  .50  0/1    57\n" in text


def test_ten_seeds_have_p_values() -> None:
    seeds = tuple(range(10))
    suite = replace(SUITE, seeds=seeds, variants=SUITE.variants[1:4], tasks=SUITE.tasks[:1])
    top, low = " ".join(["1"] * 10), " ".join([".1"] * 10)
    results = {("lstm", "adding"): [top] * 4, ("lstm-forget_gate", "adding"): [top, low, low]}
    text = report.render(suite, climbs(suite, results | {("lstm+chrono", "adding"): [top] * 4}), "table", width=120)
    assert "two-sided sign-flip p; adjusted over 2 effects (step-down max-T)" in text.replace("\n", " ")
    assert "lstm-forget_gate  adding   ≤ −3.0          ?   .002      .002         differs\n" in text
    assert "lstm+chrono       adding      0.0             1.000     1.000         both at the top\n" in text
    assert "without ±: the seeds all came to the same, which does not say how much others would vary\n" in text


def test_scores_are_compared_by_length_only_where_every_step_was_spent() -> None:
    never = replace(SUITE, defaults={"stop": "never"})
    text = report.render(never, climbs(never), "table", width=120)
    assert "effects on the score" not in report.render(SUITE, climbs(), "table", width=120)
    assert "adding: effects on the score" in text
    assert "lstm-forget_gate  lstm     −0.01 ±0.01  −0.82 ±0.39" in text  # a diverged run counts as 0
    found = [e for e in json.loads(report.render(never, climbs(never), "json"))["score_effects"] if e["length"] == 40]
    pairs = {e["variant"]: (e["n"], e["score"]["value"]) for e in found}
    assert pairs["lstm+chrono"] == (2, pytest.approx((0.02 + 0.02) / 2))
    assert pairs["lstm-forget_gate"][0] == 2


def paired(seeds: int, **results: list[str]) -> tuple[Suite, list[Climb]]:
    """Two parts, each alone and both, on ladders of four lengths: each rung a word for all seeds."""
    variants = (
        Variant("lstm", {"cell": "lstm"}),
        Variant("lstm-a", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-a"),
        Variant("lstm-b", {"cell": "lstm", "input_gate": False}, base="lstm", part="-b"),
        Variant("lstm-a-b", {"cell": "gru"}, base="lstm", part="-a-b", pair=("lstm-a", "lstm-b")),
    )
    suite = replace(SUITE, variants=variants, tasks=SUITE.tasks[:1], seeds=tuple(range(seeds)))
    names = dict(zip(("base", "a", "b", "both"), (v.name for v in variants), strict=True))
    words = {(names[k], "adding"): [" ".join([word] * seeds) for word in rungs] for k, rungs in results.items()}
    return suite, climbs(suite, words)


def test_interactions_have_a_table_of_their_own() -> None:
    lost = ["1", "1", ".1", ".1"]
    suite, view = paired(10, base=["1", "1", "1", ".1"], a=lost, b=lost, both=lost)
    text = " ".join(report.render(suite, view, "table", width=200).split())
    effects, joint = text.partition(" effects span of")[2].split(" interactions ")
    assert "effect of both parts less that of the first and that of the second alone (each in octaves)" in joint
    assert "two-sided sign-flip p; adjusted over 1 pair (step-down max-T)" in joint
    assert "lstm-a-b adding 10 −1.0 −1.0 −1.0 +1.0 .002 .002 without ±: the seeds all came to the same" in joint
    assert "over 2 effects" in effects
    assert "lstm-a-b" not in effects
    markdown = " ".join(report.render(suite, view, "markdown").split())
    assert "| lstm-a-b | adding | 10 | −1.0 | −1.0 | −1.0 | +1.0 | .002 | .002 |" in markdown
    (parsed,) = json.loads(report.render(suite, view, "json"))["interactions"]
    assert (parsed["pair"], parsed["p"], parsed["bound"]) == (["lstm-a", "lstm-b"], 2**-9, "")
    assert parsed["first"] == {"octaves": -1, "bound": ""}
    assert parsed["octaves"] == {"value": 1, "low": 1, "high": 1}
    assert "interactions" not in rendered()


@pytest.mark.parametrize(("seeds", "chances", "note"), [
    (10, "1.000 1.000", "of the ladder; p is 1 where that could make an interaction 0"),
    (3, "n too small for p values: the least that could be reached is .250", "of the ladder without ±"),
])  # fmt: skip
def test_interactions_that_the_ladder_could_undo(seeds: int, chances: str, note: str) -> None:
    below = [".1", ".1"]
    suite, view = paired(seeds, base=["1"] * 3 + [".1"], a=below, b=["1", "1", ".1", ".1"], both=below)
    text = " ".join(report.render(suite, view, "table", width=200).split())
    bound = f"≥, ≤, ?: at least, at most, or either: for some seed one of the spans is at an end {note}"
    assert f"lstm-a-b adding {seeds} ≤ −3.0 −1.0 ≤ −3.0 ? +1.0 {chances} {bound}" in text


def test_steps_to_solve_are_compared_where_it_is_known_who_was_sooner() -> None:
    """The base solves 10 and 20 after 300 + 100 steps a seed, of 1500; without `a` 20 is too long, without `b` both."""
    suite, view = paired(10, base=["1", "1", ".1", ".1"], a=["1", ".1", ".1"], b=[".1", ".1"], both=[".1", ".1"])
    text = report.render(suite, view, "table", width=200)
    table = text.partition("adding: effects on the steps to solve\n")[2].partition("adding: cost")[0]
    assert "against 10 20 at p adjusted" in " ".join(table.split())  # nothing is known at 40
    rows = [" ".join(line.split()) for line in table.splitlines()]
    assert "lstm-a lstm ×0.87 to 1.2 (0.75 to 1.3) ≥×2.0 (≥1.4) 20 .002 .002" in rows  # the same looks, at 10
    assert "lstm-b lstm ≥×2.0 (≥1.4) ≥×2.0 (≥1.4) 20 .002 .002" in rows
    told = "two-sided sign test at one length; adjusted over 2 effects (step-down max-T)"
    assert told in " ".join(table.split())
    assert "lstm-a-b" not in table
    assert "at least, since some seed" not in text.partition("adding: effects on the steps")[2]
    found = json.loads(report.render(suite, view, "json"), parse_constant=refuse)["steps_effects"]
    assert [(e["variant"], e["length"], e["p"]) for e in found] == [("lstm-a", 20, 2**-9), ("lstm-b", 20, 2**-9)]
    ratio = found[0]["ratios"][1]
    assert (ratio["n"], ratio["sooner"], ratio["later"]) == (10, 0, 10)
    assert ratio["interval"] == {"low": pytest.approx(1500 / 1100), "high": None}
    suite, view = paired(10, base=[".1", ".1"], a=[".1", ".1"], b=[".1", ".1"], both=[".1", ".1"])
    assert "steps to solve\n" not in report.render(suite, view, "table", width=200)


@pytest.mark.parametrize(("median", "interval", "n", "text"), [
    ((2, 2), (1.5, 12.4), 9, "×2.0 (1.5 to 12) n=9"),
    ((0.5, 0.5), (0.04, 1), 10, "×0.50 (0.04 to 1.0)"),
    ((2, math.inf), (1.5, math.inf), 10, "≥×2.0 (≥1.5)"),
    ((0, 0.8), (0, 1.5), 10, "≤×0.80 (≤1.5)"),
    ((0.8, 1.2), (0, math.inf), 10, "×0.80 to 1.2"),
    ((0, math.inf), (0, math.inf), 10, "?"),
    ((0, math.inf), (0, math.inf), 0, ""),
])  # fmt: skip
def test_a_ratio_in_words(median: tuple[float, float], interval: tuple[float, float], n: int, text: str) -> None:
    assert marks.ratio(Ratio(10, n, 0, 0, Range(*median), Range(*interval)), 10).text == text


CLAIMS = (
    Claim("the LSTM outlasts the plain RNN", "span(lstm, adding) >= 2 * span(rnn, adding)", number=1),
    Claim("a gate costs weights|", "parameters(lstm-forget_gate) < parameters(lstm)", number=2),
    Claim("small", "parameters(lstm) < 9", number=3),
)


def test_claims_have_verdicts_in_every_format() -> None:
    suite = replace(SUITE, claims=CLAIMS)
    text = report.render(suite, climbs(suite), "table", width=100)
    for line in (
        "1. the LSTM outlasts the plain RNN  undecided",
        "2. a gate costs weights|            holds",
        "3. small                            fails",
        "1. span(lstm, adding) >= 2 * span(rnn, adding): lstm on adding: runs of 1 of 3 seeds are missing or broke",
        "3. parameters(lstm) < 9: exact: not on 2 of 2 tasks",
    ):
        assert line in " ".join(text.split("\n")) or line in text, line
    assert "| 2. a gate costs weights\\|" in report.render(suite, climbs(suite), "markdown")
    parsed = json.loads(report.render(suite, climbs(suite), "json"))["claims"]
    assert [c["verdict"] for c in parsed] == ["undecided", "holds", "fails"]
    narrow = report.render(suite, climbs(suite), "table", width=20)
    assert max(map(cell_len, narrow.splitlines())) <= 20


def test_a_selection_shows_what_was_selected() -> None:
    chosen = [c for c in climbs() if c.ladder.variant.name == "lstm" and c.ladder.task.name == "adding"]
    text = report.render(SUITE, [Climb(chosen[0].ladder, chosen[0].steps[1:3])], "table", width=100)
    assert "counting" not in text
    assert "forget_gate" not in text
    assert ".99 ✓3/3  .97 ✓2/2 !1" in text


def test_different_numerics_are_told() -> None:
    view = climbs()
    step = view[0].steps[0]
    mixed = tuple(replace(r, numerics="reference") if r and r.run.seed == 0 else r for r in step.records)
    climb = Climb(view[0].ladder, (replace(step, records=mixed), *view[0].steps[1:]))
    text = report.render(SUITE, [climb], "table", width=200)
    assert "computed in different ways, which differ in rounding: 11 runs by kernel; 1 run by reference" in text


@pytest.mark.parametrize(
    ("task", "lengths", "note"),
    [
        (
            {"task": "copy", "items": 2, "alphabet": 4},
            (5, 80),
            "all inputs seen in training: there are only 16 different ones",
        ),
        ({"task": "parity"}, (3, 4, 40), "all inputs seen in training at 3, 4: there are only 8 to 16 different ones"),
        ({"task": "copy"}, (5, 80), ""),
        ({"task": "adding"}, (5, 80), ""),
    ],
)
def test_a_task_whose_inputs_were_all_trained_on_says_so(
    task: dict[str, object], lengths: tuple[int, ...], note: str
) -> None:
    suite = replace(SUITE, tasks=(TaskEntry("own", task, lengths),), claims=())
    told = report.render(suite, view(plan(suite), {}), "markdown")
    assert note in told
    assert ("seen in training" in told) == bool(note)


def test_only_a_few_broken_runs_are_quoted() -> None:
    results = {("rnn", "adding"): ["x x x", "x x x"]}
    assert "! and 3 more\n" in report.render(SUITE, climbs(SUITE, results), "table", width=100)


@pytest.mark.parametrize(("runs", "told"), [("d d d", "3 of 3 runs"), ("d 1 d", "2 of 3 runs"), ("d 1 1", "")])
def test_what_mostly_diverged_is_named(runs: str, told: str) -> None:
    found = report.render(SUITE, climbs(SUITE, {("rnn", "adding"): [runs, ". . ."]}), "table", width=120)
    lines = [line for line in found.splitlines() if line.startswith("∞ rnn on adding:")]
    assert lines == ([f"∞ rnn on adding: {told} diverged, at lr 0.01; try a lower"] if told else [])


def test_pilots_that_broke_are_told_and_not_those_that_diverged() -> None:
    """A sweep tries rates that may be too much."""
    seen = climbs(SUITE, {("rnn", "adding"): ["x d d", "d d d"]})
    pilots = [replace(climb, ladder=replace(climb.ladder, choice="pilot")) for climb in seen]
    told = brief.report(SUITE, [*climbs(SUITE), *pilots]).notes
    assert [note for note in told if "a pilot" in note] == [
        "! rnn at 10, seed 0, a pilot: crashed: MemoryError: no room"
    ]
    assert not any(note.startswith("∞") for note in told)


def test_unknown_format() -> None:
    with pytest.raises(UserError, match=r"^--format: got 'mardown', expected a format; did you mean 'markdown'\?$"):
        rendered("mardown")


# hostile text

texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    [
        "\x1b[31mred",
        "\u202egnp.exe",
        "[bold]x[/bold]",
        "model[hidden=64]",
        "=1+1",
        "a|b\n# c",
        "家族👨‍👩‍👧",
        "\x00\x9b",
        "x" * 300,
    ]
)


def strange(name: str, about: str, error: str) -> tuple[Suite, list[Climb]]:
    """A suite of these names and texts, and a view of it in which a run broke with that error."""
    variants = (Variant(name, {"cell": "rnn"}), Variant(f"{name}2", {"cell": "gru"}, base=name), *SUITE.variants[2:])
    task = TaskEntry(about, {"task": "adding"}, (10, 20))
    suite = replace(SUITE, name=about, about=about, variants=variants, tasks=(task,))
    view = climbs(suite, {(name, about): ["1 1 x", ".1 .1 .1"], (f"{name}2", about): ["1 1 1", "1 1 1"]})
    broken = [replace(r, error=error) if r and r.error else r for r in view[0].steps[0].records]
    view[0] = Climb(view[0].ladder, (replace(view[0].steps[0], records=tuple(broken)), *view[0].steps[1:]))
    return suite, view


TEXTS = [name for name in formats.names() if hasattr(formats.named(name), "render")]


@settings(max_examples=60, deadline=None)
@given(texts, texts, texts, st.sampled_from([name for name in TEXTS if name != "html"]), st.sampled_from(WIDTHS))
def test_no_control_characters_come_out(name: str, about: str, error: str, format: str, width: int) -> None:
    suite, view = strange(name, about, error)
    text = report.render(suite, view, format, width=width, notes=[error])
    assert not hidden(text) - set("\u200c\u200d")
    if format == "table":
        assert max(map(cell_len, text.splitlines())) <= width


def test_a_wrong_format_is_told_before_anything_is_read(cli: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ended = cli("report", "--format", "mardown")
    assert ended.returncode == 2
    assert ended.stderr == "--format: got 'mardown', expected a format; did you mean 'markdown'?\n"


def test_names_are_no_markup() -> None:
    suite = replace(SUITE, variants=(Variant("model[hidden=64]", {"cell": "rnn"}),), about="[red]a|b[/red] <script>")
    assert "model[hidden=64]  " in report.render(suite, climbs(suite, {}), "table")
    text = report.render(suite, climbs(suite, {}), "markdown")
    assert "| model\\[hidden=64\\] |" in text
    assert "\\[red\\]a\\|b\\[/red\\] \\<script>" in text


# formats read back


def test_csv_is_tidy() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered("csv"))))
    columns = ["variant", "task", "length", "score", "low", "high", "n", "solved", "failed", "share_low", "share_high"]
    assert list(rows[0]) == columns
    assert len(rows) == len(SUITE.variants) * sum(len(t.lengths) for t in SUITE.tasks)
    by_key = {(r["variant"], r["task"], r["length"]): r for r in rows}
    first = by_key["rnn", "adding", "10"]
    assert float(first["score"]) == pytest.approx((1 + 0.98 + 0.97) / 3, abs=1e-15)
    assert (first["low"], first["high"]) == ("", "")  # the runs stopped when they were solved
    assert (float(first["share_low"]), float(first["share_high"])) == stats.proportion(3, 3)[1:]
    for key in [("lstm-forget_gate", "adding", "80"), ("rnn", "counting", "10"), ("bilstm", "counting", "5")]:
        assert [by_key[key][c] for c in ("score", "low", "high", "n", "solved", "failed")] == [
            "",
            "",
            "",
            "0",
            "0",
            "0",
        ]
    assert [by_key["bilstm", "adding", "40"][c] for c in ("score", "low", "n")] == ["0.98", "", "1"]
    assert by_key["lstm", "adding", "40"]["failed"] == "1"


def test_csv_has_no_formulas_and_leaves_numbers_alone() -> None:
    suite = replace(SUITE, variants=tuple(Variant(f"{c}1+1", {"cell": "rnn"}) for c in "=+-@"))
    view = climbs(suite, {("=1+1", "adding"): ["1e-9 0 0"]})
    rows = list(csv.reader(io.StringIO(report.render(suite, view, "csv"))))[1:]
    assert {row[0] for row in rows} == {"'=1+1", "'+1+1", "'-1+1", "'@1+1"}
    assert float(rows[0][3]) == pytest.approx(1e-9 / 3)  # a number stays one


def refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def test_json_is_strict_and_complete() -> None:
    parsed = json.loads(rendered("json"), parse_constant=refuse)
    assert parsed["suite"] == "small"
    assert parsed["notes"] == ["3 records are stale"]
    results = {(r["variant"], r["task"]): r for r in parsed["results"]}
    span = results["lstm", "adding"]["span"]  # of two seeds; the third crashed at 40
    assert (span["low"], span["high"], span["n"], span["provisional"]) == (40, 80, 2, True)
    assert span["length"] == pytest.approx(40 * math.sqrt(2))
    assert [s["rungs"] for s in results["lstm", "adding"]["seed_spans"]] == [3, 3, 3]
    assert results["bilstm", "counting"]["span"] is None
    assert results["bilstm", "counting"]["not_applicable"].startswith("answers while reading")
    rung = results["bilstm", "adding"]["rungs"][2]
    assert (rung["score"], rung["low"], rung["n"], rung["missing"]) == (0.98, None, 1, 2)
    assert [r["status"] for r in rung["runs"]] == ["solved", "missing", "missing"]
    assert {e["variant"] for e in parsed["effects"]} == {"lstm-forget_gate", "lstm+chrono", "bilstm"}


def test_nan_is_told_as_null_and_counts_as_0() -> None:
    view = climbs()
    step = view[0].steps[0]
    records = tuple(replace(r, score=math.nan, status="unsolved") if r else r for r in step.records)
    climb = Climb(view[0].ladder, (replace(step, records=records), *view[0].steps[1:]))
    rung = json.loads(report.render(SUITE, [climb], "json"), parse_constant=refuse)["results"][0]["rungs"][0]
    assert rung["score"] == 0
    assert [r["score"] for r in rung["runs"]] == [None] * 3
    assert "rnn  .00 0/3" in report.render(SUITE, [climb], "table")
    assert "nan" not in report.render(SUITE, [climb], "csv")


def test_frame_has_a_row_for_every_record() -> None:
    found = frame(climbs())
    assert list(found.columns) == list(COLUMNS)
    words = [w for seeds in RESULTS.values() for rung in seeds for w in rung.split() if w != "."]
    assert len(found) == len(words)
    crashed = found[found.status == "crashed"]
    assert crashed.score.isna().all()
    assert crashed.solved_at.isna().all()
    assert found.id.is_unique
    one = found[(found.variant == "lstm") & (found.task == "adding") & (found.length == 20)]
    assert one.score.tolist() == [0.99, 0.998, 0.98]
    assert one.solved_at.tolist() == [300, 400, 500]


def test_frame_of_nothing_has_the_same_columns() -> None:
    empty, full = frame(climbs(SUITE, {})), frame(climbs())
    assert len(empty) == 0
    assert empty.dtypes.astype(str).to_dict() == full.dtypes.astype(str).to_dict()


@pytest.mark.parametrize("format", TEXTS)
def test_a_format_imports_what_it_needs(format: str) -> None:
    absent = "pandas torch rich" if format in ("csv", "json") else "pandas torch"
    code = (
        "import sys; from rnnbench import report; from rnnbench.suite import Suite;"
        f"report.render(Suite('s', (), (), (0,)), [], {format!r});"
        f"print([m for m in {absent.split()!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
