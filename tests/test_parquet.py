"""`export` as Parquet: the tidy frame, group by group, as pandas reads it again."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from fakes import Fake, run_through
from pyarrow import parquet as arrow

from rnnbench import api
from rnnbench.cli import export
from rnnbench.errors import Exit, UserError
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb
from rnnbench.report import parquet
from rnnbench.report.frame import COLUMNS, csv, frame, rows
from rnnbench.seeds import data
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant
from rnnbench.suite.crossing import Crossing

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
SUITE = Suite(
    "s", (Variant("lstm", {"cell": "lstm"}),), (TaskEntry("adding", {"task": "adding"}, (10, 20)),), (0, 1, 2)
)


def climbs(where: Path, suite: Suite = SUITE) -> list[Climb]:
    run_through(where, suite, Fake(lambda run: ("solved", "unsolved", "crashed")[data(run.seed)]))
    return api.climbs(plan(suite), Store(where))


def test_pandas_reads_the_frame_again(tmp_path: Path) -> None:
    found = climbs(tmp_path)
    parquet.write(found, tmp_path / "x.parquet", size=4)
    read = pandas.read_parquet(tmp_path / "x.parquet")
    pandas.testing.assert_frame_equal(read, frame(found))
    assert read.dtypes.astype(str).to_dict() == COLUMNS
    assert read.score.isna().sum() == read.solved_at.isna().sum() - 4 == 2
    file = arrow.ParquetFile(tmp_path / "x.parquet")
    assert [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)] == [4, 2]
    assert read.equals(pandas.read_csv(io.StringIO("\n".join(csv(found)))).astype(read.dtypes.to_dict()))


def test_a_seed_of_two_parts_is_a_text(tmp_path: Path) -> None:
    found = climbs(tmp_path, replace(SUITE, seeds=(0, 1), crossing=Crossing(2, 2)))
    parquet.write(found, tmp_path / "x.parquet")
    read = pandas.read_parquet(tmp_path / "x.parquet")
    pandas.testing.assert_frame_equal(read, frame(found))
    assert set(read.seed) == {"0", "1", "0:1", "1:0"}


def test_a_view_without_records_is_a_file_without_rows(tmp_path: Path) -> None:
    parquet.write([], tmp_path / "x.parquet")
    read = pandas.read_parquet(tmp_path / "x.parquet")
    assert (list(read), len(read)) == (list(COLUMNS), 0)


def test_rows_are_taken_a_group_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more of them than a group has are alive."""
    found, given, most = climbs(tmp_path), 0, 0
    (row,) = [row for climb in found for row in rows([climb])][:1]

    def many(_: object) -> object:
        nonlocal given
        given = 0  # of this pass: one looks at the seeds alone
        for _ in range(1000):
            given += 1
            yield row

    monkeypatch.setattr(parquet, "rows", many)
    whole = arrow.ParquetWriter.write_table

    def counted(self: arrow.ParquetWriter, table: object) -> None:
        nonlocal given, most
        most, given = max(most, given), 0
        whole(self, table)

    monkeypatch.setattr(arrow.ParquetWriter, "write_table", counted)
    parquet.write(found, tmp_path / "x.parquet", size=64)
    assert most == 64
    assert arrow.read_metadata(tmp_path / "x.parquet").num_rows == 1000


def test_the_command(tmp_path: Path, cli: Cli) -> None:
    store = Store(tmp_path / "results")
    with store.writing():
        store.remember(SUITE.as_dict())
    climbs(tmp_path / "results")
    done = cli("export", "-o", "x.parquet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(pandas.read_parquet(tmp_path / "x.parquet")) == 6
    for arguments, told in (
        (("--format", "parquet"), "--format parquet: makes a file of bytes; next: -o FILE.parquet"),
        (("--canonical", "-o", "y.parquet"), "--canonical: got it beside the format parquet, expected json"),
        (("--curves", "-o", "y.csv"), "--curves: got it beside the format csv, which has a row a run; expected json"),
        (("-o", "y.xlsx"), "--output: got 'y.xlsx', expected a name that ends in .json, .jsonl, .csv, .parquet, or"),
    ):
        done = cli("export", *arguments)
        assert (done.returncode, done.stdout) == (Exit.USAGE, "")
        assert done.stderr.startswith(told)
    if Path("/dev/full").exists():
        done = cli("export", "--format", "parquet", "-o", "/dev/full")
        assert (done.returncode, done.stderr) == (
            Exit.STORE,
            "/dev/full: can't be written to: No space left on device\n",
        )


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pyarrow isn't installed here; next: pip install 'rnnbench\[parquet\]'"):
        export.export("quick", tmp_path, tmp_path / "x.parquet")
