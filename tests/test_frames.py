"""Results as frames: the numbers of the report, columns that are documented, what is there to see in a notebook."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest
from test_page import Outline, hostile
from test_report import SUITE, climbs, paired

from rnnbench import report
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.plan.reach import unfolded
from rnnbench.report import frames
from rnnbench.report.results import Results
from rnnbench.suite import Claim, Suite, TaskEntry, Variant

ROOT = Path(__file__).parent.parent
PAGE = "docs/notebooks.md"
CLAIMS = (Claim("lstm > rnn", "span(lstm, adding) > span(rnn, adding)", number=1),)
CENSORED = {"≥": "above", "≤": "below", "?": "both", "": ""}
OF_RESULTS = {
    "runs",
    "curves",
    "scores",
    "spans",
    "reach",
    "need",
    "effects",
    "interactions",
    "budgets",
    "tuning",
    "claims",
}


def of(suite: Suite, found: Sequence[Climb]) -> Results:
    return Results(suite, found, lambda: found)


def small() -> Results:
    suite = replace(SUITE, claims=CLAIMS)
    return of(suite, climbs(suite))


def page() -> str:
    """The page as it should be: its tables of columns are written from the frames."""
    text = (ROOT / PAGE).read_text("utf-8")
    drawn = []
    for name in frames.names():
        rows = [f"| `{title}` | {column.kind} | {column.about} |" for title, column in frames.columns(name).items()]
        about = frames.about(name)
        drawn += [f"`.{name}()`: {about[0].lower()}{about[1:]}.", "", "| column | dtype | what |", "|---|---|---|"]
        drawn += [*rows, ""]
    start, end = "<!-- columns -->\n", "<!-- end of columns -->"
    before, after = text.split(start)[0], text.split(end)[1]
    return f"{before}{start}\n{chr(10).join(drawn)}{end}{after}"


def golden_files() -> dict[str, str]:
    """For a change that is meant: `python -m tests.golden`."""
    return {PAGE: page()}


def test_every_column_is_documented() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == page(), "next: python -m tests.golden writes it"
    assert set(frames.names()) == OF_RESULTS


@pytest.mark.parametrize("name", frames.names())
def test_columns_and_their_types_are_the_same_with_and_without_rows(name: str) -> None:
    there, nothing = small(), of(replace(SUITE, claims=()), climbs(results={}))
    full, empty = getattr(there, name)(), getattr(nothing, name)()
    assert list(full.columns) == list(empty.columns) == list(frames.columns(name))
    assert full.dtypes.equals(empty.dtypes)
    assert [str(kind) for kind in full.dtypes] == [column.kind for column in frames.columns(name).values()]


def number(value: float | None) -> float:
    """As JSON has it, where what is not finite is null."""
    return math.nan if value is None or math.isinf(value) else value


def same(frame: pandas.DataFrame, expected: list[dict[str, Any]]) -> None:
    """Equal to the bit, what is not finite aside, which JSON can't say."""
    rows = frame.to_dict("records")
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        for key, value in wanted.items():
            got = row[key]
            if isinstance(value, float | None):
                got, value = number(got), number(value)
                assert got == value or (math.isnan(got) and math.isnan(value)), (key, row)
            else:
                assert got == value, (key, row)


def ends(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """An estimate as three columns."""
    return {name: found["value"], f"{name}_low": found["low"], f"{name}_high": found["high"]}


@pytest.mark.parametrize("many", [False, True])
def test_numbers_are_those_of_the_report(many: bool) -> None:
    lost = ["1", "1", ".1", ".1"]
    found = of(*paired(8, base=["1", "1", "1", ".1"], a=lost, b=["1", ".1"], both=lost)) if many else small()
    told = json.loads(report.render(found.suite, found.climbs, "json"))
    same(
        found.spans(),
        [
            {"variant": r["variant"], "task": r["task"], "span": r["span"]["length"], "low": r["span"]["low"],
             "high": r["span"]["high"], "n": r["span"]["n"], "censored": CENSORED[r["span"]["bound"]],
             "holes": r["span"]["holes"], "provisional": r["span"]["provisional"],
             **ends("octaves", r["span"]["octaves"])}
            for r in told["results"] if r["span"]
        ],
    )  # fmt: skip
    same(
        found.effects(),
        [
            {key: e[key] for key in ("variant", "base", "part", "task", "primary", "n", "p", "adjusted", "least",
                                     "detectable", "same", "outcome")}
            | {"octaves": e["octaves"]["value"], "low": e["octaves"]["low"], "high": e["octaves"]["high"],
               "censored": CENSORED[e["bound"]], **ends("estimate", e["estimate"])}
            for e in told["effects"]
        ],
    )  # fmt: skip
    rungs = [(r, rung) for r in told["results"] for rung in r["rungs"]]
    counts = ("length", "state", "score", "low", "high", "n", "solved", "diverged", "failed", "missing")
    same(
        found.scores(),
        [
            {"variant": r["variant"], "task": r["task"], **{key: rung[key] for key in counts},
             **ends("share", rung["share"])}
            for r, rung in rungs
        ],
    )  # fmt: skip
    runs = [(r, rung, run) for r, rung in rungs for run in rung["runs"] if run["status"] != "missing"]
    keys = ("seed", "id", "status", "score", "steps", "parameters", "seconds")
    same(
        found.runs(),
        [
            {"variant": r["variant"], "task": r["task"], "length": rung["length"], "budget": rung["budget"]}
            | {key: run[key] for key in keys}
            for r, rung, run in runs
        ],
    )  # fmt: skip
    solved = found.runs()["solved_at"]
    assert [None if pandas.isna(at) else at for at in solved] == [run["solved_at"] for _, _, run in runs]
    same(found.claims(), [{key: c[key] for key in ("says", "that", "verdict", "why")} for c in told["claims"]])


def test_interactions_are_those_of_the_report() -> None:
    lost = ["1", "1", ".1", ".1"]
    found = of(*paired(8, base=["1", "1", "1", ".1"], a=lost, b=["1", ".1"], both=lost))
    told = json.loads(report.render(found.suite, found.climbs, "json"))["interactions"]
    assert len(told) == 1
    same(
        found.interactions(),
        [
            {key: i[key] for key in ("variant", "base", "task", "n", "p", "adjusted", "least")}
            | {"first_variant": i["pair"][0], "second_variant": i["pair"][1], "censored": CENSORED[i["bound"]]}
            | {key: i[key]["octaves"] for key in ("first", "second", "both")}
            | {"octaves": i["octaves"]["value"], "low": i["octaves"]["low"], "high": i["octaves"]["high"]}
            for i in told
        ],
    )  # fmt: skip


def test_an_open_end_is_infinite_and_says_on_which_side() -> None:
    (row,) = small().spans().query("variant == 'lstm+chrono' and task == 'adding'").to_dict("records")
    assert (row["censored"], row["high"], row["octaves_high"]) == ("above", math.inf, math.inf)
    assert row["span"] > 80


def reaching() -> tuple[Suite, list[Climb]]:
    task = TaskEntry("copy", {"task": "copy"}, (5, 10, 20), train={"upto": 10})
    suite = Suite("far", (Variant("rnn", {"cell": "rnn"}),), (task,), (0, 1))
    return suite, unfolded(view(plan(suite), {}))


def test_a_reach_is_no_span() -> None:
    found = of(*reaching())
    assert len(found.spans()) == 0
    assert list(found.reach()["variant"]) == ["rnn"]
    assert bool(found.reach()["provisional"].all())


def test_a_notebook_shows_the_answer_and_whatever_is_in_it_stays_text() -> None:
    shown = Outline(small()._repr_html_())
    text = " ".join(shown.text)
    assert "small: 5 variants, 2 tasks, 3 seeds" in text
    assert "On adding," in text
    assert len(shown.every("table")) == 1
    names = {tag for tag, _ in Outline(of(*hostile())._repr_html_()).tags}
    assert names <= {"div", "p", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li"}


def test_printed_it_is_what_a_terminal_shows() -> None:
    found = small()
    assert str(found) + "\n" == report.render(found.suite, found.climbs, "table", width=100, brief=True)
    assert re.fullmatch(r"<results of small: 5 variants, .*>", repr(found))
