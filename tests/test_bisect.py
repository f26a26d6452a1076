"""`search: bisect`: what a search asks for, that it finds the span of a ladder, and in no more runs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import fakes
import ladders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import bisecting
from rnnbench import report
from rnnbench.analysis import effects, effort, spans, verdicts
from rnnbench.api import Forecast
from rnnbench.errors import Exit
from rnnbench.plan import bisect, cost, plan
from rnnbench.plan.ladders import Climb, climb, climb_on, ready, view
from rnnbench.records import Record, Run
from rnnbench.report import brief, curves
from rnnbench.running.driver import Driver, Outcome
from rnnbench.running.listeners import Silent
from rnnbench.seeds import data
from rnnbench.store import Store
from rnnbench.suite import Budgets, Claim, Suite, TaskEntry, Variant
from rnnbench.suite.lengths import ladder
from rnnbench.suite.load import loads

LENGTHS = ladder(5, 640, 2)
SOLVED = (20, 40, 5, 640)  # how far each seed gets


def suite(seeds: int = 3, lengths: Sequence[int] = LENGTHS, search: str = "bisect") -> Suite:
    variants = (
        Variant("lstm", {"cell": "lstm"}),
        Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
    )
    task = TaskEntry("adding", {"task": "adding"}, tuple(lengths), {"steps": 300}, search)  # type: ignore[arg-type]
    return Suite("s", variants, (task,), tuple(range(seeds)))


def one(seeds: int = 3, **options: object) -> Suite:
    whole = suite(seeds, **options)  # type: ignore[arg-type]
    return replace(whole, variants=whole.variants[:1])


def monotone(run: Run) -> str:
    return "s" if run.rung.length <= SOLVED[data(run.seed)] else "u"


def everything(asked: Suite, letter: object = monotone) -> dict[str, Record]:
    return {run.id: ladders.record(run, letter(run)) for run in plan(asked).runs()}  # type: ignore[operator]


# the rule


@pytest.mark.parametrize("rungs", range(1, 40))
def test_a_seed_takes_no_more_runs_than_it_would_by_climbing(rungs: int) -> None:
    for solved in range(rungs + 1):
        found = bisecting.searched([k < solved for k in range(rungs)])
        assert (found.low, found.high, found.asked) == (solved, solved, None)
        assert len(found.visited) == len(set(found.visited)) <= min(solved + 2, rungs)
        assert len(found.visited) <= bisect.most(0, rungs)
        assert [found.implied(k) for k in range(rungs)] == [
            None if k in found.visited else k < solved for k in range(rungs)
        ]


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_whatever_outcomes_are_it_ends_between_a_solved_and_an_unsolved_rung(verdicts: list[bool]) -> None:
    found = bisecting.searched(verdicts)
    assert found.low == found.high
    assert found.low == 0 or verdicts[found.low - 1]
    assert found.low == len(verdicts) or not verdicts[found.low]


def test_what_broke_ends_a_search() -> None:
    found = bisecting.searched([True, True, True, None, False])
    assert (found.low, found.high, found.visited, found.asked, found.left) == (2, 5, (1, 3), None, 0)
    assert [found.implied(k) for k in range(5)] == [True, None, None, None, None]


# the view


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5), st.integers(1, 9))
def test_spans_are_those_of_the_ladder_where_outcomes_are_monotone(reach: list[int], rungs: int) -> None:
    """Of each seed and of the variant; with no more runs, all seeds together."""
    lengths = ladder(5, 640, 2)[:rungs]

    def letter(run: Run) -> str:
        return "s" if lengths.index(run.rung.length) < reach[data(run.seed)] else "u"

    by_way = {}
    for way in ("climb", "bisect"):
        asked = one(len(reach), lengths=lengths, search=way)
        (by_way[way],) = view(plan(asked), everything(asked, letter))
    climbed, searched = by_way["climb"], by_way["bisect"]
    assert spans.seed_spans(searched) == spans.seed_spans(climbed)
    assert spans.span(searched) == spans.span(climbed)
    assert len(searched.records) <= len(climbed.records)
    assert [s.passed for s in searched.steps] == [s.passed for s in climbed.steps]


def test_what_a_rung_has_and_what_is_implied() -> None:
    (found,) = view(plan(one()), everything(one()))
    visited = {s.rung.length: [r is not None for r in s.records] for s in found.steps}
    assert [length for length, seeds in visited.items() if any(seeds)] == [5, 7, 14, 20, 28, 40, 57, 80, 160]
    assert {s.state for s in found.steps} == {"done", "implied"}
    assert found.open is None
    assert found.left == 0
    first = found.steps[1]  # 7: where each seed begins
    assert first.verdicts == (True, True, False)
    assert first.tally == (0, 0, 3, 2, 0, 0, 0)
    top = found.steps[-1]
    assert (top.state, top.implied, top.tally) == ("implied", (False,) * 3, (0, 0, 0, 0, 0, 3, 0))


def test_records_that_it_does_not_ask_for_are_not_looked_at() -> None:
    """A hole, or a longer rung that is solved, which another suite has trained, changes nothing."""
    holes = everything(one(), lambda run: "s" if run.rung.length in (320, 453, 640) else monotone(run))
    (found,) = view(plan(one()), holes)
    (plain,) = view(plan(one()), everything(one()))
    assert spans.seed_spans(found) == spans.seed_spans(plain)
    assert len(found.records) == len(plain.records)


def test_each_seed_goes_its_own_way() -> None:
    of = plan(one())
    (found,) = view(of, {})
    assert [(s.rung.length, s.wanted) for s in ready(found, ())] == [(7, (0, 1, 2))]
    assert found.left == 3 * bisect.most(0, 15)
    first = {run.id: ladders.record(run, monotone(run)) for run in of.runs() if run.rung.length == 7}
    (found,) = view(of, first)
    assert [(s.rung.length, [run.seed for run in s.todo(of.suite.seeds)]) for s in ready(found, ())] == [
        (5, [2]),
        (28, [0, 1]),
    ]


@given(st.data())
def test_record_by_record_it_comes_to_the_same_as_looking_at_all(data: st.DataObject) -> None:
    of = plan(one(2, lengths=LENGTHS[:6]))
    (asked,), seeds = of.ladders, of.suite.seeds
    places = [(k, seed) for k in range(6) for seed in seeds]
    known: dict[str, Record] = {}
    found = climb(asked, seeds, known, True)
    for k, seed in data.draw(st.permutations(places)):
        run = Run(asked.rungs[k], seed)
        known[run.id] = ladders.record(run, data.draw(st.sampled_from("ssuudx")))
        found = climb_on(found, k, seed, known[run.id], True)
        assert found == climb(asked, seeds, known, True)
        done, total = cost.work(found)
        assert done <= total * (1 + 1e-9)


# driven


def drive(where: Path, asked: Suite, most: int = 10**6, workers: int = 2) -> tuple[Outcome, fakes.Fake]:
    words = {"s": "solved", "u": "unsolved"}
    fake = fakes.Fake(lambda run: words[monotone(run)], most, workers)  # type: ignore[return-value,arg-type]
    store, of = Store(where), plan(asked)
    with store.writing():
        return Driver(of, store.records(of.runs()), store, fake, Silent()).drive(), fake


def test_it_trains_what_it_asks_for_and_nothing_else(tmp_path: Path) -> None:
    outcome, fake = drive(tmp_path, one(4))
    (found,) = view(plan(one(4)), Store(tmp_path).records())
    assert outcome == Outcome(trained=len(found.records), broken=0, exit=Exit.OK)
    assert {(length, seed) for length, _, seed in fake.asked} == {
        (r.run.rung.length, r.run.seed) for r in found.records
    }
    assert [(s.low, s.high) for s in spans.seed_spans(found)] == [(20, 28), (40, 57), (5, 7), (640, math.inf)]
    assert outcome.trained < 4 * 7
    forecast = Forecast.of(outcome.climbs)
    assert forecast == Forecast.of([found])
    assert (forecast.known, forecast.missing, forecast.pruned) == (outcome.trained, 0, 60 - outcome.trained)


def test_wherever_it_is_cut_it_goes_on(tmp_path: Path) -> None:
    whole = drive(tmp_path / "whole", one())[0].trained
    for cut in range(1, whole):
        where = tmp_path / str(cut)
        first, fake = drive(where, one(), most=cut, workers=1)
        second, rest = drive(where, one())
        assert (first.trained, second.trained) == (cut, whole - cut)
        assert not set(fake.asked) & set(rest.asked)


def test_with_several_budgets_each_is_searched_in_turn(tmp_path: Path) -> None:
    asked = replace(one(), budgets=Budgets((1, 4)))
    _, fake = drive(tmp_path, asked)
    stated = [k for k, (_, steps, _) in enumerate(fake.asked) if steps == 300]
    assert max(stated) == len(stated) - 1
    few, many = view(plan(asked), Store(tmp_path).records())
    assert spans.seed_spans(few) == spans.seed_spans(many)


def test_a_dry_run_says_at_most() -> None:
    from rnnbench.plan.forecast import describe

    forecast = Forecast.of(view(plan(one()), {}))
    assert (forecast.known, forecast.missing, forecast.searched) == (0, 18, True)
    assert "45 runs, 0 known, 27 pruned, at most 18 to train" in describe("s", forecast, 1)


# what is made of it


def seen() -> list[Climb]:
    return view(plan(suite()), everything(suite()))


def test_the_report_shows_who_solves_what_and_what_is_implied() -> None:
    text = report.render(suite(), seen(), "table", width=300)
    line = next(line for line in text.splitlines() if line.startswith("lstm "))
    assert "✓2/3" in line
    assert "⇒" in line
    assert re.search(r"^⇒\d of so many of these seeds it is implied", text, re.MULTILINE)
    assert "to do" not in text
    parsed = json.loads(report.render(suite(), seen(), "json"))
    rungs = parsed["results"][0]["rungs"]
    assert rungs[-1]["state"] == "implied"
    assert rungs[-1]["runs"][0] == {
        "seed": 0, "id": plan(suite()).ladders[0].rungs[-1].id(0), "status": "implied", "solved": False,
    }  # fmt: skip
    assert rungs[1]["score"] is None
    assert effects.effects(seen())[0].n == 3
    assert effort.paces(seen()) == []


def test_a_claim_on_a_score_within_a_search_is_undecided() -> None:
    asked = replace(one(6), claims=(Claim("c", "score(lstm, adding, 7) > .5"),))
    found = view(plan(asked), everything(asked, lambda run: "s"))
    (verdict,) = verdicts.verdicts(asked, found)
    assert verdict.outcome == "undecided"
    assert "its ladder is searched" in verdict.why


def test_the_flagships_savings_and_the_bias_of_noise() -> None:
    rows = bisecting.biases(300)
    assert rows["2 an octave, noise 0"][2] == rows["2 an octave, noise 0"][0] == rows["2 an octave, noise 0"][1]
    bias = float(rows["2 an octave, noise 0.25"][2].split(" / ")[0])
    assert abs(bias) < 0.15


# suites


@pytest.mark.parametrize(
    ("top", "own", "found"),
    [("", "", "climb"), ("search: bisect", "", "bisect"), ("search: bisect", ", search: climb", "climb")],
)
def test_a_suite_or_a_task_says_how(top: str, own: str, found: str) -> None:
    lengths = "{from: 5, to: 40, per_octave: 2}"
    text = f"rnnbench: 1\nname: s\narchitectures: {{rnn: {{cell: rnn}}}}\n{top}\n"
    text += f"tasks: {{adding: {{lengths: {lengths}{own}}}}}\n"
    read = loads(text.encode(), "s.yaml")
    assert [(task.search, task.lengths) for task in read.tasks] == [(found, (5, 7, 10, 14, 20, 28, 40))]
    assert Suite.from_dict(read.as_dict()) == read
    assert ("search" in read.as_dict()["tasks"][0]) == (found == "bisect")  # older versions read what doesn't use it


def test_a_small_curve_has_the_share_of_seeds_that_solve_each_length() -> None:
    """No length has a score of all seeds, since each was at lengths of its own."""
    found = seen()
    told = brief.report(suite(), found).tables[0]
    for row, each in zip(told.rows, found, strict=True):
        shares = [[v for v in step.verdicts if v is not None] for step in each.steps]
        (cell,) = row[1:]
        assert cell.parts[0] == curves.linear([sum(s) / len(s) for s in shares], brief.WIDEST)
        assert "·" not in cell.parts[0]
