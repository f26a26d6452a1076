"""What a report says first, and its parts by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_report import SUITE, climbs, paired

from rnnbench import report
from rnnbench.errors import UserError
from rnnbench.report import brief, tables
from rnnbench.report.sections import effects as effects_

if TYPE_CHECKING:
    from conftest import Cli

TINY = "rnnbench: 1\nname: tiny\nseeds: 2\narchitectures: {rnn: {cell: rnn}}\ntasks: {adding: {lengths: [2, 3]}}\n"


def test_it_has_sentences_spans_with_curves_effects_that_are_told_and_claims() -> None:
    found = brief.report(SUITE, climbs())
    assert [table.kind for table in found.tables if table.kind not in ("effects", *brief.ASKED)] == [
        "spans",
        *["claims"] * bool(SUITE.claims),
    ]
    assert found.answer
    whole = next(table for table in tables.report(SUITE, climbs()).tables if table.kind == "spans")
    for row, plain in zip(found.tables[0].rows, whole.rows, strict=True):
        for cell, was in zip(row[1:], plain[1:], strict=True):
            assert cell.parts[-len(was.parts) :] == was.parts
            assert cell.value == was.value
            assert cell.parts == was.parts or set(cell.parts[0]) <= set("▁▂▃▄▅▆▇█·")


def test_effects_that_are_not_told_are_counted_and_left_out() -> None:
    lost, kept = ["1", "1", ".1", ".1"], ["1", "1", "1", ".1"]
    suite, seen = paired(10, base=kept, a=lost, b=kept, both=lost)
    effects = [table for table in brief.report(suite, seen).tables if table.kind == "effects"]
    whole = next(table for table in tables.report(suite, seen).tables if table.kind == "effects")
    told = [row for row in whole.rows if row[-1].text in brief.TOLD]
    assert told
    assert [len(table.rows) for table in effects] == [len(told)]
    for table in effects:
        assert {row[-1].text for row in table.rows} <= set(brief.TOLD)
        assert not {column.title for column in table.columns} & set(brief.LEFT_OUT)


def test_the_legend_explains_bounds_of_spans_where_spans_have_them_and_of_effects_where_effects_have() -> None:
    """A span at an end of the ladder, and a difference of spans of which one is."""
    suite, seen = paired(10, base=["1"] * 4, a=["1", ".1", ".1", ".1"], b=["1"] * 4, both=["1"] * 4)
    found = brief.report(suite, seen)
    (effects,) = [table for table in found.tables if table.kind == "effects"]
    assert any(row[2].text.startswith("≤ −") for row in effects.rows)
    assert effects.notes == (effects_.bound(),)
    assert not any(line.startswith("≤") for line in found.legend)
    assert any(line.startswith("≥ 80 at least") for line in found.legend)


@pytest.mark.parametrize("part", tables.parts())
def test_a_part_is_that_of_the_whole(part: str) -> None:
    whole = tables.report(SUITE, climbs())
    found = brief.only(SUITE, climbs(), [part])
    assert found.tables == tuple(table for table in whole.tables if table.kind == part)


def test_every_table_has_a_name_that_can_be_asked_for() -> None:
    assert {table.kind for table in tables.report(SUITE, climbs()).tables} <= set(tables.parts())


def test_parts_are_named_with_commas_between() -> None:
    assert brief.chosen("spans, cost") == ("spans", "cost")
    assert brief.chosen("reach") == brief.chosen("need") == ("spans",)
    with pytest.raises(UserError, match=r"--only: got 'efects', expected parts of a report; did you mean 'effects'\?"):
        brief.chosen("spans,efects")


def test_in_every_width_nothing_is_cut() -> None:
    for width in (30, 60, 80, 120, 200):
        text = report.render(SUITE, climbs(), "table", width=width, brief=True)
        assert max(map(len, text.splitlines())) <= width


def test_a_terminal_is_told_what_is_first_and_more_on_request(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    first, everything, some = (cli("report", "tiny.yaml", *options) for options in ((), ("--all",), ("--only", "cost")))
    assert [done.returncode for done in (first, everything, some)] == [0, 0, 0]
    assert "adding: cost" not in first.stdout
    assert "--all" in first.stdout
    assert "adding: cost" in everything.stdout
    assert "adding: cost" in some.stdout
    assert "\nspan\n" not in some.stdout
    refused = cli("report", "tiny.yaml", "--only", "cost", "--format", "csv")
    assert refused.returncode == 2
    assert refused.stderr.startswith("--only: got it beside --format csv")
