"""`show` and `list`: one run as a screen, and what can be named."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import Fake, run_through

from rnnbench.cli import list as listing
from rnnbench.errors import UserError
from rnnbench.plan import labels, plan
from rnnbench.records import Record, Run
from rnnbench.report import shown
from rnnbench.settings import Settings
from rnnbench.store import Store, bulk
from rnnbench.suite import Suite, described
from rnnbench.suite.load import loads

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = """\
rnnbench: 1
name: tiny
defaults: {hidden: 8, steps: 200}
seeds: 2
architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}
tasks: {copy: {items: 1, alphabet: 2, lengths: [2, 20]}}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Suite:
    (tmp_path / "tiny.yaml").write_text(TEXT)
    suite = loads(TEXT.encode(), str(tmp_path / "tiny.yaml"))
    run_through(tmp_path / "results", suite, Fake(lambda run: "failed" if run.seed else "solved"), retries=1)
    with (store := Store(tmp_path / "results")).writing():
        store.remember(suite.as_dict())
    return suite


def test_a_run_has_a_name_within_its_suite(tiny: Suite) -> None:
    asked = plan(tiny)
    for ladder in asked.ladders:
        for run in ladder.runs(tiny.seeds):
            assert labels.of_label(asked, labels.label(ladder, run)).run == run
            found = labels.of_run(asked, run)
            assert found is not None
            assert found.label == labels.label(ladder, run)
    assert labels.of_run(asked, Run(asked.ladders[0].rungs[0], 7)) is None


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("lstn/copy/2/0", "the variant 'lstn', expected one of tiny; did you mean 'lstm'?"),
        ("lstm/cpy/2/0", "the task 'cpy', expected one of tiny; did you mean 'copy'?"),
        ("lstm/copy/3/0", "the length '3', expected one of tiny; known: 2, 20"),
        ("lstm/copy/2/5", "the seed '5', expected one of tiny; known: 0, 1"),
        ("lstm/copy", "got 'lstm/copy', expected variant/task/length/seed or the id of a run"),
    ],
)
def test_a_name_that_is_none_says_which_part(tiny: Suite, label: str, told: str) -> None:
    with pytest.raises(UserError, match="RUN: got") as refused:
        labels.of_label(plan(tiny), label)
    assert told in str(refused.value)


def test_show_by_id_by_a_part_of_it_and_by_name(cli: Cli, tiny: Suite, tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    named = labels.of_label(plan(tiny), "lstm/copy/2/1")
    tries = bulk.tries(store, named.run.id)
    assert [(r.status, r.attempt) for r in tries] == [("failed", 1), ("failed", 2)]
    assert bulk.starting(store, named.run.id[:10], 5) == [named.run.id]
    assert len(bulk.starting(store, "", 5)) == 5
    by_id, by_name = cli("show", named.run.id[:10].upper()), cli("show", "lstm/copy/2/1", "tiny.yaml")
    assert by_id.returncode == 0, by_id.stderr
    assert by_id.stdout == by_name.stdout
    told = by_id.stdout
    assert told.startswith(f"lstm on copy at 2, seed 1: failed\nrun         {named.run.id}\n")
    assert "attempt 2 (before: failed)" in told
    assert told.endswith("log of attempt 2:\n  an error\n")
    again = next(line for line in told.splitlines() if line.startswith("again"))
    assert shlex.split(again)[1:] == [
        "rnnbench", "run", "tiny.yaml", "-k", "lstm and copy and 2", "--seeds", "1..1", "--rerun", "all"
    ]  # fmt: skip


def test_what_show_cannot_find_is_told(cli: Cli, tiny: Suite) -> None:
    for text, code, told in (
        ("zz", 2, "RUN: got 'zz', expected the id of a run or variant/task/length/seed; next: rnnbench list runs\n"),
        ("0" * 30, 5, f"RUN: got '{'0' * 30}', with which no id in results begins; next: rnnbench list runs\n"),
    ):
        done = cli("show", text)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", told)


def test_the_runs_of_a_suite_are_listed(cli: Cli, tiny: Suite) -> None:
    lines = [line.split() for line in cli("list", "runs", "-k", "lstm").stdout.splitlines()]
    assert [line[1:3] for line in lines] == [
        ["solved", "lstm/copy/2/0"], ["failed", "lstm/copy/2/1"],
        ["solved", "lstm/copy/20/0"], ["failed", "lstm/copy/20/1"],
    ]  # fmt: skip
    assert all(len(line[0]) == 24 for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_screen_is_as_wide_as_it_may_be(tiny: Suite, width: int, golden_record: Record) -> None:
    lines = list(shown.lines(golden_record.run, [golden_record], {"code": "word " * 60}, None, width))
    assert max(map(len, lines)) <= width
    assert any("⠒" in line for line in lines)


@pytest.fixture
def golden_record(tiny: Suite) -> Record:
    from rnnbench.records import Point

    run = next(plan(tiny).runs())
    curve = tuple(Point(step, 1.0 / step, min(1.0, step / 150), None) for step in range(10, 201, 10))
    return Record(run, "solved", 1.0, 0.1, 200, 150, 40, 1.5, curve)


def test_every_setting_says_what_it_is() -> None:
    found = {field.name: field for field in described.fields(Settings)}
    assert list(found) == [field.name for field in dataclasses.fields(Settings)]
    assert [name for name, field in found.items() if not field.says] == ["optimizer"]  # which its names say


def test_list_tells_one_cell_in_detail_and_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    def told(what: str, name: str | None = None) -> str:
        listing.list_(what, name)
        return capsys.readouterr().out

    detail = told("lstm")
    assert detail.startswith("cell lstm\n\nLong short-term memory")
    assert "f = sigmoid(x Wf + h Uf + bf + pf * c)" in detail
    assert "candidate_activation  tanh     tanh, identity" in detail
    assert told("cells", "lstm") == detail
    assert "the learning rate" in told("settings")
    with pytest.raises(UserError, match="did you mean 'gru'"):
        told("grz")
    with pytest.raises(UserError, match="list: got 'lstm' after 'settings', expected nothing"):
        told("settings", "lstm")
