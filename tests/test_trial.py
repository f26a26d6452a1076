"""A cell, layer or task of somebody else's, tried once: what is wrong is told in a line, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnnbench import cells, registry, tasks
from rnnbench.cli import apart
from rnnbench.errors import UserError
from rnnbench.layers.recurrent import Recurrent
from rnnbench.rng import Stream, stream
from rnnbench.tasks import Batch, Lag
from rnnbench.training.trial import trial, trial_of_task

Cli = Callable[..., "CompletedProcess[str]"]
RETURNS = "expected the output (5, 8) and a tuple of its states, (5, 8)"
FILE = """\
from dataclasses import dataclass

from rnnbench import cells


@dataclass(frozen=True)
class Cell(cells.Cell):
    gate: bool = True

    def shapes(self, I, H):
        return {"W": (I, H), "U": (H, H)}

    def step(self, p, x, state):
        if self.gate:
            raise ValueError("no gate\\nas yet")
        h = (x @ p["W"] + state[0] @ p["U"]).tanh()
        return h, (h,)
"""
SUITE = """\
rnnbench: 1
name: mine
architectures: {own: {cell: ./mine.py}}
ablate: [{base: own, without: [gate]}]
tasks: {adding: {lengths: [4]}, copy: {lengths: [2]}}
"""


@dataclass(frozen=True)
class Odd(cells.Cell):
    what: str = ""

    def shapes(self, I: int, H: int) -> Any:
        more = {"V": (H, H), "c": (1, H)} if self.what == "unused" else {}
        return {"W": (I, H), "U": (H, H), "b": (H,) if self.what == "flat" else (1, H)} | more

    def step(self, p: Any, x: Any, state: Any) -> Any:
        a = x @ p["W"] + state[0] @ p["U"] + p["b"]
        if self.what == "bare":
            return a
        if self.what == "narrow":
            return a[..., :3], (a,)
        if self.what == "two":
            return a, (a, a)
        if self.what == "mean":
            a = a - a.mean()
        if self.what == "deep":
            a = a * a.dim()
        if self.what == "deciding" and a.abs().max() > 9:
            a = a / 2
        if self.what == "infinite":
            a = a / (a - a).abs()
        if self.what == "turned":
            a = a.t().t()
        if self.what == "random":
            a = a + torch.randn(a.shape)
        if self.what == "missing":
            a = a + p["c"]
        if self.what == "detached":
            a = torch.zeros(a.shape)
        return a, (a,)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("", ""),
        ("flat", "got the shape (8,) for its parameter 'b', expected (rows, columns), as in (1, H)"),
        ("bare", f"its step returns a Tensor that is no (output, states), {RETURNS}"),
        ("narrow", f"its step returns shapes (5, 3), (5, 8), {RETURNS}"),
        ("two", f"its step returns shapes (5, 8), (5, 8), (5, 8), {RETURNS}"),
        ("mean", "mixes the examples of a batch, expected each to be answered as if it were alone"),
        ("deciding", "decides by a number of its tensors (test_trial.py:"),
        ("infinite", "gives NaN at its start"),
        ("deep", "gives runs side by side other values than each alone, expected every axis counted from the end"),
        (
            "random",
            "gives other values each time: it draws random numbers, or keeps something from one call to the next",
        ),
        ("turned", "runs side by side: RuntimeError: t() expects a tensor with <= 2 dimensions, but self is 3D"),
        ("unused", "its step makes no use of V, c, expected `shapes` without what it doesn't use: it is counted"),
        ("missing", "KeyError: 'c' (test_trial.py:"),
        ("detached", "RuntimeError: element 0 of tensors does not require grad"),
    ],
)
def test_what_is_wrong_with_a_cell_is_told(what: str, told: str) -> None:
    found = trial(Recurrent(Odd(what)), 8, causal=True)
    assert found.startswith(told) if what in ("missing", "detached", "turned", "deciding") else found == told


@dataclass(frozen=True)
class OddTask(tasks.Task):
    what: str = ""
    inputs: ClassVar[int] = 2
    outputs: ClassVar[int] = 2
    last: ClassVar[bool] = True

    def batch(self, size: int, length: int, rng: Stream) -> Batch:
        if self.what == "raises":
            raise ValueError("no batch\nyet")
        if self.what == "own":
            rng = stream(len(TIMES), "own")
            TIMES.append(length)
        xs = rng.integers(2, (size, length) if self.what == "turned" else (length, size))
        return Batch(xs, xs if self.what == "many" else xs[-1:], slice(-1, None))

    def lag(self, length: int) -> Lag:
        return Lag(length, float(length), length)

    def shortcuts(self, batch: Batch) -> dict[str, NDArray[Any]]:
        return {"the last": np.eye(2, dtype=np.float32)[batch.xs[-1:]]} if self.what == "cheap" else {}


TIMES: list[int] = []  # a batch of a task that draws by a stream of its own was asked for


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("", ""),
        ("raises", "ValueError: no batch yet (test_trial.py:"),
        ("turned", "got inputs of shape (5, 7) for 5 examples, expected (5, 5): tokens, time first"),
        ("many", "got answers of shape (7, 5) for 5 examples, expected (1, 5) first, as `at` says"),
        ("own", "gives other examples for the same stream, expected all that is random to come from it"),
        ("cheap", "its shortcut 'the last' scores 1.00, expected about 0: `chance` is what the best of them gets"),
    ],
)
def test_what_is_wrong_with_a_task_is_told(what: str, told: str) -> None:
    found = trial_of_task(OddTask(what), 7)
    assert found.startswith(told) if what == "raises" else found == told


@pytest.mark.parametrize("kind", ["cells", "layers"])
def test_nothing_is_wrong_with_ours(kind: str) -> None:
    for name in registry.names(kind):
        assert trial(registry.layer({kind[:-1]: name}), 8, causal=True) == "", name


def test_validate_tries_the_cells_that_a_suite_names(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FILE)
    (tmp_path / "suite.yaml").write_text(SUITE)
    done = cli("validate", "suite.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "suite.yaml: own: cell ./mine.py: ValueError: no gate as yet (mine.py:15)\n"
    assert cli("validate", "suite.yaml", "--no-import").returncode == 0


BROKEN = {
    "unread.py": "def",
    "lacks.py": "import nosuch_package",
    "empty.py": "",
    "steps.py": FILE,
    "ends.py": "import os\nos._exit(3)",
}
MANY = """\
rnnbench: 1
name: many
architectures:
  unread: {cell: ./unread.py}
  lacks: {cell: ./lacks.py}
  empty: {cell: ./empty.py}
  steps: {cell: ./steps.py}
  switch: {cell: ./steps.py, gat: true}
  ends: {cell: ./ends.py}
  module: {module: nosuch_package.LSTM}
  setting: {cell: rnn, hiden: 3}
  layers: {cell: rnn, residual: true}
tasks: {adding: {lengths: [4]}}
"""
ALL = (
    "many.yaml: cell ./ends.py: importing it lost its process, which ended with exit code 3",
    "many.yaml:4:18: architectures.unread.cell: got './unread.py': can't be imported: SyntaxError: invalid syntax",
    "many.yaml:5:17: architectures.lacks.cell: got './lacks.py': can't be imported: ModuleNotFoundError: No module",
    "many.yaml:6:17: architectures.empty.cell: got './empty.py': got no class Cell in it",
    "many.yaml:8:30: architectures.switch.gat: got an unknown key, expected a switch of steps or a setting; did you",
    "many.yaml:11:24: architectures.setting.hiden: got an unknown key",
    "many.yaml:12:33: architectures.layers.residual: got an impossible combination: residual needs",
    "many.yaml: module on adding: module nosuch_package.LSTM: can't be imported: ModuleNotFoundError",
    "many.yaml: steps: cell ./steps.py: ValueError: no gate as yet (steps.py:15)",
)


def test_whatever_is_wrong_is_told_in_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fault hides no other: neither in the suite nor in its files, at their import or at their first step."""
    monkeypatch.chdir(tmp_path)
    for name, text in {**BROKEN, "many.yaml": MANY}.items():
        (tmp_path / name).write_text(text)
    request: dict[str, Any] = {"source": "many.yaml", "overrides": [], "seeds": None, "try": True}
    with pytest.raises(UserError) as refused:
        apart.imported(request, "many.yaml", 60.0, "")
    told = refused.value.lines
    assert len(told) == len(ALL), told
    for line, start in zip(told, ALL, strict=True):
        assert line.startswith(start), line
    with pytest.raises(UserError) as refused:  # what trains looks no further than the imports
        apart.load("many.yaml", (), None)
    assert refused.value.lines == tuple(told[:-2])
