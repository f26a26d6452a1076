"""What a store could do without: found first, deleted only when that is asked for.

| kind | what it is |
|---|---|
| orphans | records of runs that no suite which ran here names any longer |
| checkpoints | of runs that finished, or that no suite names |
| parts | halves of files, left by a process that was killed |
| caches | machine code of sources that nobody used for a month |
| logs | of errors of rnnbench itself |
| attempts | those at a run before the one that counts; only when named |
| stale | records made by other code than today's, though a suite names them; only when named |

But for the last two, nothing that a suite which ran here still names is ever one of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rnnbench import api
from rnnbench.errors import Exit, UserError
from rnnbench.plan.orphans import unnamed
from rnnbench.records import FINISHED
from rnnbench.store import Store, bulk
from rnnbench.store.bulk import Size
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.text import printable
from rnnbench.upkeep import caches

ALWAYS = ("orphans", "checkpoints", "parts", "caches", "logs")
ONLY_WHEN_NAMED = ("attempts", "stale")
KINDS = (*ALWAYS, *ONLY_WHEN_NAMED)


@dataclass
class Waste:
    """What of a kind could go: rows of the store, or files and folders; and why nothing can be said, if so."""

    kind: str
    rows: list[Size] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    unknown: str = ""

    @property
    def count(self) -> int:
        return len(self.rows) + len(self.paths)

    @property
    def bytes(self) -> int:
        return sum(row.bytes for row in self.rows) + sum(map(caches.size, self.paths))


def suites(store: Store) -> list[Suite]:
    """What a store remembers, the suite that ran last first, and each one's text as a whole: a part of it may be all
    that ran since it was edited. UserError where one can't be read."""
    try:
        remembered = [Suite.from_dict(plain) for plain in store.suites()]
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise UserError("a suite that it remembers can't be read") from error
    found = {suite.text: suite for suite in reversed(remembered) if suite.text}
    return [*remembered, *filter(None, map(_whole, found.values()))]


def _whole(suite: Suite) -> Suite | None:
    """The suite as its text says it, with nothing selected or overridden; None where that no longer stands alone, as
    where a file that it includes has gone."""
    try:
        return loads(suite.text.encode(), suite.path or suite.name)
    except (UserError, OSError):
        return None


def find(store: Store, kinds: Iterable[str] = ALWAYS) -> list[Waste]:
    """What of these kinds a store and the caches of this machine could do without. Changes nothing."""
    return [_FINDERS[kind](store) for kind in kinds]


def clear(store: Store, kinds: Iterable[str] = ALWAYS) -> list[Waste]:
    """Deletes that, from a store that is held for writing, and says what it was."""
    found = find(store, kinds)
    if rows := {row for waste in found for row in waste.rows}:
        bulk.forget(store, rows)
    for path in (path for waste in found for path in waste.paths):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)  # another process may be clearing it, too
        else:
            path.unlink(missing_ok=True)
    return found


def _orphans(store: Store) -> Waste:
    try:
        left = _unnamed(store, {each.id for each in bulk.sizes(store)})
    except UserError as error:
        if error.code == Exit.STORE:
            raise
        return Waste("orphans", unknown=f"can't be told: {printable(error.lines[0], 300)}")
    return Waste("orphans", [each for each in bulk.sizes(store) if each.id in left] if left else [])


def _unnamed(store: Store, ids: set[str]) -> set[str]:
    """Those that no suite names; UserError where that can't be told."""
    if not ids:
        return set()
    known = suites(store)
    if not known:
        raise UserError("no suite ran here, so that nothing says which records are wanted")
    return unnamed(ids, known)


def _attempts(store: Store) -> Waste:
    """Those before the one that counts; what finished is kept where that one broke."""
    last: dict[str, tuple[int, bool]] = {}
    for each in bulk.sizes(store):
        last[each.id] = max(last.get(each.id, (0, False)), (each.attempt, each.status in FINISHED))

    def superseded(each: Size) -> bool:
        number, finished = last[each.id]
        return each.attempt < number and (finished or each.status not in FINISHED)

    return Waste("attempts", list(filter(superseded, bulk.sizes(store))))


def _stale(store: Store) -> Waste:
    records = store.records().values()
    try:
        old = {record.id for record in api.stale(records)}
    except UserError as error:  # of code of one's own that isn't there any longer
        return Waste("stale", unknown=f"can't be told: {printable(error.lines[0], 300)}")
    return Waste("stale", [each for each in bulk.sizes(store) if each.id in old])


def _checkpoints(store: Store) -> Waste:
    there = {path.stem: path for path in _files(store.directory / "checkpoints", "*.checkpoint")}
    finished = {each.id for each in bulk.sizes(store) if each.status in FINISHED} & set(there) if there else set()
    try:
        finished |= _unnamed(store, set(there))
    except UserError as error:  # what finished needs no checkpoint, whatever suites there are
        if error.code == Exit.STORE:
            raise
    return Waste("checkpoints", paths=[there[id] for id in sorted(finished)])


def _parts(store: Store) -> Waste:
    folders = store.directory, store.directory / "checkpoints"
    return Waste("parts", paths=[path for folder in folders for path in _files(folder, "*.part")])


def _caches(store: Store) -> Waste:
    places = [cache.place for cache in caches.caches() if cache.writable]
    return Waste("caches", paths=[path for place in places for path in caches.unused(place)])


def _logs(store: Store) -> Waste:
    return Waste("logs", paths=list(_files(store.directory, "error-*.log")))


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in sorted(folder.glob(pattern)) if path.is_file() and not path.is_symlink())


_FINDERS: dict[str, Callable[[Store], Waste]] = {
    "orphans": _orphans,
    "checkpoints": _checkpoints,
    "parts": _parts,
    "caches": _caches,
    "logs": _logs,
    "attempts": _attempts,
    "stale": _stale,
}
