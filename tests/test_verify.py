"""`verify`: an export against its runs trained again, from equal to every way to differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from rnnbench.check import again
from rnnbench.records import Point, Record, Run, Rung

Cli = Callable[..., "CompletedProcess[str]"]
SUITE = """\
rnnbench: 1
name: tiny
defaults: {hidden: 8, batch: 4, steps: 120, stop: never}
seeds: 2
architectures: {lstm: {cell: lstm}, deep: {base: lstm, layers: 2}}
tasks: {adding: {lengths: [4]}}
"""
LONG = 'Traceback (most recent call last):\n  File "my/cell.py", line 7, in step\n    x()\nValueError: two\n lines\n'


def record(seed: int = 0, **changed: Any) -> Record:
    made = Record(
        Run(Rung({"cell": "rnn"}, {"task": "copy"}, 5, {}), seed), "solved", 0.97, 0.1, 300, 200, 50,
        curve=(Point(100, 0.5, 0.9), Point(200, 0.1, 1.0)), numerics="fused", fingerprint="f",
    )  # fmt: skip
    return replace(made, **changed)


@pytest.mark.parametrize(
    ("old", "new", "told", "promised"),
    [
        ({}, {"status": "unsolved"}, "status was solved, is unsolved", True),
        ({}, {"score": 0.96}, "score was 0.97, is 0.96, 0.01 apart", True),
        ({}, {"curve": (Point(100, 0.5, 0.9), Point(200, 0.1, 0.99))}, "the curve differs from step 200 on", True),
        ({}, {"curve": (Point(100, 0.5, 0.9),)}, "the curve differs from step 200 on", True),
        ({"fingerprint": "g"}, {"score": 0.96}, "made by other code than today's", False),
        ({"numerics": "stacked"}, {"score": 0.96}, "numerics were stacked, are fused: no promise", False),
        ({"numerics": "", "fingerprint": ""}, {"steps": 400}, "steps was 300, is 400", False),
        ({}, {"status": "crashed", "error": "Traceback\n  x\nOSError: gone"}, "crashed now: OSError: gone", True),
        ({}, {"status": "failed", "error": LONG}, "failed now: ValueError: two lines (cell.py:7)", True),
    ],
)
def test_what_differs_is_told_with_what_was_promised(
    old: dict[str, Any], new: dict[str, Any], told: str, promised: bool
) -> None:
    (found,) = again.differences([record(**old)], {record().id: record(**new)})
    assert told in found.text
    assert found.promised == promised
    assert found.run == '{"cell":"rnn"} {"task":"copy"} 5 {} seed 0'


def test_equal_records_do_not_differ_nor_does_a_curve_that_was_not_exported() -> None:
    assert again.differences([record()], {record().id: record(seconds=3.0, host="elsewhere")}) == []
    assert again.differences([record(curve=())], {record().id: record()}) == []


def test_a_sample_is_drawn_by_its_seed_of_what_finished() -> None:
    known = {r.id: r for r in (record(seed) for seed in range(20))} | {"x": record(99, status="crashed")}
    drawn = again.sample(known, 5, 1)
    assert len({r.id for r in drawn}) == 5
    assert drawn == again.sample(dict(reversed(known.items())), 5, 1)
    assert drawn != again.sample(known, 5, 2)
    assert len(again.sample(known, None, 0)) == len(again.sample(known, 50, 0)) == 20


def test_runs_of_a_file_of_ones_own_are_found_by_their_suite(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine.py").write_text("from rnnbench.cells.rnn import Cell as Cell\n")
    (tmp_path / "own/suite.yaml").write_text(SUITE.replace("cell: lstm", "cell: ./mine.py"))
    ran = cli("run", "own/suite.yaml", "-q", "-k", "not deep")
    assert ran.returncode == 0, ran.stderr
    assert cli("export", "own/suite.yaml", "-o", "own.jsonl").returncode == 0
    done = cli("verify", "own.jsonl")
    told = "own.jsonl: got runs of ./mine.py, which can't be found; next: --suite SUITE, which names it\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)
    done = cli("verify", "own.jsonl", "--suite", "own/suite.yaml")
    assert (done.returncode, done.stdout) == (0, "own.jsonl: 2 of 2 runs equal, bit for bit\n")


def test_an_export_is_trained_again(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(SUITE)
    assert cli("run", "tiny.yaml", "-q").returncode == 0
    assert cli("export", "tiny.yaml", "-o", "tiny.jsonl").returncode == 0
    done = cli("verify", "tiny.jsonl")
    assert (done.returncode, done.stdout) == (0, "tiny.jsonl: 4 of 4 runs equal, bit for bit\n")
    rows = [json.loads(line) for line in (tmp_path / "tiny.jsonl").read_text().splitlines()]
    rows[0]["loss"] *= 1 + 1e-7
    (tmp_path / "other.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cli("verify", "other.jsonl", "-j", "1")
    assert done.returncode == 1
    assert "by the same code and numerics, which promise equal bits" in done.stdout
    assert done.stdout.endswith("other.jsonl: 3 of 4 runs equal, 1 of them against their promise\n")
    (tmp_path / "none.jsonl").write_text("")
    assert cli("verify", "none.jsonl").returncode in (2, 5)
    assert cli("verify", "tiny.jsonl", "--sample", "0").returncode == 2
