"""What a plan holds, and how far its ladders have been climbed.

Ladders are written down as in ladders.py.
"""

from __future__ import annotations

from typing import Any

import ladders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.plan import Plan, cost, plan
from rnnbench.plan.ladders import Climb, Tally, climb, climb_on, counted, view
from rnnbench.records import Record, Run
from rnnbench.suite import Suite, TaskEntry, Variant

LENGTHS = (10, 20, 40, 80)


def planned(seeds: int = 4, prune: bool = True) -> Plan:
    variants = (Variant("lstm", {"cell": "lstm"}), Variant("bilstm", {"cell": "lstm"}, {"bidirectional": True}, "lstm"))
    tasks = (
        TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": 300}),
        TaskEntry("counting", {"task": "counting"}, (5,)),
    )
    return plan(Suite("s", variants, tasks, tuple(range(seeds)), prune=prune))


def climbed(words: str, of: Plan | None = None) -> Climb:
    """The first ladder: a word a rung."""
    of = of or planned()
    return view(of, ladders.records(of.ladders[0].rungs, words))[0]


def test_a_plan_knows_what_it_asks_for() -> None:
    of = planned()
    runs = [run.id for run in of.runs()]
    assert len(runs) == len(set(runs)) == of.count == (2 * 4 + 1) * 4
    assert of.ladders[3].reason
    assert of.stated() == of


def test_a_rung_is_a_barrier() -> None:
    places = [climbed(w).open for w in ("", "ssss", "ssss uuu.", "ssss uuuu", "ssss uuuu uuuu", "ssss ssss ssss ssss")]
    assert places == [0, 1, 1, 2, None, None]
    assert climbed("ssss .u..").steps[1].todo((0, 1, 2, 3)) == [
        Run(planned().ladders[0].rungs[1], seed) for seed in (0, 2, 3)
    ]


def test_only_rungs_in_a_row_end_a_ladder() -> None:
    assert [s.state for s in climbed("uuuu ssss uuuu").steps] == ["done", "done", "done", "open"]
    assert [s.state for s in climbed("ssss uuuu uuuu").steps] == ["done", "done", "done", "pruned"]
    assert [s.state for s in climbed("uuuu xxxx uuuu").steps] == ["done", "done", "done", "pruned"]


def test_what_is_pruned_is_no_work() -> None:
    found = climbed("uuuu uuu.")
    asked = [cost.estimate(s.rung) for s in found.steps]
    assert cost.work(found) == pytest.approx((4 * asked[0] + 3 * asked[1], 4 * sum(asked)))
    found = climbed("uuuu uuuu")
    assert cost.work(found) == pytest.approx((4 * sum(asked[:2]), 4 * sum(asked[:2])))


def test_the_work_never_grows() -> None:
    work = [cost.work(climbed(way)) for way in ("", "ssss", "ssss uuuu", "ssss uuuu uuuu")]
    assert [total for _, total in work] == sorted((total for _, total in work), reverse=True)
    assert [done for done, _ in work] == sorted(done for done, _ in work)
    assert work[-1][0] == pytest.approx(work[-1][1])


@given(st.data())
def test_climbing_on_record_by_record_comes_to_the_same_as_looking_at_all(data: st.DataObject) -> None:
    """In any order that a store could come to, one that broke and was tried again among them."""
    of = planned(seeds=3, prune=data.draw(st.booleans()))
    ladder, seeds = of.ladders[0], of.suite.seeds
    places = [(k, seed, Run(rung, seed)) for k, rung in enumerate(ladder.rungs) for seed in seeds]
    order = data.draw(st.permutations(places))
    order += data.draw(st.lists(st.sampled_from(places), max_size=4))
    known: dict[str, Record] = {}
    found = climb(ladder, seeds, known, of.suite.prune)
    for k, place, run in order:
        known[run.id] = ladders.record(run, data.draw(st.sampled_from("sssuudx")))
        found = climb_on(found, k, place, known[run.id], of.suite.prune)
        anew = climb(ladder, seeds, known, of.suite.prune)
        assert found == anew
        for state in found.steps:
            solved = sum(r.status == "solved" for r in state.finished)
            told = state.records.count(None), len(state.broken), len(state.finished), solved
            assert state.tally == Tally(*told)
            assert state.asked == len(state.records)
            assert state.counted().passed == state.passed
        assert cost.work(counted(found)) == cost.work(found)
        assert cost.work(found) == cost.work(anew)


@pytest.mark.parametrize(
    ("task", "length", "longest"),
    [({"task": "adding"}, 40, 39), ({"task": "copy", "items": 5}, 20, 25), ({"task": "adding"}, 2, 3)],
)
def test_chrono_is_the_longest_lag(task: dict[str, Any], length: int, longest: int) -> None:
    """Not the mean one; and 3 at least."""
    entry, variant = TaskEntry("t", task, (length,)), Variant("lstm", {"cell": "lstm", "chrono": True})
    (ladder,) = plan(Suite("s", (variant,), (entry,), (0,))).ladders
    assert [rung.model["chrono"] for rung in ladder.rungs] == [longest]
