"""Events as TensorBoard reads them, with the real package."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake, at_most, run_through
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from rnnbench.errors import Exit, UserError
from rnnbench.report import eventlog, tensorboard
from rnnbench.report.events import EVENTS, EventLines
from rnnbench.suite import Suite, TaskEntry, Variant

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
SUITE = Suite(
    "s",
    (Variant("lstm", {"cell": "lstm"}),),
    (TaskEntry("adding", {"task": "adding"}, (10, 20), {"steps": 300}),),
    (0, 1),
)
RUN = {"run": "5e", "variant": "lstm", "task": "adding", "length": 20, "seed": 0, "budget": 1, "choice": "own",
       "examples": None, "lr": 0.01}  # fmt: skip
AT = {"at": "2026-01-02T03:04:05.000+00:00"}


def look(step: int, loss: float | None = 0.5) -> dict[str, Any]:
    told = {"worker": 0, "step": step, "steps": 900, "loss": loss, "score": 0.25, "validation": None}
    return {"event": "progress", **AT, **RUN, **told}


def board(folder: Path, *events: dict[str, Any]) -> int:
    lines = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    return tensorboard.write(eventlog.events(io.BytesIO(lines), "e.jsonl"), folder)


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    return [(event.step, round(event.value, 6)) for event in read(folder).Scalars(name)]


def test_a_run_is_what_was_told_of_it(tmp_path: Path, cli: Cli) -> None:
    with (tmp_path / "e.jsonl").open("w") as file:
        run_through(tmp_path / "r", SUITE, Fake(at_most(10)), EventLines(file.write))
    done = cli("tensorboard", "e.jsonl", "-o", "there")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "there: 4 runs; next: tensorboard --logdir there\n"
    folders = sorted(str(path.parent.relative_to(tmp_path / "there")) for path in tmp_path.glob("there/**/events.*"))
    assert folders == [f"lstm/adding/{length}/seed-{seed}" for length in (10, 20) for seed in (0, 1)]
    one = tmp_path / "there" / "lstm" / "adding" / "20" / "seed-1"
    assert scalars(one, "loss") == [(300, 0.1)]
    assert scalars(one, "score") == scalars(one, "test/score") == [(300, 0.5)]
    assert "validation" not in read(one).Tags()["scalars"]
    content = read(one).summary_metadata["_hparams_/session_start_info"].plugin_data.content
    told = HParamsPluginData.FromString(content).session_start_info.hparams
    assert (told["variant"].string_value, told["length"].number_value, told["seed"].number_value) == ("lstm", 20, 1)
    assert (told["steps"].number_value, told["lr"].number_value) == (300, 0.01)


def test_a_run_that_goes_on_takes_back_what_it_had(tmp_path: Path) -> None:
    assert board(tmp_path, look(100), look(200), look(300)) == 1
    assert board(tmp_path, look(200, 0.25), look(300, None)) == 1
    assert scalars(tmp_path / "lstm" / "adding" / "20" / "seed-0", "loss") == [(100, 0.5), (200, 0.25)]


def test_names_lead_nowhere_else(tmp_path: Path) -> None:
    board(tmp_path / "in", look(100) | {"variant": "../../out", "task": "/etc"})
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["_.._.._out"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"event": 5}', "e.jsonl:2: event: got 5, expected a text"),
        (b'{"event": "progress", "at": "noon"}', "e.jsonl:2: Invalid isoformat string: 'noon'"),
        (b'{"event": "progress", "at": "2026-01-02"}', "e.jsonl:2: progress: got no 'worker', expected one"),
        (b"{5}", "e.jsonl:2: no JSON: "),
        (
            json.dumps(look(100) | {"loss": "low"}).encode(),
            "progress: not as `rnnbench run --events` wrote it: loss: got",
        ),
    ],
)
def test_what_is_no_event_is_told(tmp_path: Path, line: bytes, told: str) -> None:
    with pytest.raises(UserError) as refused:
        tensorboard.write(eventlog.events(io.BytesIO(b"\n" + line + b"\n"), "e.jsonl"), tmp_path)
    assert str(refused.value).startswith(told)


def test_lines_from_before_a_field_was_added_are_read() -> None:
    older = {name: value for name, value in look(100).items() if name != "lr"}
    assert [e["step"] for e in eventlog.events(io.BytesIO(json.dumps(older).encode() + b"\n"), "e.jsonl")] == [100]


def test_what_a_kill_cut_and_what_is_not_known_yet_are_passed_over(tmp_path: Path) -> None:
    lines = b'{"event": "progress", "at": \n{"event": "dreamt", "at": "2026-01-02"}\n' + json.dumps(look(100)).encode()
    assert tensorboard.write(eventlog.events(io.BytesIO(lines), "e.jsonl"), tmp_path) == 1


def test_a_newer_schema_is_refused() -> None:
    newer = dict.fromkeys(EVENTS["suite_started"][1])
    line = json.dumps({"event": "suite_started", **AT, **newer, "schema": 99}).encode()
    with pytest.raises(UserError, match="schema: got 99, expected at most 1: a newer rnnbench wrote it"):
        list(eventlog.events(io.BytesIO(line), "e.jsonl"))


def test_without_the_package_and_without_runs(tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "e.jsonl").write_text("")
    done = cli("tensorboard", "e.jsonl")
    assert done.returncode == Exit.NOTHING_SELECTED
    assert done.stderr.splitlines()[-1] == "e.jsonl: nothing was trained in it"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"next: pip install 'rnnbench\[tensorboard\]'"):
        board(tmp_path, look(100))
