"""Many records of a store at once: read run by run, written in one transaction, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from sqlite3 import Connection

from rnnbench.records import Record, Rung, Status
from rnnbench.store import Store, rows, schema
from rnnbench.store.faults import Damage, told

ROW_BYTES = 200  # of a row besides its texts, with its place in the index


@dataclass(frozen=True)
class Size:
    """An attempt, and about how many bytes it takes."""

    id: str
    attempt: int
    status: Status
    bytes: int


def sizes(store: Store) -> Iterator[Size]:
    """Of every attempt, in the order of writing. Damage shows at the latest at the end."""
    for row in store._rows():
        yield Size(row[0], row[1], row[3], ROW_BYTES + sum(len(text) for text in row[:16] if type(text) is str))


def by_run(store: Store) -> Iterator[list[Record]]:
    """All attempts at each run, with curves: those of one run at a time are in memory, and those of the runs that were
    tried several times. Damage shows at the latest at the end."""
    with store._reading() as found:
        if found is None:
            return
        several = {id for (id,) in found[0].execute("SELECT id FROM records GROUP BY id HAVING count(*) > 1")}
    groups: dict[str, list[Record]] = {}
    for record in store.attempts(curves=True):
        if record.id in several:
            groups.setdefault(record.id, []).append(record)
        else:
            yield [record]
    yield from (sorted(group, key=lambda record: record.attempt) for group in groups.values())


def by_id(store: Store, wanted: Mapping[str, Record], curves: bool) -> Iterator[Record]:
    """The whole of each record that is wanted and was found here, by the id of its run, in the order of ids, one at a
    time. That order is an index's, in which one may be lost that the table has: Damage at the end, if so."""
    rungs: dict[str, Rung] = {}
    left = len(wanted)
    with store._reading() as found:
        if found is None:
            return
        connection, version = found
        columns = ", ".join((*rows.COLUMNS, *["digest"] * (version > 1)))
        for row in connection.execute(f"SELECT {columns} FROM records ORDER BY id, attempt"):
            known = wanted.get(row[0])
            if known is not None and known.attempt == row[1]:
                rows.verify(row, version > 1)
                yield rows.record(row, rows.run(row, rungs), curves)
                left -= 1
        if left:
            raise Damage("the index of ids has other records than the table")


def starting(store: Store, prefix: str, most: int) -> list[str]:
    """The ids of runs that begin so, sorted, so many at most."""
    with store._reading() as found:
        if found is None:
            return []
        query = "SELECT DISTINCT id FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
        return [id for (id,) in found[0].execute(query, (prefix, f"{prefix}~", most))]


def tries(store: Store, id: str) -> list[Record]:
    """All attempts at a run, in their order, with curves."""
    with store._reading() as found:
        if found is None:
            return []
        return _attempts(found[0], id, digested=found[1] > 1)


def _attempts(connection: Connection, id: str, digested: bool) -> list[Record]:
    columns = ", ".join((*rows.COLUMNS, *["digest"] * digested))
    found = []
    for row in connection.execute(f"SELECT {columns} FROM records WHERE id = ? ORDER BY attempt", (id,)):
        rows.verify(row, digested)
        found.append(rows.record(row, rows.run(row, {})))
    return found


class Change:
    """What is changed within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sums = schema.sums(connection, "records")

    def attempts(self, id: str) -> list[Record]:
        """All attempts at a run, in their order, with curves."""
        return _attempts(self.connection, id, digested=True)

    def forget(self, id: str, attempt: int) -> None:
        """Deletes an attempt that is there."""
        where = "WHERE id = ? AND attempt = ?"
        (digest,) = self.connection.execute(f"SELECT digest FROM records {where}", (id, attempt)).fetchone()
        self.connection.execute(f"DELETE FROM records {where}", (id, attempt))
        self.sums.remove(digest)

    def put(self, record: Record) -> bool:
        """Writes a record under its own attempt's number; False where there is one already."""
        made = rows.of(record.checked())
        fresh = self.connection.execute(schema.INSERT.replace("INSERT", "INSERT OR IGNORE"), made).rowcount > 0
        if fresh:
            self.sums.add(made[-1])
        return fresh

    def rewrite(self, was: Sequence[Record], now: Sequence[Record]) -> None:
        """Makes `now` all the attempts at a run, numbered from 1, where they `was`."""
        numbered = [replace(record, attempt=number) for number, record in enumerate(now, 1)]
        kept = 0
        while kept < len(was) and was[kept] == numbered[kept]:
            kept += 1
        for record in was[kept:]:
            self.forget(record.id, record.attempt)
        for record in numbered[kept:]:
            self.put(record)


@contextmanager
def changing(store: Store) -> Iterator[Change]:
    """A transaction on a store that is held for writing: all that is changed inside is there when it ends, nothing of
    it where an exception ends it."""
    connection = store._writable()
    with told(store.path), schema.transaction(connection):
        change = Change(connection)
        yield change
        schema.note(connection, "records", change.sums)


def forget(store: Store, attempts: Iterable[Size]) -> None:
    """Deletes these, at once, and gives the disk back what they took: for a while that needs room for a copy."""
    with changing(store) as change:
        for each in attempts:
            change.forget(each.id, each.attempt)
    with told(store.path):
        store._writable().execute("VACUUM")
