"""What a drive's pilots choose, as they end, and the ladders that can be climbed from then on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rnnbench.plan import Ladder, Plan, cost, tuning
from rnnbench.plan.ladders import Climb
from rnnbench.plan.tuning import Chosen, Key
from rnnbench.records import Record


class Choosing:
    """The choices of a plan, some of which are still to be made. Ladders are known by their numbers among the climbs.

    Of records it keeps those of pilots, with the looks alone that choices are told from, and those of runs that a
    ladder may yet come to ask for.
    """

    def __init__(self, plan: Plan, climbs: Sequence[Climb], records: Mapping[str, Record]) -> None:
        self.plan = plan
        self.pilots: dict[Key, list[int]] = {}
        self.waiting: dict[Key, list[int]] = {}
        self.bars: dict[str, float] = {}  # of pilots' rungs
        self.candidates: set[str] = set()  # rungs that may come to be asked for
        self.records: dict[str, Record] = {}
        self.chosen: dict[Key, Chosen] = {}
        if plan.pilots is None:
            return
        for i, climb in enumerate(climbs):
            ladder = climb.ladder
            if ladder.choice == "pilot" and ladder.rungs:
                self.pilots.setdefault(tuning.key(ladder), []).append(i)
                self.bars |= dict.fromkeys((rung.key for rung in ladder.rungs), tuning.bar(ladder))
            for name in ladder.awaits:
                self.waiting.setdefault((name, ladder.task.name), []).append(i)
            if ladder.awaits:
                self.candidates |= {r.key for each in tuning.candidates(plan.suite, ladder) for r in each.rungs}
        for record in records.values():
            self.take(record)
        for key in self.pilots:
            self._choose(key, climbs)

    def take(self, record: Record) -> None:
        """Keeps a record, if a choice or what follows from it depends on it."""
        key = record.run.rung.key
        if key in self.bars:
            self.records[record.id] = tuning.brief(record, self.bars[key]) if record.finished else record
        elif key in self.candidates:
            self.records[record.id] = replace(record, curve=())

    def _choose(self, name: Key, climbs: Sequence[Climb]) -> bool:
        """Whether the pilots of a variant on a task are done, so that they have chosen."""
        if self.plan.pilots is None or any(climbs[i].open is not None for i in self.pilots[name]):
            return False
        ladders = [climbs[i].ladder for i in self.pilots[name]]
        self.chosen[name] = tuning.choice(self.plan.pilots, ladders, self.records)
        return True

    def settled(self, i: int, climbs: Sequence[Climb]) -> Iterator[tuple[int, Ladder]]:
        """The ladders that await nothing any longer, once a pilot has no runs left to do; without rungs where one has
        the runs of another."""
        name = tuning.key(climbs[i].ladder)
        if not self._choose(name, climbs):
            return
        for k in self.waiting.get(name, ()):
            ladder = climbs[k].ladder
            if ladder.awaits and all((each, ladder.task.name) in self.chosen for each in ladder.awaits):
                found = tuning.settled(ladder, self.chosen)
                yield k, replace(ladder, rungs=(), awaits=()) if found is None else found

    def nothing(self, i: int, climbs: Sequence[Climb]) -> str:
        """For whom nothing can be chosen, once a pilot has no runs left to do; empty where something is."""
        chosen = self.chosen.get(tuning.key(climbs[i].ladder))
        return " ".join(tuning.key(climbs[i].ladder)) if chosen and chosen.best is None else ""

    def behind(self, ladder: Ladder, climbs: Sequence[Climb]) -> float:
        """Estimated seconds from the start of the longest ladder that awaits a pilot to its top."""
        names = self.waiting.get(tuning.key(ladder), ()) if ladder.choice == "pilot" else ()
        return max((cost.priority(climbs[k], climbs[k].steps[0]) for k in names if climbs[k].steps), default=0.0)
