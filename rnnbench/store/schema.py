"""The file: its tables, its version, how it is made, opened and upgraded.

A file is made under another name, synced and renamed, so that what is there under its own name is a whole store.
Rollback journal, not WAL: that fails on read-only and network mounts. What a kill leaves half written is rolled back by
SQLite, from the journal beside the file, at the next opening that may write.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from rnnbench.errors import Exit, UserError
from rnnbench.records import Rung
from rnnbench.store import rows
from rnnbench.store.faults import Damage, odd, primary, shown

VERSION = 2
TABLES = """
CREATE TABLE records (
    id TEXT NOT NULL, attempt INTEGER NOT NULL, run TEXT NOT NULL, status TEXT NOT NULL, score REAL, loss REAL,
    steps INTEGER NOT NULL, solved_at INTEGER, parameters INTEGER NOT NULL, seconds REAL NOT NULL, error TEXT,
    numerics TEXT NOT NULL, fingerprint TEXT NOT NULL, host TEXT NOT NULL, started TEXT NOT NULL, curve TEXT NOT NULL,
    digest BLOB NOT NULL, PRIMARY KEY (id, attempt)
);
CREATE TABLE suites (number INTEGER PRIMARY KEY, name TEXT NOT NULL, suite TEXT NOT NULL, digest BLOB NOT NULL);
CREATE TABLE sums (name TEXT PRIMARY KEY, count INTEGER NOT NULL, total BLOB NOT NULL);
"""
INSERT = f"INSERT INTO records ({', '.join(rows.COLUMNS)}, digest) VALUES ({', '.join('?' * 17)})"
READ_SECONDS, WRITE_SECONDS = 10.0, 60.0  # that somebody waits for others: a long report keeps a writer waiting
MAGIC = b"SQLite format 3\0"
SMALLEST = 512  # bytes of a page, and so of a file that holds anything
LARGEST = 64 * 2**20  # bytes of one value: a damaged length asks for no more


def exists(path: Path) -> bool:
    """Whether there is a file; UserError where something else is in its place."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            raise UserError(
                f"{shown(path)}: got a symbolic link that leads nowhere, expected a regular file; remove it",
                code=Exit.STORE,
            ) from None
        return False
    if not stat.S_ISREG(mode):
        raise odd(path, mode)
    journal = path.with_name(f"{path.name}-journal")
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(mode := journal.lstat().st_mode):  # SQLite would wait for a FIFO, and follow a link
            raise odd(journal, mode)
    return True


def is_store(path: Path) -> bool:
    """Whether a file is a database of SQLite, such as a store."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _connect(path: Path, mode: str, seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=seconds, isolation_level=None
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
    connection.execute("PRAGMA cell_size_check = ON")
    return connection


def version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version, 0 of one that holds nothing; UserError where a newer rnnbench wrote it, Damage where no
    rnnbench did."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if found > VERSION:
        raise UserError(f"{shown(path)}: got schema version {found}, expected at most {VERSION}; "
                        "it was written by a newer rnnbench: upgrade", code=Exit.STORE)  # fmt: skip
    if found == 0 and not tables:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        if pages > 1 or 0 < path.stat().st_size < SMALLEST:  # what is cut so short looks empty to SQLite
            raise Damage("it holds no tables, though it isn't empty")
        return 0
    wanted = {"records", "suites", "sums"} if found == VERSION else {"records", "suites"}
    if found < 1 or tables - {"sqlite_sequence"} != wanted:
        raise Damage(f"it is a database of version {found}, but not with the tables of that")
    return int(found)


@contextmanager
def reading(path: Path) -> Iterator[tuple[sqlite3.Connection, int] | None]:
    """One consistent look at a file, and its version; None where there is no store yet."""
    if not exists(path):
        yield None
        return
    with closing(_to_read(path)) as connection:
        found = version(connection, path)
        yield (connection, found) if found else None


def _to_read(path: Path) -> sqlite3.Connection:
    """A connection with a transaction begun. Where a kill left a commit half done, only one that may write can roll it
    back; SQLite's own locks keep it from the journal of a writer that is alive."""
    for mode in ("ro", "rw"):
        connection = _connect(path, mode, READ_SECONDS)
        try:
            connection.execute("BEGIN")
            connection.execute("PRAGMA schema_version").fetchone()
            return connection
        except sqlite3.Error as error:
            connection.close()
            if primary(error) != sqlite3.SQLITE_READONLY:
                raise
    raise UserError(
        f"{shown(path)}: holds a write that a kill left half done, which can't be taken back in a place that is "
        f"read-only; next: copy {shown(path.parent)} to where it can be written to, and read it there",
        code=Exit.STORE,
    )


def open_to_write(path: Path) -> sqlite3.Connection:
    """A connection to a store of this version: made, or upgraded, if need be. The lock is held."""
    fresh = path.with_name(f"{path.name}.part")
    for left in (fresh, path.with_name(f"{fresh.name}-journal")):
        left.unlink(missing_ok=True)  # of a kill
    with reading(path) as found:
        there = found is not None
    if not there:
        if path.exists():  # empty: an older rnnbench was killed while it made it
            path.unlink()
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)  # of a file that is gone, it would harm this one
        _create(fresh, path)
    connection = _connect(path, "rw", WRITE_SECONDS)
    try:
        (journal,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        # EXTRA syncs the folder too when the journal goes, which is what commits: with FULL, power loss may bring the
        # journal back, and it would take the record back
        connection.execute("PRAGMA synchronous = EXTRA")
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        if (journal, synchronous) != ("delete", 3):
            raise OSError(
                f"SQLite answers journal_mode {journal}, synchronous {synchronous} where delete, 3 were asked"
            )
        if version(connection, path) < VERSION:
            _upgrade(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(fresh: Path, path: Path) -> None:
    with closing(_connect(fresh, "rwc", WRITE_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")  # a file that is cut short is made again
        connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION};")
        for name in ("records", "suites"):
            connection.execute("INSERT INTO sums VALUES (?, ?, ?)", (name, *rows.Sums().as_row()))
        connection.execute("COMMIT")
    sync(fresh)
    fresh.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """What a file, or a folder's list of names, is on the disk."""
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing; nobody else writes from its beginning. Inside another it is a part of that."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def sums(connection: sqlite3.Connection, table: str) -> rows.Sums:
    """What a table must come to."""
    found = connection.execute("SELECT count, total FROM sums WHERE name = ?", (table,)).fetchone()
    if found is None or type(found[0]) is not int or type(found[1]) is not bytes:
        raise Damage(f"the sums of its {table} are gone")
    return rows.Sums(found[0], int.from_bytes(found[1], "little"))


def note(connection: sqlite3.Connection, table: str, now: rows.Sums) -> None:
    connection.execute("UPDATE sums SET count = ?, total = ? WHERE name = ?", (*now.as_row(), table))


def same(connection: sqlite3.Connection, table: str, found: rows.Sums) -> None:
    """Damage where what was found of a table isn't what it must come to."""
    asked = sums(connection, table)
    if found.rows != asked.rows:
        raise Damage(f"it holds {found.rows} {table}, expected {asked.rows}")
    if found.as_row() != asked.as_row():
        raise Damage(f"its {table} aren't those that were written")


def suite_digest(number: int, name: str, suite: str) -> bytes:
    return blake2b(f"{number}\0{name}\0{suite}".encode(), digest_size=rows.SIZE).digest()


def _upgrade(connection: sqlite3.Connection) -> None:
    """From version 1, which had no digests: every row is checked as far as it can be, then digested."""
    with transaction(connection):
        for table in ("records", "suites"):
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_1")
        for statement in TABLES.split(";\n"):
            connection.execute(statement)
        total, rungs = rows.Sums(), dict[str, Rung]()
        for row in connection.execute(f"SELECT {', '.join(rows.COLUMNS)} FROM records_1 ORDER BY rowid"):
            rows.verify(row, digested=False)
            made = rows.of(rows.record(row, rows.run(row, rungs)))
            connection.execute(INSERT, made)
            total.add(made[-1])
        connection.execute("INSERT INTO sums VALUES ('records', ?, ?)", total.as_row())
        total = rows.Sums()
        for number, name, suite in connection.execute("SELECT number, name, suite FROM suites_1"):
            digest = suite_digest(number, name, suite)
            connection.execute("INSERT INTO suites VALUES (?, ?, ?, ?)", (number, name, suite, digest))
            total.add(digest)
        connection.execute("INSERT INTO sums VALUES ('suites', ?, ?)", total.as_row())
        for table in ("records", "suites"):
            connection.execute(f"DROP TABLE {table}_1")
        connection.execute(f"PRAGMA user_version = {VERSION}")
