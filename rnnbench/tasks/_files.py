"""The text of a user's file, or what is wrong with it in a line."""

from __future__ import annotations

from pathlib import Path

from rnnbench.errors import UserError

LARGEST = 100_000_000  # bytes
OTHERS = {  # by its first two bytes, what is no text in UTF-8
    b"\x1f\x8b": "a file packed by gzip", b"PK": "a zip file", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16",
}  # fmt: skip


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
