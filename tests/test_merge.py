"""Stores and exports put into one: every outcome once, nothing overwritten, all or nothing."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnbench.errors import UserError
from rnnbench.records import Point, Record, Run, Rung, canonical, dump_canonical
from rnnbench.store import Store, bulk
from rnnbench.suite.load import loads
from rnnbench.upkeep.merge import Merged, Source, merge, order

RUNG = Rung({"cell": "gru"}, {"task": "adding"}, 10, {})
CURVE = (Point(100, 0.2, 0.1, 0.15), Point(200, 0.01, 0.98, 0.99))


def record(seed: int = 0, score: float = 0.5, **fields: Any) -> Record:
    made = Record(
        Run(RUNG, seed), "unsolved", score, 0.1, 200, None, 300, 1.0, CURVE, None, "fused", "code", "here", "t"
    )
    return replace(made, **fields)


def broken(seed: int = 0, **fields: Any) -> Record:
    return replace(Record(Run(RUNG, seed), "failed", error="boom", host="here", started="t"), **fields)


def filled(folder: Path, records: Sequence[Record], suites: Sequence[dict[str, Any]] = ()) -> Store:
    store = Store(folder)
    with store.writing():
        for suite in suites:
            store.remember(suite)
        for each in records:
            store.add(each)
    return store


def everything(store: Store) -> dict[str, list[Record]]:
    return {attempts[0].id: attempts for attempts in bulk.by_run(store)}


def merged(store: Store, *others: Store, **options: Any) -> Merged:
    sources = [Source(str(other.directory), bulk.by_run(other), other.suites()) for other in others]
    with store.writing():
        return merge(store, sources, **options)


def test_what_is_missing_is_added_and_what_is_known_is_the_same_record(tmp_path: Path) -> None:
    mine = filled(tmp_path / "a", [record(0), record(1)])
    other = filled(tmp_path / "b", [record(1, host="there", seconds=9.0, started="u"), record(2), record(3)])
    done = merged(mine, other)
    assert (done.runs, done.further, done.same, done.conflicting) == (2, 0, 1, 0)
    assert mine.records(curves=True) == {r.id: r for r in (record(0), record(1), record(2), record(3))}


def test_merging_again_changes_no_byte_and_the_order_of_disjoint_stores_no_result(tmp_path: Path) -> None:
    a, b, c = (filled(tmp_path / name, [record(k), broken(k + 9)]) for k, name in enumerate("abc"))
    into = filled(tmp_path / "into", [])
    merged(into, a, b, c)
    before = everything(into)
    assert merged(into, a, c, b) == Merged(same=6)
    assert everything(into) == before
    back = filled(tmp_path / "back", [])
    merged(back, c, b, a)
    assert dump_canonical(back.records(curves=True).values()) == dump_canonical(into.records(curves=True).values())


def test_a_run_that_was_broken_off_here_and_finished_there_needs_its_checkpoint_no_longer(tmp_path: Path) -> None:
    mine, other = filled(tmp_path / "a", []), filled(tmp_path / "b", [record(0), broken(1), record(2)])
    for seed in (0, 1, 3):
        mine.save_checkpoint(record(seed).id, b"halfway")
    merged(mine, other)
    assert [mine.checkpoint(record(seed).id) for seed in (0, 1, 3)] == [None, b"halfway", b"halfway"]


def test_other_bits_of_the_same_code_and_numerics_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    mine = filled(tmp_path / "a", [record(0), record(1)])
    other = filled(tmp_path / "b", [record(5), record(1, 0.25), record(6)])
    before = everything(mine)
    done = merged(mine, other)
    assert done.conflicting == 1
    assert done.conflicts[0].endswith(f"seed 1: score 0.5 here, 0.25 there ({tmp_path / 'a'}, {tmp_path / 'b'})")
    assert everything(mine) == before


@pytest.mark.parametrize("first", [0.5, 0.25])
def test_sources_that_disagree_are_in_conflict_whatever_their_order(tmp_path: Path, first: float) -> None:
    a, b = filled(tmp_path / "a", [record(0, first)]), filled(tmp_path / "b", [record(0, 0.75 - first)])
    into = filled(tmp_path / "into", [])
    assert merged(into, a, b).conflicting == 1
    assert everything(into) == {}


def test_a_curve_alone_is_a_conflict_too_but_not_where_an_export_lacks_it(tmp_path: Path) -> None:
    mine = filled(tmp_path / "a", [record()])
    assert "the curve differs at step 200" in merged(
        mine, filled(tmp_path / "b", [record(curve=(CURVE[0], replace(CURVE[1], select=0.98)))])
    ).conflicts[0]  # fmt: skip
    assert merged(mine, filled(tmp_path / "c", [record(curve=())])) == Merged(same=1)


@pytest.mark.parametrize(("keep", "score"), [("ours", 0.5), ("theirs", 0.25)])
def test_keep_says_which_of_two_counts_and_loses_none(tmp_path: Path, keep: Any, score: float) -> None:
    mine, other = filled(tmp_path / "a", [record()]), filled(tmp_path / "b", [record(score=0.25)])
    for _ in range(2):  # and again
        merged(mine, other, keep=keep)
        (attempts,) = everything(mine).values()
        assert [r.attempt for r in attempts] == [1, 2]
        assert {r.score for r in attempts} == {0.5, 0.25}
        assert attempts[-1].score == score


def scores(found: Sequence[Record]) -> list[float | str | None]:
    return [r.score if r.finished else r.error for r in found]


def test_which_attempt_counts() -> None:
    ours, other, third = record(), record(score=0.25, numerics="torch"), record(score=0.75, fingerprint="older")
    assert scores(order([ours], [other], None)) == [0.25, 0.5]  # a report's numbers stay what they were
    assert scores(order([ours], [third, other], None)) == [0.75, 0.25, 0.5]
    assert scores(order([], [third, other], None)) == [0.75, 0.25]
    assert scores(order([broken()], [broken(error="theirs"), other], None)) == ["boom", "theirs", 0.25]
    assert scores(order([ours], [broken(error="theirs")], None)) == ["theirs", 0.5]
    assert scores(order([ours], [ours, other], None)) == [0.5, 0.25]  # theirs went on from ours
    assert scores(order([ours, other], [ours], None)) == [0.5, 0.25]
    assert scores(order([third, ours], [third, other], None)) == [0.75, 0.25, 0.5]  # both went on
    assert scores(order([ours], [ours, other, other], "theirs")) == [0.5, 0.25]
    bare = record(curve=())
    assert order([bare], [ours], None) == [bare, ours]  # an export without curves, then the store that it is of


def test_records_that_do_not_say_what_made_them_are_taken_only_when_asked(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"numerics": "", "fingerprint": "", "host": "", "started": "", "seconds": 0.0}
    mine = filled(tmp_path / "a", [record(0)])
    other = filled(tmp_path / "b", [record(0, **bare), record(1, **bare)])
    assert merged(mine, other).unknown == 1
    assert set(everything(mine)) == {record(0).id}
    assert merged(mine, other, canonical=True).runs == 1
    assert scores(everything(mine)[record(1).id]) == [0.5]
    assert merged(mine, other) == Merged(same=2)


SUITE = "rnnbench: 1\nname: {}\narchitectures: {{gru: {{cell: gru}}}}\ntasks: {{adding: {{lengths: [10]}}}}\n"


def suite(name: str) -> dict[str, Any]:
    return loads(SUITE.format(name).encode(), f"{name}.yaml").as_dict()


def test_suites_come_along_but_the_one_that_ran_last_stays_so(tmp_path: Path) -> None:
    mine = filled(tmp_path / "a", [], [suite("old"), suite("mine")])
    other = filled(tmp_path / "b", [], [suite("theirs"), suite("mine"), suite("last")])
    merged(mine, other)
    assert next(s["name"] for s in mine.suites()) == "mine"
    assert {s["name"] for s in mine.suites()} == {"old", "mine", "theirs", "last"}
    empty = filled(tmp_path / "c", [])
    merged(empty, other)
    assert empty.suites() == other.suites()


def test_a_suite_that_names_code_or_is_none_is_left_where_it_is(tmp_path: Path) -> None:
    own = suite("own") | {"foreign": {"cell ./evil.py": "/tmp/evil.py"}}
    other = filled(tmp_path / "b", [record()], [own, suite("odd") | {"tasks": [{"name": 5}]}, suite("odd") | {"x": 1}])
    mine = filled(tmp_path / "a", [])
    done = merged(mine, other)
    assert (done.runs, len(done.notes), mine.suites()) == (1, 3, [])


def test_a_merge_that_ends_half_way_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    mine = filled(tmp_path / "a", [record(0)])

    def cut() -> Any:
        yield [record(1)]
        raise UserError("cut")

    with pytest.raises(UserError), mine.writing():
        merge(mine, [Source("cut", cut())])
    assert set(everything(mine)) == {record(0).id}


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_merge import record
from rnnbench.store import Store
from rnnbench.upkeep.merge import Source, merge
def cut():
    for seed in range(1, 4000):
        yield [record(seed)]
    os.kill(os.getpid(), signal.SIGKILL)
store = Store(Path(sys.argv[2]))
with store.writing():
    merge(store, [Source("cut", cut())])
"""


def test_a_merge_that_is_killed_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    """With more records than stay in memory, so that some are in the file already, and in its journal."""
    store = filled(tmp_path / "a", [record(0)])
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(store.directory)]
    assert subprocess.run(command, env=os.environ, check=False).returncode == -9
    with store.writing():
        assert set(everything(store)) == {record(0).id}


def exported(path: Path, records: Sequence[Record]) -> str:
    path.write_text("".join(canonical(r.as_dict()) + "\n" for r in records))
    return path.name


def test_the_command(cli: Any, tmp_path: Path) -> None:
    filled(tmp_path / "b", [record(0), record(1)])
    lines = exported(tmp_path / "c.jsonl", [record(1), record(2)])
    (tmp_path / "d.jsonl.gz").write_bytes(gzip.compress((tmp_path / lines).read_bytes()))
    done = cli("merge", "b", lines, "d.jsonl.gz", "-r", "into")
    assert (done.returncode, done.stdout, done.stderr) == (0, "into: 3 runs added, 3 records known before\n", "")
    assert len(Store(tmp_path / "into").records()) == 3
    refused = cli("merge", exported(tmp_path / "e.jsonl", [record(4), record(2, 0.25)]), "-r", "into")
    assert (refused.returncode, refused.stdout.count("\n"), refused.stderr.count("\n")) == (1, 1, 1)
    assert "seed 2: score 0.5 here, 0.25 there (into, e.jsonl)" in refused.stdout
    (tmp_path / "f.jsonl").write_text(dump_canonical([record(7)]))
    refused = cli("merge", "f.jsonl", "-r", "into")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("into: 1 run without a word of what made them")
    assert len(Store(tmp_path / "into").records()) == 3
    for arguments, message in (
        (("into", "-r", "into"), "into: got the store itself, expected another\n"),
        (("nowhere",), "nowhere: no such file or folder, expected "),
        ((".",), ".: got a folder without records.sqlite, expected one that --results named\n"),
    ):
        refused = cli("merge", *arguments)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith(message)
