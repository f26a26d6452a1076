"""What `run` says in lines: a line a record for pipes, files and CI, or with `--quiet` what broke alone."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from rnnbench.analysis import spans
from rnnbench.plan import Plan
from rnnbench.plan.ladders import Climb
from rnnbench.records import BROKEN, Point, Record, Run
from rnnbench.report import marks
from rnnbench.report.model import clean
from rnnbench.text import printable, raised

if TYPE_CHECKING:
    from rnnbench.errors import Exit
    from rnnbench.running.listeners import Label


class LogLines:
    """For pipes, files and CI: a line for each record, and nothing that moves."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stderr
        self._of = 0
        self._sizes: list[int] = []
        self._told = Told()
        self._reasons = Reasons()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for line in self._reasons.again():
            self._say(line)
        self._file.flush()

    def started(self, plan: Plan) -> None:
        self._of = plan.count
        self.message(f"{plan.suite.name}: {plan.count} runs at most")

    def work(self, done: float, total: float) -> None: ...

    def begun(self, worker: int, cohort: Sequence[tuple[Label, Run]]) -> None: ...

    def preparing(self, worker: int, compiles: bool) -> None: ...

    def ready(self, worker: int) -> None: ...

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None: ...

    def idle(self, worker: int) -> None: ...

    def retried(self, record: Record, label: Label) -> None: ...

    def recorded(self, record: Record, label: Label) -> None:
        self._told.add(record)
        if self._reasons.new(record, label):
            width = len(str(self._of))
            self._say(f"[{self._told.counts.total():{width}}/{self._of}] {outcome(record, label)}")

    def climbs(self, climbs: Sequence[Climb]) -> None:
        self._sizes = list(map(runs, climbs))
        self._of = sum(self._sizes)
        self._told = Told(climbs)

    def climbed(self, number: int, climb: Climb) -> None:
        self._of += runs(climb) - self._sizes[number]
        self._sizes[number] = runs(climb)

    def message(self, text: str) -> None:
        self._say(text)

    def ended(self, trained: int, broken: int, exit: Exit) -> None: ...

    def _say(self, text: str) -> None:
        print(clean(text), file=self._file, flush=True)


class Failures(LogLines):
    """For `--quiet`: what broke, and nothing else."""

    def recorded(self, record: Record, label: Label) -> None:
        if record.status in BROKEN and self._reasons.new(record, label):
            self._say(outcome(record, label))

    def message(self, text: str) -> None:
        pass


def runs(climb: Climb) -> int:
    """How many runs a ladder asks for, at most: those that runs with fewer steps tell of are none."""
    derived = sum(rung.tally.derived for rung in climb.steps)
    if climb.searches:
        return sum(rung.known for rung in climb.steps) - derived + climb.left
    return sum(rung.asked for rung in climb.steps) - derived


class Told:
    """How many runs there are of each status. Only those that broke are remembered one by one: they may come again."""

    def __init__(self, climbs: Sequence[Climb] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self._broken: dict[str, str] = {}
        for record in {r.id: r for c in climbs for r in c.records}.values():
            self.add(record)

    def add(self, record: Record) -> None:
        if (was := self._broken.pop(record.id, None)) is not None:
            self.counts[was] -= 1
        self.counts[record.status] += 1
        if not record.finished:
            self._broken[record.id] = record.status


class Reasons:
    """Why runs broke. What breaks all runs of a variant is told of the first; how many more there were, at the end."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def new(self, record: Record, label: Label) -> bool:
        """Whether a record has something to tell: one that finished always."""
        if record.finished:
            return True
        key = label.variant, record.status, raised(record.error or "")
        self._counts[key] += 1
        return self._counts[key] == 1

    def again(self) -> list[str]:
        """A line for each reason that came more than once."""
        return [
            f"{status:9} {variant}: {count - 1} more for the same reason" + (f", {printable(why, 60)}" if why else "")
            for (variant, status, why), count in self._counts.items()
            if count > 1
        ]


def outcome(record: Record, label: Label) -> str:
    """A record in a line."""
    run = record.run
    text = f"{record.status:9} {label} {run.rung.length} seed {run.seed}"
    if not record.finished:
        why = raised(record.error or "")
        return f"{text}: {why}" if why else text
    score = marks.fixed(spans.points(record))
    return f"{text}: score {score} after {record.steps} steps, {record.seconds:.1f} s"
