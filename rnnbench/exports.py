"""Exports as they are read: JSON lines as `rnnbench export` writes them, a record a line, packed by gzip or not.

A file may be anybody's, so each line is checked as whatever comes from outside is, and nothing is read at once: neither
an endless line nor an archive that unpacks to a thousand times its size takes more than a moment.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

from rnnbench import strict
from rnnbench.errors import Exit, UserError
from rnnbench.records import Record, Run, Rung
from rnnbench.text import printable

LONGEST = 16 * 2**20  # bytes of a line: the looks of some 10,000,000 steps
LARGEST = 16 * 2**30  # bytes of an export
FREE, RATIO = 2**20, 100  # bytes; beyond them, how many times its size a file may unpack to: records come to some 30
BLANK = 1000  # blank lines, which are passed over
CURE = "next: rnnbench export SUITE -o FILE"
BOM = b"\xef\xbb\xbf"


def read(path: Path, curves: bool = True) -> dict[str, Record]:
    """The records of an export, canonical or not, by id; UserError where it can't be read, a line is no record, or two
    lines give one run different results. Without `curves` the looks on the way are checked and dropped."""
    found: dict[str, Record] = {}
    places: dict[str, tuple[int, int]] = {}  # each run's line, and a hash of its looks
    for number, record in records(path):
        looks = hash(record.curve)
        line, before = places.setdefault(record.id, (number, looks))
        known = found.setdefault(record.id, record if curves else replace(record, curve=()))
        if line != number and (what := _difference(known, record, curves) or "other looks" * (looks != before)):
            raise UserError(f"{_shown(path)}:{number}: run {record.id} has another result on line {line}: {what}; "
                            f"expected one result of a run; {CURE}")  # fmt: skip
    if not found:
        raise UserError(f"{_shown(path)}: got no record, expected an export; {CURE}", code=Exit.NOTHING_SELECTED)
    return found


def records(path: Path) -> Iterator[tuple[int, Record]]:
    """Each line's number, from 1, and record, one after the other; runs of a rung share it. UserError where the file
    can't be read or a line is no record."""
    rungs: dict[str, Rung] = {}
    for number, line in lines(path):
        try:
            record = Record.from_dict(strict.loads(line))
        except ValueError as error:
            raise UserError(f"{_shown(path)}:{number}: {error}; expected a record as JSON; {CURE}") from error
        rung = rungs.setdefault(record.run.rung.key, record.run.rung)
        yield number, replace(record, run=Run(rung, record.run.seed))


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line that isn't blank, and its number."""
    try:
        with strict.opened(path) as file:
            packed = path.suffix == ".gz"
            source: IO[bytes] = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file
            total, number, blank = 0, 0, 0
            while line := source.readline(LONGEST + 1):
                total, number = total + len(line), number + 1
                if len(line) > LONGEST:
                    raise UserError(
                        f"{_shown(path)}:{number}: got more than {LONGEST} bytes, expected a record; {CURE}"
                    )
                if total > LARGEST or (packed and total > max(FREE, RATIO * file.tell())):
                    raise UserError(
                        f"{_shown(path)}:{number}: got {total} bytes unpacked so far, expected at most {LARGEST} and "
                        f"{RATIO} times the file's; {CURE}"
                    )
                line = line.removeprefix(BOM) if number == 1 else line
                if line.strip():
                    yield number, line
                elif (blank := blank + 1) > BLANK:
                    raise UserError(f"{_shown(path)}:{number}: got {blank} blank lines, expected records; {CURE}")
    except ValueError as error:
        raise UserError(f"{_shown(path)}: {error}, expected an export; {CURE}") from error
    except (OSError, EOFError, zlib.error) as error:
        known = isinstance(error, OSError) and error.strerror
        why = known or ("it is cut" if isinstance(error, EOFError) else "it is damaged, or not packed by gzip")
        raise UserError(f"{_shown(path)}: can't be read as an export: {why}; {CURE}") from error


def _difference(a: Record, b: Record, curves: bool) -> str:
    """What differs first of the results of a run; empty if nothing does."""
    for name in ("status", "score", "loss", "steps", "solved_at", "parameters", "scores", "positions"):
        before, now = getattr(a, name), getattr(b, name)
        if before != now:
            return f"{name} {strict.shown(before)}, here {strict.shown(now)}"
    return "other looks" if curves and a.curve != b.curve else ""


def _shown(path: Path) -> str:
    return printable(str(path), 1000)
