"""The programs of docs/trackers.md, each run on the events of a run, with a stand-in for its tracker, which
takes what the real one takes, and notes it."""

from __future__ import annotations

import io
import re
import types
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake, run_through

from rnnbench.report.events import EventLines
from rnnbench.suite import Suite, TaskEntry, Variant

PAGE = (Path(__file__).parent.parent / "docs" / "trackers.md").read_text("utf-8")
TASKS = (TaskEntry("adding", {"task": "adding"}, (10,), {"steps": 300}),)
SUITE = Suite("s", (Variant("lstm", {"cell": "lstm"}),), TASKS, (0, 1, 2))
CURVE = [{"loss": 0.1, "score": 0.5}]


@pytest.fixture
def told(tmp_path: Path) -> str:
    """The events of a cohort of three runs, of which one breaks, twice."""
    lines: list[str] = []
    run_through(tmp_path, SUITE, Fake(lambda run: "crashed" if run.seed == 2 else "solved"), EventLines(lines.append))
    return "".join(lines)


def perform(name: str, told: str, stand_in: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(rf"```python\n# {name}\n(.*?)```", PAGE, re.S)
    monkeypatch.setitem(__import__("sys").modules, stand_in.__name__, stand_in)
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    exec(program, {})


def test_wandb(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: dict[str, Any] = {}

    class Run:
        def __init__(self, project: str, id: str, group: str, config: dict[str, Any], resume: str, reinit: str) -> None:
            assert (project, group, resume, reinit) == ("rnnbench", "lstm", "allow", "create_new")
            assert id not in runs
            runs[id] = self
            self.config, self.summary, self.looks, self.open = config, dict[str, Any](), list[Any](), True

        def log(self, data: dict[str, Any], step: int) -> None:
            assert self.open
            assert step == 300
            self.looks.append(data)

        def finish(self) -> None:
            assert self.open
            self.open = False

    stand_in = types.ModuleType("wandb")
    stand_in.init = Run  # type: ignore[attr-defined]
    perform("to_wandb.py", told, stand_in, monkeypatch)
    found = {run.config["seed"]: run for run in runs.values()}
    assert sorted(found) == [0, 1, 2]
    assert found[0].summary == {"status": "solved", "test score": 0.5}
    assert found[2].summary == {"status": "crashed", "test score": None}
    assert [found[0].looks, found[2].looks] == [CURVE, CURVE * 2]  # once more
    assert not any(run.open for run in runs.values())


def test_mlflow(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics: dict[str, list[tuple[str, float, int]]] = defaultdict(list)
    ended: dict[str, str] = {}

    class Client:
        def get_experiment_by_name(self, name: str) -> None:
            assert name == "rnnbench"

        def create_experiment(self, name: str) -> str:
            return "7"

        def create_run(self, experiment_id: str, tags: dict[str, str]) -> Any:
            assert experiment_id == "7"
            assert all(type(value) is str for value in tags.values())
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id=f"{tags['variant']} {tags['seed']}"))

        def log_metric(self, run_id: str, key: str, value: float, step: int) -> None:
            assert run_id not in ended
            metrics[run_id].append((key, value + 0, step))

        def set_terminated(self, run_id: str, status: str) -> None:
            ended[run_id] = status

    stand_in = types.ModuleType("mlflow")
    stand_in.MlflowClient = Client  # type: ignore[attr-defined]
    perform("to_mlflow.py", told, stand_in, monkeypatch)
    assert metrics["lstm 0"] == [("loss", 0.1, 300), ("score", 0.5, 300), ("test score", 0.5, 300)]
    assert ended == {"lstm 0": "FINISHED", "lstm 1": "FINISHED", "lstm 2": "FAILED"}


def test_trackio(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: dict[str, list[tuple[dict[str, Any], int]]] = {}
    open_now: list[str] = []

    def init(project: str, name: str, config: dict[str, Any]) -> None:
        assert not open_now
        open_now.append(name)
        runs[name] = []

    def log(metrics: dict[str, Any], step: int) -> None:
        runs[open_now[0]].append((metrics, step))

    stand_in = types.ModuleType("trackio")
    stand_in.__dict__.update(init=init, log=log, finish=open_now.clear)
    perform("to_trackio.py", told, stand_in, monkeypatch)
    assert runs["lstm adding 10 0 solved"] == [(CURVE[0], 300), ({"test score": 0.5}, 300)]
    assert sorted(runs)[2] == "lstm adding 10 2 crashed"
    assert not open_now
