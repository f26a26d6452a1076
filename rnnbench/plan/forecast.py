"""What a run would do, or has done: counts of runs, the seconds that they take, and how that is said in a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from rnnbench.plan import budgets, cost, likely
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record
from rnnbench.text import counted, duration

START = 20.0  # seconds until a worker has started and has compiled what all runs need, at most
COMPILE = 8.0  # seconds that compiling a model takes, at most; nothing from the second time on


@dataclass(frozen=True)
class Forecast:
    """What a run would do: counts of runs, and about how many seconds of one worker: at most, and as `likely` has it;
    `chain` of them can't be shared out. So many `models` may have to be compiled. Of those that are known, so many
    are `derived`: by runs with fewer steps; `stale`: made by other code, where that was looked for. Where a ladder is
    `searched`, `missing` is the most that there may be, and `pruned` are also those that are left out for good. So many
    of all are `pilots`, so many `follow` from what they choose, at most, and so many are `crossed`: pairs of
    initialisation and data that are no seeds."""

    known: int
    derived: int
    pruned: int
    missing: int
    seconds: float
    searched: bool = False
    pilots: int = 0
    follow: int = 0
    stale: int = 0
    crossed: int = 0
    likely: float = 0.0
    chain: float = 0.0
    models: int = 0

    @property
    def total(self) -> int:
        return self.known + self.pruned + self.missing

    @classmethod
    def of(cls, climbs: Sequence[Climb], stale: Iterable[Record] = ()) -> Forecast:
        records = {r.id: r for climbed in climbs for r in climbed.records}.values()
        known = derived = pruned = missing = 0
        for climbed in climbs:
            there = sum(rung.known for rung in climbed.steps)
            known += there
            derived += sum(rung.tally.derived for rung in climbed.steps)
            missing += climbed.left
            pruned += sum(rung.asked for rung in climbed.steps) - there - climbed.left
        searched = any(climbed.searches and climbed.left for climbed in climbs)
        asked = [(climbed.ladder, sum(rung.asked for rung in climbed.steps)) for climbed in climbs]
        pilots = sum(count for ladder, count in asked if ladder.choice == "pilot")
        follow = sum(count for ladder, count in asked if ladder.awaits)
        crossed = sum(count for ladder, count in asked if ladder.crossing)
        old = sum(1 for _ in stale)
        models = {rung.rung.model_text for climbed in climbs if climbed.left for rung in climbed.steps if rung.missing}
        most, about, alone = _seconds(climbs, records) if missing else (0.0, 0.0, 0.0)
        return cls(known, derived, pruned, missing, most, searched, pilots, follow, old, crossed,
                   likely=about, chain=alone, models=len(models))  # fmt: skip

    def on(self, workers: int) -> tuple[float, float]:
        """About how long so many workers are likely to train, and at most."""
        most = at_most(self.seconds, self.chain, workers)
        alone = self.chain * self.likely / self.seconds if self.seconds else 0.0
        return min(most, max(self.likely / workers, alone)), most


def _seconds(climbs: Sequence[Climb], records: Collection[Record]) -> tuple[float, float, float]:
    """Seconds of one worker that what is left takes at most, those that are likely, and how many of the first wait for
    one another."""
    pace, early = cost.pace(records), likely.early(records)
    most = about = 0.0
    for climbed, below in zip(climbs, budgets.below([c.ladder for c in climbs]), strict=True):
        done, total = cost.work(climbed)
        most += total - done
        about += likely.seconds(climbed, None if below is None else climbs[below], early)
    return most * pace, min(about, most) * pace, min(chain(climbs), most) * pace


def chain(climbs: Sequence[Climb]) -> float:
    """Estimated seconds, at most, of runs of which each waits for the one before: all ladders of a variant on a task,
    and before them a pilot's."""
    pilot = 0.0
    own: dict[tuple[str, str], float] = defaultdict(float)
    for climbed in climbs:
        if climbed.ladder.choice == "pilot":
            pilot = max(pilot, cost.chain(climbed))
        else:
            own[climbed.ladder.variant.name, climbed.ladder.task.name] += cost.chain(climbed)
    return pilot + max(own.values(), default=0.0)


def at_most(seconds: float, chain: float, workers: int) -> float:
    """Until so many workers are done with so many seconds of work, of which `chain` can't be shared out: whoever takes
    what comes first is never later, however what waits for what is arranged (Graham, 1969).

    >>> at_most(100, 40, 2), at_most(100, 100, 4)
    (70.0, 100.0)
    """
    return seconds / workers + chain * (1 - 1 / workers)


def describe(name: str, forecast: Forecast, workers: int) -> str:
    """What `--dry-run` says."""
    f = forecast
    shorter = f" ({f.derived:,} by runs with fewer steps)" if f.derived else ""
    parts = ((f.pilots, "pilots"), (f.crossed, "pairs of a crossing"))
    told = ", ".join(f"{count:,} of them {what}" for count, what in parts if count)
    total = counted(f.total, "run") + (f" ({told})" if told else "")
    head = f"{name}: {total}, {f.known:,} known{shorter}, {f.pruned:,} pruned"
    head += f", {'at most ' * bool(f.searched or f.follow)}{f.missing:,} to train"
    if not f.missing:
        return f"{head}; nothing to do"
    about, most = map(duration, f.on(workers))
    likely = "" if about == most else f", likely {about}"
    starts = duration(START + COMPILE * f.models / workers)
    where = counted(workers, "worker")
    return f"{head}, at most about {most} on {where}{likely}; starting and compiling: at most about {starts} more"


def summary(name: str, before: Forecast, after: Forecast, trained: int, broken: int) -> str:
    """What `run` says last."""
    if not trained and not before.missing:
        text = f"{name}: nothing to do: {counted(after.known, 'run')} known, {after.pruned:,} pruned"
    else:
        text = f"{name}: {counted(trained, 'run')} trained, {before.known:,} known before, {after.pruned:,} pruned"
    text += f", {after.derived:,} told by runs with fewer steps" if after.derived else ""
    text += f", {after.missing:,} still missing" if after.missing else ""
    return text + (f", {broken:,} broken" if broken else "")
