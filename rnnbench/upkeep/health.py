"""A store looked over: is it what was written, who holds it, what of it is of no use any longer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from rnnbench import api
from rnnbench.errors import UserError
from rnnbench.store import Store, bulk, schema
from rnnbench.store.faults import PLACE, primary, told
from rnnbench.text import printable
from rnnbench.upkeep import gc
from rnnbench.upkeep.finding import Finding

FAULTS = 5  # of the file's structure, that are told


def look(store: Store) -> Iterator[Finding]:
    """The store, the code that made its records, and what is left over."""
    where = printable(str(store.directory), 200)
    salvage = f"rnnbench doctor -r {where} --salvage NEWDIR writes what is whole into a new store"
    try:
        if not schema.exists(store.path):
            yield Finding("store", "fine", f"{where}: no store yet", "rnnbench run SUITE")
            return
        whole = integrity(store)
    except UserError as error:
        what, _, todo = error.lines[0].rpartition("; ")
        if spoiled(error):
            what, todo = error.lines[0].partition("; nothing was changed")[0], salvage
        yield Finding("store", "damaged", what, todo)
        return
    if whole:
        yield Finding("store", "damaged", f"{where}: {whole}", salvage)
        return
    yield counted(store)
    yield stale(store)
    yield from leftovers(store)


def spoiled(error: UserError) -> bool:
    """Whether the file isn't what was written: else it can't be reached, or a newer rnnbench wrote it."""
    cause = error.__cause__
    in_place = isinstance(cause, OSError) or (isinstance(cause, sqlite3.Error) and primary(cause) in PLACE)
    return cause is not None and not in_place


def integrity(store: Store) -> str:
    """What SQLite's own check finds wrong with the file's structure, empty where nothing is. UserError where it can't
    be read, where a row isn't what its digest says, or where all of them aren't what the table's sums say."""
    with told(store.path), schema.reading(store.path) as found:
        lines = [str(line) for (line,) in found[0].execute(f"PRAGMA integrity_check({FAULTS})")] if found else ["ok"]
    for _ in store.attempts(curves=True):
        pass
    store.suites()
    return "" if lines == ["ok"] else printable("; ".join(lines), 500)


def counted(store: Store) -> Finding:
    """What a store that is whole holds."""
    attempts = runs = 0
    for each in bulk.sizes(store):
        attempts += 1
        runs += each.attempt == 1
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
        return Finding("stale", "note", f"records made by other code than today's: {count:,}", todo)
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
