"""What goes wrong with a store, in one line with exit code 3: its place (a full disk, no permission, a broken device),
or what the file holds (bits that are others than those that were written)."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rnnbench.errors import Exit, UserError
from rnnbench.text import printable

# Primary result codes of SQLite that blame the place and not what the file holds.
PLACE = {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_AUTH,
}  # fmt: skip
KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Damage(Exception):
    """The file doesn't hold what was written to it; the text says what is wrong, in a few words."""


def primary(error: sqlite3.Error) -> int | None:
    """SQLite's result code without its extension; None where the error is not SQLite's own."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def damaged(path: Path, what: str) -> UserError:
    return UserError(
        f"{shown(path)}: damaged: {printable(what, 200)}; nothing was changed; next: rnnbench doctor", code=Exit.STORE
    )


def in_place(path: Path, what: str) -> UserError:
    return UserError(
        f"{shown(path)}: {printable(what, 200)}; nothing acknowledged is lost, run again once that is mended",
        code=Exit.STORE,
    )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Whatever goes wrong with a file of the store inside, as a UserError that names it."""
    try:
        yield
    except Damage as error:
        raise damaged(path, str(error)) from error
    except sqlite3.Error as error:
        moved = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED
        why = "it was moved, replaced or removed while it was written to" if moved else str(error)
        raise (in_place if primary(error) in PLACE else damaged)(path, why) from error
    except OSError as error:
        raise in_place(path, error.strerror or str(error)) from error
    except (UnicodeError, OverflowError, RecursionError, MemoryError) as error:
        raise damaged(path, f"{type(error).__name__} while it was read") from error


def shown(path: Path) -> str:
    return printable(str(path), 1000)


def kind(mode: int) -> str:
    """What a file is that is no regular one, in words."""
    return next((words for test, words in KINDS if test(mode)), "no regular file")


def odd(path: Path, mode: int) -> UserError:
    """For what is there in the place of a regular file."""
    return UserError(f"{shown(path)}: got {kind(mode)}, expected a regular file; remove it", code=Exit.STORE)
