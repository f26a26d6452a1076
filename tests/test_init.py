"""`init`: what it writes is a suite, and nothing is ever overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rnnbench.cli import options
from rnnbench.cli.init import init
from rnnbench.errors import UserError
from rnnbench.suite.load import load

CELL = """\
from dataclasses import dataclass
from rnnbench import cells

@dataclass(frozen=True)
class Cell(cells.Cell):
    bias: bool = True
    leaky: bool = False

    def shapes(self, I, H):
        return {"W": (I, H), "U": (H, H)} | ({"b": (1, H)} if self.bias else {})

    def step(self, p, x, state):
        h = x @ p["W"] + state[0] @ p["U"]
        h = h + p["b"] if self.bias else h
        return h, (h,)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_writes_a_suite_that_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    init(Path("first.yaml"))
    assert capsys.readouterr().out == "first.yaml: written; next: rnnbench run first.yaml\n"
    suite = load("first.yaml")
    assert (suite.name, len(suite.seeds), len(suite.claims)) == ("first", 6, 4)
    assert {v.name for v in suite.variants} >= {"rnn", "lstm", "lstm-forget_gate"}
    assert all(len(line) <= 120 for line in Path("first.yaml").read_text().splitlines())


def test_it_overwrites_nothing(tmp_path: Path) -> None:
    Path("mine.yaml").write_text("mine")
    with pytest.raises(UserError, match="is there already, and is left as it is"):
        init(Path("mine.yaml"))
    assert Path("mine.yaml").read_text() == "mine"
    Path("link.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="is there already"):
        init(Path("link.yaml"))
    assert not (tmp_path / "elsewhere").exists()


def test_for_a_cell_of_ones_own_its_switches_are_ablated() -> None:
    Path("cells").mkdir()
    Path("cells/mine.py").write_text(CELL)
    Path("suites").mkdir()
    init(Path("suites/mine.yaml"), ("cell", "cells/mine.py"))
    suite = load("suites/mine.yaml")
    assert [v.name for v in suite.variants] == ["rnn", "lstm", "mine", "mine-bias"]
    assert suite.foreign == {"cell ../cells/mine.py": "cells/mine.py"}


@pytest.mark.parametrize(("kind", "what"), [("module", "torch.nn.GRU"), ("task", "package/first"), ("layer", "p/l")])
def test_for_anything_else_of_ones_own(kind: str, what: str) -> None:
    init(Path("mine.yaml"), (kind, what))
    written = yaml.safe_load(Path("mine.yaml").read_text())
    assert written["tasks" if kind == "task" else "architectures"]["mine"][kind] == what
    if kind == "module":
        load("mine.yaml")


@pytest.mark.parametrize(
    ("file", "own", "told"),
    [
        ("mine.txt", None, "mine.txt: got that for a file's name, expected a plain one that ends in .yaml"),
        ("a b.yaml", None, "expected a plain one"),
        ("m.yaml", ("cel", "x"), "--for: got 'cel', expected cell, layer, module, task; did you mean 'cell'?"),
        ("m.yaml", ("cell", "./no.py"), "--for: ./no.py: No such file or directory, expected the file of a cell"),
        ("m.yaml", ("cell", "./bad.py"), "is no Python"),
        ("no/m.yaml", None, "no/m.yaml: can't be written to: No such file or directory"),
    ],
)
def test_mistakes_write_nothing(file: str, own: tuple[str, str] | None, told: str) -> None:
    Path("bad.py").write_text("class Cell(:")
    with pytest.raises(UserError) as refused:
        init(Path(file), own)
    assert told in str(refused.value)
    assert not Path(file).exists()


def test_a_shell_completes_suites_and_folders() -> None:
    Path("results/more").mkdir(parents=True)
    Path("quiet.yaml").write_text("")
    Path("quiet.txt").write_text("")
    assert options.suites("qui") == ["quick", "quiet.yaml"]
    assert options.suites("res") == ["results/"]
    assert options.folders("results/") == ["results/more/"]


def test_a_shell_is_answered() -> None:
    asked = {"_RNNBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "rnnbench run papers/ch", "COMP_CWORD": "2"}
    command = [sys.executable, "-m", "rnnbench"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "papers/chrono\n", "")
