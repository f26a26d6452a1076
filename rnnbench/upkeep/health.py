"""A store looked over: is it what was written, who holds it, what of it is of no use any longer."""

from __future__ import annotations

from collections.abc import Iterator

from rnnbench import api
from rnnbench.errors import UserError
from rnnbench.store import Store, schema
from rnnbench.store.faults import told
from rnnbench.text import printable
from rnnbench.upkeep import gc
from rnnbench.upkeep.finding import Finding

FAULTS = 5  # of the file's structure, that are told


def look(store: Store) -> Iterator[Finding]:
    """The store, the code that made its records, and what is left over."""
    try:
        if not schema.exists(store.path):
            yield Finding("store", "fine", f"{printable(str(store.directory))}: no store yet", "rnnbench run SUITE")
            return
        whole = integrity(store)
    except UserError as error:
        whole = Finding("store", "damaged", error.lines[0].partition("; nothing was changed")[0])
    if whole.level == "damaged":
        where = printable(str(store.directory), 200)
        todo = f"rnnbench doctor -r {where} --salvage NEWDIR writes what is whole into a new store"
        yield Finding("store", "damaged", whole.what, todo)
        return
    yield whole
    yield stale(store)
    yield from leftovers(store)


def integrity(store: Store) -> Finding:
    """The file's structure by SQLite's own check; every row by its digest, and all of them by the table's sums.
    UserError where it can't be read."""
    with told(store.path), schema.reading(store.path) as found:
        if found is not None:
            lines = [str(line) for (line,) in found[0].execute(f"PRAGMA integrity_check({FAULTS})")]
            if lines != ["ok"]:
                return Finding("store", "damaged", printable("; ".join(lines), 500))
    attempts = runs = 0
    for record in store.attempts(curves=True):
        attempts += 1
        runs += record.attempt == 1
    names = ", ".join(dict.fromkeys(printable(str(suite["name"]), 60) for suite in store.suites())) or "no suite"
    size = store.path.stat().st_size
    what = f"{printable(str(store.directory))}: whole; {attempts:,} records of {runs:,} runs, {size:,} bytes; {names}"
    return Finding("store", "fine", what)


def stale(store: Store) -> Finding:
    """How many of the records that count were made by other code than today's."""
    try:
        count = sum(1 for _ in api.stale(store.records().values()))
    except UserError as error:  # of code of one's own that isn't there any longer
        return Finding(
            "stale", "note", f"can't be told: {printable(error.lines[0], 300)}", "rnnbench doctor where it is"
        )
    if count:
        todo = "rnnbench run SUITE --rerun stale trains them again"
        return Finding("stale", "note", f"{count:,} records were made by other code than today's", todo)
    return Finding("stale", "fine", "every record was made by today's code")


def leftovers(store: Store) -> Iterator[Finding]:
    """What `gc` would delete, a line a kind."""
    found = gc.find(store)
    for waste in found:
        if waste.unknown:
            yield Finding(waste.kind, "note", waste.unknown, "rnnbench run SUITE, which remembers it")
        elif waste.count:
            what = f"{waste.count:,}, about {waste.bytes:,} bytes"
            yield Finding(waste.kind, "note", what, f"rnnbench gc {waste.kind} lists and, with --delete, deletes them")
    if not any(waste.count for waste in found):
        yield Finding("leftovers", "fine", "none")
