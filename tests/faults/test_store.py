"""Nothing is lost: whatever became of a store's file, it is read as it was written or refused in one line, and what a
kill or a full disk left goes on by itself."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import api
from rnnbench.errors import Exit, UserError
from rnnbench.plan import plan
from rnnbench.records import Point, Record, Run, Rung, canonical
from rnnbench.running.listeners import Silent
from rnnbench.store import Store, bulk, schema

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

GOLDEN = Path(__file__).parent.parent / "golden" / "stores"
SOAK = bool(os.environ.get("RNNBENCH_SOAK"))
RUNG = Rung({"cell": "gru"}, {"task": "adding"}, 10, {"lr": 0.003})
RECORD = Record(
    Run(RUNG, 4), "solved", 0.99, -0.0, 300, 200, 3425, 1.0, (Point(100, 0.2, 0.1), Point(300, 0.01, 0.98, 0.99)),
    None, "fused, torch 2", "abc", "here", "2026-01-01T00:00:00+00:00",
)  # fmt: skip
OTHERS = (
    Record(Run(RUNG, 5), "failed", error="Überlauf\x1b[31m\n"),
    replace(RECORD, run=Run(RUNG, 5), score=0.5, status="unsolved", solved_at=None),
    Record(Run(RUNG, 6), "diverged", 0.0, steps=100, curve=(Point(100, None, None),)),
)
SUITE = {"name": "small", "text": "a suite"}


@contextmanager
def refused(code: Exit = Exit.STORE, text: str = "") -> Iterator[None]:
    """One line of visible characters with that exit code, and that text in it."""
    with pytest.raises(UserError) as caught:
        yield
    (line,) = caught.value.lines
    assert caught.value.code == code
    assert line.isprintable()
    assert len(line) < 700
    assert text in line


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "results")
    with made.writing():
        made.remember(SUITE)
        for record in (RECORD, *OTHERS):
            made.add(record)
    return made


def state(store: Store) -> tuple[list[Record], list[object]]:
    """All that a store holds."""
    return list(store.attempts(curves=True)), list(store.suites())


def change(store: Store, *statements: str) -> None:
    """Something that rnnbench didn't do."""
    with closing(sqlite3.connect(store.path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


DAMAGES = [
    ("UPDATE records SET score = 0.98 WHERE status = 'solved'", "isn't as it was written"),
    ("UPDATE records SET status = 'unsolved' WHERE status = 'solved'", "isn't as it was written"),
    ("UPDATE records SET numerics = 'fused, torch 3'", "isn't as it was written"),
    ("UPDATE records SET host = x'80', started = 5", "isn't as it was written"),
    ("UPDATE records SET error = CAST(x'80' AS TEXT) WHERE error NOT NULL", "Could not decode to UTF-8"),
    ("UPDATE records SET attempt = 7 WHERE status = 'failed'", "isn't as it was written"),
    ("UPDATE records SET curve = replace(curve, '0.2', '0.3')", "isn't as it was written"),
    ("UPDATE records SET digest = x'00' WHERE attempt = 2", "isn't as it was written"),
    ("DELETE FROM records WHERE attempt = 2", "it holds 3 records, expected 4"),
    ("DELETE FROM records", "it holds 0 records, expected 4"),
    ("UPDATE sums SET total = x'00112233445566778899aabbccddeeff'", "its records aren't those that were written"),
    ("DELETE FROM sums", "the sums of its records are gone"),
    ("DROP TABLE sums", "a database of version 2, but not with the tables of that"),
    ("PRAGMA user_version = 1", "a database of version 1, but not with the tables of that"),
    ("PRAGMA user_version = 0", "a database of version 0, but not with the tables of that"),
    ("ALTER TABLE records RENAME COLUMN score TO sc", "no such column: score"),
]


@pytest.mark.parametrize(("statement", "told"), DAMAGES)
def test_what_is_not_as_it_was_written_is_told_and_never_used(store: Store, statement: str, told: str) -> None:
    change(store, statement)
    for read in (store.records, lambda: store.records([Run(RUNG, 4)]), lambda: list(store.attempts())):
        with refused(text=told):
            read()
    with refused(text="next: rnnbench doctor"):
        store.records()


def test_a_suite_that_is_another_or_gone_is_told(store: Store) -> None:
    whole = store.path.read_bytes()
    change(store, "UPDATE suites SET suite = replace(suite, 'a suite', 'b suite')")
    with refused(text="suite 'small' isn't as it was written"):
        store.suites()
    store.path.write_bytes(whole)
    change(store, "DELETE FROM suites")
    with refused(text="it holds 0 suites, expected 1"):
        store.suites()


def same_or_refused(store: Store, expected: object) -> bool:
    """Whether a store was read: then as it was. Else it was refused, in one line."""
    told: list[UserError] = []
    try:
        assert state(store) == expected
    except UserError as error:
        told.append(error)
    for each in told:
        (line,) = each.lines
        assert (each.code, line.isprintable()) == (Exit.STORE, True)
    return not told


def test_a_flipped_bit_anywhere_is_found_or_harmless(store: Store) -> None:
    expected, whole = state(store), store.path.read_bytes()
    read = 0
    places = range(len(whole)) if SOAK else [*range(0, 100, 3), *range(100, len(whole), 151)]
    for place in places:
        for bit in range(8) if SOAK else [place % 8]:
            flipped = bytearray(whole)
            flipped[place] ^= 1 << bit
            store.path.write_bytes(flipped)
            read += same_or_refused(store, expected)
    assert 0 < read < len(places) * (8 if SOAK else 1)


def test_an_index_that_lost_a_record_is_told(store: Store) -> None:
    """An export is in the order of ids, which the index has: what is flipped there is of no row, and has no digest."""
    found = store.records(curves=True)
    whole, id = store.path.read_bytes(), RECORD.id.encode()
    assert [record.id for record in bulk.by_id(store, found, curves=True)] == sorted(found)
    places = [k for k in range(len(whole)) if whole.startswith(id, k)]
    told = []
    for place in places:
        store.path.write_bytes(whole[:place] + b"_" + whole[place + 1 :])
        try:
            assert [record.id for record in bulk.by_id(store, found, curves=True)] == sorted(found)
        except UserError as error:
            told.append(str(error))
            assert store.records(curves=True) == found  # the table is whole
        else:
            with refused(text="isn't as it was written"):
                store.records()
    assert len(places) == 2
    assert [text.count("the index of ids has other records than the table") for text in told] == [1]


def test_a_store_cut_anywhere_is_found(store: Store) -> None:
    expected, whole = state(store), store.path.read_bytes()
    for length in range(1, len(whole), 1 if SOAK else 211):
        store.path.write_bytes(whole[:length])
        assert not same_or_refused(store, expected)


@cache
def written(folder: Path) -> tuple[Store, bytes, object]:
    """A store, its bytes, and all that it holds."""
    store = Store(folder)
    with store.writing():
        store.remember(SUITE)
        store.add(RECORD)
    return store, store.path.read_bytes(), state(store)


@settings(max_examples=5000 if SOAK else 60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 24_000), st.binary(min_size=1, max_size=64)), min_size=1, max_size=8))
def test_any_bytes_anywhere_are_found_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bytes]]
) -> None:
    store, whole, expected = written(tmp_path_factory.getbasetemp() / "bytes")
    data = bytearray(whole)
    for place, bits in writes:
        data[place : place + len(bits)] = bits
    store.path.write_bytes(data)
    same_or_refused(store, expected)
    with suppress(UserError), store.writing():
        store.add(OTHERS[-1])


def test_the_golden_store_of_version_1_reads_as_it_did_then_and_is_not_touched(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shutil.copy(GOLDEN / "version-1.sqlite", store.path)
    before, lines = store.path.read_bytes(), (GOLDEN / "version-1.jsonl").read_text().splitlines()
    found = store.records(curves=True)
    assert [canonical(found[id].as_dict()) for id in sorted(found)] == lines
    assert [suite["name"] for suite in store.suites()] == ["kept", "older"]
    assert store.path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["records.sqlite"]


def test_the_golden_store_of_version_1_is_upgraded_with_every_attempt(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shutil.copy(GOLDEN / "version-1.sqlite", store.path)
    before = state(store)
    assert len(before[0]) == 5
    with store.writing():
        assert state(store) == before
    assert state(store) == before
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_upgrade_that_is_broken_off_leaves_the_old_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    shutil.copy(GOLDEN / "version-1.sqlite", store.path)
    before, made = state(store), iter(range(3))

    def digest(*arguments: object) -> bytes:
        if next(made, None) is None:
            raise OSError(errno.EIO, "Input/output error")
        return bytes(16)

    monkeypatch.setattr("rnnbench.store.rows.digest", digest)
    with refused(text="Input/output error"), store.writing():
        pass
    monkeypatch.undo()
    assert state(store) == before
    with store.writing():
        assert state(store) == before


def test_damage_of_version_1_is_not_made_good_by_an_upgrade(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for statement in ("UPDATE records SET score = 7 WHERE status = 'solved'", "UPDATE records SET run = '{}'"):
        shutil.copy(GOLDEN / "version-1.sqlite", store.path)
        change(store, statement)
        before = store.path.read_bytes()
        with refused(text="damaged: "), store.writing():
            pass
        assert store.path.read_bytes() == before


def test_the_golden_store_of_version_2_reads_as_it_did_then(tmp_path: Path) -> None:
    store = Store(tmp_path)
    shutil.copy(GOLDEN / "version-2.sqlite", store.path)
    found = store.records(curves=True)
    lines = (GOLDEN / "version-1.jsonl").read_text().splitlines()  # it was that one
    assert [canonical(found[id].as_dict()) for id in sorted(found)] == lines


@contextmanager
def half_written(store: Store) -> Iterator[None]:
    """A commit under way, as far as pages in the file that are not yet to be believed."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE records SET error = zeroblob(20000), score = 0.123")
        writer.execute("UPDATE suites SET suite = zeroblob(20000)")
        yield
        writer.execute("ROLLBACK")


def killed(store: Store, place: Path) -> Store:
    """A store whose writer was killed within a commit."""
    place.mkdir()
    copy = Store(place)
    with half_written(store):
        shutil.copy(store.path, copy.path)
        shutil.copy(f"{store.path}-journal", f"{copy.path}-journal")
    assert copy.path.read_bytes() != store.path.read_bytes()
    return copy


def test_what_a_kill_left_half_written_is_taken_back_by_whoever_comes_first(store: Store, tmp_path: Path) -> None:
    before = state(store)
    readers: list[Callable[[Store], object]] = [
        lambda s: s.records(), lambda s: s.suites(), lambda s: list(s.attempts()), lambda s: s.writing().__enter__()
    ]  # fmt: skip
    for number, read in enumerate(readers):
        copy = killed(store, tmp_path / str(number))
        read(copy)
        assert not Path(f"{copy.path}-journal").exists()
        assert state(copy) == before


def test_where_it_cannot_be_taken_back_one_line_says_what_to_do(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, connect = killed(store, tmp_path / "copy"), schema._connect
    # as on a read-only file system, where SQLite opens for reading what can't be opened for writing
    monkeypatch.setattr(schema, "_connect", lambda path, mode, seconds: connect(path, "ro", seconds))
    with refused(text=f"read-only; next: copy {copy.directory} to where it can be written to"):
        copy.records()


def test_a_reader_leaves_the_journal_of_a_writer_that_lives(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(store)
    monkeypatch.setattr(schema, "READ_SECONDS", 0.1)
    with half_written(store):
        with refused(text="database is locked"):
            store.records()
        assert Path(f"{store.path}-journal").stat().st_size > 0
    assert state(store) == before


@pytest.mark.parametrize("empty", [b"", None])
def test_a_file_that_holds_nothing_yet_is_no_store_yet(store: Store, empty: bytes | None) -> None:
    store.path.unlink()
    if empty is None:
        change(store, "VACUUM")  # an empty database
    else:
        store.path.write_bytes(empty)
    assert state(store) == ([], [])
    part = f"checkpoints/{'0' * 24}.part"
    for name in ("records.sqlite.part", "records.sqlite.part-journal", "records.sqlite-journal", part):
        (store.directory / name).write_bytes(b"half of something")
    with store.writing():
        store.add(RECORD)
    assert [record.id for record in store.attempts()] == [RECORD.id]
    assert sorted(each.name for each in store.directory.iterdir()) == ["checkpoints", "lock", "records.sqlite"]
    assert not list(store.checkpoints.folder.iterdir())


def test_another_database_is_no_store_and_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    change(store, "CREATE TABLE mine (x)")
    before = store.path.read_bytes()
    for attempt in (store.records, store.suites, store.writing().__enter__):
        with refused(text="not with the tables of that"):
            attempt()
    assert store.path.read_bytes() == before


def test_a_full_disk_is_told_and_the_next_run_goes_on(store: Store) -> None:
    before = state(store)
    with store.writing():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (store.path.stat().st_size + 100, hard))
        try:
            with refused(text="nothing acknowledged is lost, run again once that is mended"):
                store.add(replace(RECORD, run=Run(RUNG, 7), error="x" * 50_000))
            with refused(text=".part: "):
                store.save_checkpoint("0" * 24, bytes(100_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not list(store.checkpoints.folder.iterdir())
        assert state(store) == before
        store.add(replace(RECORD, run=Run(RUNG, 7)))
    assert len(state(store)[0]) == len(before[0]) + 1


def test_a_sync_that_fails_acknowledges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(number: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store = Store(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with refused(text="Input/output error"), store.writing():
            pass
    assert store.records() == {}
    with store.writing():
        store.save_checkpoint("0" * 24, b"one")
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", broken)
            with refused(text="Input/output error"):
                store.save_checkpoint("0" * 24, b"two")
        assert store.checkpoint("0" * 24) == b"one"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to(path.parent / "victim")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


ODD = [(fifo, "FIFO"), (link, "symbolic link"), (Path.mkdir, "directory")]


@pytest.mark.parametrize(("make", "kind"), ODD, ids=[kind for _, kind in ODD])
def test_what_stands_in_the_place_of_a_file_is_neither_followed_nor_waited_for(
    store: Store, make: Callable[[Path], None], kind: str
) -> None:
    victim = store.directory / "victim"
    victim.write_text("precious")
    (store.checkpoints.folder / "victim").write_text("precious")
    id = "0" * 24
    lock = store.directory / "lock"
    lock.unlink()
    make(lock)
    with refused(), store.writing():
        pass
    lock.rmdir() if lock.is_dir() else lock.unlink()
    make(store.checkpoints.path(id))
    with store.writing():
        with refused(text=f"{id}.checkpoint: got a {kind}, expected a regular file"):
            store.checkpoint(id)
        if kind != "directory":
            store.save_checkpoint(id, b"of a run")
            assert store.checkpoint(id) == b"of a run"
    if kind != "symbolic link":  # a store may lie elsewhere
        store.path.unlink()
        make(store.path)
        for attempt in (store.records, store.writing().__enter__):
            with refused(text=f"records.sqlite: got a {kind}, expected a regular file"):
                attempt()
    store.path.unlink(missing_ok=True) if kind != "directory" else store.path.rmdir()
    with store.writing():
        store.add(RECORD)
    make(store.path.with_name("records.sqlite-journal"))
    for attempt in (store.records, store.writing().__enter__):
        with refused(text=f"records.sqlite-journal: got a {kind}, expected a regular file"):
            attempt()
    assert victim.read_text() == "precious"
    assert (store.checkpoints.folder / "victim").read_text() == "precious"


def test_a_store_may_lie_elsewhere_but_not_nowhere(store: Store, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(store.directory, target_is_directory=True)
    linked = Store(tmp_path / "link")
    with linked.writing():
        linked.add(replace(RECORD, run=Run(RUNG, 9)))
    assert state(linked) == state(store)
    store.path.rename(tmp_path / "elsewhere.sqlite")
    store.path.symlink_to(tmp_path / "elsewhere.sqlite")
    assert len(state(store)[0]) == 5
    (tmp_path / "elsewhere.sqlite").unlink()
    with refused(text="a symbolic link that leads nowhere"):
        store.records()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_place_that_knows_no_locks_is_told_as_that(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def failing(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", failing)
    with refused(text=f"lock: can't be locked ({os.strerror(number)})"), store.writing():
        pass


def test_a_lock_that_cannot_be_written_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with refused(text=f"{store.directory}/lock: No space left on device"), store.writing():
        pass


def test_a_lock_that_was_removed_meanwhile_keeps_nobody_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that open the lock, of which one removes it: only one holds what others will find."""
    flock, path = fcntl.flock, store.directory / "lock"

    def removed(lock: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        flock(lock, how)

    monkeypatch.setattr(fcntl, "flock", removed)
    with store.writing(), refused(Exit.LOCKED, f"held by process {os.getpid()}"), Store(store.directory).writing():
        pass
    assert path.read_text() == ""


def test_a_result_told_twice_is_there_once_and_a_breakdown_as_often_as_it_happened(store: Store) -> None:
    with store.writing():
        assert store.add(RECORD).attempt == 1
        assert store.add(replace(RECORD, attempt=3)).attempt == 1
        assert store.add(replace(RECORD, seconds=2.0)).attempt == 2  # another training came to the same
        broken = Record(Run(RUNG, 8), "crashed", error="a surrogate \udc80 and a NUL \0")
        assert [store.add(broken).attempt for _ in range(3)] == [1, 2, 3]
    assert store.records()[broken.id].error == "a surrogate \\udc80 and a NUL \0"


def test_an_endless_error_is_kept_with_its_beginning_and_its_end(store: Store) -> None:
    with store.writing():
        kept = store.add(Record(Run(RUNG, 8), "failed", error="begin" + "x" * 2_000_000 + "end")).error
    assert kept is not None
    assert len(kept) < 101_000
    assert kept.startswith("begin")
    assert kept.endswith("end")
    assert "1900008 characters left out" in kept


def test_what_is_no_record_is_not_written(store: Store) -> None:
    before = state(store)
    wrong = [
        replace(RECORD, score=float("nan")), replace(RECORD, score=1.5), replace(RECORD, loss=float("inf")),
        replace(RECORD, status="failed"), replace(RECORD, steps=-1), replace(RECORD, host="\udc80"),
        replace(RECORD, status="diverged"), replace(RECORD, score=None), replace(RECORD, solved_at=301),
        replace(RECORD, curve=RECORD.curve[::-1]),
    ]  # fmt: skip
    with store.writing():
        for record in wrong:
            with pytest.raises(ValueError, match="expected"):
                store.add(replace(record, run=Run(RUNG, 11)))
    assert state(store) == before


KEPT = """\
rnnbench: 1
name: kept
defaults: {hidden: 8, steps: 300}
seeds: 2
architectures:
  rnn: {cell: rnn}
tasks:
  copy: {items: 1, alphabet: 2, lengths: [2]}
"""


def test_a_checkpoint_that_outlived_its_run_goes_with_the_next_run(tmp_path: Path) -> None:
    (tmp_path / "kept.yaml").write_text(KEPT)
    chosen = plan(api.load(tmp_path / "kept.yaml"))
    store, other = Store(tmp_path), "f" * 24
    with store.writing():
        for run in chosen.runs():
            store.add(replace(RECORD, run=run))
            store.save_checkpoint(run.id, b"a kill came before this went")
        store.save_checkpoint(other, b"of another suite")
        (store.checkpoints.folder / "notes.part").write_text("a user's own")
    assert api.run_plan(chosen, store, Silent(), 1).trained == 0
    assert sorted(each.name for each in store.checkpoints.folder.iterdir()) == [f"{other}.checkpoint", "notes.part"]


def test_the_command_line_on_stores_of_every_kind(cli: Cli, tmp_path: Path) -> None:
    """The real one: an old store, a half-written one, and a damaged one."""
    shutil.copy(GOLDEN / "suite.yaml", tmp_path / "suite.yaml")
    (tmp_path / "old").mkdir()
    shutil.copy(GOLDEN / "version-1.sqlite", tmp_path / "old" / "records.sqlite")
    lines = (GOLDEN / "version-1.jsonl").read_text()
    shown = cli("export", "suite.yaml", "-r", "old")
    assert (shown.returncode, sorted(shown.stdout.splitlines())) == (0, sorted(lines.splitlines()))
    known = cli("run", "suite.yaml", "-r", "old", "-k", "2", "--rerun", "failed", "-j", "1")
    assert known.returncode == 0
    assert known.stderr.startswith("kept: nothing to do: 2 runs known, 0 pruned\n")
    old = Store(tmp_path / "old")
    copy = killed(old, tmp_path / "killed")
    again = cli("run", "suite.yaml", "-r", "killed", "-k", "2", "-j", "1")
    assert (again.returncode, state(copy)[0]) == (0, state(old)[0])
    change(copy, "UPDATE records SET loss = 0.04 WHERE status = 'solved'")
    for command in ("report", "export", "run"):
        told = cli(command, "suite.yaml", "-r", "killed")
        assert (told.returncode, told.stdout, told.stderr.count("\n")) == (3, "", 1)
        assert told.stderr.startswith("killed/records.sqlite: damaged: record '")
        assert told.stderr.endswith("isn't as it was written; nothing was changed; next: rnnbench doctor\n")


def test_records_survive_json(store: Store) -> None:
    for record in store.attempts(curves=True):
        assert Record.from_dict(json.loads(canonical(record.as_dict()))) == record
