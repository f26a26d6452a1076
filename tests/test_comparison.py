"""`compare`: two suites, folders of results, exports and baselines, held against each other."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import ladders
import numpy as np
import pytest

from rnnbench import api
from rnnbench.analysis import flips, stats
from rnnbench.analysis.comparison import Side, compare
from rnnbench.check import recalled
from rnnbench.check.baseline import Baseline, Cell, VariantNumbers, asked
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.records import Record, Run, Rung
from rnnbench.report import compared
from rnnbench.store import Store
from rnnbench.suite import Suite

Cli = Callable[..., "CompletedProcess[str]"]
SUITE = """\
rnnbench: 1
name: one
seeds: 6
architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}
tasks: {copy: {items: 1, lengths: [5, 10, 20]}}
"""
OTHER = SUITE.replace("name: one", "name: two").replace("seeds: 6", "seeds: {from: 1, count: 6}")
OTHER = OTHER.replace("{cell: lstm}}", "{cell: lstm, forget_bias: 3}, gru: {cell: gru}}")
OTHER = OTHER.replace("[5, 10, 20]", "[10, 20, 40]")


def suite(folder: Path, text: str) -> Suite:
    path = folder / f"{text.split('name: ')[1].split()[0]}.yaml"
    path.write_text(text)
    return api.load(path)


def side(suite: Suite, words: dict[str, str], **changed: Any) -> Side:
    """Each variant's ladder in letters."""

    def made(run: Run, letter: str) -> Record:
        return replace(ladders.record(run, letter), **changed)

    known: dict[str, Record] = {}
    for ladder in plan(suite).ladders:
        known |= ladders.records(ladder.rungs, words[ladder.variant.name], made, suite.seeds)
    return Side(suite.name, tuple(suite.seeds), tuple(view(plan(suite), known)))


def test_spans_are_paired_by_seed_at_the_lengths_that_both_have(tmp_path: Path) -> None:
    a = side(suite(tmp_path, SUITE), {"rnn": "ssssss ssssss ssssss", "lstm": "ssssss ssssss uuuuuu"})
    other = {"rnn": "ssssss uuuuuu uuuuuu", "lstm": "ssssss sssssu uuuuuu", "gru": "ssssss ssssss ssssss"}
    b = side(suite(tmp_path, OTHER), other)
    found = compare(a, b)
    assert [(p.variant, p.lengths, p.seeds) for p in found.pairs] == [
        ("rnn", (10, 20), (1, 2, 3, 4, 5)), ("lstm", (10, 20), (1, 2, 3, 4, 5)),
    ]  # fmt: skip
    rnn, lstm = found.pairs
    assert (rnn.same, rnn.runs, rnn.equal, lstm.same) == (True, 10, 5, False)
    assert rnn.effect.octaves.value == pytest.approx(-1)
    assert rnn.effect.bound == "≤"
    gained = [1.0, 1.0, 1.0, 1.0, 1.0]  # seeds 1 to 5 solve 20 there, the sixth of b is seed 6
    assert tuple(lstm.effect.octaves) == (*stats.mean(np.array(gained))[:2], math.inf)  # at 20 the lengths end
    rows = flips.rows([p.effect.differences for p in found.pairs])
    assert [p.effect.adjusted for p in found.pairs] == flips.max_t(rows)
    assert lstm.settings == (("forget_bias", 1.0, 3.0),)
    assert rnn.settings == ()
    assert found.alone == {
        "variants and tasks": ((), ("gru on copy",)), "seeds": (("0",), ("6",)), "lengths of copy": (("5",), ("40",)),
    }  # fmt: skip


def test_the_same_runs_are_compared_to_the_bit(tmp_path: Path) -> None:
    words = {"rnn": "ssssss ssssss uuuuuu", "lstm": "ssssss ssssxs ss.sss"}
    one = suite(tmp_path, SUITE)
    a, b = side(one, words), side(one, words)
    assert [(p.same, p.runs, p.equal) for p in compare(a, b).pairs] == [(True, 18, 18), (True, 16, 16)]
    c = side(one, words, loss=0.25)
    assert [(p.same, p.runs, p.equal) for p in compare(a, c).pairs] == [(True, 18, 0), (True, 16, 0)]
    assert compare(a, Side("none", (9,), b.climbs)).pairs == ()


def held(suite: Suite, spans: dict[str, Sequence[int]]) -> Baseline:
    """A baseline of which the spans alone are of use here."""
    numbers = VariantNumbers(0, {}, {}, {}, {})
    cells = {
        ladder.variant.name: {"copy": Cell(asked(ladder), list(spans[ladder.variant.name]), [], 0, numbers)}
        for ladder in plan(suite).ladders
    }
    return Baseline(2, suite.name, list(suite.seeds), {}, {}, cells)


def test_a_baseline_has_spans_and_no_bits(tmp_path: Path) -> None:
    one = suite(tmp_path, SUITE)
    was = held(one, {"rnn": [0, 1, 2, 3, 3, 3], "lstm": [3] * 6})
    back = Side("was", tuple(was.seeds), tuple(recalled.climbs(was, plan(one), Path("b.json"))), bits=False)
    now = side(one, {"rnn": "ussssu ususuu uuuuuu", "lstm": "ssssss ssssss ssssss"})
    found = compare(back, now)
    octaves = np.array([0.0, 1, -1, -1, -2, -3])  # below the ladder is half a rung under it
    value, _, high = stats.mean(octaves)  # three of them were at the top then
    assert tuple(found.pairs[0].effect.octaves) == pytest.approx((value, -math.inf, high))
    assert found.pairs[1].effect.octaves.value == 0
    assert [(p.same, p.equal) for p in found.pairs] == [(True, None)] * 2
    shown = compared.render(found, "table", width=100)
    assert "unknown" in shown
    assert "to the bit" not in shown
    with pytest.raises(UserError, match=r"b\.json: rnn on copy: it is of other runs than two asks for"):
        list(recalled.climbs(replace(was, suite="two"), plan(suite(tmp_path, OTHER)), Path("b.json")))


def stored(folder: Path, found: Side) -> None:
    with Store(folder).writing() as store:
        for climb in found.climbs:
            for record in climb.records:
                store.add(record)


def test_the_command(tmp_path: Path, cli: Cli) -> None:
    one, two = suite(tmp_path, SUITE), suite(tmp_path, OTHER)
    stored(tmp_path / "r", side(one, {"rnn": "ssssss uuuuuu uuuuuu", "lstm": "ssssss ssssss ssssss"}))
    others = {"rnn": "ssssss ssssss uuuuuu", "lstm": "ssssss ssssss ssssss", "gru": "ssssss ssssss ssssss"}
    stored(tmp_path / "r", side(two, others))
    done = cli("compare", "one.yaml", "two.yaml", "-r", "r")
    assert (done.returncode, done.stderr) == (0, "")
    for told in ("rnn   copy", "forget_bias  1.0  3.0", "gru on copy", "seeds", "lengths of copy"):
        assert told in done.stdout
    assert cli("export", "one.yaml", "-r", "r", "-o", "one.jsonl").returncode == 0
    done = cli("compare", "one.yaml", "one.jsonl", "-r", "r", "--format", "json", "-k", "rnn")
    (pair,) = json.loads(done.stdout)["pairs"]
    assert (pair["variant"], pair["runs"], pair["equal"]) == ("rnn", 18, 18)
    done = cli("compare", "one.jsonl", "one.jsonl", "-r", "r")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing says which suite it is of; next: --suite SUITE" in done.stderr
    done = cli("compare", "quick", "one.yaml", "-r", "r")
    assert done.returncode == 5
    assert len(done.stderr.splitlines()) == 1


def test_a_rung_that_differs_in_its_task_is_told(tmp_path: Path) -> None:
    one = suite(tmp_path, SUITE)
    other = suite(tmp_path, SUITE.replace("one", "three").replace("items: 1", "items: 2, steps: 20"))
    words = {"rnn": "ssssss ssssss ssssss", "lstm": "ssssss ssssss ssssss"}
    found = compare(side(one, words), side(other, words))
    assert found.pairs[0].settings == (("items", 1, 2), ("steps", 1000, 20))
    assert isinstance(found.pairs[0].effect.octaves.value, float)
    assert Rung({"cell": "rnn"}, {"task": "copy"}, 5, {}) != plan(one).ladders[0].rungs[0]
