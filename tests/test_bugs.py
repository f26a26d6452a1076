"""An error that nobody expected, through the real command line: its own exit code, one line, a log."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnbench import __version__
from rnnbench.cli import bugs

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

# A command line whose `list` raises what is asked for, as a bug would
BROKEN = """\
import sys
from rnnbench import cli, registry
class Odd(Exception):
    def __str__(self): raise ValueError("no text")
def raises(folder): raise {error}
registry.names = raises
cli.main()
"""


def broken(folder: Path, error: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BROKEN.format(error=error), *(arguments or ("list", "cells"))]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")} | environment
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=60, check=False)


def only_log(folder: Path) -> Path:
    (log,) = folder.glob("error-*.log")
    return log


@pytest.mark.parametrize(
    "error", ["ValueError('two\\nlines')", "OSError(28, 'No space left', 'x')", "RecursionError()", "MemoryError()"]
)
def test_an_unexpected_error_is_one_line_with_a_log(tmp_path: Path, error: str) -> None:
    done = broken(tmp_path, error, TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (70, "")
    assert len(done.stderr.splitlines()) == 1
    log = only_log(tmp_path)
    assert re.match(r"rnnbench: an error of its own at [\w/]+\.py:\d+: ", done.stderr)
    assert error.split("(")[0] in done.stderr
    assert done.stderr.rstrip().endswith(str(log))
    text = log.read_text("utf-8")
    for name in ("python ", "torch ", "numpy ", "numba ", f"rnnbench {__version__}", "command: rnnbench list cells"):
        assert f"\n{name}" in f"\n{text}"
    assert "Traceback (most recent call last)" in text


def test_the_log_is_beside_the_results_where_there_are_some(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "other").mkdir()
    arguments = ("plan", "quick", "-r", "kept")
    done = broken(tmp_path, "KeyError('cell')", *arguments, TMPDIR=str(tmp_path / "other"))
    assert done.returncode == 70
    assert "Traceback" in only_log(tmp_path / "kept").read_text("utf-8")
    assert not list((tmp_path / "other").iterdir())
    absent = broken(tmp_path, "KeyError('cell')", "plan", "quick", "-r", "absent", TMPDIR=str(tmp_path / "other"))
    assert absent.returncode == 70
    assert only_log(tmp_path / "other")
    assert not (tmp_path / "absent").exists()


def test_where_no_log_can_be_written_there_is_no_second_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bugs, "_results", [tmp_path / "absent"])
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "absent too"))
    told = bugs.line(ValueError("x"))
    assert told.endswith("ValueError: x; no place for a log can be written to")


def test_an_error_that_cannot_be_printed_is_told_all_the_same(tmp_path: Path) -> None:
    done = broken(tmp_path, "Odd()", TMPDIR=str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (70, 1)
    assert "Odd, which can't be printed" in done.stderr


def test_a_file_that_cannot_be_written_is_named_and_is_no_bug(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(
        "rnnbench: 1\nname: tiny\nseeds: 1\ndefaults: {hidden: 2, steps: 1}\n"
        "architectures: {rnn: {cell: rnn}}\ntasks: {adding: {lengths: [2]}}\n"
    )
    for command in ("report", "export"):
        done = cli(command, "tiny.yaml", "-o", "no/such/folder")
        assert done.returncode == 3
        assert done.stderr == "no/such/folder: can't be written to: No such file or directory\n"


def test_the_version_is_told_quickly(cli: Cli) -> None:
    done = cli("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")
    code = (
        "import sys\nfrom rnnbench import cli\nsys.argv[1:] = ['--version']\n"
        "try: cli.main()\nfinally: assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
