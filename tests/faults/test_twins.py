"""Variants whose runs are the same bits are told: what tells them apart changed nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ladders import record

from rnnbench import report
from rnnbench.analysis.twins import twins
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run
from rnnbench.seeds import data
from rnnbench.suite.load import loads

SUITE = loads(
    b"rnnbench: 1\nname: s\nseeds: 2\n"
    b"architectures: {a: {cell: gru}, b: {base: a, clip: 2}, c: {base: a, clip: 3}, d: {base: a, clip: 4}}\n"
    b"tasks: {copy: {lengths: [5, 10]}}\n",
    "s.yaml",
)


def climbs(losses: dict[str, Any]) -> list[Climb]:
    """Of each variant four runs, whose losses begin with a number of its own."""
    found: dict[str, Record] = {}
    for ladder in plan(SUITE).ladders:
        own = losses.get(ladder.variant.name)
        for rung in ladder.rungs:
            for letter, run in zip("su", (Run(rung, 0), Run(rung, 1)), strict=True):
                loss = None if own is None else own + rung.length + data(run.seed) / 10
                solved = 100 if letter == "s" else None
                found[run.id] = replace(record(run, letter), loss=loss, steps=100, solved_at=solved)
    return view(plan(SUITE), found)


@pytest.mark.parametrize(
    ("losses", "alike"),
    [
        ({"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}, {}),
        ({"a": 0.1, "b": 0.1, "c": 0.3, "d": 0.4}, {("a", "b"): 4}),
        ({"a": 0.1, "b": 0.2, "c": 0.1, "d": 0.2}, {("a", "c"): 4, ("b", "d"): 4}),
        ({"a": 0.1, "b": 0.1 + 2e-17, "c": 0.1, "d": 0.1}, {("a", "b", "c", "d"): 4}),
        ({"a": 0.1, "b": 0.1 + 1e-12}, {}),
        ({}, {}),  # they all diverged
    ],
)
def test_variants_of_the_same_bits(losses: dict[str, float], alike: dict[tuple[str, ...], int]) -> None:
    assert twins(climbs(losses)) == alike


def test_one_run_apart_is_apart() -> None:
    found = climbs({"a": 0.1, "b": 0.1})
    steps = found[1].steps
    first, second = steps[0].finished
    other = replace(steps[0], records=(replace(first, loss=9.0), second))
    assert twins([found[0], replace(found[1], steps=(other, steps[1]))]) == {}
    assert twins([found[0], replace(found[1], steps=steps[:1])]) == {}


def test_reports_say_so() -> None:
    found = climbs({"a": 0.1, "b": 0.1})
    line = "the same bits, run for run (4 runs each): a, b; what tells them apart changed nothing"
    assert line in " ".join(report.render(SUITE, found, "table", width=80).split())
    assert line in report.render(SUITE, found, "markdown")
    assert '"same_bits": [\n' in report.render(SUITE, found, "json")
