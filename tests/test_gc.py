"""What a store could do without: never what a suite still names, never unasked."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numba
import pytest

from rnnbench.errors import Exit, UserError
from rnnbench.plan import plan
from rnnbench.plan.filter import select
from rnnbench.records import Record, Run
from rnnbench.store import Store, bulk
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.training.fingerprint import fingerprint
from rnnbench.upkeep import caches, gc

TEXT = """\
rnnbench: 1
name: mine
seeds: 2
architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}
tasks: {adding: {lengths: [2, 4]}}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """So that no test looks at, or clears, the machine's own."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def suite(text: str = TEXT, seeds: str | None = None) -> Suite:
    return loads(text.encode(), "mine.yaml", seeds=seeds)


def runs(suite: Suite) -> list[Run]:
    return list(plan(suite).runs())


def stored(folder: Path, *suites: Suite, broken: bool = False) -> Store:
    """A store on which these suites ran one after the other, each whole."""
    store = Store(folder)
    with store.writing():
        for each in suites:
            store.remember(each.as_dict())
            known = store.records()
            for run in runs(each):
                if run.id not in known:
                    code = fingerprint(run.rung, False)
                    store.add(Record(run, "failed") if broken else Record(run, "solved", 0.99, fingerprint=code))
    return store


def attempts(store: Store, run: Run) -> list[Record]:
    return next((each for each in bulk.by_run(store) if each[0].id == run.id), [])


def found(store: Store, *kinds: str) -> dict[str, int]:
    return {waste.kind: waste.count for waste in gc.find(store, kinds or gc.ALWAYS) if waste.count}


def cleared(store: Store, *kinds: str) -> dict[str, int]:
    with store.writing():
        return {waste.kind: waste.count for waste in gc.clear(store, kinds or gc.ALWAYS) if waste.count}


def test_a_store_whose_suites_name_all_of_it_has_nothing_to_lose(tmp_path: Path) -> None:
    store = stored(tmp_path, suite(), suite(seeds="7..8"), select(plan(suite()), "lstm").suite)
    before = store.records()
    assert found(store) == cleared(store) == {}
    assert store.records() == before


def test_what_an_edit_left_behind_goes_and_what_is_named_stays(tmp_path: Path) -> None:
    edited = suite(TEXT.replace("[2, 4]", "[2, 8]"))
    store = stored(tmp_path, suite(), edited)
    before = store.path.stat().st_size
    assert found(store) == {"orphans": 4}
    assert set(store.records()) == {run.id for run in (*runs(suite()), *runs(edited))}
    assert cleared(store) == {"orphans": 4}
    assert set(store.records()) == {run.id for run in runs(edited)}
    assert found(store) == {}
    assert store.path.stat().st_size <= before


def test_what_an_edited_suite_names_stays_though_only_a_part_of_it_ran_since(tmp_path: Path) -> None:
    edited = suite(TEXT.replace("[2, 4]", "[2, 8]"))
    store = stored(tmp_path, suite(), select(plan(edited), "lstm").suite)
    kept = {run.id for run in runs(edited)} & set(store.records())
    assert {run.rung.model["cell"] for run in runs(suite()) if run.id in kept} == {"rnn", "lstm"}
    cleared(store)
    assert set(store.records()) == kept


def test_where_no_suite_ran_or_one_cannot_be_read_nothing_is_an_orphan(tmp_path: Path) -> None:
    store = stored(tmp_path, suite())
    with store.writing():
        store.remember({"name": "odd", "tasks": 5})
    (waste,) = gc.find(store, ["orphans"])
    assert (waste.count, waste.unknown) == (0, "can't be told: a suite that it remembers can't be read")
    alone = Store(tmp_path / "other")
    with alone.writing():
        alone.add(Record(runs(suite())[0], "solved", 0.99))
    (waste,) = gc.find(alone, ["orphans"])
    assert (waste.count, waste.unknown.startswith("can't be told: no suite ran here")) == (0, True)
    assert cleared(alone) == {}
    assert len(alone.records()) == 1


def test_attempts_and_stale_records_go_only_when_named(tmp_path: Path) -> None:
    store = stored(tmp_path, suite(), broken=True)
    first, second, third, *_ = runs(suite())
    with store.writing():
        for run in (first, second):
            store.add(Record(run, "solved", 0.99, fingerprint="older"))
        store.add(Record(second, "crashed"))
    assert found(store) == cleared(store) == {}
    assert found(store, "attempts", "stale") == {"attempts": 2, "stale": 2}
    assert cleared(store, "attempts") == {"attempts": 2}
    assert [r.status for r in attempts(store, first)] == ["solved"]
    assert [r.status for r in attempts(store, second)] == ["solved", "crashed"]  # the result that there is
    assert cleared(store, "stale") == {"stale": 1}
    assert attempts(store, first) == []
    assert attempts(store, third) != []


def test_checkpoints_of_runs_that_may_go_on_stay(tmp_path: Path) -> None:
    store = stored(tmp_path, suite(), broken=True)
    first, second, *_ = runs(suite())
    with store.writing():
        store.add(Record(first, "solved", 0.99))
        for name in (first.id, second.id, "0" * 24, "no id"):
            store.save_checkpoint(name, b"x" * 100)
    (tmp_path / "checkpoints" / f"{second.id}.part").write_bytes(b"half")
    (tmp_path / "checkpoints" / "notes.txt").write_text("mine")
    (tmp_path / "error-20260101-000000-1.log").write_text("versions")
    assert found(store, "checkpoints", "parts", "logs")["checkpoints"] == 3
    done = cleared(store)
    assert done["checkpoints"] == 3
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()} - {"lock", "records.sqlite"}
    assert left == {f"{second.id}.checkpoint", "notes.txt"}


def test_machine_code_goes_once_nobody_used_it_for_a_month(tmp_path: Path, own_cache: Path) -> None:
    old, new = (own_cache / "derived" / f"gru-{letter * 16}" for letter in "ab")
    for folder in (old, new, own_cache / "somebody-elses"):
        folder.mkdir(parents=True)
        (folder / "code.nbi").write_bytes(b"x" * 50)
    before = time.time() - 40 * 24 * 3600
    os.utime(old, (before, before))
    os.utime(own_cache / "somebody-elses", (before, before))
    (cache,) = caches.caches()
    assert (cache.place, cache.bytes, cache.writable) == (own_cache, 150, True)
    (waste,) = gc.find(Store(tmp_path), ["caches"])
    assert (waste.paths, waste.bytes) == ([old], 50)
    cleared(Store(tmp_path), "caches")
    assert (old.exists(), new.exists(), (own_cache / "somebody-elses").exists()) == (False, True, True)


def test_a_damaged_store_loses_nothing(tmp_path: Path) -> None:
    store = stored(tmp_path, suite())
    store.path.write_bytes(store.path.read_bytes()[:5000])
    before = store.path.read_bytes()
    with pytest.raises(UserError) as refused:
        cleared(store)
    assert refused.value.code == Exit.STORE
    assert store.path.read_bytes() == before


def test_the_command_lists_and_deletes_only_when_told(cli: Any, tmp_path: Path) -> None:
    store = stored(tmp_path / "results", suite(), suite(TEXT.replace("[2, 4]", "[2]")))
    env = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    listed = cli("gc", env=env)
    assert (listed.returncode, listed.stderr) == (0, "")
    first, last = listed.stdout.splitlines()
    assert first.startswith("orphans: 4, ")
    assert first.endswith(" kB: records of runs that no suite which ran here names any longer")
    assert last.endswith("kB could be freed; next: rnnbench gc --delete")
    assert len(store.records()) == 8
    assert cli("gc", "logs", env=env).stdout == "results: nothing to delete\n"
    assert cli("gc", "orphans", "--delete", env=env).stdout.splitlines()[-1].endswith("kB freed")
    assert len(store.records()) == 4
    refused = cli("gc", "orphan")
    assert refused.returncode == 2
    assert refused.stderr == "gc: got 'orphan', expected a kind of waste; did you mean 'orphans'?\n"
    assert cli("gc", "-r", "nowhere", env=env).stdout == "nowhere: nothing to delete\n"
    assert not (tmp_path / "nowhere").exists()
