"""How far a suite has come while it runs, and how that is drawn in so many columns and lines."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.text import Text

from rnnbench.plan import Plan
from rnnbench.plan.ladders import Climb
from rnnbench.records import BROKEN, Point, Record, Run
from rnnbench.report import marks
from rnnbench.report.curves import BARS
from rnnbench.report.filling import filling
from rnnbench.report.log import Reasons, Told, outcome, runs
from rnnbench.report.model import clean
from rnnbench.report.pace import Pace
from rnnbench.seeds import Seed
from rnnbench.settings import Settings
from rnnbench.text import clock

if TYPE_CHECKING:
    from rnnbench.errors import Exit
    from rnnbench.running.listeners import Label

CURVE = 14  # columns of a worker's curve
NARROW = 60  # columns below which there are no curves, and words are short
WIDE = 100  # columns of the bar and of a worker's line, but for longer names: over a wider gap no eye finds its line
DONE, LEFT = "━", "─"  # of the bar, told apart where there is no colour, too
# What a worker does with its job: its process starts; it loads what was compiled before, or waits for another one that
# compiles it; it compiles; it trains.
State = Literal["starting", "loading", "compiling", "training"]
STATUSES = {"solved": "green", "unsolved": "", "diverged": "yellow", "failed": "magenta"}


def sparkline(scores: Sequence[float | None], width: int = CURVE) -> str:
    """Scores in [0, 1] as a small curve over all of the run so far; a blank where one is no number.

    >>> sparkline([0.0, 0.5, float("nan"), 1.0])
    '▁▅ █'
    """
    kept = scores if len(scores) <= width else [scores[(k + 1) * len(scores) // width - 1] for k in range(width)]
    return "".join(_bar(s) for s in kept)


def _bar(score: float | None) -> str:
    if score is None or score != score:
        return " "
    return BARS[min(len(BARS) - 1, int(min(max(score, 0.0), 1.0) * len(BARS)))]


@dataclass(frozen=True)
class _Job:
    """What a worker trains, and since when it does what it does now."""

    label: str
    length: int
    seed: Seed
    steps: int
    state: State
    since: float
    step: int = 0
    scores: Sequence[float] = ()

    @classmethod
    def of(cls, label: Label, run: Run, state: State, now: float) -> _Job:
        return cls(clean(str(label)), run.rung.length, run.seed, Settings.of(run.rung).steps, state, now)


class Progress:
    """What a display shows: the driver tells it what happens, in its own thread; another may ask at any time for what
    there is to see, `drawn`. Where the lines go that are told, `message`, is the display's own business."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()  # between the driver and the thread that draws; never held while printing
        self._title = ""
        self._count = 0
        self._began = clock()
        self._known = 0  # runs that there were records of before this began
        self._pace = Pace()
        self._jobs: dict[int, _Job | None] = {}
        self._scores: dict[int, dict[str, list[float]]] = {}  # of each worker's cohort, by run
        self._told = Told()
        self._reasons = Reasons()
        self._climbs: list[Climb] = []

    def started(self, plan: Plan) -> None:
        """The plan is known and work begins."""
        with self._lock:
            self._title, self._count = clean(plan.suite.name), plan.count

    def work(self, done: float, total: float) -> None:
        """Estimated cost of the runs that are done and of all, in one unit; what is pruned leaves the total."""
        with self._lock:
            self._pace.work(done, total)

    def begun(self, worker: int, cohort: Sequence[tuple[Label, Run]]) -> None:
        """A worker was given these runs; the first stands for them until one has come somewhere."""
        with self._lock:
            self._scores[worker] = {}
            self._turned(worker, _Job.of(*cohort[0], "starting", self._clock()))

    def preparing(self, worker: int, compiles: bool) -> None:
        """A worker is up and loads what its cohort needs, or compiles it."""
        self._changed(worker, "compiling" if compiles else "loading")

    def ready(self, worker: int) -> None:
        """A worker has what its cohort needs, and trains."""
        self._changed(worker, "training")

    def _changed(self, worker: int, state: State) -> None:
        with self._lock:
            if (job := self._jobs.get(worker)) is not None:
                self._turned(worker, replace(job, state=state, since=self._clock()))

    def _turned(self, worker: int, job: _Job | None) -> None:
        """A worker turns to this; the pace is told how many train now."""
        self._jobs[worker] = job
        train = sum(each is not None and each.state == "training" for each in self._jobs.values())
        self._pace.training(train, self._clock())

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None:
        """A worker's run has come to this look, and is shown with its curve so far."""
        with self._lock:
            scores = self._scores.setdefault(worker, {}).setdefault(run.id, [])
            scores.append(point.score or 0.0)
            job = _Job.of(label, run, "training", self._clock())
            self._turned(worker, replace(job, step=point.step, scores=scores))
            self._pace.looked(run, point.step)

    def idle(self, worker: int) -> None:
        """A worker has nothing to do."""
        with self._lock:
            self._turned(worker, None)
            self._pace.over(self._scores.pop(worker, ()))

    def retried(self, record: Record, label: Label) -> None: ...  # a message tells of it

    def recorded(self, record: Record, label: Label) -> None:
        """A record is in the store. One that broke is told."""
        with self._lock:
            self._told.add(record)
            self._pace.over([record.id])
        if not record.finished and self._reasons.new(record, label):
            self.message(outcome(record, label))

    def climbs(self, climbs: Sequence[Climb]) -> None:
        """How far every ladder has been climbed."""
        with self._lock:
            self._climbs, self._count = list(climbs), sum(map(runs, climbs))
            self._told = Told(climbs)
            self._known = self._told.counts.total()
            self._pace.climbs(climbs)

    def climbed(self, number: int, climb: Climb) -> None:
        """One ladder has been climbed further."""
        with self._lock:
            self._count += runs(climb) - runs(self._climbs[number])
            self._climbs[number] = climb

    def message(self, text: str) -> None:
        """A line that stays."""
        raise NotImplementedError

    def ended(self, trained: int, broken: int, exit: Exit) -> None: ...

    def drawn(self, width: int, height: int) -> Text:
        """What is to be seen now, no wider and no higher than that."""
        with self._lock:
            head = [self._bar(min(width, WIDE)), self._counts(width), Text()]
            workers = self._workers(width)
            room = height - len(head) - min(len(workers), max(1, height // 3))
            table = filling(self._climbs, width, room - 1)
        workers = _cut(workers, height - len(head) - (len(table) + 1 if table else 0))
        lines = [*head, *workers, *([Text(), *table] if table else [])][:height]
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join(lines)

    def _bar(self, width: int) -> Text:
        share = self._pace.share
        busy = sum(job is not None for job in self._jobs.values())
        words, brief = self._pace.left(self._clock(), busy)
        left = words if width >= NARROW else brief
        tail = f" {100 * share:3.0f} %" + (f", {left}" if left else "")
        title = Text(self._title, "bold")
        title.truncate(max(0, width - cell_len(tail) - 12), overflow="ellipsis")
        room = max(4, width - title.cell_len - 2 - cell_len(tail))
        full = int(share * room)
        return Text.assemble(title, "  ", (DONE * full, "green"), (LEFT * (room - full), "bright_black"), tail)

    def _counts(self, width: int) -> Text:
        counts = Counter[str]()
        for status, n in self._told.counts.items():
            counts["failed" if status in BROKEN else status] += n
        told = [
            (f"{counts[name]} {name}", style if counts[name] else "bright_black") for name, style in STATUSES.items()
        ]
        told.append((f"of {self._count}, {clock(self._clock() - self._began)}", "bright_black"))
        if self._known:
            told.append((f"{self._known} known before", "bright_black"))
        text = Text()
        for words, style in told:
            if text.cell_len + len(words) <= width:  # whole or not at all: a number cut short is another one
                text.append(f"{words}  ", style)
        return text

    def _workers(self, width: int) -> list[Text]:
        """A line each: the run at the left, what is told of it at the right, below what the others tell."""
        lines = []
        for worker, job in sorted(self._jobs.items()):
            if job is None:
                lines.append((Text(f"{worker:>2}  idle", "bright_black"), Text()))
                continue
            rung, told = f" {job.length} seed {job.seed}", self._doing(job)
            curve = f"  {sparkline(job.scores):{CURVE}}" if job.state == "training" and width >= NARROW else ""
            label = Text(f"{worker:>2}  {job.label}")
            label.truncate(max(6, width - cell_len(rung + curve + told)), overflow="ellipsis")
            lines.append((label.append(rung), Text.assemble((curve, "cyan"), told)))
        right = max([min(width, WIDE), *(run.cell_len + doing.cell_len for run, doing in lines)])
        for run, doing in lines:
            if doing:
                run.pad_right(right - run.cell_len - doing.cell_len)
                run.append_text(doing)
        return [run for run, _ in lines]

    def _doing(self, job: _Job) -> str:
        """What a worker does, and how far it has come with that: the last score and the steps, or the time."""
        if job.state != "training":
            return f"  {job.state} {clock(self._clock() - job.since)}"
        score = next((s for s in reversed(job.scores) if s == s), None)
        return f" {'' if score is None else marks.fixed(score):>4}  {job.step:>{len(str(job.steps))}}/{job.steps}"


def _cut(lines: list[Text], room: int) -> list[Text]:
    """As many lines as there is room for, the last telling how many are left out."""
    if len(lines) <= room:
        return lines
    return [*lines[: max(0, room - 1)], Text(f"    … {len(lines) - max(0, room - 1)} more", "bright_black")][:room]
