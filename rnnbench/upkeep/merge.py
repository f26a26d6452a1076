"""Stores and exports into one store: every outcome of a run once, nothing overwritten, all of it or nothing.

Two records of a run are the same outcome if their results, `numerics` and `fingerprint` are equal, whenever and
wherever each was made. Two that finished by the same code (`fingerprint`) with the same `numerics` promised equal bits:
if their results differ they are in conflict, and nothing is merged. All other outcomes are kept beside each other, as
attempts of the run. Which of them counts:

- theirs, if the store has none, or only broken ones and theirs finished, or if theirs went on from the one that counts
  here (it is among their attempts, and others came after it);
- else ours: merging fills in what was missing or broken, and changes no number that a report showed. `keep="theirs"`
  says otherwise, and lets records in conflict stand beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rnnbench.check.again import label
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.records import Record
from rnnbench.store import Store
from rnnbench.store.bulk import Change, changing
from rnnbench.suite import Suite
from rnnbench.text import printable

Keep = Literal["ours", "theirs"]
RESULTS = ("status", "steps", "solved_at", "score", "loss", "parameters", "scores", "positions")
SHOWN = 20  # conflicts and runs of unknown provenance that are shown; all are counted


@dataclass
class Merged:
    """What became of a merge, in counts of runs and of attempts. `conflicts` and `unknown` name the first few runs that
    forbid it: then nothing was written."""

    runs: int = 0  # that the store had no record of
    further: int = 0  # attempts at runs that it had records of
    same: int = 0
    suites: int = 0
    conflicting: int = 0
    conflicts: list[str] = field(default_factory=list)
    unknown: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return bool(self.conflicting or self.unknown)


@dataclass(frozen=True)
class Source:
    """Where records come from: each run's attempts together, in their order; and the suites that ran there, the last
    one first."""

    name: str
    attempts: Iterable[Sequence[Record]]
    suites: Sequence[dict[str, Any]] = ()


class _Refused(Exception):
    """Rolls the transaction back."""


def merge(store: Store, sources: Iterable[Source], keep: Keep | None = None, canonical: bool = False) -> Merged:
    """Puts all that sources hold into a store that is held for writing, in one transaction. `canonical`: also records
    that don't say what made them, as those of a canonical export."""
    done = Merged()
    mine = store.suites()
    begun = store.checkpoints.ids()
    ended = set()  # runs that were broken off here, and finished there
    try:
        with changing(store) as change:
            for source in sources:
                for theirs in source.attempts:
                    _run(change, (str(store.directory), source.name), theirs, keep, canonical, done)
                    if theirs[0].id in begun and any(record.finished for record in theirs):
                        ended.add(theirs[0].id)
                _suites(store, source, done)
            if mine:
                store.remember(mine[0])  # the suite that ran last here still is
            if done.refused:
                raise _Refused
    except _Refused:
        return done
    store.checkpoints.sweep(ended.__contains__)
    return done


def same(mine: Record, theirs: Record) -> bool:
    """Whether theirs says nothing that mine doesn't: the same outcome, or the same breakdown."""
    if not theirs.finished:
        return replace(theirs, attempt=mine.attempt) == mine
    if not theirs.fingerprint and not theirs.numerics:  # a canonical export's: its results are all that it knows
        return not difference(mine, theirs)
    return (theirs.numerics, theirs.fingerprint) == (mine.numerics, mine.fingerprint) and not difference(mine, theirs)


def difference(mine: Record, theirs: Record) -> str:
    """What of two results differs first, as `score .5 here, .25 there`; empty if nothing does. An export may lack
    curves: then they aren't compared."""
    for name in RESULTS:
        here, there = getattr(mine, name), getattr(theirs, name)
        if here != there:
            return f"{name} {here} here, {there} there"
    if theirs.curve and mine.curve != theirs.curve:
        pairs = zip(mine.curve, theirs.curve, strict=False)
        step = next((b.step for a, b in pairs if a != b), theirs.curve[-1].step)
        return f"the curve differs at step {step}" if mine.curve else "no curve here"
    return ""


def conflict(mine: Record, theirs: Record) -> str:
    """How they break the promise of equal bits; empty if they don't."""
    promised = mine.finished and theirs.finished and mine.fingerprint and mine.numerics
    if not promised or (mine.fingerprint, mine.numerics) != (theirs.fingerprint, theirs.numerics):
        return ""
    return difference(mine, theirs) if mine.curve or not theirs.curve else ""


def order(mine: Sequence[Record], theirs: Sequence[Record], keep: Keep | None) -> list[Record]:
    """All attempts at a run, the one that counts last; the very list of mine where theirs has nothing new."""
    fresh = [t for k, t in enumerate(theirs) if not any(same(m, t) for m in (*mine, *theirs[:k]))]
    if not fresh or not mine:
        return [*mine, *fresh]
    last, their_last = mine[-1], theirs[-1]
    went_on = any(same(last, t) for t in theirs[:-1]) and their_last in fresh
    mended = their_last.finished and not last.finished
    fuller = not last.curve and bool(their_last.curve) and same(replace(last, curve=their_last.curve), their_last)
    if went_on or mended or fuller or (keep == "theirs" and their_last in fresh):
        return [*mine, *fresh]
    return [*mine[:-1], *fresh, last]


def _run(
    change: Change,
    places: tuple[str, str],
    theirs: Sequence[Record],
    keep: Keep | None,
    canonical: bool,
    done: Merged,
) -> None:
    mine = change.attempts(theirs[0].id)
    found = order(mine, theirs, keep)
    fresh = len(found) - len(mine)
    done.same += len(theirs) - fresh
    if not fresh:
        return
    new = [r for r in found if r not in mine]
    if not canonical and any(r.finished and not r.numerics and not r.fingerprint for r in new):
        done.unknown += 1
    for told in () if keep else filter(None, (conflict(m, t) for m in mine for t in new)):
        done.conflicting += 1
        if len(done.conflicts) < SHOWN:
            done.conflicts.append(f"{label(theirs[0])}: {told} ({', '.join(places)})")
        break
    done.runs += not mine
    done.further += fresh if mine else fresh - 1
    if not done.refused:
        change.rewrite(mine, found)


def _suites(store: Store, source: Source, done: Merged) -> None:
    """Remembers the suites that ran there, so that what they name is no orphan here. One that names code of its own
    isn't taken: a store from elsewhere must not say what is imported here."""
    for plain in reversed(source.suites):
        try:
            suite = Suite.from_dict(plain)
            if suite.foreign:
                told = (
                    f"its suite {printable(suite.name, 100)} names code of its own and isn't taken; next: run it here"
                )
                done.notes.append(f"{source.name}: {told}")
                continue
            plan(suite)
        except (UserError, TypeError, KeyError, ValueError, AttributeError):
            done.notes.append(f"{source.name}: a suite that it remembers can't be read here and isn't taken")
            continue
        store.remember(plain)
        done.suites += 1
