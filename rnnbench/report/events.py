"""What happens while a suite runs, as lines of JSON for other programs: what `run --events FILE` writes.

A line is one object in ASCII. It has `event`, what happened; `at`, when, in UTC; and of each event what EVENTS says.
Fields may be added within a VERSION; what is there keeps its name and meaning.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rnnbench import __version__
from rnnbench.errors import Exit, UserError
from rnnbench.plan import Plan
from rnnbench.plan.forecast import Forecast
from rnnbench.plan.ladders import Climb
from rnnbench.records import Point, Record, Run
from rnnbench.seeds import plain
from rnnbench.settings import Settings
from rnnbench.text import printable, raised

if TYPE_CHECKING:
    from rnnbench.running.listeners import Label

VERSION = 1
LONGEST = 1000  # characters of a text that somebody wrote

_RUN = {
    "run": "its id, as `export` has it",
    "variant": "by its name in the suite",
    "task": "by its name in the suite",
    "length": "trained on; the longest, where there are several",
    "seed": "a number; `init` and `data`, where these differ",
    "budget": "how many times the steps that the suite states",
    "choice": "`own`; `base`: at the base's choice of what is tuned; `pilot`; `crossed`: of a seed of two parts",
    "examples": "how many it trains on, where the ladder is one of them; else null",
}
_COUNTS = {
    "known": "runs that there are records of",
    "pruned": "runs that are left out, since shorter ones were not solved",
    "missing": "runs that are still to do, at most",
}
_FAILED = {"attempt": "from 1", "error": "in a line; null of a run that finished"}
EVENTS: dict[str, tuple[str, dict[str, str]]] = {
    "suite_started": ("a `run` begins; what comes before is of another one", {
        "schema": f"the version of these lines: {VERSION}",
        "suite": "its name",
        "about": "its question, or an empty text",
        "variants": "their names",
        "tasks": "their names",
        "seeds": "",
        **_COUNTS,
        "versions": "of rnnbench, Python, numba, numpy and torch",
        "host": "the driver's",
        "process": "the driver's",
    }),
    "cohort_started": ("a worker was given runs of one shape; what they need is compiled first", {
        "worker": "a number that the cohort's other events have, too",
        "steps": "of training, at most",
        "rung": "model, task, length and settings, as `export` has them of the first run",
        "runs": "a list of `run`, `variant`, `task`, `length`, `seed`, `budget`, `choice`, `examples`, `lr`",
    }),
    "cohort_compiled": ("what a cohort needs is compiled, and training begins", {"worker": ""}),
    "progress": ("a look at a run under way; one that is tried again may come to a step again", {
        "worker": "",
        **_RUN,
        "step": "",
        "steps": "of training, at most",
        "loss": "mean on training batches since the look before; null where it is no number",
        "score": "likewise, from 0 to 1",
        "validation": "score on the validation split; null where that wasn't looked at",
    }),
    "cohort_ended": ("a worker is done with its cohort, however that ended", {"worker": ""}),
    "run_retried": ("an attempt broke, and will be tried again", {**_RUN, "status": "`failed`, `crashed` or `timeout`",
                                                                  **_FAILED}),
    "run_ended": ("a run's last word is in the store", {
        **_RUN,
        "status": "`solved`, `unsolved`, `diverged`, `failed`, `crashed` or `timeout`",
        "score": "on the test split; null of a run that broke",
        "loss": "on the test split",
        "scores": "pairs of length and score, where one training is tested at several",
        "steps": "trained",
        "solved_at": "the step; null where that wasn't told on the way",
        "seconds": "of training",
        "parameters": "",
        "host": "the worker's",
        "numerics": "how it was computed",
        **_FAILED,
    }),
    "pruned": ("longer rungs of a ladder are left out", {
        "variant": "",
        "task": "",
        "budget": "as above",
        "choice": "as above",
        "lengths": "those that are left out now; of a ladder of examples, their numbers",
        "runs": "how many they are",
    }),
    "message": ("something that a person should know, as the display has it", {"text": "in a line"}),
    "suite_ended": ("a `run` is over; missing where it was killed", {
        "exit": "its exit code",
        "trained": "runs that finished now; null where an error ended it",
        "broken": "runs that broke, now or before; null where an error ended it",
        **_COUNTS,
        "seconds": "since `suite_started`",
        "error": "what ended it, in a line; null where nothing did",
    }),
}  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)


class EventLines:
    """A listener that gives each event as a line, newline and all, to `write`."""

    def __init__(
        self,
        write: Callable[[str], object],
        now: Callable[[], datetime] = _now,
        clock: Callable[[], float] = time.monotonic,  # of a duration: the clock on the wall may be set back
    ) -> None:
        self._write, self._now, self._clock = write, now, clock
        self._began = clock()
        self._plan: Plan | None = None
        self._climbs: list[Climb] = []
        self._pruned: list[set[int]] = []  # lengths, of each ladder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if value is None or self._plan is None:
            return
        code = Exit.INTERRUPTED if isinstance(value, KeyboardInterrupt) else Exit.BUG
        code = value.code if isinstance(value, UserError) else code
        self._end(code, None, None, f"{type(value).__name__}: {value}".removesuffix(": "))

    def _tell(self, event: str, fields: Mapping[str, Any]) -> None:
        at = self._now().isoformat(timespec="milliseconds")
        self._write(json.dumps({"event": event, "at": at, **fields}, allow_nan=False) + "\n")

    def started(self, plan: Plan) -> None:
        self._began, self._plan = self._clock(), plan

    def climbs(self, climbs: Sequence[Climb]) -> None:
        assert self._plan is not None, "the driver tells of the plan first"
        self._climbs, self._pruned = list(climbs), [set(_pruned(climb)) for climb in climbs]
        suite, node = self._plan.suite, os.uname().nodename
        versions = {"rnnbench": __version__, "python": platform.python_version()}
        self._tell("suite_started", {
            "schema": VERSION,
            "suite": suite.name,
            "about": printable(suite.about, LONGEST),
            "variants": [variant.name for variant in suite.variants],
            "tasks": [task.name for task in suite.tasks],
            "seeds": [plain(seed) for seed in suite.seeds],
            **self._counts(),
            "versions": versions | {name: version(name) for name in ("numba", "numpy", "torch")},
            "host": printable(node),
            "process": os.getpid(),
        })  # fmt: skip

    def work(self, done: float, total: float) -> None: ...

    def begun(self, worker: int, cohort: Sequence[tuple[Label, Run]]) -> None:
        first = cohort[0][1].rung
        runs = [{**_run(label, run), "lr": Settings.of(run.rung).lr} for label, run in cohort]
        steps = Settings.of(first).steps
        self._tell("cohort_started", {"worker": worker, "steps": steps, "rung": first.as_dict(), "runs": runs})

    def preparing(self, worker: int, compiles: bool) -> None: ...

    def ready(self, worker: int) -> None:
        self._tell("cohort_compiled", {"worker": worker})

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None:
        self._tell("progress", {
            "worker": worker,
            **_run(label, run),
            "step": point.step,
            "steps": Settings.of(run.rung).steps,
            "loss": _finite(point.loss),
            "score": _finite(point.score),
            "validation": _finite(point.select),
        })  # fmt: skip

    def idle(self, worker: int) -> None:
        self._tell("cohort_ended", {"worker": worker})

    def retried(self, record: Record, label: Label) -> None:
        self._tell("run_retried", {**_run(label, record.run), "status": record.status, **_failed(record)})

    def recorded(self, record: Record, label: Label) -> None:
        self._tell("run_ended", {
            **_run(label, record.run),
            "status": record.status,
            "score": _finite(record.score),
            "loss": _finite(record.loss),
            "scores": [list(pair) for pair in record.scores],
            "steps": record.steps,
            "solved_at": record.solved_at,
            "seconds": round(record.seconds, 3),
            "parameters": record.parameters,
            "host": record.host,
            "numerics": record.numerics,
            **_failed(record),
        })  # fmt: skip

    def climbed(self, number: int, climb: Climb) -> None:
        self._climbs[number] = climb
        left = _pruned(climb)
        lengths = sorted(left.keys() - self._pruned[number])
        if lengths:
            ladder = climb.ladder
            self._tell("pruned", {
                "variant": ladder.variant.name,
                "task": ladder.task.name,
                "budget": ladder.budget,
                "choice": ladder.choice,
                "lengths": lengths,
                "runs": sum(left[length] for length in lengths),
            })  # fmt: skip
        self._pruned[number] = set(left)

    def message(self, text: str) -> None:
        self._tell("message", {"text": printable(text, LONGEST)})

    def ended(self, trained: int, broken: int, exit: Exit) -> None:
        self._end(exit, trained, broken, None)

    def _end(self, code: Exit, trained: int | None, broken: int | None, error: str | None) -> None:
        self._plan = None  # the last event, whatever comes after it
        self._tell("suite_ended", {
            "exit": int(code),
            "trained": trained,
            "broken": broken,
            **self._counts(),
            "seconds": round(self._clock() - self._began, 3),
            "error": None if error is None else printable(error, LONGEST),
        })  # fmt: skip

    def _counts(self) -> dict[str, int]:
        found = Forecast.of(self._climbs)
        return {"known": found.known, "pruned": found.pruned, "missing": found.missing}


def _run(label: Label, run: Run) -> dict[str, Any]:
    return {
        "run": run.id,
        "variant": label.variant,
        "task": label.task,
        "length": run.rung.length,
        "seed": plain(run.seed),
        "budget": label.budget,
        "choice": label.choice,
        "examples": label.examples,
    }


def _failed(record: Record) -> dict[str, Any]:
    return {"attempt": record.attempt, "error": None if record.error is None else raised(record.error, LONGEST)}


def _pruned(climb: Climb) -> dict[int, int]:
    """How many runs of each length, or number of examples, are left out."""
    return {climb.ladder.place(rung.rung): rung.missing for rung in climb.steps if rung.state == "pruned"}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
