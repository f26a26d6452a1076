"""Worker processes and the driver: what a run that fails, crashes or hangs costs, and what it does not."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rnnbench import foreign
from rnnbench.errors import Exit
from rnnbench.plan import plan
from rnnbench.records import Record, canonical
from rnnbench.running.driver import Driver, Outcome
from rnnbench.running.executors import footprint
from rnnbench.running.executors.local import Local
from rnnbench.running.listeners import Label, Silent
from rnnbench.seeds import data
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

ROOT = Path(__file__).parent.parent
SETTINGS = {"hidden": 4, "batch": 2, "steps": 30, "stop": "never"}
# Patched into every worker before it starts: the run with seed 1 misbehaves.
PLUGIN = """
from rnnbench.training import trainer
whole = trainer.Trainer.train
def patched(self, runs, *rest, **options):
    if any(run.seed == 1 for run in runs):
        {misbehaviour}
    return whole(self, runs, *rest, **options)
trainer.Trainer.train = patched
"""


class Notes(Silent):
    """A listener that remembers messages and statuses."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.statuses: list[tuple[int, str]] = []

    def message(self, text: str) -> None:
        self.messages.append(text)

    def recorded(self, record: Record, label: Label) -> None:
        self.statuses.append((data(record.run.seed), record.status))


def suite(cells: Sequence[str] = ("rnn",), lengths: Sequence[int] = (3,), seeds: int = 3, **settings: Any) -> Suite:
    variants = tuple(Variant(cell, {"cell": cell}) for cell in cells)
    tasks = (TaskEntry("adding", {"task": "adding"}, tuple(lengths)),)
    return Suite("test", variants, tasks, tuple(range(seeds)), defaults=SETTINGS | settings)


def drive(
    where: Path, chosen: Suite, misbehaviour: str = "pass", listener: Notes | None = None, jobs: int = 2, **options: Any
) -> Outcome:
    (where / "plugin").mkdir(parents=True, exist_ok=True)
    (where / "plugin" / "sitecustomize.py").write_text(PLUGIN.format(misbehaviour=misbehaviour))
    environment = os.environ | {"PYTHONPATH": f"{where / 'plugin'}:{ROOT}"}
    store, planned = Store(where / "results"), plan(chosen)
    seconds = options.pop("seconds_per_run", None)
    kernels = options.pop("kernels", "reference")  # stacked: where a neighbour could suffer
    with store.writing():
        executor = Local(jobs, kernels=kernels, seconds_per_run=seconds, environment=environment)
        return Driver(planned, store.records(planned.runs()), store, executor, listener or Notes(), **options).drive()


def results(where: Path) -> dict[int, Record]:
    return {data(r.run.seed): r for r in Store(where / "results").records(curves=True).values()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Record]:
    where = tmp_path_factory.mktemp("undisturbed")
    assert drive(where, suite()).exit == Exit.OK
    return results(where)


@pytest.mark.parametrize(
    ("misbehaviour", "status", "told"),
    [
        ("raise ValueError('a plugin of mine')", "failed", "ValueError: a plugin of mine"),
        ("raise SystemExit(0)", "failed", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "failed", "KeyboardInterrupt"),
        ("import os; os._exit(0)", "crashed", "ended with exit code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "crashed", "killed by signal SIGKILL"),
        ("import os; os.write(1, b'x' * 10**7 + b'last words'); os._exit(3)", "crashed", "last words"),
        ("import os; os.close(1); os.close(2); os._exit(5)", "crashed", "ended with exit code 5"),
    ],
)
def test_a_run_that_breaks_costs_itself_alone(
    tmp_path: Path, undisturbed: dict[int, Record], misbehaviour: str, status: str, told: str
) -> None:
    notes = Notes()
    outcome = drive(tmp_path, suite(), misbehaviour, notes)
    assert outcome == Outcome(trained=2, broken=1, exit=Exit.FAILED)
    found = results(tmp_path)
    assert (found[1].status, found[1].attempt, found[1].score) == (status, 2, None)
    assert told in (found[1].error or "")
    assert len(found[1].error or "") < 30_000
    for seed in (0, 2):
        assert canonical(found[seed].results()) == canonical(undisturbed[seed].results())
        assert found[seed].attempt == 1
    assert len([m for m in notes.messages if "trying again" in m]) == 1


def test_retries_can_be_turned_off_and_broken_runs_are_kept_until_asked_for(tmp_path: Path) -> None:
    drive(tmp_path, suite(), "raise ValueError", retries=0)
    assert results(tmp_path)[1].attempt == 1
    assert drive(tmp_path, suite(), "pass") == Outcome(trained=0, broken=1, exit=Exit.FAILED)


@pytest.mark.thorough
def test_a_run_that_hangs_is_ended_even_if_it_ignores_the_request(tmp_path: Path) -> None:
    hang = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    began = time.monotonic()
    outcome = drive(tmp_path, suite(), hang, retries=0, seconds_per_run=2.0)
    assert outcome == Outcome(trained=2, broken=1, exit=Exit.FAILED)
    assert time.monotonic() - began < 60
    found = results(tmp_path)[1]
    assert (found.status, found.error) == ("timeout", "no result within 2 seconds a run")


def test_fail_fast_starts_nothing_more(tmp_path: Path) -> None:
    outcome = drive(tmp_path, suite(seeds=40), "raise ValueError", jobs=1, retries=0, fail_fast=True)
    assert outcome.broken == 1
    assert outcome.trained < 39


def test_ladders_are_climbed_until_two_rungs_in_a_row_stay_unsolved(tmp_path: Path) -> None:
    drive(tmp_path, suite(lengths=(5, 10, 20, 40), seeds=2))
    lengths = sorted(r.run.rung.length for r in Store(tmp_path / "results").records().values())
    assert lengths == [5, 5, 10, 10]


def test_no_process_is_left(tmp_path: Path) -> None:
    drive(tmp_path, suite(), "import subprocess; subprocess.Popen(['sleep', '4242.5'])", retries=0)
    time.sleep(0.2)
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if os.access(p, os.R_OK)]
    assert not [c for c in commands if b"4242.5" in c]


def test_where_a_file_of_somebodys_own_lies_is_no_change_to_a_process(tmp_path: Path) -> None:
    """A cell in another folder is looked for beside itself."""
    before = footprint.take()
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text("import other\n")
        (tmp_path / folder / "other.py").touch()
        foreign.module_of(tmp_path / folder / "mine.py")
    assert "sys.path" not in footprint.changed(before, footprint.take())
