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
from rnnbench.store.faults import Damage, shown, told
from rnnbench.upkeep import pages

ID = re.compile(r"[0-9a-f]{24}")
REAL = ("score", "loss", "seconds")  # stored as whole numbers where they have no fraction


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
        found.records = fresh.restore(_records(data, found))
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
    """The records of all rows that are whole; notes what the others say."""
    rungs: dict[str, Rung] = {}
    for _, values in pages.rows(data):
        if len(values) == 3 and values[0] == "records" and type(values[1]) is int:
            found.expected = values[1]
        named = len(values) in (16, 17) and type(values[0]) is str and ID.fullmatch(values[0])
        if not named:
            continue
        row = [float(v) if n in REAL and type(v) is int else v for n, v in zip(rows.COLUMNS, values, strict=False)]
        row += values[16:]
        try:
            rows.verify(row, digested=len(row) == 17)
            yield rows.record(row, rows.run(row, rungs))
        except Damage:
            found.broken.add(row[0])


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
