"""The programs of docs/trackers.md, each run on the events of a run, with a stand-in for its tracker, which
takes what the real one takes, and notes it."""

from __future__ import annotations

import io
import re
import types
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake, run_through

from rnnbench.report.events import EventLines
from rnnbench.suite import Suite, TaskEntry, Variant

PAGE = (Path(__file__).parent.parent / "docs" / "trackers.md").read_text("utf-8")
TASKS = (TaskEntry("adding", {"task": "adding"}, (10,), {"steps": 300}),)
SUITE = Suite("s", (Variant("lstm", {"cell": "lstm"}),), TASKS, (0, 1, 2))
LOOK = {"loss": 0.1, "score": 0.5}
WHAT = {"variant": "lstm", "task": "adding", "length": 10, "seed": 0, "budget": 1, "choice": "own", "examples": None,
        "lr": 1e-2}  # fmt: skip
MOST = 12  # lines of a program: what docs/events.md promises, and CHANGELOG.md


@pytest.fixture
def told(tmp_path: Path) -> str:
    """The events of a cohort of three runs, of which one breaks, twice."""
    lines: list[str] = []
    run_through(tmp_path, SUITE, Fake(lambda run: "crashed" if run.seed == 2 else "solved"), EventLines(lines.append))
    return "".join(lines)


def perform(name: str, told: str, stand_in: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(rf"```python\n# {name}\n(.*?)```", PAGE, re.S)
    assert len([line for line in program.splitlines() if line]) <= MOST
    monkeypatch.setitem(__import__("sys").modules, stand_in.__name__, stand_in)
    monkeypatch.setattr("sys.stdin", io.StringIO(told))
    exec(program, {})


class Run:
    """Of a tracker: it takes what is logged until it is ended, once."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config, self.summary = config, dict[str, Any]()
        self.logged: list[tuple[dict[str, Any], int | None]] = []
        self.open = True

    def log(self, values: dict[str, Any], step: int | None = None) -> None:
        assert self.open
        self.logged.append((values, step))

    def finish(self) -> None:
        assert self.open
        self.open = False


def test_wandb(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: dict[str, Run] = {}

    def init(project: str, id: str, group: str, config: dict[str, Any], resume: str, reinit: str) -> Run:
        assert (project, group, resume, reinit) == ("rnnbench", "lstm", "allow", "create_new")
        assert id not in runs
        runs[id] = Run(config)
        return runs[id]

    stand_in = types.ModuleType("wandb")
    stand_in.__dict__.update(init=init)
    perform("to_wandb.py", told, stand_in, monkeypatch)
    found = {run.config["seed"]: run for run in runs.values()}
    assert sorted(found) == [0, 1, 2]
    assert found[0].config == WHAT
    assert found[0].summary == {"status": "solved", "test score": 0.5}
    assert found[2].summary == {"status": "crashed", "test score": None}
    assert [found[0].logged, found[2].logged] == [[(LOOK, 300)], [(LOOK, 300)] * 2]  # tried once more
    assert not any(run.open for run in runs.values())


def test_mlflow(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: dict[str, Run] = {}
    ended: dict[str, str] = {}

    class Client:
        def create_run(self, experiment_id: str, tags: dict[str, str]) -> Any:
            assert experiment_id == "7"
            assert all(type(value) is str for value in tags.values())
            runs[tags["run"]] = Run(tags)
            return types.SimpleNamespace(info=types.SimpleNamespace(run_id=tags["run"]))

        def set_tag(self, run_id: str, key: str, value: str) -> None:
            runs[run_id].summary[key] = value

        def set_terminated(self, run_id: str, status: str) -> None:
            runs[run_id].finish()
            ended[runs[run_id].config["seed"]] = status

    def log_metrics(metrics: dict[str, float], run_id: str, step: int | None = None) -> None:
        assert all(type(value) is float for value in metrics.values())
        runs[run_id].log(metrics, step)

    stand_in = types.ModuleType("mlflow")
    experiment = types.SimpleNamespace(experiment_id="7")
    stand_in.__dict__.update(
        MlflowClient=Client, log_metrics=log_metrics, set_experiment=lambda name: {"rnnbench": experiment}[name]
    )
    perform("to_mlflow.py", told, stand_in, monkeypatch)
    found = {run.config["seed"]: run for run in runs.values()}
    assert found["0"].config == {name: str(value) for name, value in WHAT.items()} | {"run": found["0"].config["run"]}
    assert (found["0"].logged, found["0"].summary) == ([(LOOK, 300), ({"test score": 0.5}, None)], {"status": "solved"})
    assert (found["2"].logged, found["2"].summary) == ([(LOOK, 300)] * 2 + [({}, None)], {"status": "crashed"})
    assert ended == {"0": "FINISHED", "1": "FINISHED", "2": "FAILED"}


def test_trackio(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: dict[str, Run] = {}

    def init(project: str, name: str, config: dict[str, Any], resume: str) -> Run:
        assert (project, resume) == ("rnnbench", "allow")
        assert name not in runs
        runs[name] = Run(config)
        return runs[name]

    stand_in = types.ModuleType("trackio")
    stand_in.__dict__.update(init=init)
    perform("to_trackio.py", told, stand_in, monkeypatch)
    whole, _, broken = (run for _, run in sorted(runs.items()))
    assert next(name for name in sorted(runs)) == f"lstm adding 10 0 {whole.config['run'][:6]}"
    assert whole.config == WHAT | {"run": whole.config["run"]}
    assert whole.logged == [(LOOK, 300), ({"test score": 0.5}, 300)]
    assert broken.logged == [(LOOK, 300)] * 2 + [({"test score": None}, 0)]
    assert not any(run.open for run in runs.values())
