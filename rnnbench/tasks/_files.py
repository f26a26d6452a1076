"""Files of a user's that a task reads, by path: whether one is there, is the one it was, and is text; or what is wrong
with it in a line."""

from __future__ import annotations

import os
from pathlib import Path

from rnnbench.errors import UserError
from rnnbench.text import printable

LARGEST = 100_000_000  # bytes
OTHERS = {  # by its first two bytes, what is no text in UTF-8
    b"\x1f\x8b": "a file packed by gzip", b"PK": "a zip file", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16",
}  # fmt: skip


def there(path: str, want: str) -> None:
    """ValueError where none is named, or there is none of that name."""
    if not path:
        raise ValueError(f"path: got none, expected {want}")
    if not os.path.isfile(path):
        raise ValueError(f"path: there is no file '{printable(path, 60)}' from the current folder on")


def unchanged(path: str, known: str, found: str, what: str = "the file") -> None:
    """UserError where what it holds has another digest than is `known`, if any is."""
    if known not in ("", found):
        got = f"{path}: {what} changed: got the digest {found}, expected {known}"
        raise UserError(f"{got}; run the suite again, or put {what} back")


def text(path: Path) -> str:
    """What a file holds, without a byte order mark; ends of lines as `\\n`, and a no-break space is a space."""
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path}: got more than {LARGEST:,} bytes, expected at most that")
        return path.read_text(encoding="utf-8-sig").replace("\N{NO-BREAK SPACE}", " ")
    except OSError as e:
        raise UserError(f"{path}: can't be read: {e.strerror}") from None
    except UnicodeDecodeError as e:
        if other := OTHERS.get(e.object[:2]):
            raise UserError(f"{path}: got {other}, expected text in UTF-8") from None
        raise UserError(f"{path}: got the byte 0x{e.object[e.start]:02x} at {e.start}, expected UTF-8") from None
