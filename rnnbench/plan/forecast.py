"""What a run would do, or has done: counts of runs, the seconds that they take, and how that is said in a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rnnbench.plan import cost
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record
from rnnbench.text import counted, duration


@dataclass(frozen=True)
class Forecast:
    """What a run would do: counts of runs, and about how many seconds of one worker. Of those that are known, so many
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

    @property
    def total(self) -> int:
        return self.known + self.pruned + self.missing

    @classmethod
    def of(cls, climbs: Sequence[Climb], stale: Iterable[Record] = ()) -> Forecast:
        factor = cost.correction({r.id: r for climbed in climbs for r in climbed.records}.values())
        known = derived = pruned = missing = 0
        seconds = 0.0
        for climbed in climbs:
            there = sum(rung.known for rung in climbed.steps)
            known += there
            derived += sum(rung.tally.derived for rung in climbed.steps)
            missing += climbed.left
            pruned += sum(rung.asked for rung in climbed.steps) - there - climbed.left
            done, total = cost.work(climbed)
            seconds += (total - done) * factor
        searched = any(climbed.searches and climbed.left for climbed in climbs)
        asked = [(climbed.ladder, sum(rung.asked for rung in climbed.steps)) for climbed in climbs]
        pilots = sum(count for ladder, count in asked if ladder.choice == "pilot")
        follow = sum(count for ladder, count in asked if ladder.awaits)
        crossed = sum(count for ladder, count in asked if ladder.crossing)
        old = sum(1 for _ in stale)
        return cls(known, derived, pruned, missing, seconds, searched, pilots, follow, old, crossed)


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
    return f"{head}, at most about {duration(f.seconds / workers)} on {counted(workers, 'worker')}"


def summary(name: str, before: Forecast, after: Forecast, trained: int, broken: int) -> str:
    """What `run` says last."""
    if not trained and not before.missing:
        text = f"{name}: nothing to do: {counted(after.known, 'run')} known, {after.pruned:,} pruned"
    else:
        text = f"{name}: {counted(trained, 'run')} trained, {before.known:,} known before, {after.pruned:,} pruned"
    text += f", {after.derived:,} told by runs with fewer steps" if after.derived else ""
    text += f", {after.missing:,} still missing" if after.missing else ""
    return text + (f", {broken:,} broken (rnnbench run --rerun failed tries them again)" if broken else "")
