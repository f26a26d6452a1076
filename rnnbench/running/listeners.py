"""What happens while a suite runs, and who may listen: the live display, the log lines, a test."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rnnbench.plan import Plan
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record

if TYPE_CHECKING:
    from rnnbench.seeds import Seed


class Listener(Protocol):
    """Told by the driver, in its own thread, in order; entered before the first and left after the last."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, plan: Plan) -> None: ...

    def work(self, done: float, total: float) -> None:
        """Estimated seconds of training done and in all."""

    def progress(
        self, worker: int, run_label: str, length: int, seed: Seed, step: int, steps: int, scores: Sequence[float]
    ) -> None:
        """A worker's run at its last look; `scores` so far, on training batches."""

    def idle(self, worker: int) -> None: ...

    def recorded(self, record: Record, label: str) -> None: ...

    def climbs(self, climbs: Sequence[Climb]) -> None:
        """Every ladder as far as it has been climbed, before anything is trained."""

    def climbed(self, number: int, climb: Climb) -> None:
        """One of them, by its number, once a record took it further."""

    def message(self, text: str) -> None:
        """Something that the user should know: a retry, a warning."""


class Silent:
    """A listener that says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, plan: Plan) -> None: ...

    def work(self, done: float, total: float) -> None: ...

    def progress(
        self, worker: int, run_label: str, length: int, seed: Seed, step: int, steps: int, scores: Sequence[float]
    ) -> None: ...

    def idle(self, worker: int) -> None: ...

    def recorded(self, record: Record, label: str) -> None: ...

    def climbs(self, climbs: Sequence[Climb]) -> None: ...

    def climbed(self, number: int, climb: Climb) -> None: ...

    def message(self, text: str) -> None: ...
