"""Several budgets of steps: which runs are asked for, which are told by shorter ones, and what a report makes of them.

Ladders are written down as in ladders.py, with two letters more: S solved with all of its steps, q not solved though it
stopped before they were spent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import ladders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import report
from rnnbench.analysis import budgets as analysis
from rnnbench.analysis import effects
from rnnbench.api import Forecast
from rnnbench.errors import Exit
from rnnbench.plan import Plan, budgets, cost, plan, views
from rnnbench.plan.filter import select
from rnnbench.plan.ladders import Climb, counted, ready, view
from rnnbench.records import Record, Run
from rnnbench.report import frames, within
from rnnbench.report.frame import frame
from rnnbench.running.driver import Driver, Outcome
from rnnbench.running.listeners import Silent
from rnnbench.store import Store
from rnnbench.suite import Budgets, Suite, TaskEntry, Variant

LENGTHS = (10, 20, 40, 80)
STEPS = 300
TWO = Budgets((1, 4))


def suite(asked: Budgets = TWO, seeds: int = 3, **settings: Any) -> Suite:
    variants = (
        Variant("lstm", {"cell": "lstm"}),
        Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
    )
    task = TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": STEPS} | settings)
    return Suite("s", variants, (task,), tuple(range(seeds)), budgets=asked)


def record(run: Run, letter: str) -> Record:
    """Stopped at 200 steps where it is solved, or stopped all the same."""
    spent = budgets.steps(run.rung)
    made = ladders.record(run, {"S": "s", "q": "u"}.get(letter, letter))
    return replace(made, steps=200 if letter in "sqd" else spent, loss=0.1, parameters=7, seconds=1.0)


def records(of: Plan, *words: str) -> dict[str, Record]:
    """Of each ladder of a plan, the words of its rungs."""
    found: dict[str, Record] = {}
    for ladder, its in zip(of.ladders, words, strict=False):
        found |= ladders.records(ladder.rungs, its, record)
    return found


def letters(climb: Climb) -> str:
    """What a view has of each rung, in capitals where it is another run's."""
    told = {"solved": "s", "unsolved": "u", "diverged": "d", "crashed": "x"}
    return " ".join(
        "".join(
            "." if r is None else told[r.status].upper() if budgets.derived(s.rung, r) else told[r.status]
            for r in s.records
        )
        for s in climb.steps
    )


# the plan


def test_there_is_a_ladder_for_each_budget() -> None:
    of = plan(suite(Budgets((1, 4, 10))))
    assert [(x.variant.name, x.budget) for x in of.ladders] == [
        (name, budget) for budget in (1, 4, 10) for name in ("lstm", "lstm-forget_gate")
    ]
    assert of.count == len({run.id for run in of.runs()}) == 3 * 2 * 4 * 3
    assert [budgets.steps(r) for r in of.ladders[2].rungs] == [1200] * 4
    assert of.stated() == replace(plan(suite(Budgets())), suite=of.suite)
    assert budgets.below(of.ladders) == [None, None, 0, 1, 2, 3]


@pytest.mark.parametrize("steps", [250, 300])  # 4 * 250 is the default
def test_the_ids_are_those_of_any_run_with_so_many_steps(steps: int) -> None:
    longer = plan(suite(Budgets(), steps=4 * steps))
    assert [run.id for run in plan(suite(steps=steps)).runs()][24:] == [run.id for run in longer.runs()]


def test_those_with_more_steps_may_have_fewer_seeds() -> None:
    of = plan(suite(Budgets((1, 4), 2), seeds=3))
    assert of.count == 2 * 4 * 3 + 2 * 4 * 2
    assert {run.seed for run in of.ladders[2].runs(of.suite.seeds)} == {0, 1}
    assert [len(s.records) for s in view(of, {})[2].steps] == [2] * 4
    assert plan(suite(Budgets((1, 4), 2), seeds=1)).count == 2 * 4 * 2  # --seeds left fewer


def test_what_a_variant_cannot_do_is_said_once() -> None:
    both = Variant("bilstm", {"cell": "lstm"}, {"bidirectional": True})
    asked = Suite("s", (both,), (TaskEntry("counting", {"task": "counting"}, (5,)),), (0,), budgets=TWO)
    assert [(bool(x.reason), x.budget) for x in plan(asked).ladders] == [(True, 1)]


def test_a_selection_is_of_each_budget() -> None:
    part = select(plan(suite()), "lstm and not forget and (10 or 20)")
    assert [(x.budget, [r.length for r in x.rungs]) for x in part.ladders] == [(1, [10, 20]), (4, [10, 20])]


# what a shorter run tells


def test_a_run_that_stopped_of_itself_would_have_done_so_with_more_steps() -> None:
    of = plan(suite())
    lstm, _, more, _ = view(of, records(of, "sss sSq uud xdS"))
    assert letters(lstm) == "sss ssu uud xds"
    assert letters(more) == "SSS S.U ... ..."
    assert [r.run.rung.settings["steps"] for r in more.records] == [300] * 5  # nobody says that it was trained so
    assert [s.tally.derived for s in more.steps] == [3, 2, 0, 0]


def test_of_two_its_own_counts_unless_it_broke() -> None:
    of = plan(suite())
    found = view(of, records(of, "ssss"[:3], "", "sx."))[2]
    assert letters(found).split()[0] == "sSS"


def test_through_a_chain_of_budgets() -> None:
    of = plan(suite(Budgets((1, 4, 16))))
    found = view(of, records(of, "suu", "", ".su"))
    assert [letters(found[k]).split()[0] for k in (0, 2, 4)] == ["suu", "Ssu", "SS."]


@pytest.mark.parametrize("settings", [{"schedule": "cosine"}, {"schedule": "linear"}])
def test_where_the_rate_depends_on_the_steps_nothing_is_told(settings: dict[str, Any]) -> None:
    of = plan(suite(**settings))
    assert view(of, records(of, "sss"))[2].records == []


def test_a_rung_waits_for_the_same_with_fewer_steps() -> None:
    of = plan(suite())

    def open_at(*words: str) -> int | None:
        found = view(of, records(of, *words))
        rungs = ready(found[2], found[:1])
        return rungs[0].rung.length if rungs else None

    assert [open_at(w) for w in ("", "uu.", "uuu", "uuu ss.", "sss", "sss uuu")] == [None, None, 10, 10, None, 20]
    assert open_at("uuu uuu", "", "sss sss") == 40  # with fewer steps it was pruned
    assert open_at("sss sss sss sss") is None


def test_what_is_told_is_no_work() -> None:
    of = plan(suite())
    found = view(of, records(of, "sss sSu"))[2]
    estimates = [cost.estimate(s.rung) for s in found.steps]
    assert cost.work(found) == pytest.approx((0.0, 2 * estimates[1] + 3 * sum(estimates[2:])))
    assert cost.work(counted(found)) == cost.work(found)


# driven


def drive(where: Path, asked: Suite, fake: fakes.Fake) -> Outcome:
    store, of = Store(where), plan(asked)
    with store.writing():
        return Driver(of, store.records(of.runs()), store, fake, Silent()).drive()


def early(run: Run) -> int:
    """What is solved at 10 stops early."""
    return 100 if run.rung.length == 10 else fakes.steps(run)


def one(seeds: int = 3) -> Suite:
    whole = suite(seeds=seeds)
    return replace(whole, variants=whole.variants[:1])


def test_what_stopped_early_is_not_trained_again(tmp_path: Path) -> None:
    fake = fakes.Fake(fakes.at_most(20, 40), used=early, workers=2)
    outcome = drive(tmp_path, one(), fake)
    assert sorted(fake.asked) == sorted(
        [(length, 300, seed) for length in LENGTHS for seed in range(3)]
        + [(length, 1200, seed) for length in LENGTHS[1:] for seed in range(3)]
    )
    assert outcome == Outcome(trained=21, broken=0, exit=Exit.OK)
    records = Store(tmp_path).records()
    assert len(records) == 21
    assert all(r.steps <= budgets.steps(r.run.rung) for r in records.values())
    known = Forecast.of(view(plan(one()), records))
    assert known == Forecast(known=24, derived=3, pruned=0, missing=0, seconds=0.0)
    assert Forecast.of(outcome.climbs) == known
    again = fakes.Fake(fakes.at_most(20, 40))
    assert drive(tmp_path, one(), again) == Outcome(trained=0, broken=0, exit=Exit.OK)


def test_wherever_it_is_cut_it_goes_on(tmp_path: Path) -> None:
    for cut in range(1, 21, 3):
        where = tmp_path / str(cut)
        first = fakes.Fake(fakes.at_most(20, 40), most=cut, used=early, workers=2)
        drive(where, one(), first)
        rest = fakes.Fake(fakes.at_most(20, 40), used=early)
        drive(where, one(), rest)
        assert len(first.asked) + len(rest.asked) == 21
        assert not set(first.asked) & set(rest.asked)


def test_a_ladder_that_is_pruned_is_climbed_on_with_more_steps(tmp_path: Path) -> None:
    fake = fakes.Fake(fakes.at_most(0, 80))
    drive(tmp_path, one(1), fake)
    assert sorted(fake.asked) == [
        (10, 300, 0),
        (10, 1200, 0),
        (20, 300, 0),
        (20, 1200, 0),
        (40, 1200, 0),
        (80, 1200, 0),
    ]


def test_a_run_that_two_ladders_share_is_trained_once(tmp_path: Path) -> None:
    patient = Variant("patient", {"cell": "lstm"}, {"steps": 1200}, base="lstm")
    asked = replace(one(), variants=(*one().variants, patient), budgets=Budgets((1, 4), 2))
    fake = fakes.Fake(fakes.at_most(20, 80), used=early, workers=2)
    drive(tmp_path, asked, fake)
    assert len(fake.asked) == len(set(fake.asked))
    lstm, own, more, _ = view(plan(asked), Store(tmp_path).records())
    assert lstm.open is own.open is more.open is None
    assert [s.records for s in more.steps[1:]] == [s.records[:2] for s in own.steps[1:]]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_record_by_record_the_driver_comes_to_the_view(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever each run comes to, in whatever store it begins, cut wherever."""
    asked = replace(
        one(2), budgets=Budgets(data.draw(st.sampled_from([(1, 4), (1, 2, 8)])), data.draw(st.sampled_from([None, 1])))
    )
    fates = data.draw(st.lists(st.sampled_from("sSuqx"), min_size=24, max_size=24))
    places = {run.id: fate for run, fate in zip(plan(asked).runs(), fates, strict=False)}
    words = {"s": "solved", "S": "solved", "u": "unsolved", "q": "unsolved", "x": "crashed"}
    used = lambda run: 100 if places[run.id] in "sq" else fakes.steps(run)  # noqa: E731
    where = tmp_path_factory.mktemp("driven")
    store, of = Store(where), plan(asked)
    for most in (data.draw(st.integers(0, 12)), 10**6):
        fake = fakes.Fake(lambda run: words[places[run.id]], most, workers=2, used=used)  # type: ignore[return-value,arg-type]
        with store.writing():
            driver = Driver(of, store.records(of.runs()), store, fake, Silent(), retries=0)
            driver.drive()
        now = view(of, store.records(of.runs()))
        assert [c.tally for x in driver.climbs for c in x.steps] == [s.tally for x in now for s in x.steps]
        assert [c.state for x in driver.climbs for c in x.steps] == [s.state for x in now for s in x.steps]
    assert all(climb.open is None for climb in now)


# views and what is made of them


def test_a_reader_gets_one_climb_a_variant_and_task() -> None:
    of = plan(suite())
    found = view(of, {})
    assert views.at(found) == found[:2]
    assert views.at(found, 4) == found[2:]
    assert views.at(found, 2) == []
    assert views.at(found, choice="base") == found[:2]
    assert views.budgets(found) == (1, 4)


WORDS = (
    "sss sss uuu uuu",
    "sss uuu uuu",
    "... ... sss suu",
    "... sss uuu uuu",
)


def seen(asked: Suite | None = None, words: Sequence[str] = WORDS) -> list[Climb]:
    of = plan(asked or suite())
    return view(of, records(of, *words))


def test_the_frame_of_budgets_has_a_row_a_budget_and_what_it_brings() -> None:
    found = frames.frame("budgets", suite(), seen())
    assert list(zip(found["variant"], found["budget"], strict=True)) == [
        ("lstm", 1), ("lstm", 4), ("lstm-forget_gate", 1), ("lstm-forget_gate", 4)
    ]  # fmt: skip
    lstm, part = analysis.growths(seen())
    assert list(found["octaves"]) == [each.octaves.value for g in (lstm, part) for each in g.spans if each]
    first, more = found.iloc[0], found.iloc[1]
    assert math.isnan(first["gain"])
    assert (more["gain"], more["gain_low"]) == (lstm.gains[0].slope.value, lstm.gains[0].slope.low)
    assert (more["gain_n"], more["gain_censored"], bool(more["levelled"])) == (3, "above", False)
    assert len(frames.frame("budgets", suite(), views.at(seen()))) == 0


def test_spans_against_steps() -> None:
    lstm, part = analysis.growths(seen())
    assert [span and round(span.length, 1) for span in lstm.spans] == [28.3, 71.3]
    (gain,) = lstm.gains
    assert gain.budgets == (1, 4)
    assert gain.n == 3
    assert gain.levelled is False
    assert gain.bound == "≥"
    fewer, more = (views.at(seen(), budget)[0] for budget in (1, 4))
    assert gain.slope == pytest.approx(tuple(x / 2 for x in effects.effect(more, fewer).octaves))
    assert part.variant == "lstm-forget_gate"
    assert analysis.growths(views.at(seen())) == []


@pytest.mark.parametrize(
    ("more", "levelled"),
    [
        ("sss sss uuu uuu", True),
        ("sss sss uus uuu", True),  # a seed that moves no rung
        ("sss sss uss uuu", False),
        ("sss sss suu ss.", False),
        ("sss sss uu. ...", None),
    ],
)
def test_where_it_has_levelled_off(more: str, levelled: bool | None) -> None:
    (growth, _) = analysis.growths(seen(words=("sss sss uuu uuu", "", more)))
    assert growth.gains[0].levelled is levelled


def test_a_ladder_that_is_solved_to_its_top_has_not_levelled_off() -> None:
    (growth, _) = analysis.growths(seen(words=("sss sss sss sss", "", "sss sss sss sss")))
    assert growth.gains[0].levelled is False


def test_with_fewer_seeds_these_are_compared() -> None:
    asked = suite(Budgets((1, 4), 2))
    (growth, _) = analysis.growths(seen(asked, ("ssu uuu uuu", "", "ss ss uu uu")))
    assert growth.gains[0].n == 2
    assert growth.gains[0].slope.value == pytest.approx(0.5)  # an octave for four times the steps


def test_tasks_that_are_not_named_have_the_stated_steps_alone() -> None:
    one = suite(Budgets((1, 4), None, ("adding",)))
    copy = replace(one.tasks[0], name="copy", task={"task": "copy"})
    of = plan(replace(one, tasks=(*one.tasks, copy)))
    assert [(x.task.name, x.budget) for x in of.ladders if x.variant.name == "lstm"] == [
        ("adding", 1), ("copy", 1), ("adding", 4),
    ]  # fmt: skip
    told = {(growth.task, growth.budgets) for growth in analysis.growths(view(of, {}))}
    assert told == {("adding", (1, 4))}
    assert Suite.from_dict(of.suite.as_dict()) == of.suite
    assert "tasks" not in suite().as_dict()["budgets"]  # as versions that know of none have written it


def table(text: str, title: str) -> list[str]:
    lines = text.splitlines()
    start = lines.index(title)
    return lines[start : lines.index("", lines.index("", start) + 1)]


def test_the_report_tells_each_budget() -> None:
    text = report.render(suite(), seen(), "table", width=120)
    grown = table(text, "adding: spans against steps")
    assert grown[1].startswith("span when trained within 300 steps and within so many times as many")
    lstm = next(line for line in grown if line.startswith("lstm "))
    assert lstm.split()[:7] == ["lstm", "28", "(20", "to", "40)", "≥", "71"]
    by_steps = table(text, "adding: effects by steps")
    assert next(line for line in by_steps if line.startswith("lstm-")).split()[1:3] == ["lstm", "−1.0"]
    assert "trained to span the gap within 300 steps" in " ".join(text.split())
    assert "; with more steps 24 of 24 runs known, 9 of them by runs with fewer" in " ".join(text.split())
    plain = report.render(suite(Budgets()), views.at(seen()), "table", width=120)
    assert "against steps" not in plain
    assert "by steps" not in plain
    assert text.split("\neffects\n")[1].split("\n\n")[0] == plain.split("\neffects\n")[1].split("\n\n")[0]


def test_levelled_off_is_said() -> None:
    text = report.render(suite(), seen(words=("sss uuu uuu", "", "sss uuu uuu")), "table", width=120)
    assert any(line.startswith("lstm ") and line.endswith("levelled off from ×1") for line in text.splitlines())


def test_what_broke_with_more_steps_is_told() -> None:
    text = report.render(suite(), seen(words=("uuu", "", "uxu")), "table", width=120)
    assert "! lstm at 10, seed 1, 4 times the steps: crashed" in text


def test_the_other_formats() -> None:
    found = seen()
    assert report.render(suite(), found, "csv") == report.render(suite(), views.at(found), "csv")
    parsed = json.loads(report.render(suite(), found, "json"))
    assert parsed["budgets"] == {"times": [1, 4], "seeds": None, "tasks": []}
    assert [(r["variant"], r["times"]) for r in parsed["results"]] == [
        (name, times) for times in (1, 4) for name in ("lstm", "lstm-forget_gate")
    ]
    first = parsed["results"][2]["rungs"][0]
    assert first["budget"] == 1200
    assert [run["id"] for run in first["runs"]] != [run["told_for"] for run in first["runs"]]
    assert parsed["results"][0]["rungs"][0]["runs"][0]["id"] == first["runs"][0]["id"]
    assert [e["budget"] for e in parsed["effects_by_budget"]] == [1, 4]
    assert [g["variant"] for g in parsed["spans_by_budget"]] == ["lstm", "lstm-forget_gate"]
    assert len(frame(found)) == len({r.id for c in found for r in c.records})


def test_within_how_many_steps() -> None:
    def told(*tasks: TaskEntry, variants: Sequence[Variant] = suite().variants) -> str:
        return within.steps(view(plan(Suite("s", tuple(variants), tasks, (0,))), {}))

    copy, adding = (
        TaskEntry(name, {"task": name}, (5,), {"steps": n}) for name, n in (("copy", 1000), ("adding", 1600))
    )
    assert told(copy) == "1,000 steps"
    assert told(copy, adding) == "1,000 (copy) and 1,600 (adding) steps"
    assert (
        told(copy, variants=[Variant("a", {"cell": "rnn"}, {"steps": 200}), *suite().variants]) == "200 to 1,000 steps"
    )


# suites


def test_what_older_suites_say_is_read_as_budgets() -> None:
    plain = suite().as_dict()
    assert Suite.from_dict(plain) == suite()
    del plain["budgets"]
    assert Suite.from_dict(plain) == suite(Budgets())
    assert Suite.from_dict(plain | {"more_steps": {"times": 4, "seeds": 2}}) == suite(Budgets((1, 4), 2))
    assert Suite.from_dict(plain | {"more_steps": None}) == suite(Budgets())
    assert "budgets" not in suite(Budgets()).as_dict()  # older versions read suites that don't use it
