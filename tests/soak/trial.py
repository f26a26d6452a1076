"""A folder in which a run is put under a fault, and what must hold of it afterwards.

Every acknowledged record is there exactly once; the canonical export is byte-equal to that of an uninterrupted run;
nothing is left behind; and nothing stands in the way of the next run, or of who reads.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rnnbench import api
from rnnbench.errors import Exit, UserError
from rnnbench.plan import plan
from rnnbench.records import dump_canonical
from rnnbench.running import executors
from rnnbench.running.listeners import Silent
from rnnbench.store import Store

from . import program

ROOT = Path(__file__).parent.parent.parent
FINISHED = "status IN ('solved', 'unsolved', 'diverged')"


@dataclass(frozen=True)
class Trial:
    """A suite and a place for its results, under a folder of its own. `real`: with workers that train; `pause`: seconds
    that an instant one takes for each look. `python` runs in every process before anything else."""

    folder: Path
    suite: str
    real: bool = False
    pause: float = 0.0
    python: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.file.write_text(self.suite)
        (self.folder / "first").mkdir()
        (self.folder / "first" / "sitecustomize.py").write_text(self.python)

    @property
    def file(self) -> Path:
        return self.folder / "suite.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def command(self) -> list[str]:
        run = ["run", str(self.file), "-r", str(self.results), "-j", "2", "-q", "--retries", "100"]
        return [sys.executable, "-m", "tests.soak.program", *run]

    @cached_property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("RNNBENCH_", "SOAK_"))}
        path = os.pathsep.join([str(self.folder / "first"), str(ROOT)] if self.python else [str(ROOT)])
        clean |= {"PYTHONPATH": path, "RNNBENCH_CHECKPOINT_SECONDS": "0", "PYTHONHASHSEED": "0"}
        return clean | {
            "SOAK_LOG": str(self.log),
            "SOAK_WORKERS": "local" if self.real else "chains",
            "SOAK_PAUSE": str(self.pause),
        }

    def start(self, prefix: Sequence[str] = (), **options: object) -> subprocess.Popen[str]:
        """The command line, in a session of its own, behind the words of another command that starts it."""
        command = [*prefix, *self.command]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started: subprocess.Popen[str] = subprocess.Popen(
            command, env=self.environment, text=True, errors="replace", start_new_session=True, **pipes, **options
        )  # type: ignore[call-overload]
        return started

    def run(self, prefix: Sequence[str] = (), timeout: float = 300) -> tuple[int, str]:
        """The command line to its end: the exit status, and what it said on stderr."""
        process = self.start(prefix)
        try:
            _, said = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return process.returncode, said

    def again(self) -> str:
        """Runs once more, without a fault, in this process and with instant workers; what stood in the way."""
        executors.named = program.noted
        try:
            outcome = api.run_plan(plan(api.load(self.file)), Store(self.results), Silent(), executor=str(self.log))
        except UserError as error:
            return f"stuck: {error}"
        except Exception as error:  # of which none is expected
            return f"broke: {type(error).__name__}: {error}"
        return "" if outcome.exit == Exit.OK else f"ended with {outcome.exit}"

    def export(self) -> str:
        """The canonical export."""
        return dump_canonical(Store(self.results).records(curves=True).values())

    def noted(self) -> list[tuple[str, str]]:
        """What was begun and acknowledged, in order: ("began" or "acknowledged", id)."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(word, id) for word, _, id in (line.partition(" ") for line in lines)]

    def after_fault(self) -> list[str]:
        """What does not hold right after a fault, before anything is run again."""
        aside = self.folder / "aside"
        shutil.rmtree(aside, ignore_errors=True)
        if not self.results.exists():
            kept: set[str] = set()
        else:
            shutil.copytree(self.results, aside)
            kept = set(rows(aside / "records.sqlite"))
        lost = {id for word, id in self.noted() if word == "acknowledged"} - kept
        found = [f"lost: the acknowledged record of {id}" for id in sorted(lost)]
        shutil.rmtree(aside, ignore_errors=True)
        if self.results.exists():
            shutil.copytree(self.results, aside)
            try:
                Store(aside).records()
            except UserError as error:
                found.append(f"unreadable: {error}")
            shutil.rmtree(aside)
        return found

    def faults(self, expected: Expected) -> list[str]:
        """What does not hold after a fault, and after running again."""
        found = self.after_fault()
        if stuck := self.again():
            return [*found, stuck]
        return found + self.at_the_end(expected)

    def at_the_end(self, expected: Expected) -> list[str]:
        """What does not hold once it has been run to its end."""
        found = []
        if self.export() != expected.export:
            found.append("other: the canonical export is not that of an uninterrupted run")
        found += [f"doubled: {n} records of {id}" for id, n in rows(self.results / "records.sqlite").items() if n > 1]
        done: set[str] = set()
        for word, id in self.noted():
            if word == "acknowledged":
                done.add(id)
            elif id in done:
                found.append(f"doubled: {id} was begun again after its record was acknowledged")
        found += [f"left: {name}" for name in sorted(self.files() - expected.files)]
        return found

    def files(self) -> set[str]:
        return {path.relative_to(self.results).as_posix() for path in self.results.rglob("*")}


@dataclass(frozen=True)
class Expected:
    """An uninterrupted run of a suite: its canonical export, and the names of the files that are there after it."""

    export: str
    files: frozenset[str]

    @classmethod
    def of(cls, trial: Trial) -> Expected:
        code, said = trial.run()
        if code:
            raise RuntimeError(f"an uninterrupted run ended with {code}: {said}")
        return cls(trial.export(), frozenset(trial.files()))


def rows(path: Path) -> Counter[str]:
    """How many finished records each id has in a store, read with SQLite alone; none where there is no table yet."""
    if not path.exists():
        return Counter()
    with closing(sqlite3.connect(path)) as connection:
        try:
            return Counter(id for (id,) in connection.execute(f"SELECT id FROM records WHERE {FINISHED}"))
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return Counter()
            raise


def ladders(lengths: int, seeds: int, cells: Sequence[str] = ("rnn",)) -> str:
    """A suite of ladders that are wholly climbed."""
    names = ", ".join(f"{cell}: {{cell: {cell}}}" for cell in cells)
    rungs = ", ".join(str(3 + k) for k in range(lengths))
    return (
        "rnnbench: 1\nname: soak\ndefaults: {hidden: 4, batch: 2, steps: 30, stop: never}\n"
        f"seeds: {seeds}\nprune: false\narchitectures: {{{names}}}\ntasks: {{adding: {{lengths: [{rungs}]}}}}\n"
    )
