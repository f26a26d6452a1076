"""Does this machine give the published bits? A few small runs are trained here and their results compared with those
that the package states, which were made on another.

What a run came to is stated as a digest of its results: BLAKE2b-64 of their canonical JSON. Equal `numerics` promise
equal digests; other versions of a library promise nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnbench import api
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.text import printable, raised
from rnnbench.upkeep.finding import Finding

STATED = Path(__file__).parent / "bits.json"

SMALL = {"hidden": 8, "batch": 8, "steps": 40, "stop": "never"}
RUNS = (
    Run(Rung({"cell": "lstm"}, {"task": "adding"}, 5, SMALL), 0),
    Run(Rung({"cell": "gru"}, {"task": "copy", "alphabet": 4, "items": 2}, 3, SMALL | {"attention": "dot"}), 1),
)


@dataclass(frozen=True)
class Stated:
    """What a run came to where it was published."""

    run: Run
    numerics: str
    digest: str

    def as_dict(self) -> dict[str, Any]:
        return {"digest": self.digest, "numerics": self.numerics, "run": self.run.as_dict()}


def digest(record: Record) -> str:
    """Of the results, to the bit."""
    return hashlib.blake2b(canonical(record.results()).encode(), digest_size=8).hexdigest()


def stated() -> list[Stated]:
    """What the package states."""
    entries = json.loads(STATED.read_text("utf-8"))
    return [Stated(Run.from_dict(each["run"]), each["numerics"], each["digest"]) for each in entries]


def text(records: Iterable[Record]) -> str:
    """The file that states these records."""
    entries = [Stated(r.run, r.numerics, digest(r)).as_dict() for r in records]
    return json.dumps(sorted(entries, key=canonical), indent=1, sort_keys=True) + "\n"


def look() -> Finding:
    """Trains them, in a process as `run` uses it, and compares."""
    wanted = stated()
    found = {record.id: record for record in api.train_again([each.run for each in wanted], jobs=1)}
    return compared(wanted, found)


def compared(wanted: Iterable[Stated], found: dict[str, Record]) -> Finding:
    """What follows from it."""
    wanted = list(wanted)
    other = []
    for each in wanted:
        record = found[each.run.id]
        if not record.finished:
            why = raised(record.error or "") or record.status
            todo = "rnnbench run quick shows more; then report it with the output of rnnbench doctor"
            return Finding("bits", "wrong", f"a run of {printable(str(each.run.rung.model))} broke: {why}", todo)
        if digest(record) != each.digest:
            other.append((each, record))
    count = f"{len(wanted) - len(other)} of {len(wanted)} small runs came to the published bits"
    if not other:
        return Finding("bits", "fine", f"this machine gives the published bits: {count}")
    each, record = other[0]
    if record.numerics != each.numerics:
        what = f"{count}, and none was promised: published by {each.numerics}, here {record.numerics}"
        return Finding("bits", "note", what, "for equal bits, install the versions of constraints.txt")
    what = f"{count}, though all are promised by {record.numerics}"
    return Finding("bits", "wrong", what, "trust no comparison with records made elsewhere, and report it")
