"""Text from outside goes out as text: no control character, no bidirectional override, no markup, no formula, in no
format and no message."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ladders import record

from rnnbench import cli, report
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.records import Record
from rnnbench.report import formats
from rnnbench.report.log import LogLines
from rnnbench.running.listeners import Label
from rnnbench.suite import Claim, Suite
from rnnbench.suite.load import loads
from rnnbench.text import JOINERS, printable

EXAMPLES = 2000 if os.environ.get("RNNBENCH_SOAK") else 25
TEXT = (
    b"rnnbench: 1\nname: s\nseeds: 2\narchitectures: {a: {cell: gru}, b: {base: a, clip: 2}}\n"
    b"tasks: {copy: {lengths: [5]}}\n"
)
ODD = [
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u202eltr", "\u2066x\u2069", "\u200e", "\x9b31m", "\x00", "\x7f", "\r",
    "a\nb", "\u2028", "\udc80", "\ufeff", "\U000e0041", "[red]x[/red]", "[x]", "[/]", "=1+1", "@x", "+1", "-1", "|",
    "\\|", "`x`", "<b>", "&amp;", "*x*", "\t", "x" * 300, "\u65e5\u672c", "\U0001f642\u200d\U0001f642", "e\u0301",
    "\u2007", "$\\alpha$", "%", "#", '"', "'", ",", "{}",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(ODD) | st.text(max_size=8), max_size=4).map("".join)


def is_clean(text: str) -> bool:
    """Nothing in it but ends of lines that reorders, hides or commands."""
    return not [
        c for c in text if c != "\n" and c not in JOINERS and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")
    ]


def dressed(name: str, about: str, error: str) -> tuple[Suite, list[Any]]:
    """A suite and its view, with a text in each place that takes one."""
    suite = loads(TEXT, "s.yaml")
    a, b = suite.variants
    suite = replace(
        suite, name=name, about=about, path=about,
        variants=(replace(a, name=name), replace(b, name=f"{name}2", base=name, part=error)),
        tasks=(replace(suite.tasks[0], name=about),),
        claims=(Claim(error, "1 > 2", about),),
    )  # fmt: skip
    found = {}
    for run in plan(suite).runs():
        made = record(run, "x" if run.seed else "s")
        told = error if run.seed else None
        found[run.id] = replace(made, error=told, numerics=f"{about}{run.seed}", host=name, steps=100, solved_at=100)
    return replace(suite, claims=()), view(plan(suite), found)


@pytest.mark.parametrize("format", [name for name in formats.names() if hasattr(formats.named(name), "render")])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=TEXTS, about=TEXTS, error=TEXTS, note=TEXTS)
def test_no_report_lets_through_what_commands_or_hides(
    format: str, name: str, about: str, error: str, note: str
) -> None:
    suite, climbs = dressed(name, about, error)
    text = report.render(suite, climbs, format, width=80, notes=[note])
    assert is_clean(text)
    text.encode()
    if format == "json":
        assert json.loads(text, parse_constant=pytest.fail)["suite"] == name


@pytest.mark.parametrize("odd", ODD)
def test_each_odd_text_in_each_place(odd: str) -> None:
    suite, climbs = dressed(odd, odd, odd)
    for format in (name for name in formats.names() if hasattr(formats.named(name), "render")):
        assert is_clean(report.render(suite, climbs, format, width=80, notes=[odd])), format


def test_markup_is_literal() -> None:
    suite, climbs = dressed("model[hidden=64]", "[red]x[/red]", "[bold]")
    text = report.render(suite, climbs, "table", width=200)
    assert "model[hidden=64]" in text
    assert "[red]x[/red]" in text


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=TEXTS, task=TEXTS)
def test_a_csv_has_as_many_fields_as_columns_and_no_formula(name: str, task: str) -> None:
    suite, climbs = dressed(name, task, "")
    head, *rows = csv.reader(io.StringIO(report.render(suite, climbs, "csv")))
    assert len(rows) == 2
    for row in rows:
        assert len(row) == len(head)
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
        assert [float(cell) for cell in row[2:] if cell]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=TEXTS, task=TEXTS, note=TEXTS)
def test_markdown_tables_keep_their_columns(name: str, task: str, note: str) -> None:
    suite, climbs = dressed(name, task, note)
    for block in report.render(suite, climbs, "markdown", notes=[note]).split("\n\n"):
        if block.startswith("|"):
            columns = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in block.rstrip().split("\n")}
            assert len(columns) == 1


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(TEXTS, TEXTS)
def test_no_line_of_a_run_lets_it_through(label: str, error: str) -> None:
    out = io.StringIO()
    lines = LogLines(out)
    run = next(plan(loads(TEXT, "s.yaml")).runs())
    lines.message(f"{label} {error}")
    lines.recorded(Record(run, "failed", error=error), Label(label, "adding"))
    assert is_clean(out.getvalue())
    assert out.getvalue().count("\n") == 2


@settings(max_examples=4 * EXAMPLES, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_no_error_lets_it_through(texts: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out = io.StringIO()
        patch.setattr("sys.stderr", out)

        def refuse(arguments: list[str]) -> int:
            raise UserError(*texts)

        patch.setattr(cli, "_invoke", refuse)
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert ended.value.code == 2
    assert is_clean(out.getvalue())
    assert out.getvalue().count("\n") == len(texts)


@given(st.text())
def test_what_is_printable_stays_and_is_cut_to_its_width(text: str) -> None:
    shown = printable(text)
    assert is_clean(shown)
    assert printable(shown) == shown
    assert len(printable(text, 20)) <= 20
    if text.isprintable():
        assert shown == text


def test_every_way_out_of_a_command_goes_through_one_function() -> None:
    """No command prints by itself: `common.say`, `common.write`, a UserError, or a report that is clean."""
    folder = Path(cli.__file__).parent
    own = {"__init__.py", "common.py"}
    for path in folder.glob("*.py"):
        text = path.read_text("utf-8")
        assert path.name in own or not re.search(r"(?<!console\.)print\(|typer\.echo\(", text), path.name
