"""The machine, the installation and the store looked over; what is whole of a damaged store saved."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnbench import api
from rnnbench.errors import Exit, UserError
from rnnbench.plan import plan
from rnnbench.records import Point, Record, dump_canonical
from rnnbench.store import Store, bulk
from rnnbench.suite.load import loads
from rnnbench.training.fingerprint import fingerprint
from rnnbench.upkeep import bits, doctor, health, machine, pages
from rnnbench.upkeep.finding import Finding, worst
from rnnbench.upkeep.salvage import salvage

SUITE = loads(
    b"rnnbench: 1\nname: mine\nseeds: 30\narchitectures: {gru: {cell: gru}, rnn: {cell: rnn}}\n"
    b"tasks: {adding: {lengths: [2, 4]}}\n",
    "mine.yaml",
)
CURVE = tuple(Point(100 * k, 0.1 / k, 0.5) for k in range(1, 5))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of 120 runs, some tried twice, one with an error longer than a page."""
    store = Store(tmp_path_factory.mktemp("made"))
    with store.writing():
        store.remember(SUITE.as_dict())
        for number, run in enumerate(plan(SUITE).runs()):
            if number % 20 == 0:
                store.add(Record(run, "failed", error="boom " * 2000))
            code = fingerprint(run.rung, True)
            store.add(Record(run, "solved", number / 120, 0.1, 400, 200, 99, 1.0, CURVE, None, "fused", code, "here"))
    return store


def golden_files() -> dict[str, str]:
    return {"rnnbench/upkeep/bits.json": bits.text(api.train_again(bits.RUNS, jobs=1))}


def test_other_bits_are_wrong_only_where_they_were_promised() -> None:
    wanted = bits.stated()
    record = Record(wanted[0].run, "unsolved", 0.5, numerics=wanted[0].numerics)
    first = [replace(wanted[0], digest=bits.digest(record))]
    assert bits.compared(first, {record.id: record}).level == "fine"
    other = replace(record, score=0.25)
    assert bits.compared(first, {record.id: other}).level == "wrong"
    found = bits.compared(first, {record.id: replace(other, numerics="fused, numba 9")})
    assert (found.level, found.what.startswith("0 of 1 ")) == ("note", True)
    broken = bits.compared(first, {record.id: Record(record.run, "crashed", error="no numba")})
    assert (broken.level, "no numba" in broken.what) == ("wrong", True)


def test_a_whole_store_is_fine_and_its_leftovers_are_notes(made: Store) -> None:
    (made.directory / "error-1.log").write_text("x")
    found = {each.part: each for each in health.look(made)}
    (made.directory / "error-1.log").unlink()
    assert {name: each.level for name, each in found.items() if name != "caches"} == {
        "store": "fine", "stale": "fine", "logs": "note"
    }  # fmt: skip
    assert "whole; 126 records of 120 runs" in found["store"].what
    assert found["logs"].todo == "rnnbench gc logs lists and, with --delete, deletes them"


def test_stale_records_are_noted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = next(iter(plan(SUITE).runs()))
    with store.writing():
        store.add(Record(run, "solved", 0.99, numerics="fused", fingerprint="older"))
    found = health.stale(store)
    assert (found.level, found.what) == ("note", "records made by other code than today's: 1")


def test_no_store_is_no_fault(tmp_path: Path) -> None:
    (found,) = health.look(Store(tmp_path / "none"))
    assert (found.level, found.todo) == ("fine", "rnnbench run SUITE")


def damaged(made: Store, folder: Path, data: bytes) -> Store:
    folder.mkdir(parents=True)
    (folder / made.path.name).write_bytes(data)
    return Store(folder)


def spoiled(data: bytes, seed: int) -> Iterator[tuple[str, bytes]]:
    """Damage of several kinds, drawn by a seed."""
    draw = random.Random(seed)
    at = draw.randrange(len(data))
    yield "a bit", data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]
    page = 4096 * draw.randrange(1, len(data) // 4096)
    yield "a page of zeros", data[:page] + bytes(4096) + data[page + 4096 :]
    yield "a page of noise", data[:page] + draw.randbytes(4096) + data[page + 4096 :]
    yield "a cut", data[: draw.randrange(5000, len(data))]
    yield "no header", draw.randbytes(100) + data[100:]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_damage_it_is_told_or_harmless_and_what_is_saved_is_what_was_written(
    made: Store, tmp_path: Path, seed: int
) -> None:
    written = {(r.id, r.attempt): r for r in made.attempts(curves=True)}
    data = made.path.read_bytes()
    for kind, bad in spoiled(data, seed):
        store = damaged(made, tmp_path / kind, bad)
        found = list(health.look(store))
        if worst(found) == "damaged":
            assert (
                found[0].todo
                == f"rnnbench doctor -r {store.directory} --salvage NEWDIR writes what is whole into a new store"
            )
        else:
            assert {(r.id, r.attempt): r for r in store.attempts(curves=True)} == written, kind
        fresh = Store(tmp_path / f"{kind} saved")
        saved = salvage(store, fresh)
        assert store.path.read_bytes() == bad
        now = {(r.id, r.attempt): r for r in fresh.attempts(curves=True)}
        assert now.items() <= written.items(), kind
        assert len(now) == saved.records
        if saved.expected == len(written):
            assert saved.lost == len(written) - len(now)
        if kind != "a cut":
            assert len(now) >= len(written) - 25, kind  # a page holds about that many
        assert health.integrity(fresh) == "", kind


def test_a_store_whose_header_and_index_are_gone_is_saved_whole(made: Store, tmp_path: Path) -> None:
    data = bytearray(made.path.read_bytes())
    data[:100] = bytes(100)
    for page in range(4096, len(data), 4096):
        if data[page] in (2, 5, 10):  # inner pages, and the index
            data[page : page + 4096] = bytes(4096)
    store = damaged(made, tmp_path / "bad", bytes(data))
    with pytest.raises(UserError):
        store.records()
    fresh = Store(tmp_path / "new")
    saved = salvage(store, fresh)
    assert (saved.records, saved.suites, saved.expected, saved.lost, saved.broken) == (126, 1, 126, 0, set())
    assert dump_canonical(fresh.records(curves=True).values()) == dump_canonical(made.records(curves=True).values())
    assert fresh.suites() == made.suites()
    assert list(bulk.by_run(fresh)) != []


def test_what_is_lost_is_named(made: Store, tmp_path: Path) -> None:
    with closing(sqlite3.connect(damaged(made, tmp_path / "bad", made.path.read_bytes()).path)) as connection:
        (id,) = connection.execute("SELECT id FROM records WHERE rowid = 7").fetchone()
        connection.execute("UPDATE records SET score = 0.5 WHERE rowid = 7")
        connection.commit()
    store = Store(tmp_path / "bad")
    found = next(iter(health.look(store)))
    assert (found.level, id in found.what) == ("damaged", True)
    saved = salvage(store, Store(tmp_path / "new"))
    assert (saved.records, saved.lost, saved.broken) == (125, 1, {id})


def test_a_store_that_is_newer_or_out_of_reach_is_not_taken_for_damaged(made: Store, tmp_path: Path) -> None:
    newer = damaged(made, tmp_path / "newer", made.path.read_bytes())
    with closing(sqlite3.connect(newer.path)) as connection:
        connection.execute("PRAGMA user_version = 9")
    (found,) = health.look(newer)
    assert (found.level, "it was written by a newer rnnbench" in found.todo) == ("damaged", True)
    (tmp_path / "odd" / newer.path.name).mkdir(parents=True)
    (found,) = health.look(Store(tmp_path / "odd"))
    assert (found.level, found.todo) == ("damaged", "remove it")


def test_a_store_is_saved_into_a_new_folder_alone(made: Store, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a new one for what is whole"):
        salvage(made, made)
    with pytest.raises(UserError, match="expected a damaged one"):
        salvage(Store(tmp_path / "none"), Store(tmp_path / "new"))


def test_pages_hold_every_row_of_any_size(tmp_path: Path) -> None:
    path, draw = tmp_path / "any.sqlite", random.Random(1)
    rows = [(f"k{k}", k / 3, (-1) ** k * k**5, draw.randbytes(37 * k % 9000), None) for k in range(300)]
    for size in (512, 4096, 65536):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA page_size = {size}")
            connection.execute("DROP TABLE IF EXISTS t")
            connection.execute("VACUUM")
            connection.execute("CREATE TABLE t (a TEXT, b REAL, c INTEGER, d BLOB, e TEXT)")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
            connection.commit()
        assert pages.page_size(path.read_bytes()) == size
        assert (
            sorted((values for _, values in pages.rows(path.read_bytes()) if str(values[0])[0] == "k"), key=rows.index)
            == rows
        )


def test_a_quota_of_a_container_is_told(tmp_path: Path) -> None:
    assert machine.quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.quota(tmp_path) is None
    (tmp_path / "cpu.max").write_text("40000 100000\n")
    assert machine.quota(tmp_path) == 0.4
    assert machine.cores(tmp_path).level == "note"
    assert machine.cores(tmp_path).todo == "-j 1"


def test_a_cpu_is_named_whatever_says_so(tmp_path: Path) -> None:
    place = tmp_path / "cpuinfo"
    assert machine.cpu(place).level == "fine"
    place.write_text("model name\t: A \x1b[31mCPU\nflags\t\t: sse4_2 avx2 fma\n")
    assert machine.cpu(place).what.startswith("A \\x1b[31mCPU (")


def test_every_finding_that_is_not_fine_says_what_to_do(made: Store) -> None:
    found = list(doctor.examine(made, train=False))
    assert {"rnnbench", "libraries", "cpu", "cores", "devices", "kernels", "plugins", "store"} <= {
        e.part for e in found
    }
    assert all(each.todo for each in found if each.level != "fine")


def test_the_command(cli: Any, made: Store, tmp_path: Path) -> None:
    half = made.path.read_bytes()[: made.path.stat().st_size // 2]
    store = damaged(made, tmp_path / "bad", half)
    done = cli("doctor", "-r", "bad", "--no-bits", "--format", "json")
    assert (done.returncode, done.stderr) == (Exit.STORE, "")
    assert [each["level"] for each in json.loads(done.stdout)][-1] == "damaged"
    shown = cli("doctor", "-r", str(made.directory), env={"COLUMNS": "60"})
    assert shown.returncode == 0, shown.stdout
    assert "this machine gives the published bits" in " ".join(shown.stdout.split())
    assert max(map(len, shown.stdout.splitlines())) <= 60
    saved = cli("doctor", "-r", "bad", "--salvage", "new")
    assert (saved.returncode, saved.stdout.startswith("new: ")) == (1, True)
    assert 0 < len(Store(tmp_path / "new").records()) < 120
    assert cli("doctor", "-r", "bad", "--salvage", "new").returncode == 2
    assert store.path.read_bytes() == half


def test_the_worst_counts() -> None:
    assert worst([]) == "fine"
    assert worst([Finding("a", "note", ""), Finding("b", "wrong", "")]) == "wrong"
