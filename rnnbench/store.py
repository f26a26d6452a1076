"""The store: one SQLite file of records under a directory, its lock, and the checkpoints of runs under way.

Rows are keyed by (id, attempt) and none is ever overwritten; the last attempt counts. One process writes at a time:
it holds an `flock` on a file of its own, so that nothing is left to unlock by hand after a kill. Rollback journal,
not WAL: that fails on read-only and network mounts.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnbench.errors import Exit, UserError
from rnnbench.records import Point, Record, Run, Status, canonical

VERSION = 1
COLUMNS = ("status", "score", "loss", "steps", "solved_at", "parameters", "seconds", "error", "numerics",
           "fingerprint", "host", "started", "attempt")  # fmt: skip
ROW_BYTES = 180  # of a row besides its texts, with its place in the index
EVERYTHING = ", ".join(("id", *COLUMNS, "curve", "run"))
SCHEMA = """
CREATE TABLE records (
    id TEXT NOT NULL, attempt INTEGER NOT NULL, run TEXT NOT NULL, status TEXT NOT NULL, score REAL, loss REAL,
    steps INTEGER NOT NULL, solved_at INTEGER, parameters INTEGER NOT NULL, seconds REAL NOT NULL, error TEXT,
    numerics TEXT NOT NULL, fingerprint TEXT NOT NULL, host TEXT NOT NULL, started TEXT NOT NULL, curve TEXT NOT NULL,
    PRIMARY KEY (id, attempt)
);
CREATE TABLE suites (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, suite TEXT NOT NULL);
"""


class Store:
    """The records under `directory`. Reading needs no lock and no write permission; writing needs `writing()`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "records.sqlite"
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[Store]:
        """Holds the store: makes it if need be, and keeps every other writer out."""
        try:
            (self.directory / "checkpoints").mkdir(parents=True, exist_ok=True)
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise UserError(f"{self.directory}: can't be written to ({error.strerror}); "
                            "choose another place with --results", code=Exit.STORE) from None  # fmt: skip
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 100, 0).decode(errors="replace").strip() or "another process"
            os.close(lock)
            raise UserError(f"{self.directory}: held by {holder}; wait for it to end or choose another place with "
                            "--results", code=Exit.LOCKED) from None  # fmt: skip
        except OSError as error:  # a network's file system may know no locks
            os.close(lock)
            raise UserError(f"{self.directory}: can't be locked ({error.strerror}); "
                            "choose another place with --results", code=Exit.STORE) from None  # fmt: skip
        try:
            with self._errors():
                os.ftruncate(lock, 0)
                os.pwrite(lock, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
                self._connection = self._open("rwc")
                self._upgrade(self._connection)
            yield self
        finally:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            os.close(lock)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the disk or the file does wrong, in one line, exit code 3."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise UserError(f"{self.path}: {error}; nothing acknowledged is lost, run again once that is mended",
                            code=Exit.STORE) from error  # fmt: skip

    def _open(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10)
        if mode != "ro":
            (journal,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
            connection.execute("PRAGMA synchronous = FULL")
            (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
            if (journal, synchronous) != ("delete", 2):
                raise sqlite3.OperationalError(
                    f"journal_mode {journal}, synchronous {synchronous} where delete, 2 were asked"
                )
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            connection.close()
            raise UserError(f"{self.path}: got schema version {version}, expected at most {VERSION}; "
                            "it was written by a newer rnnbench: upgrade", code=Exit.STORE)  # fmt: skip
        return connection

    @staticmethod
    def _upgrade(connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        with self._errors():
            if self._connection is not None:
                yield self._connection
            elif not self.path.exists():
                yield None
            else:
                connection = self._open("ro")
                try:
                    yield connection
                finally:
                    connection.close()

    def add(self, record: Record) -> Record:
        """Appends a record as its run's next attempt, synced to the disk, and drops the run's checkpoint."""
        connection = self._writable()
        with self._errors():
            with self.at_once():
                (last,) = connection.execute("SELECT max(attempt) FROM records WHERE id = ?", (record.id,)).fetchone()
                record = replace(record, attempt=(last or 0) + 1)
                self._insert(record)
            self._checkpoint(record.id).unlink(missing_ok=True)
        return record

    def _insert(self, record: Record) -> None:
        values = [getattr(record, name) for name in COLUMNS]
        curve = canonical([p.as_row() for p in record.curve])
        values = [record.id, canonical(record.run.as_dict()), curve, *values]
        marks = ", ".join("?" * len(values))
        self._writable().execute(f"INSERT INTO records (id, run, curve, {', '.join(COLUMNS)}) VALUES ({marks})", values)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All that is written inside is there when it ends; nothing of it where an exception ends it."""
        connection = self._writable()
        if connection.in_transaction:
            yield
            return
        with self._errors():
            connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._errors():
                connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def _writable(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the store is not held: use it inside writing()")
        return self._connection

    def records(self, runs: Iterable[Run] | None = None, curves: bool = False) -> dict[str, Record]:
        """The last attempt of each of these runs that has one, by id (None: of all); curves only where asked for."""
        columns = ", ".join(("id", *COLUMNS, "curve" if curves else "''", "run" if runs is None else "''"))
        with self._reading() as connection:
            if connection is None:
                return {}
            rows = {row[0]: row for row in connection.execute(f"SELECT {columns} FROM records ORDER BY attempt")}
        if runs is None:
            return {id: _record(row, Run.from_dict(json.loads(row[-1]))) for id, row in rows.items()}
        return {run.id: _record(rows[run.id], run) for run in runs if run.id in rows}

    def attempts(self, id: str) -> list[Record]:
        """All attempts at a run, in their order, with curves."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute(f"SELECT {EVERYTHING} FROM records WHERE id = ? ORDER BY attempt", (id,))
            return [_record(row, Run.from_dict(json.loads(row[-1]))) for row in rows]

    def every(self) -> Iterator[list[Record]]:
        """All attempts at each run, with curves, run by run as the file has them: one row at a time is in memory."""
        with self._reading() as connection:
            if connection is None:
                return
            again = connection.execute("SELECT id FROM records GROUP BY id HAVING count(*) > 1")
            several = {id for (id,) in again}
            for row in connection.execute(f"SELECT {EVERYTHING} FROM records"):
                if row[0] not in several:
                    yield [_record(row, Run.from_dict(json.loads(row[-1])))]
            for id in sorted(several):
                yield self.attempts(id)

    def rewrite(self, attempts: Sequence[Record]) -> None:
        """Makes these, one or more, all the attempts at their run, numbered from 1 as they stand."""
        connection = self._writable()
        with self._errors(), self.at_once():
            connection.execute("DELETE FROM records WHERE id = ?", (attempts[0].id,))
            for number, record in enumerate(attempts, 1):
                self._insert(replace(record, attempt=number))

    def sizes(self) -> Iterator[tuple[str, int, Status, int]]:
        """Of every row its id, attempt, status, and about how many bytes it takes."""
        with self._reading() as connection:
            if connection is None:
                return
            weight = " + ".join(f"length(coalesce({name}, ''))" for name in ("run", "curve", "error", "numerics"))
            yield from connection.execute(f"SELECT id, attempt, status, {weight} + {ROW_BYTES} FROM records")

    def forget(self, rows: Iterable[tuple[str, int]]) -> None:
        """Deletes these attempts, each an id and a number, at once or not at all."""
        connection = self._writable()
        with self._errors(), self.at_once():
            connection.executemany("DELETE FROM records WHERE id = ? AND attempt = ?", rows)

    def compact(self) -> None:
        """Gives the disk back what deleted rows took; needs room for a copy of the file while it lasts."""
        with self._errors():
            self._writable().execute("VACUUM")

    def remember(self, suite: dict[str, Any]) -> None:
        """Notes that a suite ran, as plain JSON, so that `report` alone knows which was last."""
        connection, text = self._writable(), canonical(suite)
        with self._errors(), self.at_once():
            connection.execute("DELETE FROM suites WHERE suite = ?", (text,))
            connection.execute("INSERT INTO suites (name, suite) VALUES (?, ?)", (suite["name"], text))

    def suites(self) -> list[dict[str, Any]]:
        """The suites that ran, the last one first."""
        with self._reading() as connection:
            if connection is None:
                return []
            return [json.loads(s) for (s,) in connection.execute("SELECT suite FROM suites ORDER BY number DESC")]

    def _checkpoint(self, id: str) -> Path:
        return self.directory / "checkpoints" / f"{id}.checkpoint"

    def save_checkpoint(self, id: str, raw: bytes) -> None:
        """Replaces a run's checkpoint at once or not at all."""
        path = self._checkpoint(id)
        fresh = path.with_suffix(".part")
        with self._errors():
            with open(fresh, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)

    def checkpoint(self, id: str) -> bytes | None:
        with self._errors(), suppress(FileNotFoundError):
            return self._checkpoint(id).read_bytes()
        return None


def _record(row: tuple[Any, ...], run: Run) -> Record:
    fields = dict(zip(COLUMNS, row[1:], strict=False))
    curve = tuple(map(Point.of_row, json.loads(row[-2]))) if row[-2] else ()
    return Record(run, curve=curve, **fields)
