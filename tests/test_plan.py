"""Which rung gets more steps, when that is known, and what a plan and its view hold of it.

Ladders are written down as in ladders.py.
"""

from __future__ import annotations

from typing import Any

import ladders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.plan import Plan, cost, plan
from rnnbench.plan.filter import select
from rnnbench.plan.ladders import Climb, climb, climb_on, counted, view
from rnnbench.records import Record, Run
from rnnbench.suite import ExtendedBudget, Suite, TaskEntry, Variant

LENGTHS = (10, 20, 40, 80)
FOUR = ExtendedBudget(4)


def planned(more: ExtendedBudget | None = FOUR, seeds: int = 4, prune: bool = True) -> Plan:
    variants = (Variant("lstm", {"cell": "lstm"}), Variant("bilstm", {"cell": "lstm"}, {"bidirectional": True}, "lstm"))
    tasks = (
        TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": 300}),
        TaskEntry("counting", {"task": "counting"}, (5,)),
    )
    return plan(Suite("s", variants, tasks, tuple(range(seeds)), prune=prune, more_steps=more))


def records(of: Plan, words: str, more: str = "") -> dict[str, Record]:
    """Of the first ladder: a word a rung, and in `more` a word for each rung with more steps."""
    ladder = of.ladders[0]
    more_rungs = ladder.more.rungs if ladder.more else ()
    return ladders.records(ladder.rungs, words) | ladders.records(more_rungs, more)


def climbed(words: str, more: str = "", of: Plan | None = None) -> Climb:
    of = of or planned()
    return view(of, records(of, words, more))[0]


@pytest.mark.parametrize(
    ("words", "length"),
    [
        ("ssss suuu", 20),  # fewer than half
        ("ssss ssuu", None),  # half is solved
        ("uuuu", 10),
        ("ssss dudu uuuu", 20),  # the first, whatever is known above
        ("ssss suuu ssss ssss", 20),
        ("ssss uuu. uuuu", None),  # decided, but not done: its last run is still to come
        ("ss.. uuuu", 20),  # half of the rung below is solved, whatever its other runs come to
        ("ss.. ....", None),
        ("s... uuuu", None),  # the rung below could be the first
        ("ssss ssss ssss ssss", None),  # solved to the top
        ("ssss uuxx", None),  # the two that broke could have solved it
        ("ssss uuux", 20),  # the one that broke could not
        ("xxxx uuuu uuuu", None),
        ("", None),
    ],
)
def test_the_first_unsolved_rung_gets_more_steps_once_it_is_known(words: str, length: int | None) -> None:
    found = climbed(words)
    assert (found.more.rung.length if found.more else None) == length
    assert [s.rung.length for s in found.steps if s.more] == ([length] if length else [])
    assert climbed(words, of=planned(None)).more is None


def test_it_is_the_same_run_but_for_its_steps() -> None:
    of = planned(ExtendedBudget(4, 3))
    found = view(of, records(of, "ssss uuuu", "... su."))[0]
    assert found.more is not None
    assert found.more.rung.settings == found.steps[1].rung.settings | {"steps": 1200}
    assert found.more.rung.as_dict() | {"settings": {}} == found.steps[1].rung.as_dict() | {"settings": {}}
    assert [r.status if r else None for r in found.more.records] == ["solved", "unsolved", None]
    assert found.more.todo(of.suite.seeds) == [Run(found.more.rung, 2)]
    assert len(found.records) == 10


def test_its_ids_are_those_of_any_run_with_so_many_steps() -> None:
    def asked(steps: int, more: ExtendedBudget | None) -> Plan:
        task = TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": steps})
        return plan(Suite("s", (Variant("lstm", {"cell": "lstm"}),), (task,), (0,), more_steps=more))

    for steps in (250, 300):  # 4 * 250 is the default
        longer = [run.id for run in asked(4 * steps, None).runs()]
        assert [run.id for run in asked(steps, FOUR).ladders[0].more_runs()] == longer


def test_the_rungs_above_go_on_meanwhile() -> None:
    found = climbed("ssss uuuu")
    assert [(s.rung.length, len(s.todo((0, 1, 2, 3)))) for s in found.open] == [(40, 4), (20, 4)]
    found = climbed("ssss uuuu ssu.", ".... uuuu")
    assert [s.rung.length for s in found.open] == [40]
    found = climbed("ssss uuuu uuuu", ".... su..")
    assert [s.state for s in found.steps] == ["done", "done", "done", "pruned"]
    assert [(s.rung.length, s.rung.settings["steps"]) for s in found.open] == [(20, 1200)]
    assert climbed("ssss uuuu uuuu", ".... suuu").open == ()


def test_only_rungs_in_a_row_end_a_ladder() -> None:
    assert [s.state for s in climbed("uuuu ssss uuuu").steps] == ["done", "done", "done", "open"]
    assert [s.state for s in climbed("ssss uuuu uuuu").steps] == ["done", "done", "done", "pruned"]
    assert [s.state for s in climbed("uuuu xxxx uuuu").steps] == ["done", "done", "done", "pruned"]


def test_what_is_pruned_is_no_work() -> None:
    found = climbed("uuuu uuu.", of=planned(None))
    asked = [cost.estimate(s.rung) for s in found.steps]
    assert cost.work(found) == pytest.approx((4 * asked[0] + 3 * asked[1], 4 * sum(asked)))
    found = climbed("uuuu uuuu", of=planned(None))
    assert cost.work(found) == pytest.approx((4 * sum(asked[:2]), 4 * sum(asked[:2])))


def test_more_seeds_may_move_it() -> None:
    assert (few := climbed("ss uu uu", of=planned(seeds=2)).more) is not None
    assert few.rung.length == 20
    grown = planned(seeds=6)
    found = records(grown, "ssssss uussss uuuuuu", ".... uu")
    view_of_all = view(grown, found)[0]
    assert view_of_all.more is not None
    assert view_of_all.more.rung.length == 40
    assert len(view_of_all.records) == 18  # the two that were trained for the rung below stay in the store alone


@pytest.mark.parametrize(
    ("words", "more", "flipped"),
    [
        ("uuuu", "ssuu", True),
        ("uuuu", "suuu", False),
        ("uuuu", "ss..", True),  # whatever the others come to
        ("uuuu", "s...", False),
        ("uuuu", "ssxx", True),
        ("suuu", "ssuu", True),
        ("uuuu", "", False),
    ],
)
def test_what_flips(words: str, more: str, flipped: bool) -> None:
    assert climbed(words, more).steps[0].flipped is flipped


def test_seeds_that_solved_it_anyway_flip_nothing() -> None:
    of = planned(ExtendedBudget(4, 2))
    assert climbed("suuu", "su", of).steps[0].flipped is False  # the same one of the same two
    assert climbed("uusu", "su", of).steps[0].flipped is True
    assert climbed("uusu", "s", of).steps[0].flipped is True


def test_a_plan_knows_what_may_be_added() -> None:
    of = planned(ExtendedBudget(4, 3))
    assert (of.count, of.possible) == ((2 * 4 + 1) * 4, 3 * 3)
    runs = [run.id for run in of.runs()]
    assert len(runs) == len(set(runs)) == of.count + 9 * 3
    assert of.without_more().possible == 0
    assert [run.id for run in of.without_more().runs()] == runs[: of.count]
    assert [run.id for run in planned(None).runs()] == runs[: of.count]
    assert planned(ExtendedBudget(4, 3), seeds=2).possible == 3 * 2  # --seeds left fewer
    assert of.ladders[3].reason
    assert of.ladders[3].more is None


def test_whether_it_is_still_to_be_seen() -> None:
    assert [climbed(w).undecided for w in ("", "ssss", "ssss uuuu", "ssss uuxx", "ssss " * 4)] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert not climbed("", of=planned(None)).undecided


def test_the_work_never_grows() -> None:
    ways = [("", ""), ("ssss", ""), ("ssss uuuu", ""), ("ssss uuuu uuuu", ""), ("ssss uuuu uuuu", ".... s")]
    work = [cost.work(climbed(*way)) for way in (*ways, ("ssss uuuu uuuu", ".... suuu"))]
    assert [total for _, total in work] == sorted((total for _, total in work), reverse=True)
    assert [done for done, _ in work] == sorted(done for done, _ in work)
    assert work[-1][0] == pytest.approx(work[-1][1])


@pytest.mark.parametrize(
    ("chosen", "possible", "length"),
    [
        ("adding and (10 or 20)", 8, 20),
        ("lstm and not bilstm", 8, 20),  # both of its tasks
        ("adding and not 10", 0, None),  # the shortest could be the first
        ("adding and 10", 8, None),
    ],
)
def test_a_part_of_a_ladder_has_it_only_from_the_bottom(chosen: str, possible: int, length: int | None) -> None:
    of = planned()
    part = select(of, chosen)
    assert part.possible == possible
    found = view(part, records(of, "ssss uuuu"))[0]
    assert (found.more.rung.length if found.more else None) == length


@given(st.data())
def test_climbing_on_record_by_record_comes_to_the_same_as_looking_at_all(data: st.DataObject) -> None:
    """In any order that a store could come to, one that broke and was tried again among them."""
    of = planned(ExtendedBudget(4, data.draw(st.integers(1, 3))), seeds=3, prune=data.draw(st.booleans()))
    ladder, seeds = of.ladders[0], of.suite.seeds
    assert ladder.more is not None
    places = [(k, seed, Run(rung, seed)) for k, rung in enumerate(ladder.rungs) for seed in seeds]
    places += [(-1, seed, Run(rung, seed)) for rung in ladder.more.rungs for seed in ladder.more.seeds]
    order = data.draw(st.permutations(places))
    order += data.draw(st.lists(st.sampled_from(places), max_size=4))
    known: dict[str, Record] = {}
    more: dict[str, Record] = {}
    found = climb(ladder, seeds, known, of.suite.prune)
    for k, place, run in order:
        known[run.id] = ladders.record(run, data.draw(st.sampled_from("sssuudx")))
        if k < 0:
            more[run.id] = known[run.id]
        found = climb_on(found, k, place, known[run.id], more, of.suite.prune)
        anew = climb(ladder, seeds, known, of.suite.prune)
        assert found == anew
        for state in found.every:
            solved = sum(r.status == "solved" for r in state.finished)
            assert state.tally == (state.records.count(None), len(state.broken), len(state.finished), solved)
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


@pytest.mark.parametrize("times", [2, 1000])
def test_more_steps_are_so_many_times_the_stated(times: int) -> None:
    more = planned(ExtendedBudget(times)).ladders[0].more
    assert more is not None
    assert [rung.settings["steps"] for rung in more.rungs] == [300 * times] * len(LENGTHS)
