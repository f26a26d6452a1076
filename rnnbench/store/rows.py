"""A record as a row of the store and back, with a digest over all of it; and sums over the digests of a table, by which
a row that is gone is missed.

    digest = BLAKE2b-128(attempt, steps, solved_at or -1, parameters as int64, score, loss as float64 or NaN, seconds
             as float64, a byte that says whether there is an error; then id, run, status, numerics, fingerprint, host,
             started, curve, error, with a NUL between them, in UTF-8)

Numbers are little-endian. The id is itself a digest, of the run's text as it is stored. `curve` is the list of looks,
of a run that was tested at several lengths an object, with the looks under `curve` and what is told by length.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from rnnbench import seeds, strict
from rnnbench.lengthwise import FIELDS, of_lengths
from rnnbench.records import Point, Record, Run, Rung, canonical, id_of
from rnnbench.store.faults import Damage

# In the order of the row; a row of version 1 has no digest.
COLUMNS = ("id", "attempt", "run", "status", "score", "loss", "steps", "solved_at", "parameters", "seconds", "error",
           "numerics", "fingerprint", "host", "started", "curve")  # fmt: skip
SIZE = 16  # bytes of a digest
_NUMBERS = struct.Struct("<4q3d?").pack

Row = Sequence[Any]


def digest(row: Row) -> bytes:
    """Of a row's COLUMNS; raises what Python raises where their types are wrong."""
    (id, attempt, run, status, score, loss, steps, solved, parameters, seconds, error,
     numerics, fingerprint, host, started, curve) = row[:16]  # fmt: skip
    numbers = _NUMBERS(
        attempt, steps, -1 if solved is None else solved, parameters, math.nan if score is None else score,
        math.nan if loss is None else loss, seconds, error is None,
    )  # fmt: skip
    texts = "\0".join((id, run, status, numerics, fingerprint, host, started, curve, error or ""))
    return blake2b(numbers + texts.encode(), digest_size=SIZE).digest()


def of(record: Record) -> tuple[Any, ...]:
    """The row of a record, its digest last. Zeros lose their sign, as they do in SQLite."""
    score, loss = (None if value is None else value + 0.0 for value in (record.score, record.loss))
    row = (
        record.id, record.attempt, canonical(record.run.as_dict()), record.status, score, loss, record.steps,
        record.solved_at, record.parameters, record.seconds + 0.0, record.error, record.numerics, record.fingerprint,
        record.host, record.started, _measured(record),
    )  # fmt: skip
    return (*row, digest(row))


def _measured(record: Record) -> str:
    """What a record's run came to on the way, and at each of several lengths."""
    looks = [point.as_row() for point in record.curve]
    return canonical({"curve": looks} | record.by_length() if record.scores or record.positions else looks)


def _parsed(text: str, curves: bool) -> tuple[tuple[Point, ...], dict[str, Any]]:
    """Looks, where they are asked for, and what is told by length, of a text as above; ValueError where it is none."""
    if not text.startswith("{"):  # without looks most texts need no reading at all
        return tuple(map(Point.of_row, strict.loads(text))) if curves else (), {}
    found = strict.keys("curve", strict.loads(text), ("curve", "scores"), FIELDS)
    return tuple(map(Point.of_row, found.pop("curve"))) if curves else (), of_lengths(found)


def verify(row: Row, digested: bool = True) -> None:
    """Damage where a row, its digest last, isn't as it was written, or its id isn't its run's."""
    try:
        same = not digested or digest(row) == row[16]
        own = id_of(row[2]) == row[0]
    except (struct.error, TypeError, AttributeError, UnicodeError):
        same = own = False
    if not same:
        raise Damage(f"{_name(row)} isn't as it was written")
    if not own:
        raise Damage(f"{_name(row)} has an id that isn't its run's")


def run(row: Row, rungs: dict[str, Rung]) -> Run:
    """The run of a row that is verified; `rungs`, by their texts, are those seen already: each is there once."""
    text, _, seed = row[2].rpartition(',"seed":')
    try:
        rung = rungs.get(text)
        if rung is None:
            rung = rungs[text] = Run.from_dict(strict.loads(row[2])).rung
        found = Run(rung, seeds.from_plain(strict.loads(seed.removesuffix("}"))))
        if found.id != row[0]:
            raise ValueError("its run isn't written as it is hashed")
    except ValueError as error:
        raise Damage(f"{_name(row)}: {error}") from error
    return found


def record(row: Row, run: Run, curves: bool = True, shared: dict[str, str] | None = None) -> Record:
    """The record of a row that is verified, of this run; Damage where it can't be one. Types are those of what was
    digested; a row of version 1 is checked for them too. `shared`: texts seen already, so that each is there once."""
    (_, attempt, _, status, score, loss, steps, solved, parameters, seconds, error,
     numerics, fingerprint, host, started, curve) = row[:16]  # fmt: skip
    share: Callable[[Any, Any], Any] = ({} if shared is None else shared).setdefault
    try:
        looks, by_length = _parsed(curve, curves)
        found = Record(
            run, share(status, status), score, loss, steps, solved, parameters, seconds, looks, error,
            share(numerics, numerics), share(fingerprint, fingerprint), share(host, host), share(started, started),
            attempt, **by_length,
        )  # fmt: skip
        return found.agreed() if len(row) > 16 else found.checked()
    except (ValueError, TypeError) as why:
        raise Damage(f"{_name(row)}: {why}") from why


def _name(row: Row) -> str:
    return f"record {strict.shown(row[0])}, attempt {strict.shown(row[1])},"


@dataclass
class Sums:
    """How many rows a table has, and the sum of their digests modulo 2 ** 128: the same whatever their order."""

    rows: int = 0
    total: int = 0

    def add(self, digest: bytes) -> None:
        self.rows += 1
        self.total += int.from_bytes(digest, "little")

    def remove(self, digest: bytes) -> None:
        self.rows -= 1
        self.total -= int.from_bytes(digest, "little")

    def as_row(self) -> tuple[int, bytes]:
        return self.rows, (self.total % 2 ** (8 * SIZE)).to_bytes(SIZE, "little")
