"""What is read from the environment: in one place, with ranges, and told in one line."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rnnbench import environment
from rnnbench.cli import _invoke
from rnnbench.errors import UserError

if TYPE_CHECKING:
    import subprocess

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
PACKAGE = Path(__file__).parent.parent / "rnnbench"
# a worker is handed its environment whole; an import changes none of it; what numba and the BLAS read for themselves is
# looked up as they do
ELSEWHERE = {
    "environment.py",
    "process.py",
    "running/executors/footprint.py",
    "running/executors/local.py",
    "kernels/compile.py",
    "training/devices.py",
}


def test_one_module_reads_the_environment() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        names = {ast.unparse(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))) if hasattr(node, "attr")}
        if names & {"os.environ", "os.getenv", "os.environb"}:
            found.add(path.relative_to(PACKAGE).as_posix())
    assert found <= ELSEWHERE


@pytest.mark.parametrize("value", ["garbage", "nan", "inf", "-1", "86401", "1e999", "\x1b[31m" * 99, "9" * 5000])
def test_a_number_out_of_its_range_is_one_line(cli: Cli, tmp_path: Path, value: str) -> None:
    done = cli("run", "quick", env={"RNNBENCH_CHECKPOINT_SECONDS": value})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("RNNBENCH_CHECKPOINT_SECONDS: got '")
    assert done.stderr.endswith("', expected a number from 0 to 86400, or none for 10\n")
    assert len(done.stderr) < 200
    assert done.stderr.strip().isprintable()
    assert not (tmp_path / "results").exists()


def test_a_variable_that_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNBENCH_CHECKPOINT_SECONDS", "")
    assert environment.checkpoint_seconds() == 10
    monkeypatch.setenv("RNNBENCH_CHECKPOINT_SECONDS", "0.5")
    assert environment.checkpoint_seconds() == 0.5
    with pytest.raises(UserError, match="expected a number from 1 to 2, or none for 1"):
        environment.number("RNNBENCH_CHECKPOINT_SECONDS", 1, 1, 2)


@pytest.mark.parametrize(
    ("value", "width"),
    [("", None), ("abc", None), ("0", None), ("-5", None), ("²", None), ("1", 20), ("60", 60), ("9" * 5000, 10_000)],
)
def test_a_width_is_never_an_error(monkeypatch: pytest.MonkeyPatch, value: str, width: int | None) -> None:
    monkeypatch.setenv("COLUMNS", value)
    assert environment.columns() == width


@pytest.mark.parametrize(
    ("name", "value"),
    [("RNNBENCH_JOBS", "x"), ("RNNBENCH_JOBS", "5000"), ("RNNBENCH_RETRIES", "-1"), ("RNNBENCH_TIMEOUT", "0"),
     ("RNNBENCH_TIMEOUT", "nan"), ("RNNBENCH_KERNELS", "\x1b[31m"), ("RNNBENCH_RERUN", "some"),
     ("RNNBENCH_DEVICE", "tpu"), ("RNNBENCH_DEVICE", "cuda:x"),
     ("RNNBENCH_QUIET", "perhaps"), ("RNNBENCH_SEEDS", "many"), ("RNNBENCH_SET", "lr=\x1b[31m"),
     ("RNNBENCH_FILTER", "(")],
)  # fmt: skip
def test_an_option_from_the_environment_is_held_to_its_range(cli: Cli, name: str, value: str) -> None:
    done = cli("run", "quick", "-n", env={name: value})
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.strip().isprintable()
    assert re.match(rf"{name}\b|rnnbench: Invalid value for '{name}': ", done.stderr)


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [("report", "RNNBENCH_FORMAT", "htm"), ("report", "RNNBENCH_OUTPUT", "a.docx"),
     ("run quick -n", "RNNBENCH_EXECUTOR", "lokal"), ("compare a b", "RNNBENCH_FORMAT", "svg")],
)  # fmt: skip
def test_what_a_command_refuses_is_told_by_the_variable(
    command: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"^{name}: got '{value}', expected "):
        _invoke(command.split())


def test_an_option_that_was_typed_is_told_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNBENCH_FORMAT", "csv")
    monkeypatch.setenv("RNNBENCH_JOBS", "1")
    with pytest.raises(UserError, match=r"^--format: got 'htm'"):
        _invoke(["report", "--format", "htm"])
    with pytest.raises(UserError, match=r"^rnnbench: Invalid value for '-j' / '--jobs': "):
        _invoke(["run", "quick", "-j", "x"])
