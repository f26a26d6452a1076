"""Who holds a store keeps every other writer out, whatever somebody does to its files by hand meanwhile; and who has
lost it writes nothing more."""

from __future__ import annotations

import errno
import fcntl
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from os import fstat
from pathlib import Path

import pytest

from rnnbench.errors import Exit, UserError
from rnnbench.records import Record, Run, Rung
from rnnbench.store import Store

RECORD = Record(Run(Rung({"cell": "gru"}, {"task": "adding"}, 10, {}), 0), "solved", 0.99, 0.1, 300, 200)
OTHER = replace(RECORD, run=Run(RECORD.run.rung, 1))
Break = Callable[[Path], object]


def no_lock(results: Path) -> None:
    (results / "lock").unlink()


def other_lock(results: Path) -> None:
    (results / "lock").unlink()
    (results / "lock").write_text("process 1 on another machine\n")


def no_folder(results: Path) -> None:
    shutil.rmtree(results / "checkpoints")


def neither(results: Path) -> None:
    no_lock(results)
    no_folder(results)


def moved(results: Path) -> None:
    results.rename(results.with_name("moved"))


def gone(results: Path) -> None:
    shutil.rmtree(results)


def lines(code: Exit, act: Callable[[], object]) -> str:
    """The one line with which something is refused."""
    with pytest.raises(UserError) as caught:
        act()
    (line,) = caught.value.lines
    assert (caught.value.code, line.isprintable()) == (code, True)
    return line


@pytest.mark.parametrize("broken", [no_lock, other_lock, no_folder], ids=lambda f: f.__name__)
def test_one_of_its_files_by_itself_lets_nobody_in(tmp_path: Path, broken: Break) -> None:
    first, second = Store(tmp_path / "results"), Store(tmp_path / "results")
    with first.writing():
        broken(first.directory)
        assert f"{first.directory}: held by " in lines(Exit.LOCKED, second.writing().__enter__)
        first.add(RECORD)
        first.remember({"name": "s"})
        assert lines(Exit.LOCKED, second.writing().__enter__)
    with second.writing():
        second.add(OTHER)
    assert second.records().keys() == {RECORD.id, OTHER.id}


@pytest.mark.parametrize("broken", [neither, moved, gone], ids=lambda f: f.__name__)
def test_who_has_lost_it_is_told_before_anything_is_written(tmp_path: Path, broken: Break) -> None:
    first, second = Store(tmp_path / "results"), Store(tmp_path / "results")
    with first.writing():
        first.add(RECORD)
        broken(first.directory)
        with second.writing():
            for act in (
                lambda: first.add(OTHER),
                lambda: first.save_checkpoint(OTHER.id, b"x"),
                lambda: first.remember({}),
            ):
                told = lines(Exit.STORE, act)
                assert told.startswith(f"{first.directory}: its lock was removed or replaced while this process held")
            second.add(OTHER)
            assert second.checkpoint(OTHER.id) is None
    assert set(second.records()) - {RECORD.id} == {OTHER.id}
    assert second.path.with_name("lock").read_text() == ""


def test_where_folders_cannot_be_locked_the_file_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock = fcntl.flock

    def files_alone(number: int, how: int) -> None:
        if stat.S_ISDIR(fstat(number).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")  # what NFS says
        flock(number, how)

    monkeypatch.setattr(fcntl, "flock", files_alone)
    first, second = Store(tmp_path), Store(tmp_path)
    with first.writing():
        no_folder(tmp_path)
        assert lines(Exit.LOCKED, second.writing().__enter__)
        first.add(RECORD)
        no_lock(tmp_path)
        with second.writing():
            assert lines(Exit.STORE, lambda: first.add(OTHER))
            second.add(OTHER)


def test_two_folders_that_lead_to_one_file_have_one_writer(tmp_path: Path) -> None:
    first, second = Store(tmp_path / "first"), Store(tmp_path / "second")
    with first.writing():
        first.add(RECORD)
    second.directory.mkdir()
    second.path.symlink_to(first.path)
    with first.writing():
        assert f"{first.directory}: held by process " in lines(Exit.LOCKED, second.writing().__enter__)
    with second.writing():
        assert lines(Exit.LOCKED, first.writing().__enter__)
        second.add(OTHER)
    assert len(first.records()) == 2


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_of_records_that_is_taken_away_is_missed(tmp_path: Path, replaced: bool) -> None:
    store = Store(tmp_path)
    with store.writing():
        store.add(RECORD)
        copy = store.path.read_bytes()
        store.path.rename(tmp_path / "taken")
        if replaced:
            store.path.write_bytes(copy)
        told = lines(Exit.STORE, lambda: store.add(OTHER))
        assert "records.sqlite: it was moved, replaced or removed while it was written to" in told
    assert set(store.records()) == ({RECORD.id} if replaced else set())
