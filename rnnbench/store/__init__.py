"""The store: one SQLite file of records under a directory, its lock, and the checkpoints of runs under way.

Rows are keyed by (id, attempt) and none is ever overwritten; the last attempt counts. One process writes at a time, and
what it acknowledged is synced. Every row carries a digest, and each table sums of them, which every reading checks:
what isn't what was written is told, never used.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnbench import strict
from rnnbench.errors import Exit, UserError
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.store import lock, rows, schema
from rnnbench.store.checkpoints import Checkpoints
from rnnbench.store.faults import Damage, shown, told
from rnnbench.store.lookup import Found, paused

VERSION = schema.VERSION
MOST_ERROR = 100_000  # characters of an error that are kept


class Store:
    """The records under `directory`. Reading needs no lock and no write permission; writing needs `writing()`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "records.sqlite"
        self.checkpoints = Checkpoints(directory / "checkpoints")
        self._connection: sqlite3.Connection | None = None
        self._check: Callable[[], None] = lambda: None  # that the lock is held still

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Holds the store: makes it if need be, clears away what a kill left half written, keeps every other writer
        out. Exit code 4 where another one holds it, 3 where it can't be written to or isn't what was written."""
        _make(self.checkpoints.folder, self.directory)
        with lock.held(self._place(), self.checkpoints.folder) as self._check:
            try:
                with told(self.path):
                    self._connection = schema.open_to_write(self.path)
                self.checkpoints.sweep()
                yield self
            finally:
                self._check = lambda: None
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    def held(self) -> bool:
        """Whether a process of this machine holds it, as far as it wrote that down."""
        return lock.alive(self._place())

    def _place(self) -> Path:
        """Where its lock is: the file may lie elsewhere, and two folders may lead to it."""
        return Path(os.path.realpath(self.path)).parent if self.path.is_symlink() else self.directory

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, int] | None]:
        """One consistent look, and the file's version; None where there is no store yet."""
        with told(self.path):
            if self._connection is not None:
                yield self._connection, VERSION
            else:
                with schema.reading(self.path) as found:
                    yield found

    def _writable(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the store is not held: use it inside writing()")
        self._check()
        return self._connection

    def add(self, record: Record) -> Record:
        """Appends a record as its run's next attempt, synced to the disk, and drops the run's checkpoint. A result
        that is told twice, equal in everything to its run's last attempt, is there once."""
        connection = self._writable()
        with told(self.path), schema.transaction(connection):
            record = _appended(connection, record)
        self.checkpoints.drop(record.id)
        return record

    def attempts(self, curves: bool = False) -> Iterator[Record]:
        """Every attempt of every run, one after the other in the order of writing. A writer waits while this is under
        way. Damage shows at the latest at the end: what was given before may be less than what was written."""
        rungs: dict[str, Rung] = {}
        for row in self._rows():
            with told(self.path):
                found = rows.record(row, rows.run(row, rungs), curves)
            yield found

    def _rows(self) -> Iterator[rows.Row]:
        """The rows, verified one by one, and their sums at the end."""
        with self._reading() as found:
            if found is None:
                return
            connection, version = found
            digested, count, total = version > 1, 0, 0
            columns = ", ".join((*rows.COLUMNS, *["digest"] * digested))
            for row in connection.execute(f"SELECT {columns} FROM records ORDER BY rowid"):
                rows.verify(row, digested)
                if digested:
                    count, total = count + 1, total + int.from_bytes(row[-1], "little")
                yield row
            if digested:
                schema.same(connection, "records", rows.Sums(count, total))

    def records(self, runs: Iterable[Run] | None = None, curves: bool = False) -> Mapping[str, Record]:
        """The last attempt of each of these runs that has one, by id (None: of all); curves, and when each was begun,
        only where asked for."""
        with told(self.path):
            if self._connection is None and not schema.exists(self.path):
                return {}
            if runs is None:
                runs = {record.id: record.run for record in self.attempts()}.values()
            found = Found(runs)
            if found.asked:
                with paused():
                    for row in self._rows():
                        found.take(row, curves)
            return found

    def remember(self, suite: dict[str, Any]) -> None:
        """Notes that a suite ran, as plain JSON, so that `report` alone knows which was last."""
        connection, text = self._writable(), canonical(suite)
        with told(self.path), schema.transaction(connection):
            sums = schema.sums(connection, "suites")
            for (digest,) in connection.execute("SELECT digest FROM suites WHERE suite = ?", (text,)):
                sums.remove(digest)
            connection.execute("DELETE FROM suites WHERE suite = ?", (text,))
            (last,) = connection.execute("SELECT max(number) FROM suites").fetchone()
            number = (last or 0) + 1
            digest = schema.suite_digest(number, suite["name"], text)
            connection.execute("INSERT INTO suites VALUES (?, ?, ?, ?)", (number, suite["name"], text, digest))
            sums.add(digest)
            schema.note(connection, "suites", sums)

    def suites(self) -> list[dict[str, Any]]:
        """The suites that ran, the last one first."""
        found: list[dict[str, Any]] = []
        with self._reading() as open:
            if open is None:
                return []
            connection, version = open
            digested, sums = version > 1, rows.Sums()
            columns = "number, name, suite, digest" if digested else "number, name, suite, NULL"
            for number, name, text, digest in connection.execute(f"SELECT {columns} FROM suites ORDER BY number DESC"):
                if digested and schema.suite_digest(number, name, text) != digest:
                    raise Damage(f"suite {strict.shown(name)} isn't as it was written")
                if digested:
                    sums.add(digest)
                found.append(_suite(name, text))
            if digested:
                schema.same(connection, "suites", sums)
        return found

    def checkpoint(self, id: str) -> bytes | None:
        return self.checkpoints.load(id)

    def save_checkpoint(self, id: str, raw: bytes) -> None:
        self._check()
        self.checkpoints.save(id, raw)


def _make(folder: Path, directory: Path) -> None:
    """Makes a folder and what it lies in, each entry synced: what is lost with a folder's name is lost too."""
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            with suppress(PermissionError):  # a parent that may be gone through, but not read
                schema.sync(each.parent)
    except OSError as error:
        raise UserError(f"{shown(directory)}: can't be written to ({error.strerror}); "
                        "choose another place with --results", code=Exit.STORE) from None  # fmt: skip


def _appended(connection: sqlite3.Connection, record: Record) -> Record:
    """A record, written as its run's next attempt within a transaction."""
    columns = ", ".join((*rows.COLUMNS, "digest"))
    order = "WHERE id = ? ORDER BY attempt DESC LIMIT 1"
    row = connection.execute(f"SELECT {columns} FROM records {order}", (record.id,)).fetchone()
    attempt = 0
    record = replace(record, error=_writable(record.error)).checked()
    if row is not None:
        rows.verify(row)
        last = rows.record(row, record.run)
        attempt = last.attempt
        if record.finished and replace(record, attempt=attempt) == last:
            return last
    record = replace(record, attempt=attempt + 1)
    made = rows.of(record)
    sums = schema.sums(connection, "records")
    connection.execute(schema.INSERT, made)
    sums.add(made[-1])
    schema.note(connection, "records", sums)
    return record


def _writable(error: str | None) -> str | None:
    """An error's text as it can be kept: half characters spelled out, the middle of an endless one left out."""
    if error is None:
        return None
    whole = error.encode("utf-8", "backslashreplace").decode()
    if len(whole) <= MOST_ERROR:
        return whole
    return f"{whole[: MOST_ERROR // 2]}\n... {len(whole) - MOST_ERROR} characters left out\n{whole[-MOST_ERROR // 2 :]}"


def _suite(name: object, text: str) -> dict[str, Any]:
    try:
        found = strict.loads(text)
    except ValueError as error:
        raise Damage(f"suite {strict.shown(name)}: {error}") from error
    if type(found) is not dict:
        raise Damage(f"suite {strict.shown(name)} is none")
    return found
