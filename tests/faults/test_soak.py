"""The soak notices what it is there to notice, and its page names its parts."""

from __future__ import annotations

import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from soak import fuzz, kills
from soak.__main__ import parts
from soak.tally import Tally
from soak.trial import ROOT, Expected, Trial, ladders

SUITE = ladders(1, 2)


@pytest.fixture
def expected(tmp_path: Path) -> Expected:
    trial = Trial(tmp_path / "model", SUITE)
    assert trial.again() == ""
    return Expected(trial.export(), frozenset(trial.files()))


def done(folder: Path) -> Trial:
    trial = Trial(folder, SUITE)
    assert trial.again() == ""
    return trial


def kinds(found: list[str]) -> set[str]:
    return {what.partition(":")[0] for what in found}


def test_what_is_whole_is_in_order(tmp_path: Path, expected: Expected) -> None:
    assert done(tmp_path / "one").faults(expected) == []


def test_a_record_that_is_lost_is_found_out(tmp_path: Path, expected: Expected) -> None:
    trial = done(tmp_path / "one")
    trial.results.rename(tmp_path / "elsewhere")
    found = trial.faults(expected)
    assert kinds(found) == {"lost", "doubled"}
    assert len(found) == 4  # of both runs, that it is lost, and that it was trained again


def test_another_result_is_found_out(tmp_path: Path, expected: Expected) -> None:
    trial = done(tmp_path / "one")
    assert kinds(trial.at_the_end(Expected(expected.export.replace("solved", "sloved"), expected.files))) == {"other"}


def test_what_is_left_and_what_stands_in_the_way_is_found_out(tmp_path: Path, expected: Expected) -> None:
    trial = done(tmp_path / "one")
    (trial.results / "records.sqlite.tmp").write_text("half")
    assert kinds(trial.faults(expected)) == {"left"}
    with closing(sqlite3.connect(trial.results / "records.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert kinds(trial.faults(expected)) == {"unreadable", "stuck"}


def test_a_tally_shows_the_first_of_each_kind() -> None:
    tally = Tally("part")
    tally.judge("here", [])
    tally.judge("there", ["lost: one", "lost: two", "left: three"])
    assert tally.failures == 3
    assert tally.text().splitlines() == [
        "  trials            2",
        "  trials that held  1",
        "  did not hold      3",
        "    lost            2",
        "      there: lost: one",
        "      there: lost: two",
        "    left            1",
        "      there: left: three",
    ]


def test_bytes_and_values_are_damaged_one_way_or_another() -> None:
    rng = random.Random(1)
    assert len({fuzz.bytes_of(b"a line of text", rng) for _ in range(200)}) > 50
    assert len({repr(fuzz.value_of({"a": [1, {"b": 2}], "c": "d"}, rng)) for _ in range(200)}) > 50


def test_an_end_that_a_signal_does_not_explain_is_found_out() -> None:
    assert not list(kills.ended(143, "", signal.SIGTERM))
    assert kinds(list(kills.ended(70, "Traceback (most recent call last)", signal.SIGTERM))) == {"untidy"}
    assert list(kills.ended(143, "", None))


def test_the_page_names_every_part() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    assert [name for name in parts() if f"| `{name}` |" not in page] == []
