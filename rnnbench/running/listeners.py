"""What happens while a suite runs, and who may listen: the live display, the log lines, lines of JSON, a test.

There is one stream of events, the calls of a listener's methods, made by the driver in its own thread and in order. Who
wants to hear of a run is a listener; several hear the same by `Several`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rnnbench.errors import Exit
from rnnbench.plan import Choice, Ladder, Plan
from rnnbench.plan.ladders import Climb
from rnnbench.records import Point, Record, Run, Rung


@dataclass(frozen=True, slots=True)
class Label:
    """What a suite calls a run, its length and seed aside.

    >>> str(Label("lstm", "adding")), str(Label("lstm", "adding", 4, "base"))
    ('lstm adding', "lstm adding ×4 at the base's choice")
    """

    variant: str
    task: str
    budget: int = 1  # how many times the steps that the suite states
    choice: Choice = "own"
    examples: int | None = None  # of a ladder of them, how many this rung has

    @classmethod
    def of(cls, ladder: Ladder, rung: Rung) -> Label:
        few = ladder.place(rung) if ladder.task.headline == "need" else None
        return cls(ladder.variant.name, ladder.task.name, ladder.budget, ladder.choice, few)

    def __str__(self) -> str:
        times = f" ×{self.budget}" if self.budget > 1 else ""
        where = " at the base's choice" if self.choice == "base" else ""
        few = "" if self.examples is None else f" with {self.examples:,} examples at"
        return f"{self.variant} {self.task}{times}{where}{few}"


class Listener(Protocol):
    """Entered before the first event and left after the last."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, plan: Plan) -> None: ...

    def climbs(self, climbs: Sequence[Climb]) -> None:
        """Every ladder as far as it has been climbed, before anything is trained."""

    def work(self, done: float, total: float) -> None:
        """Estimated seconds of training done and in all."""

    def begun(self, worker: int, cohort: Sequence[tuple[Label, Run]]) -> None:
        """A worker was given these runs of one shape; what it has to compile for them comes first."""

    def preparing(self, worker: int, compiles: bool) -> None:
        """A worker is up and loads what was compiled for its cohort at an earlier time, or compiles it."""

    def ready(self, worker: int) -> None:
        """A worker has what its cohort needs, compiled, and trains."""

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None:
        """A run under way has come so far; its loss and score are those on training batches since the look before."""

    def idle(self, worker: int) -> None:
        """A worker is done with its cohort."""

    def retried(self, record: Record, label: Label) -> None:
        """An attempt that broke is in the store, and its run will be tried again."""

    def recorded(self, record: Record, label: Label) -> None:
        """A run's last word is in the store."""

    def climbed(self, number: int, climb: Climb) -> None:
        """One of the ladders, by its number, once a record took it further."""

    def message(self, text: str) -> None:
        """Something that the user should know: a retry, a warning."""

    def ended(self, trained: int, broken: int, exit: Exit) -> None:
        """Nothing more is trained: so many runs were, so many are broken, now or before. Not told where an error ends
        it, which `__exit__` is given."""


class Silent:
    """A listener that says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, plan: Plan) -> None: ...

    def climbs(self, climbs: Sequence[Climb]) -> None: ...

    def work(self, done: float, total: float) -> None: ...

    def begun(self, worker: int, cohort: Sequence[tuple[Label, Run]]) -> None: ...

    def preparing(self, worker: int, compiles: bool) -> None: ...

    def ready(self, worker: int) -> None: ...

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None: ...

    def idle(self, worker: int) -> None: ...

    def retried(self, record: Record, label: Label) -> None: ...

    def recorded(self, record: Record, label: Label) -> None: ...

    def climbed(self, number: int, climb: Climb) -> None: ...

    def message(self, text: str) -> None: ...

    def ended(self, trained: int, broken: int, exit: Exit) -> None: ...


class Several:
    """Listeners that hear the same, one after the other."""

    def __init__(self, *listeners: Listener) -> None:
        self._all = listeners
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            for each in self._all:
                entered.enter_context(each)
            self._entered = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.__exit__(kind, error, trace)

    def started(self, plan: Plan) -> None:
        for each in self._all:
            each.started(plan)

    def climbs(self, climbs: Sequence[Climb]) -> None:
        for each in self._all:
            each.climbs(climbs)

    def work(self, done: float, total: float) -> None:
        for each in self._all:
            each.work(done, total)

    def begun(self, worker: int, cohort: Sequence[tuple[Label, Run]]) -> None:
        for each in self._all:
            each.begun(worker, cohort)

    def preparing(self, worker: int, compiles: bool) -> None:
        for each in self._all:
            each.preparing(worker, compiles)

    def ready(self, worker: int) -> None:
        for each in self._all:
            each.ready(worker)

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None:
        for each in self._all:
            each.looked(worker, label, run, point)

    def idle(self, worker: int) -> None:
        for each in self._all:
            each.idle(worker)

    def retried(self, record: Record, label: Label) -> None:
        for each in self._all:
            each.retried(record, label)

    def recorded(self, record: Record, label: Label) -> None:
        for each in self._all:
            each.recorded(record, label)

    def climbed(self, number: int, climb: Climb) -> None:
        for each in self._all:
            each.climbed(number, climb)

    def message(self, text: str) -> None:
        for each in self._all:
            each.message(text)

    def ended(self, trained: int, broken: int, exit: Exit) -> None:
        for each in self._all:
            each.ended(trained, broken, exit)
