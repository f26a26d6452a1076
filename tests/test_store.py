"""The store: appended to, never overwritten; locked by one; read by anyone."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest

from rnnbench.errors import Exit, UserError
from rnnbench.records import Point, Record, Run, Rung, canonical, dump_canonical
from rnnbench.settings import Settings
from rnnbench.store import Store

RUN = Run(Rung({"cell": "gru"}, {"task": "adding"}, 10, {"lr": 0.003}), 4)
RECORD = Record(
    RUN, "solved", 0.99, 0.001, 300, 200, 3425, 1.25, (Point(100, 0.2, 0.1), Point(300, 0.01, 0.98, 0.99)),
    None, "fused, torch 2", "abc", "here", "2026-01-01T00:00:00+00:00",
)  # fmt: skip


def test_a_record_comes_back_as_it_went_in(tmp_path: Path) -> None:
    store = Store(tmp_path / "new" / "folder")
    with store.writing():
        stored = store.add(RECORD)
    assert stored == RECORD
    assert store.records([RUN], curves=True) == {RUN.id: RECORD}
    assert store.records(curves=True) == {RUN.id: RECORD}
    assert store.records([RUN])[RUN.id].curve == ()
    assert Record.from_dict(json.loads(canonical(RECORD.as_dict()))) == RECORD


def test_attempts_are_kept_and_the_last_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        store.add(Record(RUN, "failed", error="boom"))
        assert store.add(RECORD).attempt == 2
    assert store.records([RUN])[RUN.id].status == "solved"
    rows = sqlite3.connect(store.path).execute("SELECT attempt, status FROM records ORDER BY attempt").fetchall()
    assert rows == [(1, "failed"), (2, "solved")]


def test_the_last_of_many_attempts_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        for attempt in range(1, 13):
            assert store.add(Record(RUN, "failed", error=f"the {attempt}th")).attempt == attempt
            for found in (store.records(), store.records([RUN])):
                assert [(r.attempt, r.error) for r in found.values()] == [(attempt, f"the {attempt}th")]


def test_an_empty_place_reads_as_no_records_and_is_not_made(tmp_path: Path) -> None:
    store = Store(tmp_path / "nothing")
    assert store.records() == {}
    assert store.suites() == []
    assert not store.directory.exists()


def test_the_last_suite_is_remembered_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        for name in ("a", "b", "a"):
            store.remember({"name": name})
    assert [s["name"] for s in store.suites()] == ["a", "b"]


def test_a_checkpoint_goes_with_its_record(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        assert store.checkpoint(RUN.id) is None
        store.save_checkpoint(RUN.id, b"one")
        store.save_checkpoint(RUN.id, b"two")
        assert store.checkpoint(RUN.id) == b"two"
        store.add(RECORD)
        assert store.checkpoint(RUN.id) is None
        assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_second_writer_is_told_who_holds_the_store(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rnnbench.store import Store\n"
        f"with Store(Path({str(tmp_path)!r})).writing(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UserError) as refused, Store(tmp_path).writing():
            pass
        assert refused.value.code == Exit.LOCKED
        assert str(refused.value).startswith(f"{tmp_path}: held by process {holder.pid} on ")
        assert str(refused.value).endswith("wait for it to end or choose another place with --results")
        holder.kill()
    with Store(tmp_path).writing():  # nothing to unlock by hand
        pass


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.writing():
        store.add(RECORD)
    connection = sqlite3.connect(store.path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    before = store.path.read_bytes()
    for attempt in (store.records, store.writing().__enter__):
        with pytest.raises(UserError) as refused:
            attempt()
        assert refused.value.code == Exit.STORE
        assert "got schema version 9, expected at most 2" in str(refused.value)
    assert store.path.read_bytes() == before


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "records.sqlite").write_bytes(b"this is no database, not even a little one" * 100)
    with pytest.raises(UserError) as refused:
        Store(tmp_path).records()
    assert refused.value.code == Exit.STORE
    assert "file is not a database" in str(refused.value)


def test_the_canonical_export_is_sorted_and_holds_no_times(tmp_path: Path) -> None:
    other = Record(Run(RUN.rung, 5), "unsolved", 0.5, seconds=9.0, host="elsewhere")
    text = dump_canonical([RECORD, other])
    assert text == dump_canonical([other, RECORD])
    assert "seconds" not in text
    assert "elsewhere" not in text
    assert [json.loads(line)["id"] for line in text.splitlines()] == sorted([RECORD.id, other.id])


def test_ids_depend_on_what_is_asked_for_alone() -> None:
    same = Run(Rung({"cell": "gru"}, {"task": "adding"}, 10, {"lr": 3e-3}), 4)
    assert same.id == RUN.id
    changed = [
        Run(Rung({"cell": "gru", "reset": "v3"}, {"task": "adding"}, 10, {"lr": 3e-3}), 4),
        Run(Rung({"cell": "gru"}, {"task": "adding", "first": "early"}, 10, {"lr": 3e-3}), 4),
        Run(Rung({"cell": "gru"}, {"task": "adding"}, 11, {"lr": 3e-3}), 4),
        Run(Rung({"cell": "gru"}, {"task": "adding"}, 10, {}), 4),
        Run(RUN.rung, 5),
    ]
    assert len({RUN.id, *(r.id for r in changed)}) == 6


def test_runs_of_one_shape_differ_in_seed_and_learning_rate_alone() -> None:
    """So that what trains side by side is computed alike."""
    rung = RUN.rung
    assert replace(rung, settings=rung.settings | {"lr": 0.5}).shape == rung.shape
    values: dict[str, object] = {"optimizer": "sgd", "stop": "never", "attention": "dot"}
    changed = [{f.name: values.get(f.name, 0.25)} for f in fields(Settings) if f.name != "lr"]
    others = [replace(rung, settings=rung.settings | each) for each in changed]
    others += [replace(rung, length=11), replace(rung, task={"task": "copy"}), replace(rung, model={"cell": "lstm"})]
    assert len({rung.shape, *(other.shape for other in others)}) == 1 + len(others)
