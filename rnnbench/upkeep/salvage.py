"""What is whole in a damaged store, written into a new one. The old one is only read.

Every row that the file's pages hold is looked at, through SQLite or past it, and taken if its digest says that it is
what was written; a row of a version that had no digests, if its id is its run's and it is a record in every respect.
The file's own sums then say whether that was all.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rnnbench import strict
from rnnbench.errors import Exit, UserError
from rnnbench.records import Record, Rung
from rnnbench.store import Store, rows, schema
from rnnbench.store.bulk import changing
from rnnbench.store.faults import Damage, shown, told
from rnnbench.upkeep import pages

ID = re.compile(r"[0-9a-f]{24}")
REAL = [
    rows.COLUMNS.index(name) for name in ("score", "loss", "seconds")
]  # stored as whole numbers where they have no fraction


@dataclass
class Salvaged:
    """How many records are in the new store, and suites; how many the old one is known to have held (None: its sums
    are lost too); the ids of runs of which an attempt was found broken."""

    records: int = 0
    suites: int = 0
    expected: int | None = None
    broken: set[str] = field(default_factory=set)

    @property
    def lost(self) -> int | None:
        """How many records are lost, where that is known."""
        return None if self.expected is None else max(0, self.expected - self.records)


def salvage(store: Store, fresh: Store) -> Salvaged:
    """Writes what is whole in `store` into `fresh`, which must not be there yet. UserError where that is, or where
    there is nothing to read."""
    if fresh.path.exists():
        raise UserError(f"{shown(fresh.directory)}: got a folder with a store, expected a new one for what is whole")
    if not schema.exists(store.path):
        raise UserError(f"{shown(store.directory)}: got no store, expected a damaged one", code=Exit.NOTHING_SELECTED)
    with told(store.path):
        data = _rolled_back(store.path)
    found = Salvaged()
    with fresh.writing():
        with changing(fresh) as change:
            for record in _records(data, found):
                found.records += change.put(record)
                found.broken.discard(record.id)
        for plain in _suites(data):
            fresh.remember(plain)
            found.suites += 1
    return found


def _rolled_back(path: Path) -> bytes:
    """The file's bytes, without what a kill left half written: SQLite takes that back in a copy, if it can."""
    journal = path.with_name(f"{path.name}-journal")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copyfile(path, Path(folder, path.name)))
        if journal.exists():
            shutil.copyfile(journal, Path(folder, journal.name))
            with suppress(sqlite3.Error), closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA schema_version").fetchone()
        return copy.read_bytes()


def _records(data: bytes, found: Salvaged) -> Iterator[Record]:
    """The records of all rows that are whole, attempts in their order; notes what the others say. Of one run's records
    those wait for each other that are not its first attempt alone."""
    several = {values[0] for values in _rows(data, found) if type(values[1]) is int and values[1] > 1}
    waiting: list[Record] = []
    rungs: dict[str, Rung] = {}
    for row in _rows(data, found):
        try:
            rows.verify(row, digested=len(row) == 17)
            record = rows.record(row, rows.run(row, rungs))
        except Damage:
            found.broken.add(row[0])
            continue
        if record.id in several:
            waiting.append(record)
        else:
            yield record
    yield from sorted(waiting, key=lambda record: record.attempt)


def _rows(data: bytes, found: Salvaged) -> Iterator[list[Any]]:
    """What looks like a row of records, whole or not; notes the sums on the way."""
    for _, values in pages.rows(data):
        if len(values) == 3 and values[0] == "records" and type(values[1]) is int:
            found.expected = values[1]
        if len(values) in (16, 17) and type(values[0]) is str and ID.fullmatch(values[0]):
            row = list(values)
            for place in REAL:
                row[place] = float(row[place]) if type(row[place]) is int else row[place]
            yield row


def _suites(data: bytes) -> list[dict[str, Any]]:
    """The suites that ran, the last one last."""
    found = {}
    for number, values in pages.rows(data):
        if len(values) not in (3, 4) or values[0] is not None or type(values[1]) is not str:
            continue
        _, name, text, *digest = values
        try:
            plain = strict.loads(text)
            if digest and schema.suite_digest(number, name, text) != digest[0]:
                continue
        except (ValueError, TypeError):
            continue
        if type(plain) is dict and plain.get("name") == name:
            found[number] = plain
    return [found[number] for number in sorted(found)]
