"""Doors: cells, layers and tasks of other packages and of users' own files are found, known by their source, and told
of in one line where they are broken."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from rnnbench import api, foreign, plugins, registry
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.records import Record, Rung
from rnnbench.store import Store
from rnnbench.suite import Suite
from rnnbench.suite.load import load
from rnnbench.training.fingerprint import fingerprint
from rnnbench.training.trainer import Trainer

if TYPE_CHECKING:
    from conftest import Cli

CELL = '''
"""A cell of my own."""
from dataclasses import dataclass
import torch
from rnnbench import cells
from helper import squash

@dataclass(frozen=True)
class Cell(cells.Cell):
    """Leaky, if wanted."""
    leak: bool = True
    rate: float = 0.5

    def shapes(self, I, H):
        return {"W": (I, H), "U": (H, H), "b": (1, H)}

    def step(self, p, x, state):
        (h,) = state
        new = squash(x @ p["W"] + h @ p["U"] + p["b"])  # the candidate
        h = self.rate * h + (1 - self.rate) * new if self.leak else new
        return h, (h,)
'''
HELPER = "import torch\n\ndef squash(x):\n    return torch.tanh(x)\n"
TASK = '''
from dataclasses import dataclass
import numpy as np
from rnnbench import tasks
from rnnbench.tasks import Batch, Lag

@dataclass(frozen=True)
class Task(tasks.Task):
    """Say the first token again at the end."""
    symbols: int = 2

    @property
    def inputs(self):
        return self.symbols

    @property
    def outputs(self):
        return self.symbols

    @property
    def last(self):
        return True

    def batch(self, size, length, rng):
        xs = rng.integers(self.symbols, (length + 1, size))
        return Batch(xs, xs[:1], slice(-1, None))

    def lag(self, length):
        return Lag(length, float(length), length)
'''
SUITE = """\
rnnbench: 1
name: mine
seeds: 2
defaults: {hidden: 4, batch: 4, steps: 20, stop: never}
architectures:
  own: {cell: ./mine.py, rate: 0.25}
ablate: [{base: own, without: [leak]}]
tasks: {first: {task: here/first.py, symbols: 3, lengths: [2, 3]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite with a cell beside it and a task below it."""
    (tmp_path / "own" / "here").mkdir(parents=True)
    (tmp_path / "own/suite.yaml").write_text(SUITE)
    (tmp_path / "own/mine.py").write_text(CELL)
    (tmp_path / "own/helper.py").write_text(HELPER)
    (tmp_path / "own/here/first.py").write_text(TASK)
    return tmp_path


def test_files_of_ones_own_are_run_and_known_by_their_source(cli: Cli, folder: Path) -> None:
    ran = cli("run", "own/suite.yaml", "-j", "2", "--kernels", "reference")  # which compiles nothing
    assert ran.returncode == 0, ran.stderr
    assert "8 runs trained" in ran.stderr
    exported = cli("export", "own/suite.yaml").stdout
    records = [json.loads(line) for line in exported.splitlines()]
    models = [r["run"]["rung"]["model"] for r in records]
    assert {json.dumps(m, sort_keys=True) for m in models} == {
        '{"cell": "./mine.py", "rate": 0.25}', '{"cell": "./mine.py", "leak": false, "rate": 0.25}',
    }  # fmt: skip
    assert {json.dumps(r["run"]["rung"]["task"]) for r in records} == {'{"symbols": 3, "task": "./here/first.py"}'}
    assert str(folder) not in exported
    assert {r["status"] for r in records} <= {"solved", "unsolved"}
    # the suite that ran last is known with its files
    assert "own-leak" in cli("report").stdout
    # a comment is no other code, and the folder may move
    (folder / "own/mine.py").write_text(CELL.replace("# the candidate", "# what is new"))
    (folder / "own").rename(folder / "moved")
    told = cli("report", "moved/suite.yaml").stdout
    assert "own-leak" in told
    assert "stale" not in told
    assert "nothing to do" in cli("run", "moved/suite.yaml").stderr
    known = Store(folder / "results").records()
    load(folder / "moved/suite.yaml")
    assert len(list(api.stale(known.values()))) == 0
    for path, old, new in (("mine.py", "1 - self.rate", "2 - self.rate"), ("helper.py", "tanh", "sigmoid"),
                           ("here/first.py", "xs[:1]", "xs[1:2]")):  # fmt: skip
        text = (folder / "moved" / path).read_text()
        (folder / "moved" / path).write_text(text.replace(old, new))
        assert len(list(api.stale(known.values()))) == 8, path
        if path == "helper.py":
            assert "8 of 8 records are stale" in cli("report", "moved/suite.yaml").stdout
            quiet = cli("run", "moved/suite.yaml", "-q").stderr  # which a script reads, too
            assert quiet == (
                "mine: 8 known runs are stale: made by other code than today's; "
                "next: rnnbench run moved/suite.yaml --rerun stale\n"
            )
        (folder / "moved" / path).write_text(text)


def test_a_file_that_changes_while_a_session_lasts_is_read_again(folder: Path) -> None:
    suite = load(folder / "own/suite.yaml")
    (first, *_) = plan(suite).runs()
    before = fingerprint(first.rung, fused=False)
    (record, *_) = (e for e in Trainer("cpu", "reference").train([first]) if isinstance(e, Record))
    assert record.fingerprint == before
    (folder / "own/mine.py").write_text(CELL.replace("rate: float = 0.5", "rate: float = 0.75"))
    assert registry.cell({"cell": "./mine.py"}).rate == 0.75  # type: ignore[attr-defined]
    now = fingerprint(first.rung, fused=False)
    assert now != before
    (folder / "own/helper.py").write_text(HELPER.replace("tanh", "sigmoid"))
    assert fingerprint(first.rung, fused=False) not in (now, before)
    assert Suite.from_dict(json.loads(json.dumps(suite.as_dict()))) == suite


def test_a_cell_made_from_one_of_ours_is_stale_when_ours_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nfrom rnnbench.cells import mgu\n\n"
        "@dataclass(frozen=True)\nclass Cell(mgu.Cell):\n    more: bool = False\n"
    )
    registry.place({"./mine.py": str(tmp_path / "mine.py")})
    rung = Rung({"cell": "./mine.py"}, {"task": "copy"}, 3, {})
    before = fingerprint(rung, fused=False)
    of_file = foreign._of_module
    monkeypatch.setattr(foreign, "_of_module", lambda name: of_file(name) + "*" * (name == "rnnbench.cells.mgu"))
    assert fingerprint(rung, fused=False) != before


def test_a_cell_may_be_made_from_one_beside_it_and_its_import_does_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "own/base.py").write_text(CELL + "\ntorch.set_default_dtype(torch.float64)\nprint('loud')\n")
    (folder / "own/mine.py").write_text(
        "from dataclasses import dataclass\nimport base\n\n"
        "@dataclass(frozen=True)\nclass Cell(base.Cell):\n    x: int = 1\n"
    )
    (first, *_) = plan(load(folder / "own/suite.yaml")).runs()
    assert torch.get_default_dtype() == torch.float32
    assert capsys.readouterr() == ("", "loud\n")
    before = fingerprint(first.rung, fused=True)
    (folder / "own/base.py").write_text(CELL)
    assert fingerprint(first.rung, fused=True) != before
    registry.place({"./first.py": str(folder / "own/here/first.py")})
    registry.task_class("./first.py")  # looks beside another file
    assert fingerprint(first.rung, fused=True) != before


BROKEN: dict[str, tuple[str, str]] = {
    "raises": ("1 / 0", "got './bad.py': can't be imported: ZeroDivisionError: division by zero"),
    "ends": ("import sys\nsys.exit(3)", "got './bad.py': can't be imported: SystemExit: 3"),
    "no Python": ("def", "got './bad.py': can't be imported: SyntaxError: invalid syntax (bad.py, line 1)"),
    "empty": ("", "got './bad.py': got no class Cell in it, expected `class Cell(cells.Cell)`"),
    "other": ("class Cell: pass", "got a class Cell made from something else, expected a frozen dataclass made from"),
    "plain": (CELL.replace("@dataclass(frozen=True)\n", ""), "got a class Cell without `@dataclass(frozen=True)`"),
    "lacking": (CELL.replace("def step", "def stop"), "got a class Cell without step"),
    "bare": (CELL.replace("leak: bool = True", "leak: bool"), "got no default of leak, expected one of every field"),
    "taken": (CELL.replace("leak", "lr"), "got a field 'lr', expected a name that no key of a suite has"),
    "no such default": (
        CELL.replace("rate: float = 0.5", "rate: float = '0.5'"),
        "got './bad.py': class Cell: switch 'rate': got the default '0.5', expected a number, as annotated",
    ),
    "no such choice": (
        CELL.replace("rate: float = 0.5", "rate: __import__('typing').Literal['a', 'b'] = 'c'"),
        "class Cell: switch 'rate': got the default 'c', expected one of 'a', 'b', as annotated",
    ),
    "not annotated": (
        CELL.replace("leak: bool = True", "leak = True"),
        "got `leak = True`, which makes no switch, expected `leak: bool = True`, or `leak: ClassVar[bool] = True` if",
    ),
    "not annotated anew": (
        CELL + "\n@dataclass(frozen=True)\nclass Cell(Cell):\n    rate = 0.75\n",
        "class Cell: got `rate = 0.75`, which makes no switch, expected `rate: float = 0.75`",
    ),
    "unknown annotation": (
        CELL.replace("leak: bool", "leak: 'bol'"),
        "class Cell: got an annotation that can't be read: NameError: name 'bol' is not defined",
    ),
    "odd annotation": (
        CELL.replace("rate: float = 0.5", "rate: torch.Tensor = 0.5"),
        "switch 'rate': got the annotation <class 'torch.Tensor'>, expected one of bool, int, float, str, Literal and",
    ),
    "beside": (CELL.replace("from helper import squash", "import colorsys"), "ImportError: colorsys is "),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_told_in_one_line_with_its_place(kind: str, folder: Path) -> None:
    text, told = BROKEN[kind]
    (folder / "own/bad.py").write_text(text)
    (folder / "own/colorsys.py").write_text(HELPER)
    (folder / "own/suite.yaml").write_text(SUITE.replace("./mine.py", "./bad.py"))
    with pytest.raises(UserError) as caught:
        load(folder / "own/suite.yaml")
    (line,) = caught.value.lines
    assert line.startswith(f"{folder}/own/suite.yaml:6:15: architectures.own.cell: "), line
    assert told in line


def test_ones_own_is_listed_as_ours_are(cli: Cli, folder: Path) -> None:
    (folder / "own/mine.py").write_text(CELL.replace("leak: bool = True", "leak: bool = True  # what it forgets"))
    told = (
        "cell own/mine.py\n\nA cell of my own.\n\nLeaky, if wanted.\n\n"
        "name  default  may be       what it is\n"
        "leak  true     true, false  what it forgets\n"
        "rate  0.5      a number\n"
    ).replace("own/", "./own/")
    assert cli("list", "own/mine.py").stdout == told
    assert cli("list", "cells", "./own/mine.py").stdout == told
    refused = cli("list", "tasks", "./own/mine.py")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "task './own/mine.py': got no class Task in it" in refused.stderr
    (folder / "own/mine.py").write_text(CELL.replace("leak: bool", "leak: int").replace("True", "'on'"))
    refused = cli("list", "./own/mine.py")
    wrong = "class Cell: switch 'leak': got the default 'on', expected a whole number, as annotated"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", f"cell './own/mine.py': {wrong}\n")


def test_a_file_that_is_gone_is_told_with_the_suite_that_ran_last(folder: Path) -> None:
    store = Store(folder / "results")
    with store.writing():
        store.remember(load(folder / "own/suite.yaml").as_dict())
    (folder / "own/mine.py").unlink()
    with pytest.raises(UserError) as caught:
        api.last_suite(store)
    (line,) = caught.value.lines
    assert line.startswith("mine, which ran last: cell './mine.py': no such file, expected one at ")
    assert line.endswith("own/mine.py; next: put it there, or name one that is there")


def test_all_that_is_wrong_with_the_switches_of_a_class_is_told(folder: Path) -> None:
    fields = "leak = True; k: int = 1.5; on: bool = 'yes'"
    (folder / "own/mine.py").write_text(CELL.replace("leak: bool = True", fields))
    (folder / "own/here/first.py").write_text(TASK.replace("int = 2", "int = 2.5"))
    with pytest.raises(UserError) as caught:
        load(folder / "own/suite.yaml")
    cell = f"{folder}/own/suite.yaml:6:15: architectures.own.cell: got './mine.py': class Cell: "
    task = f"{folder}/own/suite.yaml:8:23: tasks.first.task: got 'here/first.py': class Task: "
    bare = "got `leak = True`, which makes no switch, expected `leak: bool = True`, or `leak: ClassVar[bool] = True`"
    bare += " if it never changes"
    assert list(caught.value.lines) == [
        f"{cell}{bare}",
        f"{cell}switch 'k': got the default 1.5, expected a whole number, as annotated",
        f"{cell}switch 'on': got the default 'yes', expected true or false, as annotated",
        f"{task}field 'symbols': got the default 2.5, expected a whole number, as annotated",
    ]


def test_what_never_changes_is_no_forgotten_switch(folder: Path) -> None:
    """Constants, and what a class that this one is made from says, annotated there or a property."""
    more = "    MOST = 3\n    _hidden = 1\n    why: ClassVar[str] = ''\n    heads = 2\n"
    text = CELL.replace("    leak: bool = True\n", f"    leak: bool = True\n{more}")
    (folder / "own/mine.py").write_text(text.replace("import torch\n", "import torch\nfrom typing import ClassVar\n"))
    (folder / "own/here/first.py").write_text(TASK.replace("    symbols", "    bar = 0.9\n    symbols"))
    assert len(load(folder / "own/suite.yaml").variants) == 2


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("./nothing.py", r"got './nothing.py': no such file, expected one at \S+; next: put it there, or name one th"),
        ("./mien.py", r"no such file, expected one at \S+; did you mean 'mine.py'\?"),
        ("/tmp/mine.py", "got '/tmp/mine.py', expected a path relative to this file"),
        ("./mine", "got './mine', expected the path of a file that ends in .py, or package/name"),
        ("nobody/mine", "got 'nobody/mine': no installed package nobody adds cells; known: none"),
    ],
)
def test_what_is_not_there_is_told(path: str, told: str, folder: Path) -> None:
    (folder / "own/suite.yaml").write_text(SUITE.replace("./mine.py", path))
    with pytest.raises(UserError, match=told):
        load(folder / "own/suite.yaml")


def test_an_included_file_names_its_own_neighbours(folder: Path) -> None:
    (folder / "suite.yaml").write_text("rnnbench: 1\nname: whole\ninclude: own/suite.yaml\n")
    ids = {run.id for run in plan(load(folder / "suite.yaml")).runs()}
    assert ids == {run.id for run in plan(load(folder / "own/suite.yaml")).runs()}
    (folder / "mine.py").write_text(CELL)
    (folder / "suite.yaml").write_text(
        "rnnbench: 1\nname: whole\ninclude: own/suite.yaml\narchitectures: {other: {cell: mine.py}}\n"
    )
    with pytest.raises(UserError, match=r"got 'mine.py', expected a path that no other file goes by"):
        load(folder / "suite.yaml")


Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes a package look installed: install("My_Cells", groups={"cells": {"leaky": "mod:Cell"}}, files={...})."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def put(name: str, groups: dict[str, dict[str, str]], files: dict[str, str]) -> Path:
        info = site / f"{name}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\nSummary: For tests\n")
        lines = [f"[rnnbench.{kind}]\n" + "".join(f"{k} = {v}\n" for k, v in e.items()) for kind, e in groups.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))
        for path, text in files.items():
            (site / path).parent.mkdir(exist_ok=True, parents=True)
            (site / path).write_text(text)
        plugins._installed.cache_clear()
        return site

    yield put
    plugins._installed.cache_clear()


@pytest.mark.thorough
def test_names_of_packages_are_found_loaded_when_asked_for_and_switched_off(
    install: Install, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = {"cells": {"leaky": "my_cells.leaky:Cell", "broken": "my_cells.broken:Cell"}}
    text = CELL.replace("from helper", "from my_cells.helper")
    files = {"my_cells/__init__.py": "", "my_cells/helper.py": HELPER, "my_cells/leaky.py": text,
             "my_cells/broken.py": "raise RuntimeError('not\\n  today')"}  # fmt: skip
    site = install("My_Cells", groups, files)
    assert list(plugins.named("cells")) == ["my-cells/broken", "my-cells/leaky"]
    assert registry.about("cells", "my-cells/leaky") == "For tests (My_Cells 1.5)"
    suite = SUITE.replace("./mine.py", "my-cells/leaky").replace("first: {task: here/first.py, symbols: 3,", "copy: {")
    (tmp_path / "suite.yaml").write_text(suite)
    env = {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}
    ran = cli("run", "suite.yaml", "--kernels", "reference", env=env)
    assert ran.returncode == 0, ran.stderr
    assert '"cell":"my-cells/leaky"' in cli("export", "suite.yaml", "--canonical", env=env).stdout
    (site / "my_cells/helper.py").write_text(HELPER.replace("tanh", "sigmoid"))  # any file of the package
    allowed = env | {"RNNBENCH_PLUGINS": "other, my_cells"}
    assert "8 of 8 records are stale" in cli("report", "suite.yaml", env=allowed).stdout
    off = cli("report", "suite.yaml", env=env | {"RNNBENCH_PLUGINS": ""})
    assert off.returncode == 2
    assert "architectures.own.cell: got 'my-cells/leaky': RNNBENCH_PLUGINS is '', which switches it off" in off.stderr
    assert "my-cells/leaky" in cli("list", env=env).stdout
    assert "my-cells/leaky" not in cli("list", env=env | {"RNNBENCH_PLUGINS": "other"}).stdout
    (tmp_path / "broken.yaml").write_text(suite.replace("leaky", "broken"))
    told = cli("run", "broken.yaml", env=env)
    line = "got 'my-cells/broken': my_cells.broken:Cell of my-cells 1.5 can't be imported: RuntimeError: not today"
    assert told.returncode == 2
    assert told.stderr.startswith(f"broken.yaml:6:15: architectures.own.cell: {line}\n")
    with pytest.raises(UserError, match="my-cells has none of that name; did you mean 'my-cells/leaky'"):
        registry.cell_class("my-cells/leakt")


def validated(cli: Cli, *options: str) -> tuple[int, list[str]]:
    """What it says, a line a fault: without the excerpts of the suite below them."""
    told = cli("validate", "own/suite.yaml", *options)
    lines = (told.stdout + told.stderr).splitlines()
    return told.returncode, [line for line in lines if not re.match(r" +\d* *\|", line)]


def test_validate_imports_what_is_named_in_a_process_of_its_own(cli: Cli, folder: Path) -> None:
    (folder / "own/mine.py").write_text(
        CELL + "\nimport os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\n"
    )
    summary = "2 variants, 1 task, 2 seeds, 8 runs"
    assert validated(cli) == (0, [f"mine: valid; {summary}"])
    assert (folder / "pid").exists()
    (folder / "pid").unlink()
    code, lines = validated(cli, "--no-import")
    assert (code, lines[1:]) == (0, ["unverified: cell ./mine.py", "unverified: task ./here/first.py"])
    assert lines[0] == "mine: valid, as far as that shows without importing anything"
    assert not (folder / "pid").exists()
    # what only its fields can tell
    (folder / "own/suite.yaml").write_text(SUITE.replace("rate: 0.25", "rat: 0.25"))
    fault = "own/suite.yaml:6:26: architectures.own.rat: got an unknown key, expected a switch of mine or a setting"
    assert validated(cli) == (2, [f"{fault}; did you mean 'rate'?"])
    # what can be told without it is told at once
    (folder / "own/suite.yaml").write_text(SUITE.replace("steps: 20", "steps: -20"))
    code, (line,) = validated(cli, "--no-import")
    assert (code, "defaults.steps" in line) == (2, True)


LOST = {
    "import time; time.sleep(1000)": "took more than 3 s; next: --timeout SECONDS, or --no-import",
    "import os; os._exit(3)": "lost its process, which ended with exit code 3",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": "lost its process, which was killed by signal SIGSEGV",
}


@pytest.mark.parametrize("code", LOST)
def test_code_that_hangs_or_ends_its_process_costs_a_line(code: str, cli: Cli, folder: Path) -> None:
    (folder / "own/mine.py").write_text(code)
    (folder / "own/bad.py").write_text("1 / 0")
    modules = "architectures:\n  theirs: {module: nosuch.Thing}\n  other: {cell: bad.py}\n"
    (folder / "own/suite.yaml").write_text(SUITE.replace("architectures:\n", modules))
    zero = "can't be imported: ZeroDivisionError: division by zero"
    lacking = "can't be imported: ModuleNotFoundError: No module named 'nosuch'"
    assert validated(cli, "--timeout", "3") == (2, [
        f"own/suite.yaml: cell ./mine.py: importing it {LOST[code]}",
        f"own/suite.yaml:7:17: architectures.other.cell: got 'bad.py': {zero}",
        f"own/suite.yaml: theirs on first: module nosuch.Thing: {lacking}",
    ])  # fmt: skip


def test_validate_makes_and_tries_modules(cli: Cli, folder: Path) -> None:
    (folder / "own/suite.yaml").write_text(
        "rnnbench: 1\nname: theirs\nseeds: 1\narchitectures:\n"
        "  gru: {module: torch.nn.GRU}\n  both: {module: torch.nn.GRU, args: {bidirectional: true}}\n"
        "  none: {module: torch.nn.Nothing}\n  cell: {module: torch.nn.Bilinear}\n"
        "tasks: {adding: {lengths: [4, 8]}, copy: {lengths: [4]}}\n"
    )
    code, (both, none, cell) = validated(cli)
    assert code == 2
    assert both.startswith("own/suite.yaml: both on adding: module torch.nn.GRU: sees later steps, on a task with one")
    why = "can't be imported: AttributeError: module 'torch.nn' has no attribute 'Nothing'"
    assert none == f"own/suite.yaml: none on adding: module torch.nn.Nothing: {why}"
    assert cell.startswith(
        "own/suite.yaml: cell on adding: module torch.nn.Bilinear: got parameters (in1_features, in2_features, "
    )
