"""The real command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

SUITE = """\
rnnbench: 1
name: tiny
about: As small as a suite can be.
defaults: {hidden: 4, batch: 4, steps: 120}
seeds: 2
architectures:
  rnn: {cell: rnn}
  lstm: {cell: lstm}
  bilstm: {base: lstm, bidirectional: true}
tasks:
  adding: {lengths: [2, 4]}
  counting: {lengths: [3]}
"""

RAISES = """\
from dataclasses import dataclass

from rnnbench import cells


@dataclass(frozen=True)
class Cell(cells.Cell):
    def shapes(self, I, H):
        return {"W": (I, H)}

    def step(self, p, x, state):
        raise ValueError("two\\nlines")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(SUITE)
    return path


def test_a_suite_is_run_once_and_reported(cli: Cli, suite: Path) -> None:
    first = cli("run", "tiny.yaml", "-j", "2")
    assert (first.returncode, first.stdout) == (0, "")
    assert "tiny: 16 runs trained, 0 known before, 0 pruned" in first.stderr.splitlines()
    assert "\x1b" not in first.stderr
    again = cli("run", "tiny.yaml")
    assert again.returncode == 0
    assert again.stderr.startswith("tiny: nothing to do: 16 runs known, 0 pruned\n")
    assert again.stderr.endswith("next: rnnbench report\n")
    report = cli("report")
    assert (report.returncode, report.stderr) == (0, "")
    assert report.stdout.startswith("tiny\nAs small as a suite can be.\n")
    assert "n/a" in report.stdout
    rows = list(csv.DictReader(io.StringIO(cli("report", "tiny.yaml", "--format", "csv").stdout)))
    columns = ["variant", "task", "length", "score", "low", "high", "n", "solved", "failed", "share_low", "share_high"]
    assert list(rows[0]) == columns
    assert [r["length"] for r in rows if r["variant"] == "rnn"] == ["2", "4", "3"]
    assert json.loads(cli("report", "--format", "json").stdout)
    assert cli("report", "--format", "markdown").stdout.count("| lstm ") >= 2
    narrow = cli("report", env={"COLUMNS": "60"}).stdout
    assert max(map(len, narrow.splitlines())) <= 60
    exported = cli("export", "--format", "csv").stdout.splitlines()
    assert len(exported) == 17
    assert (
        exported[0]
        == "variant,task,length,seed,status,score,steps,solved_at,parameters,seconds,id,budget,choice,examples"
    )


def test_a_report_from_an_export_is_the_report(cli: Cli, suite: Path, tmp_path: Path) -> None:
    cli("run", "tiny.yaml", "-k", "adding")
    whole = cli("report", "tiny.yaml").stdout
    cli("export", "tiny.yaml", "-o", "all.jsonl")
    cli("export", "tiny.yaml", "--canonical", "--no-curves", "-o", "results.jsonl")
    assert '"curve":[[' in (tmp_path / "all.jsonl").read_text()
    assert '"curve":[[' not in (tmp_path / "results.jsonl").read_text()
    packed = tmp_path / "results.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "results.jsonl").read_bytes()))
    (tmp_path / "results" / "records.sqlite").unlink()
    assert cli("report", "tiny.yaml", "--from", "all.jsonl").stdout == whole
    told = cli("report", "tiny.yaml", "--from", packed.name).stdout  # the same but for seconds, which it lacks
    assert [line for line in told.splitlines() if "lstm" in line][:3] == [
        line for line in whole.splitlines() if "lstm" in line
    ][:3]
    assert "stale" not in told
    other = cli("report", "quick", "--from", "all.jsonl")
    assert (other.returncode, other.stdout) == (5, "")
    assert "all.jsonl: none of its " in other.stderr
    for name, spoil in {
        "cut.jsonl.gz": packed.read_bytes()[:-9],
        "line.jsonl": (tmp_path / "results.jsonl").read_bytes()[:-9],
        "other.jsonl": (tmp_path / "results.jsonl").read_bytes().replace(b'"length":4', b'"length":5'),
    }.items():
        (tmp_path / name).write_bytes(spoil)
        refused = cli("report", "tiny.yaml", "--from", name)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), name
        assert refused.stderr.startswith(f"{name}:")
    assert cli("report", "tiny.yaml", "--from", "none.jsonl").returncode == 2


def test_budgets_from_the_plan_to_the_report(cli: Cli, tmp_path: Path) -> None:
    text = SUITE.replace("seeds: 2", "seeds: 2\nbudgets: [1, 5]").replace("steps: 120", "steps: 20, lr: 1e-4")
    (tmp_path / "tiny.yaml").write_text(text)
    plan = cli("plan", "tiny.yaml").stdout
    assert "budgets: 1, 5 times the steps\n" in plan
    assert "tiny: 32 runs, 0 known, 0 pruned, 32 to train, at most about " in plan
    assert cli("run", "tiny.yaml", "-j", "2").stderr.endswith(
        "tiny: 32 runs trained, 0 known before, 0 pruned\nnext: rnnbench report\n"
    )
    again = cli("run", "tiny.yaml").stderr
    assert again == "tiny: nothing to do: 32 runs known, 0 pruned\nnext: rnnbench report\n"
    assert cli("run", "tiny.yaml", "-n", "--seeds", "1").stdout.startswith("tiny: 16 runs, 16 known")
    told = cli("report", env={"COLUMNS": "200"}).stdout
    assert "spans against steps\nspan when trained within 20 steps and within so many times as many" in told
    rows = list(csv.DictReader(io.StringIO(cli("export", "--format", "csv").stdout)))
    assert sorted(r["budget"] for r in rows) == ["100"] * 16 + ["20"] * 16
    lines = [json.loads(line) for line in cli("export").stdout.splitlines()]
    assert {r["id"] for r in lines} == {r["id"] for r in rows}
    assert cli("export", "--canonical").stdout.count("\n") == 32
    # a baseline is of the stated budget: check neither needs nor trains the rest
    assert cli("baseline", "tiny.yaml", "-o", "whole.json").returncode == 0
    (tmp_path / "tiny.yaml").write_text(text.replace("[1, 5]", "[1, 9]"))
    assert cli("check", "tiny.yaml", "--baseline", "whole.json", "--tier", "statistical").returncode == 6
    assert cli("run", "tiny.yaml", "-n").stdout.startswith("tiny: 32 runs, 16 known, 0 pruned, 16 to train")
    (tmp_path / "tiny.yaml").write_text(text.replace("budgets: [1, 5]\n", ""))
    assert cli("baseline", "tiny.yaml", "-o", "plain.json").returncode == 0
    assert (tmp_path / "plain.json").read_text() == (tmp_path / "whole.json").read_text()


def test_a_dry_run_counts_and_leaves_no_trace(cli: Cli, suite: Path, tmp_path: Path) -> None:
    dry = cli("run", "tiny.yaml", "--dry-run", "-j", "2")
    assert dry.returncode == 0
    assert dry.stdout.startswith("tiny: 16 runs, 0 known, 0 pruned, 16 to train, at most about ")
    assert " on 2 workers; starting and compiling: at most about " in dry.stdout
    assert dry.stdout.endswith(" more\n")
    assert not (tmp_path / "results").exists()


def test_an_export_is_packed_where_its_name_says_so(cli: Cli, suite: Path, tmp_path: Path) -> None:
    cli("run", "tiny.yaml", "-q")
    for name in ("plain.jsonl", "one.jsonl.gz", "two.jsonl.gz", "rows.csv", "rows.csv.gz"):
        assert cli("export", "tiny.yaml", "-o", name).returncode == 0
    one, two = ((tmp_path / name).read_bytes() for name in ("one.jsonl.gz", "two.jsonl.gz"))
    assert one == two  # no time of packing in it
    assert gzip.decompress(one) == (tmp_path / "plain.jsonl").read_bytes()
    assert gzip.decompress((tmp_path / "rows.csv.gz").read_bytes()) == (tmp_path / "rows.csv").read_bytes()
    assert cli("report", "tiny.yaml", "--from", "one.jsonl.gz").stdout == cli("report", "tiny.yaml").stdout
    refused = cli("export", "tiny.yaml", "-o", "rows.parquet.gz")
    assert refused.returncode == 2
    assert "expected FILE.parquet, which is packed itself" in refused.stderr


def test_where_every_run_broke_there_was_something_to_do(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(RAISES)
    (tmp_path / "own.yaml").write_text(
        "rnnbench: 1\narchitectures: {own: {cell: ./mine.py}}\ntasks: {adding: {lengths: [2]}}\nseeds: 1\n"
    )
    done = cli("run", "own.yaml", "--retries", "0")
    assert done.returncode == 1
    assert "own adding 2 seed 0: ValueError: two lines (mine.py:12)\n" in done.stderr
    again = "next: rnnbench run own.yaml --rerun failed"
    assert "own: 0 runs trained, 0 known before, 0 pruned, 1 broken" in done.stderr.splitlines()
    assert done.stderr.endswith(f"{again}\n")
    assert cli("run", "own.yaml").stderr == f"own: nothing to do: 1 run known, 0 pruned, 1 broken\n{again}\n"
    quiet = cli("run", "own.yaml", "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, "", f"own: 1 known run broke; {again}\n")
    works = 'h = x @ p["W"]\n        return h, (h,)'
    (tmp_path / "mine.py").write_text(RAISES.replace('raise ValueError("two\\nlines")', works))
    assert cli("run", "own.yaml", "--rerun", "failed").stderr.endswith("next: rnnbench report\n")


def test_filters_sets_and_seeds_choose_what_runs(cli: Cli, suite: Path) -> None:
    chosen = ("-k", "lstm and adding and not bi", "--seeds", "1000..1002", "--set", "steps=100")
    run = cli("run", "tiny.yaml", *chosen)
    assert "tiny: 6 runs trained, 0 known before, 0 pruned" in run.stderr.splitlines()
    lines = [json.loads(line) for line in cli("export", "tiny.yaml", *chosen).stdout.splitlines()]
    assert {r["run"]["seed"] for r in lines} == {1000, 1001, 1002}
    assert {r["run"]["rung"]["settings"]["steps"] for r in lines} == {100}
    assert cli("run", "tiny.yaml", "-k", "transformer").returncode == 5
    assert cli("run", "tiny.yaml", "-k", "lstm and").stderr == (
        "-k: got the end in 'lstm and', expected a word, 'not' or '('\n"
    )


def test_validate_and_plan_train_nothing(cli: Cli, suite: Path, tmp_path: Path) -> None:
    assert cli("validate", "tiny.yaml").stdout == "tiny: valid; 3 variants, 2 tasks, 2 seeds, 16 runs\n"
    plan = cli("plan", "tiny.yaml").stdout
    assert "adding: 3 variants (rnn, lstm, bilstm) x 2 lengths (2, 4)" in plan
    assert "bilstm on counting: n/a, counting answers while reading: a backward direction would see them" in plan
    assert not (tmp_path / "results").exists()


def test_list_names_what_a_suite_can_name(cli: Cli) -> None:
    lines = cli("list").stdout.splitlines()
    assert "cells:" in lines
    assert any(line.startswith("  lstm ") for line in lines)
    assert any(line.startswith("  adding ") for line in lines)
    assert any(line.startswith("  quick ") for line in lines)
    assert cli("list", "tasks").stdout.startswith("adding ")
    assert not re.search(r"et al$", cli("list", "suites").stdout, re.MULTILINE)  # a sentence goes on after it


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("report",), 5, "results: no suite ran here yet; next: rnnbench run SUITE\n"),
        (("run",), 2, "rnnbench: Missing argument 'SUITE'; see rnnbench run --help\n"),
        (("list", "grz"), 2, "list: got 'grz', expected cells, layers, "),
        (("list", "grz"), 2, "plugins or the name or the file of a cell or layer or task; did you mean 'gru'?\n"),
        (("list", "layers", "trnsformer"), 2, "expected the name or the file of a layer; did you mean 'transfor"),
        (("list", "./none.py"), 2, "file './none.py': no such file, expected one at "),
        (("kernels", "shw"), 2, "see rnnbench kernels --help\n"),
        (("quick",), 2, "rnnbench: got a suite where a command is expected; next: rnnbench run quick\n"),
        (("diff", "a", "b"), 2, "rnnbench: No such command 'diff'; did you mean 'rnnbench compare'?\n"),
        (("rum",), 2, "rnnbench: No such command 'rum'. Did you mean 'run'?; see rnnbench --help\n"),
        (("run", "quick", "--jobs", "-1"), 2, "rnnbench: Invalid value for '-j' / '--jobs'"),
        (("run", "quick", "--device", "tpu"), 2, "--device: got 'tpu', expected auto, cpu, cuda or cuda:N\n"),
        (("run", "quick", "--set", "lrr=1"), 2, "did you mean 'lr'?\n"),
    ],
)
def test_mistakes_are_one_line(cli: Cli, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = cli(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_written_is_named_before_any_training(cli: Cli, suite: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = cli("run", "tiny.yaml", "-r", "file/results")
    assert done.returncode == 3
    assert done.stderr == "file/results: can't be written to (Not a directory); choose another place with --results\n"


def test_a_reader_that_goes_away_is_no_error(cli: Cli, suite: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m rnnbench list | (exec <&-; sleep 2); echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "141"
    assert done.stderr == ""


def canonical(cli: Cli, results: str) -> str:
    return cli("export", "long.yaml", "-r", results, "--canonical").stdout


@pytest.mark.thorough
def test_the_same_bits_with_one_worker_or_two_killed_and_resumed(cli: Cli, tmp_path: Path) -> None:
    text = SUITE.replace("steps: 120", "steps: 300, stop: never")
    (tmp_path / "long.yaml").write_text(text.replace("rnn: {cell: rnn}", "gru: {cell: gru, reset: v3}"))
    assert cli("run", "long.yaml", "-q", "-j", "1", "-r", "one").returncode == 0
    whole = canonical(cli, "one")
    assert whole.count("\n") == 16
    command = [sys.executable, "-m", "rnnbench", "run", "long.yaml", "-q", "-j", "2", "-r", "killed"]
    environment = os.environ | {"RNNBENCH_CHECKPOINT_SECONDS": "0"}
    results = tmp_path / "killed"

    def written() -> set[tuple[str, int]]:
        """Every checkpoint and commit, as far as they are told apart by when they were written."""
        found = set()
        for path in (*results.glob("checkpoints/*.checkpoint"), *results.glob("records.sqlite")):
            with suppress(FileNotFoundError):
                found.add((path.name, path.stat().st_mtime_ns))
        return found

    stopped = 0
    for sent, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with subprocess.Popen(command, cwd=tmp_path, env=environment) as process:
            before, ends = written(), time.monotonic() + 60
            while process.poll() is None and len(written() - before) < 3 and time.monotonic() < ends:
                time.sleep(0.01)
            process.send_signal(sent)
            assert process.wait(30) in (code, 0)
            stopped += process.returncode == code
    assert stopped
    assert cli("run", "long.yaml", "-q", "-r", "killed").returncode == 0
    assert canonical(cli, "killed") == whole
    assert list((results / "checkpoints").iterdir()) == []


def test_help_is_quick_and_imports_no_torch() -> None:
    code = (
        "import sys, rnnbench\nfrom rnnbench import plan\nfrom rnnbench.suite import load\n"
        "plan.plan(load.load('quick'))\n"
        "heavy = {'torch', 'pandas', 'scipy', 'numba'} & set(sys.modules)\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys\nfrom rnnbench.cli import app\nassert not {'torch', 'pydantic', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_command_and_option_has_help() -> None:
    import typer

    from rnnbench.cli import app

    group = typer.main.get_command(app)
    commands = group.commands  # type: ignore[attr-defined]
    assert {"run", "report", "plan", "validate", "list", "export"} <= set(commands)
    for name, command in commands.items():
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", "yes"), f"{name} {parameter.name}"
