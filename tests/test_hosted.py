"""An executor in a process of its own: its records are a local one's; whatever becomes of it is told in one line."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import Notes, run_through

from rnnbench import registry
from rnnbench.errors import Exit, UserError
from rnnbench.records import Record, Run, dump_canonical
from rnnbench.running import executors
from rnnbench.running.driver import LOSSES, Outcome
from rnnbench.running.executors import EndEvent, Event, Job, hosted, relay, sides
from rnnbench.running.executors.hosted import Away
from rnnbench.running.executors.local import Local
from rnnbench.running.executors.relay import unpack
from rnnbench.running.listeners import Label
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

HOST = [sys.executable, "-m", "rnnbench.running.executors.host"]
MADE = {"jobs": 2, "device": "cpu", "kernels": "reference", "seconds_per_run": None, "checkpoint_seconds": 0.0}
SUITE = Suite(
    "s",
    (Variant("rnn", {"cell": "rnn"}),),
    (TaskEntry("adding", {"task": "adding"}, (2, 3)),),
    (0, 1, 2),
    defaults={"hidden": 3, "batch": 2, "steps": 20, "stop": "never"},
)


def says(*lines: str) -> list[str]:
    """A host that says what it is told to say, once it has heard something."""
    program = "import sys, time, struct\nsys.stdin.buffer.read(4)\n"
    program += "say = lambda b: (sys.stdout.buffer.write(struct.pack('!i', len(b)) + b), sys.stdout.flush())\n"
    return [sys.executable, "-c", program + "\n".join(lines)]


def export(where: Path) -> str:
    return dump_canonical(Store(where).records(curves=True).values())


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What local workers record."""
    where = tmp_path_factory.mktemp("near")
    assert run_through(where, SUITE, Local(2, kernels="reference")) == Outcome(6, 0, Exit.OK)
    return export(where)


def test_what_is_hosted_records_what_is_local(tmp_path: Path, near: str) -> None:
    far = Away(HOST, MADE, "far")
    assert run_through(tmp_path / "far", SUITE, far) == Outcome(6, 0, Exit.OK)
    assert export(tmp_path / "far") == near
    assert far.process is None


class Killing(Notes):
    """Kills the host at the first record."""

    def __init__(self, far: Away) -> None:
        super().__init__()
        self.far = far

    def recorded(self, record: Record, label: Label) -> None:
        super().recorded(record, label)
        if self.far.process is not None and len(self.records) == 1:
            os.kill(self.far.process.pid, signal.SIGKILL)


def test_a_host_that_is_killed_is_told_and_a_local_run_goes_on(tmp_path: Path, near: str) -> None:
    far = Away(HOST, MADE, "far")
    with pytest.raises(UserError, match=r"^far: lost: its process ended; nothing that was stored is lost: ") as lost:
        run_through(tmp_path / "cut", SUITE, far, Killing(far))
    assert lost.value.code == Exit.STORE
    done = len(Store(tmp_path / "cut").records())
    assert 1 <= done < 6
    assert run_through(tmp_path / "cut", SUITE, Local(2, kernels="reference")).trained == 6 - done
    assert export(tmp_path / "cut") == near


@pytest.mark.parametrize(
    ("lines", "told", "code"),
    [
        (["say(b'hello')"], "far: lost: it said what can't be understood (JSONDecodeError", Exit.STORE),
        (
            ["""say(b'{"is": "end", "worker": 7, "status": "done", "error": ""}\\n')"""],
            "far: lost: it said",
            Exit.STORE,
        ),
        (["sys.exit('no such machine')"], "far: lost: its process ended: no such machine; ", Exit.STORE),
        (['say(b\'{"is": "open", "sides": {}}\\n\'); time.sleep(60)'], "far: python 3.", Exit.USAGE),
        (["time.sleep(60)"], "far: lost: no sign of life for 1 s; ", Exit.STORE),
        (
            ["""say(b'{"is": "broke", "error": "Traceback\\\\nOSError: \\\\u001b[31m"}\\n')"""],
            "far: lost: OSError: \\x1b[31m",
            Exit.STORE,
        ),
    ],
)
def test_a_host_that_is_none_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], told: str, code: Exit
) -> None:
    monkeypatch.setattr(hosted, "OPEN_SECONDS", 1.0 if lines == ["time.sleep(60)"] else 60.0)
    monkeypatch.setattr(hosted, "CLOSE_SECONDS", 0.1)
    with pytest.raises(UserError) as refused:
        run_through(tmp_path, SUITE, Away(says(*lines), MADE, "far"))
    assert (str(refused.value)[: len(told)], refused.value.code) == (told, code)
    assert len(refused.value.lines) == 1


def test_a_command_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^far: nosuch-ssh can't be started \(No such file or directory\)$"):
        run_through(tmp_path, SUITE, Away(["nosuch-ssh"], MADE, "far"))


def test_versions_that_differ_are_told_and_other_code_is_refused() -> None:
    ours = sides.here()
    assert sides.differences(ours, ours) == ("", True)
    assert sides.differences(ours, ours | {"torch": "1.0"}) == (f"torch {ours['torch']} here, 1.0 there", True)
    assert sides.differences(ours, ours | {"rnnbench's code": "x"})[1] is False
    assert sides.differences(ours, ours | {"plugin": "1"}) == ("plugin none here, 1 there", False)


def job(**task: object) -> Job:
    rung = {"model": {"cell": "rnn"}, "task": {"task": "adding"} | task, "length": 2, "settings": {}}
    return Job((Run.from_dict({"rung": rung, "seed": 0}),))


def test_what_a_job_needs_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = f"^node {os.uname().nodename}: "
    monkeypatch.setattr(registry, "_places", {})
    mine = tmp_path / "mine.py"
    mine.write_text("x = 1")
    registry.place({"./mine.py": str(mine)})
    message, raw = relay.job_message(job())
    assert relay.job_of(message, raw) == job()
    (tmp_path / "beside.py").write_text("y = 1")
    with pytest.raises(UserError, match=f"{node}{mine} is another, or a file beside it is; next: "):
        relay.job_of(message, raw)
    mine.unlink()
    with pytest.raises(UserError, match=f"{node}{mine} is missing; next: a folder that every node has"):
        relay.job_of(message, raw)
    monkeypatch.setattr(registry, "_places", {})
    data = relay.job_message(job(task="babi", path="nosuch.txt"))
    with pytest.raises(UserError, match=f"{node}babi: path: there is no file 'nosuch.txt' .*; next: "):
        relay.job_of(*data)


def test_what_is_heard_is_of_what_was_asked() -> None:
    one = job()
    record = Record(one.runs[0], "solved", 1.0)
    data = relay.told(executors.RecordEvent(0, record), 4)
    assert relay.heard(*unpack(data), {4: one}) == executors.RecordEvent(4, record)
    for jobs in ({}, {3: one}, {4: job(first=True)}):
        with pytest.raises((KeyError, ValueError)):
            relay.heard(*unpack(data), jobs)
    with pytest.raises(ValueError, match="got an end that is 'well', expected one of done, "):
        relay.heard(*unpack(relay.told(EndEvent(0, one, "well"), 4)), {4: one})


class Losing(Local):
    """Loses its worker instead of training, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(1, kernels="reference")
        self.times, self.given = times, list[Job]()

    def submit(self, number: int, job: Job) -> None:
        self.given.append(job)
        if len(self.given) > self.times:
            super().submit(number, job)

    def busy(self) -> bool:
        return 0 < len(self.given) <= self.times or super().busy()

    def poll(self, seconds: float) -> Iterator[Event]:
        if 0 < len(self.given) <= self.times:
            yield EndEvent(0, self.given[-1], "lost", "the node was switched off")
        else:
            yield from super().poll(seconds)


@pytest.mark.parametrize("times", [LOSSES, LOSSES + 3])
def test_a_lost_worker_is_no_fault_of_its_runs_until_it_happens_too_often(tmp_path: Path, times: int) -> None:
    notes, losing = Notes(), Losing(times)
    began = time.monotonic()
    outcome = run_through(tmp_path, SUITE, losing, notes, retries=0)
    told = "a worker is lost (the node was switched off): its runs go on elsewhere, from their checkpoints"
    assert notes.messages.count(told) == LOSSES
    assert time.monotonic() - began < 60
    assert (outcome.exit == Exit.OK) == (times == LOSSES)
    assert all(len(job.runs) == 3 for job in losing.given[: LOSSES + 1])  # they keep company
