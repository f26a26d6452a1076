"""The rows of a damaged SQLite file, read from its pages without SQLite: what a broken index, header or inner page
hides is found all the same.

A row lies in a cell of a leaf page of a table (https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1):

    page    1 byte 0x0d | 2 bytes | 2 bytes: number of cells | 3 bytes | 2 bytes a cell: where it begins in the page
    cell    varint: bytes of the payload | varint: rowid | payload, what is too long of it in a chain of other pages
    payload varint: bytes of the header | a varint a value: its type | the values

The file is taken page by page; whatever can't be read as that is passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

LEAF = 0x0D
MAGIC = b"SQLite format 3\0"
FIRST = 100  # bytes of the file's own header, on the first page
USUAL = 4096  # bytes of a page, where the file's header can't say
WIDTHS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes of a whole number, by its type
MOST_VALUES = 100  # of a row

Row = tuple[Any, ...]


class _Broken(Exception):
    """No row, or not all of one."""


def rows(data: bytes) -> Iterator[tuple[int, Row]]:
    """Every row of every table with its rowid, page by page: whole numbers, floats, texts, bytes and None, as they are
    stored (a float without a fraction as a whole number). What is in pages that are no longer in use may be an older
    state."""
    size = page_size(data)
    for start in range(0, len(data), size):
        head = start + FIRST * (start == 0)
        if data[head : head + 1] != bytes([LEAF]):
            continue
        count = int.from_bytes(data[head + 3 : head + 5], "big")
        for k in range(min(count, size // 4)):
            place = data[head + 8 + 2 * k : head + 10 + 2 * k]
            try:
                rowid, payload = _cell(data, start, int.from_bytes(place, "big"), size)
                yield rowid, _row(payload)
            except (_Broken, struct.error, UnicodeDecodeError, IndexError):
                continue


def page_size(data: bytes) -> int:
    """As the header says, where that can be."""
    size = int.from_bytes(data[16:18], "big") if data[: len(MAGIC)] == MAGIC else 0
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else USUAL


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of up to nine bytes, seven bits each but the ninth, and where it ends."""
    value = 0
    for k in range(9):
        byte = data[at + k]
        if k == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + k + 1
    raise _Broken


def _cell(data: bytes, page: int, offset: int, size: int) -> tuple[int, bytes]:
    """The rowid and the payload of a leaf's cell, with what of it lies in other pages."""
    if not 8 <= offset < size:
        raise _Broken
    length, at = _varint(data, page + offset)
    rowid, at = _varint(data, at)
    usable = size - (data[20] if data[: len(MAGIC)] == MAGIC else 0)
    most = usable - 35
    if length <= most:
        found = data[at : at + length]
    else:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (usable - 4)
        local = local if local <= most else least
        found = data[at : at + local] + _chain(data, at + local, length - local, size, usable)
    if len(found) != length:
        raise _Broken
    return rowid, found


def _chain(data: bytes, at: int, length: int, size: int, usable: int) -> bytes:
    """So many bytes from the pages that follow each other: each begins with the number of the next."""
    parts = []
    left = length
    while left > 0:
        number = int.from_bytes(data[at : at + 4], "big")
        at = (number - 1) * size
        part = data[at + 4 : at + 4 + min(left, usable - 4)]
        if number < 2 or not part:
            raise _Broken
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _row(payload: bytes) -> Row:
    end, at = _varint(payload, 0)
    types = []
    while at < end:
        kind, at = _varint(payload, at)
        types.append(kind)
        if len(types) > MOST_VALUES:
            raise _Broken
    values = []
    for kind in types:
        value, at = _value(payload, at, kind)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    width = WIDTHS.get(kind, (kind - 12) // 2 if kind >= 12 else -1)
    raw = payload[at : at + width]
    if width < 0 or len(raw) != width:
        raise _Broken
    if kind < 12:
        return int.from_bytes(raw, "big", signed=True), at + width
    return (raw.decode() if kind % 2 else raw), at + width
