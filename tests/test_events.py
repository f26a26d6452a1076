"""`run --events`: what is told, where it goes, and that nobody who reads it can harm the run."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Fake, Notes, at_most, run_through

from rnnbench.cli.sink import HELD, Sink
from rnnbench.errors import Exit, UserError
from rnnbench.records import Run
from rnnbench.report.events import EVENTS, VERSION, EventLines
from rnnbench.running.executors import Event, Job, ReadyEvent
from rnnbench.running.listeners import Several
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
SUITE = Suite(
    "s",
    (Variant("lstm", {"cell": "lstm"}), Variant("gru", {"cell": "gru"})),
    (TaskEntry("adding", {"task": "adding"}, (10, 20, 40, 80), {"steps": 300}),),
    (0, 1),
    about="does it\x1b[31m last?",
)
TINY = """\
rnnbench: 1
name: tiny
defaults: {hidden: 2, batch: 4, steps: 20, stop: never}
seeds: 2
architectures: {rnn: {cell: rnn}}
tasks: {adding: {lengths: [2, 3]}}
"""
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


class Ready(Fake):
    def answers(self, number: int, job: Job) -> Iterator[Event]:
        yield ReadyEvent(number)
        yield from super().answers(number, job)


def heard(where: Path, executor: Fake, **options: Any) -> list[dict[str, Any]]:
    lines: list[str] = []
    run_through(where, SUITE, executor, EventLines(lines.append), **options)
    assert all(line.isascii() and line.endswith("\n") and line.count("\n") == 1 for line in lines)
    return [json.loads(line) for line in lines]


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


def test_every_event_has_the_fields_that_are_documented(tmp_path: Path) -> None:
    def decide(run: Run) -> Any:
        return "crashed" if (run.rung.length, run.seed) == (10, 1) else at_most(10)(run)

    events = heard(tmp_path, Ready(decide))
    for event in events:
        assert list(event) == ["event", "at", *EVENTS[event["event"]][1]]
    assert {event["event"] for event in events} == set(EVENTS)


def test_what_is_told_of_a_run(tmp_path: Path) -> None:
    events = heard(tmp_path, Ready(at_most(10)))
    (started,), (ended,) = named(events, "suite_started"), named(events, "suite_ended")
    assert (events[0], events[-1]) == (started, ended)
    assert started["schema"] == VERSION
    assert started["about"] == "does it\\x1b[31m last?"
    assert (started["variants"], started["tasks"], started["seeds"]) == (["lstm", "gru"], ["adding"], [0, 1])
    assert (started["known"], started["pruned"], started["missing"]) == (0, 0, 16)
    assert started["versions"].keys() == {"rnnbench", "python", "numba", "numpy", "torch"}
    assert (ended["exit"], ended["trained"], ended["broken"]) == (0, 12, 0)
    assert (ended["known"], ended["pruned"], ended["missing"]) == (12, 4, 0)
    runs = [run["run"] for cohort in named(events, "cohort_started") for run in cohort["runs"]]
    assert sorted(runs) == sorted(run["run"] for run in named(events, "run_ended")) == sorted(
        run["run"] for run in named(events, "progress")
    )  # fmt: skip
    assert [(p["variant"], p["task"], p["lengths"], p["runs"]) for p in named(events, "pruned")] == [
        ("lstm", "adding", [80], 2), ("gru", "adding", [80], 2)
    ]  # fmt: skip
    first = named(events, "progress")[0]
    assert (first["step"], first["steps"], first["loss"], first["score"], first["validation"]) == (
        300,
        300,
        0.1,
        0.5,
        None,
    )
    record = Store(tmp_path).records()[first["run"]]
    assert (first["length"], first["seed"], first["choice"]) == (record.run.rung.length, record.run.seed, "own")
    cohort = named(events, "cohort_started")[0]
    assert cohort["rung"] == record.run.rung.as_dict()
    assert cohort["runs"][0]["lr"] == first["lr"] == named(events, "run_ended")[0]["lr"] > 0


def test_what_breaks_is_told_and_tried_again(tmp_path: Path) -> None:
    events = heard(tmp_path, Fake(lambda run: "crashed" if run.seed else "solved"))
    again, ended = named(events, "run_retried"), named(events, "run_ended")
    broken = [event for event in ended if event["error"] is not None]
    assert len(again) == len(broken) == 8
    assert {(e["status"], e["attempt"], e["error"]) for e in again} == {("crashed", 1, "an error")}
    assert {(e["status"], e["attempt"], e["score"]) for e in broken} == {("crashed", 2, None)}
    assert "trying again" in named(events, "message")[0]["text"]
    assert (events[-1]["exit"], events[-1]["broken"]) == (Exit.FAILED, 8)


def test_what_is_known_is_counted_and_not_told(tmp_path: Path) -> None:
    heard(tmp_path, Fake(at_most(10)))
    events = heard(tmp_path, Fake(at_most(10)))
    assert [event["event"] for event in events] == ["suite_started", "suite_ended"]
    assert (events[0]["known"], events[0]["pruned"], events[0]["missing"]) == (12, 4, 0)


def test_an_error_that_ends_it_is_its_last_event(tmp_path: Path) -> None:
    class Lost(Fake):
        def poll(self, seconds: float) -> Iterator[Event]:
            raise UserError("the cluster is gone\x07", code=Exit.STORE)

    lines: list[str] = []
    with pytest.raises(UserError):
        run_through(tmp_path, SUITE, Lost(at_most(10)), EventLines(lines.append))
    last = json.loads(lines[-1])
    assert (last["event"], last["exit"], last["trained"]) == ("suite_ended", 3, None)
    assert last["error"] == "UserError: the cluster is gone\\x07"


def test_several_hear_the_same_in_the_same_order(tmp_path: Path) -> None:
    one, two = Notes(), Notes()
    run_through(tmp_path, SUITE, Fake(lambda run: "failed" if run.seed else "solved"), Several(one, two))
    assert one.records == two.records
    assert len(one.records) == 16
    assert one.messages == two.messages != []


# Where they go


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path


def test_a_file_is_appended_to_and_stdout_has_nothing_else(folder: Path, cli: Cli) -> None:
    done = cli("run", "tiny.yaml", "-j", "1", "--events", "e.jsonl")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "solved" in done.stderr
    with (folder / "e.jsonl").open("a") as file:
        file.write('{"event": "prog')  # as a kill leaves it
    done = cli("run", "tiny.yaml", "-j", "1", "-k", "3", "--rerun", "all", "-q", "--events", "-")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert (told[0]["event"], told[-1]["event"], told[-1]["trained"]) == ("suite_started", "suite_ended", 2)
    assert {"cohort_compiled", "progress", "run_ended", "cohort_ended"} <= {event["event"] for event in told}
    done = cli("run", "tiny.yaml", "--events", "e.jsonl")
    lines = (folder / "e.jsonl").read_text().splitlines()
    cut = lines.index('{"event": "prog')
    assert [json.loads(line)["event"] for line in lines[cut + 1 :]] == ["suite_started", "suite_ended"]
    assert json.loads(lines[0])["event"] == "suite_started"


@pytest.mark.parametrize(
    ("name", "told", "code"),
    [
        ("tiny.yaml", "tiny.yaml: holds something else than events", Exit.USAGE),
        ("nowhere/e.jsonl", "nowhere/e.jsonl: can't be written to: No such file or directory", Exit.STORE),
        (".", ".: can't be written to: Is a directory", Exit.STORE),
        ("old/records.sqlite", "old/records.sqlite: got the records of a store", Exit.USAGE),
    ],
)
def test_a_file_that_is_none_is_told_before_anything_is_trained(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str, code: Exit
) -> None:
    monkeypatch.chdir(folder)
    with Store(Path("old")).writing():
        pass
    before = (folder / "tiny.yaml").read_text()
    with pytest.raises(UserError) as refused:
        Sink.opened(name, print)
    assert str(refused.value).startswith(told)
    assert refused.value.code == code
    assert (folder / "tiny.yaml").read_text() == before


@full
def test_a_full_disk_ends_the_events_and_not_the_run(folder: Path, cli: Cli) -> None:
    done = cli("run", "tiny.yaml", "-j", "1", "-q", "--events", "/dev/full")
    assert done.returncode == 0
    assert done.stderr == "/dev/full: no more events are written: No space left on device; the run goes on\n"
    assert cli("run", "tiny.yaml", "-n").stdout.startswith("tiny: 4 runs, 4 known")


def test_a_reader_that_leaves_ends_the_events_and_not_the_run(folder: Path) -> None:
    command = [sys.executable, "-m", "rnnbench", "run", "tiny.yaml", "-j", "1", "-q", "--events", "-"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")}
    with subprocess.Popen(command, cwd=folder, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        assert json.loads(started.stdout.readline())["event"] == "suite_started"
        started.stdout.close()
        told = started.stderr.read().decode()
    assert (started.returncode, told) == (0, "stdout: no more events are written: Broken pipe; the run goes on\n")
    assert len(Store(folder / "results").records()) == 4


def test_a_line_that_a_full_disk_would_cut_is_taken_back(tmp_path: Path) -> None:
    told: list[str] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Sink.opened(str(tmp_path / "e.jsonl"), told.append) as sink:
        sink.write('{"event": "a"}\n')
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, hard))
        try:
            sink.write('{"event": "b"}\n')
            sink.write('{"event": "c"}\n')
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "e.jsonl").read_text() == '{"event": "a"}\n'
    assert len(told) == 1
    assert told[0].endswith("e.jsonl: no more events are written: File too large; the run goes on")


def test_a_reader_that_is_slow_holds_up_nobody(tmp_path: Path) -> None:
    """It gets every line, unless it falls too far behind."""
    read, write = os.pipe()
    told: list[str] = []
    lines = [f'{{"event": "{k}"}}\n' for k in range(20_000)]
    with Sink(write, "x", told.append) as sink:
        for line in lines:
            sink.write(line)

        def slowly() -> None:
            time.sleep(0.2)
            with os.fdopen(read, "rb") as file:
                found.append(file.read().decode())

        found: list[str] = []
        reader = threading.Thread(target=slowly)
        reader.start()
    reader.join()
    assert (found, told) == (["".join(lines)], [])
    read, write = os.pipe()
    with Sink(write, "x", told.append) as sink:
        for _ in range(2 * HELD >> 20):
            sink.write("x" * (1 << 20) + "\n")
    os.close(read)
    assert told == ["x: no more events are written: its reader is too slow; the run goes on"]


def test_a_fifo_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "f")
    found: list[str] = []

    def later() -> None:
        time.sleep(0.3)
        found.append((tmp_path / "f").read_text())

    reader = threading.Thread(target=later)
    reader.start()
    with Sink.opened(str(tmp_path / "f"), print) as sink:
        sink.write('{"event": "a"}\n')
    reader.join()
    assert found == ['{"event": "a"}\n']
    assert capsys.readouterr().err == f"{tmp_path / 'f'}: waiting for somebody to read it\n"
