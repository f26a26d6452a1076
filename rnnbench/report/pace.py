"""How fast a suite is trained, and how long what is left of it takes.

Work is counted in estimated seconds of one worker (`plan/cost.py`), if every run takes all its steps. Its pace is that
of the seconds in which workers train: that they start and compile, first and for each new model, says nothing of how
fast they are. Until a run has ended, what is told is the most that the rest may take: by the estimates, or by the steps
that runs under way took, as soon as two looks tell how long these take. What a run saves that is solved early counts as
done with the rest of it, so that from the first one on that is `about`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rnnbench.plan import cost, forecast
from rnnbench.plan.ladders import Climb
from rnnbench.records import Run
from rnnbench.settings import Settings
from rnnbench.text import clock


@dataclass
class _Underway:
    """A run that trains: its estimate, and the steps at which it was seen first and last. `began` is where it began,
    which two looks tell: it may go on from a checkpoint."""

    seconds: float
    steps: int
    step: int
    began: int | None = None

    @property
    def done(self) -> float:
        return self.seconds * self.step / self.steps

    @property
    def fresh(self) -> float:
        return 0.0 if self.began is None else self.seconds * (self.step - self.began) / self.steps


class Pace:
    """Told what happens, it says how much is done and how long the rest takes."""

    def __init__(self) -> None:
        self._done = self._total = 0.0
        self._before: float | None = None  # work that was done before this run began: no measure of its pace
        self._factor = 1.0  # by how much records that are known missed their estimates
        self._chain = 0.0  # work that waits for other work
        self._training, self._at, self._spent = 0, 0.0, 0.0  # workers that train, since when, and their seconds before
        self._underway: dict[str, _Underway] = {}

    def climbs(self, climbs: Sequence[Climb]) -> None:
        """How far everything was climbed before."""
        self._factor = cost.pace({r.id: r for climb in climbs for r in climb.records}.values())
        self._chain = forecast.chain(climbs)

    def work(self, done: float, total: float) -> None:
        """Estimated seconds of the runs that are done and of all."""
        self._before = done if self._before is None else self._before
        self._done, self._total = done, total

    def training(self, workers: int, now: float) -> None:
        """So many workers train from now on; the others start, load or compile."""
        self._spent, self._training, self._at = self._seconds(now), workers, now

    def _seconds(self, now: float) -> float:
        """Seconds of training so far, of all workers together."""
        return self._spent + self._training * max(0.0, now - self._at)

    def looked(self, run: Run, step: int) -> None:
        """A run has come to this step."""
        seen = self._underway.get(run.id)
        if seen is None:
            steps = Settings.of(run.rung).steps
            self._underway[run.id] = _Underway(cost.estimate(run.rung), steps, step)
        else:
            seen.began = max(0, 2 * seen.step - step) if seen.began is None else seen.began
            seen.step = step

    def over(self, runs: Iterable[str]) -> None:
        """These runs, by their ids, are no longer under way."""
        for id in runs:
            self._underway.pop(id, None)

    @property
    def share(self) -> float:
        """How much of the work is done, from 0 to 1."""
        done = self._done + sum(run.done for run in self._underway.values())
        return min(1.0, done / self._total) if self._total > 0 else 0.0

    def left(self, now: float, workers: int) -> tuple[str, str]:
        """In words, and in brief, how long the rest takes with so many workers at work; nothing where there is none."""
        left = max(0.0, self._total - self._done - sum(run.done for run in self._underway.values()))
        if not left or not workers:
            return "", ""
        ended = self._done - (self._before or 0.0)
        fresh = ended + sum(run.fresh for run in self._underway.values())
        spent = self._seconds(now)
        if ended > 0 and spent > 0:
            seconds = left * spent / fresh / workers
            return f"about {clock(seconds)} left", f"{clock(seconds)} left"
        factor = spent / fresh if fresh > 0 and spent > 0 else self._factor
        seconds = forecast.at_most(left, min(left, self._chain), workers) * factor
        return f"at most about {clock(seconds)} of training", f"≤ {clock(seconds)}"
