"""Standard streams that are closed, full, unread or of a narrow encoding, through the real command line: no traceback,
the right exit code, and whatever was trained is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """\
rnnbench: 1
name: tiny
about: Ünïcode, 日本.
defaults: {hidden: 2, batch: 4, steps: 20, stop: never}
seeds: 1
architectures:
  rnn: {cell: rnn}
tasks:
  adding: {lengths: [2]}
"""
NARROW = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(SUITE, "utf-8")
    return tmp_path


def shell(folder: Path, script: str, **environment: str) -> tuple[int, str, str]:
    """Runs a line of bash in which `$E` is rnnbench -> the exit code of its first process, stdout, stderr."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")} | environment
    clean["E"] = f"{sys.executable} -m rnnbench"
    command = ["bash", "-c", script + "; exit ${PIPESTATUS[0]}"]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def known(folder: Path) -> str:
    return shell(folder, "$E run tiny.yaml -n")[1]


@pytest.mark.parametrize("redirected", [pytest.param("2>/dev/full", marks=full), "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_log_that_cannot_be_written_ends_no_training(folder: Path, redirected: str) -> None:
    assert shell(folder, f"$E run tiny.yaml -j 1 {redirected}") == (0, "", "")
    assert "1 run, 1 known" in known(folder)


def test_a_log_that_nobody_reads_ends_no_training(folder: Path) -> None:
    code, _, stderr = shell(folder, "$E run tiny.yaml -j 1 2>&1 >/dev/null | (exec <&-; sleep 1)")
    assert (code, stderr) == (0, "")
    assert "1 run, 1 known" in known(folder)


@full
def test_a_mistake_is_a_mistake_whatever_stderr_is(folder: Path) -> None:
    assert shell(folder, "$E run nope 2>/dev/full") == (2, "", "")
    assert shell(folder, "$E report 2>/dev/full") == (5, "", "")
    assert shell(folder, "$E report 2>&-") == (5, "", "")


@full
@pytest.mark.parametrize("command", ["list", "report tiny.yaml", "--help"])
def test_a_full_disk_behind_stdout_is_told(folder: Path, command: str) -> None:
    assert shell(folder, f"$E {command} >/dev/full") == (3, "", "stdout: No space left on device\n")


@pytest.mark.parametrize("command", ["list", "report tiny.yaml"])
def test_a_closed_stdout_leads_nowhere(folder: Path, command: str) -> None:
    assert shell(folder, f"$E {command} >&-") == (0, "", "")


@pytest.mark.parametrize("command", ["report tiny.yaml", "--help"])
def test_a_pipe_that_is_left_is_quiet(folder: Path, command: str) -> None:
    code, _, stderr = shell(folder, f"$E {command} | (exec <&-; sleep 2)")
    assert (code, stderr) == (141, "")


def test_the_head_of_a_report(folder: Path) -> None:
    code, stdout, stderr = shell(folder, "$E report tiny.yaml | head -1")
    assert code in (0, 141)  # whether it was all written before the pipe was left
    assert (stdout, stderr) == ("tiny\n", "")


@pytest.mark.parametrize("environment", NARROW, ids=lambda e: " ".join(f"{k}={v}" for k, v in e.items()))
def test_a_narrow_encoding_costs_letters_and_nothing_else(folder: Path, environment: dict[str, str]) -> None:
    assert shell(folder, "$E run tiny.yaml -j 1", **environment)[0] == 0
    for command in ("report", "export", "list"):
        code, stdout, stderr = shell(folder, f"$E {command}", **environment)
        assert (code, stderr) == (0, ""), command
        assert stdout
    assert shell(folder, "$E report -o told.txt", **environment) == (0, "", "")
    assert "Ünïcode, 日本." in (folder / "told.txt").read_text("utf-8")
    code, _, stderr = shell(folder, "$E run 日本", **environment)
    assert (code, len(stderr.splitlines())) == (2, 1)


def test_quiet_tells_what_broke_and_nothing_else(folder: Path) -> None:
    (folder / "broken_module.py").write_text(
        "import torch\nclass Broken(torch.nn.GRU):\n"
        "    def forward(self, x):\n        if self.training and x.shape[0] == 4:\n"
        "            raise RuntimeError('no \\x1b[31m way')\n"
        "        return super().forward(x)\n"
    )
    text = SUITE.replace("{cell: rnn}", "{cell: rnn}\n  odd: {module: broken_module.Broken, args: {batch_first: true}}")
    (folder / "tiny.yaml").write_text(text, "utf-8")
    paths = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    code, stdout, stderr = shell(folder, "$E run tiny.yaml -q -j 1", PYTHONPATH=paths)
    assert (code, stdout) == (1, "")
    (line,) = stderr.splitlines()
    assert line.startswith("failed    odd")
    assert line.endswith(r"RuntimeError: no \x1b[31m way (broken_module.py:5)")


@pytest.mark.parametrize(
    ("format", "encoding"),
    [(format, "ascii") for format in ("table", "markdown", "csv", "json")]
    + [("table", encoding) for encoding in ("latin-1", "cp1252", "utf-16")],
)
def test_every_format_and_every_encoding(folder: Path, format: str, encoding: str) -> None:
    narrow = {"PYTHONIOENCODING": encoding}
    code, stdout, stderr = shell(folder, f"$E report tiny.yaml --format {format}", **narrow)
    assert (code, bool(stdout), stderr) == (0, True, "")
    written = folder / f"told.{format}"
    assert shell(folder, f"$E report tiny.yaml --format {format} -o {written}", **narrow) == (0, "", "")
    assert written.read_text("utf-8")


def test_an_empty_text_and_a_suite_for_a_command_are_mistakes(folder: Path) -> None:
    for arguments, said in (
        ("run tiny.yaml -r ''", "rnnbench: got an empty text after -r, expected something"),
        ("report tiny.yaml --output=", "rnnbench: got an empty text after --output, expected something"),
        ("''", "rnnbench: got an empty text after rnnbench, expected something"),
        ("./tiny.yaml", "rnnbench: got a suite where a command is expected; next: rnnbench run ./tiny.yaml"),
        ("papers/chrono", "rnnbench: got a suite where a command is expected; next: rnnbench run papers/chrono"),
        ("tiny.yaml", "rnnbench: got a suite where a command is expected; next: rnnbench run tiny.yaml"),
        ("rum tiny.yaml", "rnnbench: No such command 'rum'. Did you mean 'run'?; see"),
        ("run tiny.yaml tiny.yaml", "rnnbench: Got unexpected extra argument(s) (tiny.yaml); see"),
        ("run tiny.yaml -j x", "rnnbench: Invalid value for '-j' / '--jobs': Input should"),
    ):
        code, stdout, stderr = shell(folder, f"$E {arguments}")
        assert (code, stdout, len(stderr.splitlines())) == (2, "", 1), arguments
        assert stderr.startswith(said)
    assert not (folder / "results").exists()
    assert "Invalid value for 'RNNBENCH_JOBS': " in shell(folder, "$E run tiny.yaml", RNNBENCH_JOBS="x")[2]
