"""A suite that is edited between two runs: only what changed runs, and what it leaves behind is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ladders import record

from rnnbench import api
from rnnbench.plan import orphans, plan
from rnnbench.plan.filter import select
from rnnbench.store import Store
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.upkeep import gc

TEXT = """\
rnnbench: 1
name: s
defaults: {{hidden: 2, steps: 20}}
seeds: 2
architectures: {{{variants}}}
tasks: {{copy: {{lengths: [5, 10]}}}}
"""
BOTH = TEXT.format(variants="rnn: {cell: rnn}, gru: {cell: gru}")
ONE = TEXT.format(variants="rnn: {cell: rnn}")
LINE = "4 records of an earlier version of this suite are no longer named; rnnbench gc lists them"
LATER = f"{LINE} once this one has run"  # until then it goes by the version that ran
SHOWN = LATER.replace("; ", "; rnnbench report, of no suite, shows them as they ran; ")


def suite(text: str, path: str = "s.yaml", seeds: str | None = None) -> Suite:
    return loads(text.encode(), path, seeds=seeds)


def ran(store: Store, asked: Suite, filter: str | None = None) -> None:
    chosen = select(plan(asked), filter)
    with store.writing():
        store.remember(chosen.suite.as_dict())
        for run in chosen.runs():
            store.add(record(run, "s"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "results")
    ran(store, suite(BOTH))
    return store


def test_what_is_taken_out_is_told_until_it_is_back(store: Store) -> None:
    assert api.orphaned(suite(BOTH), store) == []
    assert api.orphaned(suite(ONE), store) == [SHOWN]
    ran(store, suite(ONE))
    assert api.orphaned(suite(ONE), store) == [LINE]
    assert api.orphaned(suite(BOTH), store) == []
    one_seed = ONE.replace("seeds: 2", "seeds: 1")
    assert api.orphaned(suite(one_seed), store)[0].startswith("6 records")
    assert api.orphaned(suite(BOTH.replace("[5, 10]", "[10]").replace("seeds: 2", "seeds: 1")), store)


@pytest.mark.parametrize(
    "text",
    [BOTH + "# a comment\n", BOTH.replace("[5, 10]", "[10, 5, 20]"), BOTH.replace("rnn:", "plain:"),
     BOTH.replace("{rnn: {cell: rnn}, gru: {cell: gru}}", "{gru: {cell: gru}, rnn: {cell: rnn}}")],
    ids=("comment", "longer", "renamed", "reordered"),
)  # fmt: skip
def test_an_edit_that_names_the_same_runs_leaves_none_behind(store: Store, text: str) -> None:
    assert api.orphaned(suite(text), store) == []


def test_options_leave_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    ran(store, suite(BOTH, seeds="5"))
    ran(store, suite(BOTH), "gru")
    assert api.orphaned(suite(BOTH), store) == []
    edited = suite(BOTH + "# edited\n")
    ran(store, edited, "rnn")
    assert api.orphaned(edited, store)[0].startswith("12 records")  # of seeds that only the text before ran


def test_what_another_suite_names_is_no_orphan(store: Store) -> None:
    ran(store, suite(BOTH.replace("name: s", "name: other")))
    assert api.orphaned(suite(ONE), store) == []
    ran(store, suite(ONE.replace("name: s", "name: other")))
    assert api.orphaned(suite(ONE), store) == [LATER]


def test_a_suite_of_that_name_elsewhere_is_another_suite(store: Store) -> None:
    assert api.orphaned(suite(ONE, "elsewhere/s.yaml"), store) == []
    assert api.orphaned(suite(ONE, "./s.yaml"), store) == [SHOWN]
    assert api.orphaned(suite(ONE, str(Path("s.yaml").resolve())), store) == [SHOWN]


def test_gc_lists_what_a_report_says_that_it_lists(store: Store) -> None:
    assert gc.find(store, ["orphans"])[0].count == 0  # as the text that ran is what it goes by
    assert api.orphaned(suite(ONE), store) == [SHOWN]
    assert api.last_suite(store) == suite(BOTH)
    ran(store, suite(ONE))
    assert api.orphaned(suite(ONE), store) == [LINE]
    assert gc.find(store, ["orphans"])[0].count == 4


def test_all_that_nothing_names(store: Store) -> None:
    remembered = list(map(Suite.from_dict, store.suites()))
    ids = store.records().keys()
    assert orphans.unnamed(ids, remembered) == set()
    assert orphans.unnamed(ids, []) == set(ids)
    assert len(orphans.unnamed([*ids, "another"], remembered, suite(ONE))) == 5


def test_where_a_suite_cannot_be_read_any_longer_nothing_is_said(store: Store) -> None:
    lost = replace(suite(BOTH), name="other", tasks=(replace(suite(BOTH).tasks[0], task={"task": "gone/away"}),))
    with store.writing():
        store.remember(lost.as_dict())
    assert api.orphaned(suite(ONE), store) == []
