"""What a suite that tunes chose, told from the records of its pilots; and the ladders that follow from it.

Derived whenever somebody looks, never stored: each variant on each task takes the candidate whose pilots have the best
mean validation, over all their lengths and seeds. The validation of a run is that of its last look:

    1                      where the validation split was scored at the task's bar or over: as far as it tells, solved
    the split's score      where that is below the bar
    the training score     where the split was not scored, since training was far below the bar: of batches that were
                           drawn anew and scored before they were trained on (progressive validation, Blum et al., 1999)
    0                      where the run diverged

Which candidate is best is therefore never decided by the test, nor by how far beyond the bar a run was when it stopped.
Equals are told apart by the mean steps up to the bar (the whole budget where it was not reached), then by the mean
training loss at the last look, then by their order in the suite. A candidate of which a run broke can't be chosen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.records import Point, Record, given
from rnnbench.settings import Settings
from rnnbench.suite.tuning import label, root
from rnnbench.suite.tuning import pilots as pilots

if TYPE_CHECKING:
    from rnnbench.plan import Ladder, Plan
    from rnnbench.suite import Suite

Key = tuple[str, str]  # variant, task


@dataclass(frozen=True)
class Trial:
    """What became of the pilots of one candidate: means over their lengths and seeds, nan where some are `missing` or
    `broken`."""

    candidate: Mapping[str, Any]
    missing: int
    broken: int
    score: float = math.nan
    steps: float = math.nan
    loss_nats: float = math.nan

    @property
    def eligible(self) -> bool:
        return not self.missing and not self.broken

    @property
    def order(self) -> tuple[float, float, float]:
        """Less is better."""
        return -self.score, self.steps, self.loss_nats


@dataclass(frozen=True)
class Chosen:
    """The trials of one variant on one task, in the suite's order; `best` is the number of the one that is chosen. None
    while pilots are missing, or where each candidate has one that broke: then there is nothing to be chosen."""

    trials: tuple[Trial, ...]
    best: int | None
    second: int | None

    @property
    def done(self) -> bool:
        """Whether every pilot has a record."""
        return not any(trial.missing for trial in self.trials)

    @property
    def candidate(self) -> Mapping[str, Any] | None:
        return None if self.best is None else self.trials[self.best].candidate

    @property
    def margin(self) -> float:
        """By how much the choice's validation is over the runner-up's; nan where there is none."""
        if self.best is None or self.second is None:
            return math.nan
        return self.trials[self.best].score - self.trials[self.second].score


def validation(record: Record, bar: float) -> tuple[float, int, float]:
    """The validation of a run that finished, in [0, 1]; the steps up to the bar, or all that it had; the training loss
    at its last look. UserError where its looks aren't known.

    >>> from rnnbench.records import Run, Rung
    >>> run = Run(Rung({"cell": "rnn"}, {"task": "copy"}, 5, {}), 9000)
    >>> looks = Point(100, 0.3, 0.99, 0.96), Point(200, 0.2, 0.99, 0.97)
    >>> validation(Record(run, "unsolved", 0.94, steps=200, curve=looks), 0.95)
    (1.0, 100, 0.2)
    >>> validation(Record(run, "unsolved", 0.4, steps=1000, curve=(Point(1000, 0.9, 0.41),)), 0.95)
    (0.41, 1000, 0.9)
    """
    if record.status == "diverged":
        return 0.0, _budget(record), math.inf
    if not record.curve:
        raise UserError(f"run {record.id} is a pilot without its looks, so that nothing can be chosen; next: an export "
                        "with --curves")  # fmt: skip
    last = record.curve[-1]
    score = last.score if last.select is None else last.select
    loss = math.inf if last.loss is None else last.loss
    if not _at(last, bar):
        return score or 0.0, _budget(record), loss
    twice = (a.step for a, b in pairwise(record.curve) if _at(a, bar) and _at(b, bar))
    return 1.0, next(twice, last.step), loss


def brief(record: Record, bar: float) -> Record:
    """The same record with those of its looks alone that its validation is told from."""
    looks = record.curve
    first = next((k for k, (a, b) in enumerate(pairwise(looks)) if _at(a, bar) and _at(b, bar)), None)
    kept = () if first is None else looks[first : first + 2]
    return replace(record, curve=(*(p for p in kept if p is not looks[-1]), *looks[-1:]))


def _at(point: Point, bar: float) -> bool:
    return point.select is not None and point.select >= bar


def _budget(record: Record) -> int:
    return Settings.of(record.run.rung).steps


def bar(ladder: Ladder) -> float:
    return registry.task_class(ladder.task.task["task"]).bar


def trial(ladder: Ladder, records: Iterable[Record | None]) -> Trial:
    """The trial that a pilot's ladder is, from the records of all its runs, None where there is none yet."""
    every = list(records)
    found = [r for r in every if r is not None]
    broken = sum(not r.finished for r in found)
    made = Trial(ladder.candidate, len(every) - len(found), broken)
    if not made.eligible:
        return made
    scores, steps, losses = zip(*(validation(r, bar(ladder)) for r in found), strict=True)
    return replace(made, score=fmean(scores), steps=fmean(steps), loss_nats=fmean(losses))


def choose(trials: Sequence[Trial]) -> Chosen:
    """What is chosen among the candidates of a variant on a task."""
    if any(each.missing for each in trials):
        return Chosen(tuple(trials), None, None)
    ranked = sorted((k for k, each in enumerate(trials) if each.eligible), key=lambda k: (*trials[k].order, k))
    best, second, *_ = (*ranked, None, None)
    return Chosen(tuple(trials), best, second)


def groups(pilots: Plan) -> dict[Key, list[Ladder]]:
    """The pilots of each variant on each task, a ladder a candidate; without those that can't do the task."""
    found: dict[Key, list[Ladder]] = {}
    for ladder in pilots.ladders:
        if ladder.rungs:
            found.setdefault(key(ladder), []).append(ladder)
    return found


def choice(pilots: Plan, ladders: Iterable[Ladder], records: Mapping[str, Record]) -> Chosen:
    """What the pilots of a variant on a task chose, as far as their records tell."""
    seeds = pilots.suite.seeds
    return choose([trial(x, (records.get(rung.id(seed)) for rung in x.rungs for seed in seeds)) for x in ladders])


def choices(pilots: Plan, records: Mapping[str, Record]) -> dict[Key, Chosen]:
    """What each variant chose on each task."""
    return {name: choice(pilots, ladders, records) for name, ladders in groups(pilots).items()}


def trying(suite: Suite, ladders: Iterable[Ladder]) -> Iterator[Ladder]:
    """The ladders of the pilots' suite, each with the candidate that it tries."""
    tuning = suite.tuning
    known = {} if tuning is None else {label(candidate): candidate for candidate in tuning.candidates}
    return (replace(x, choice="pilot", candidate=known[x.variant.part or ""]) for x in ladders)


def key(ladder: Ladder) -> Key:
    """Whose pilot a ladder is."""
    return ladder.variant.base or "", ladder.task.name


def awaiting(suite: Suite, ladders: Iterable[Ladder]) -> Iterator[Ladder]:
    """The ladders of a suite that tunes before anything is chosen: those at each variant's own choice, then those of
    the differences at that of the architecture that they start from."""
    tuning = suite.tuning
    if tuning is None:
        return
    costliest = max(tuning.candidates, key=lambda candidate: candidate.get("batch", 0))
    variants, at_base = {v.name: v for v in suite.variants}, []
    every = list(ladders)
    able = {(ladder.variant.name, ladder.task.name) for ladder in every if ladder.rungs}
    for ladder in every:
        own, origin = ladder.variant.name, root(variants, ladder.variant).name
        if (origin, ladder.task.name) not in able:
            origin = own
        if not ladder.rungs:
            yield ladder
            continue
        waiting = taking(ladder, costliest)
        if own == origin or tuning.compare != "base":
            yield replace(waiting, awaits=(own,), candidate={})
            if own != origin and tuning.compare == "both" and not ladder.crossing:
                at_base.append(replace(waiting, choice="base", awaits=(origin, own), candidate={}))
        else:
            yield replace(waiting, awaits=(origin,), candidate={})
    yield from at_base


def taking(ladder: Ladder, candidate: Mapping[str, Any]) -> Ladder:
    """The same with a candidate's settings, awaiting nothing."""
    rungs = (replace(r, settings=given(replace(Settings.of(r), **candidate))) for r in ladder.rungs)
    return replace(ladder, rungs=tuple(rungs), awaits=(), candidate=candidate)


def candidates(suite: Suite, ladder: Ladder) -> Iterator[Ladder]:
    """All that a ladder may come to be."""
    if not ladder.awaits or suite.tuning is None:
        yield ladder
    else:
        yield from (taking(ladder, candidate) for candidate in suite.tuning.candidates)


def settled(ladder: Ladder, chosen: Mapping[Key, Chosen]) -> Ladder | None:
    """A ladder at the first choice that it awaits; itself while that isn't known. None of one at the
    base's choice where the variant's own is the same: then its runs are those of the other ladder."""
    if not ladder.awaits:
        return ladder
    found = [chosen[name, ladder.task.name] for name in ladder.awaits]
    first = found[0].candidate
    if first is None or not all(each.done for each in found):
        return ladder
    if len(found) > 1 and found[1].candidate == first:
        return None
    return taking(ladder, first)


def settle(plan: Plan, records: Mapping[str, Record]) -> Plan:
    """A plan as far as its pilots have chosen."""
    chosen = choices(plan.pilots, records) if plan.pilots else {}
    ladders = (settled(ladder, chosen) for ladder in plan.ladders)
    return replace(plan, ladders=tuple(ladder for ladder in ladders if ladder is not None))


def needed(pilots: Plan, ladders: Iterable[Ladder]) -> Plan:
    """The pilots that some ladders await."""
    names = {(name, ladder.task.name) for ladder in ladders for name in ladder.awaits}
    return replace(pilots, ladders=tuple(ladder for ladder in pilots.ladders if key(ladder) in names))
