"""What a run is said to take before it ran: at most, and likely; both held against what happens."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import ladders
import pytest
from fakes import Fake, at_most, run_through
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.plan import Plan, bisect, cost, forecast, likely, plan
from rnnbench.plan.forecast import Forecast
from rnnbench.plan.ladders import view
from rnnbench.records import Record, Run
from rnnbench.store import Store
from rnnbench.suite import Budgets, Suite, TaskEntry, Variant

LENGTHS = (10, 20, 40, 80, 160)
SECONDS = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]


def asked(search: Literal["climb", "bisect"] = "climb", budgets: tuple[int, ...] = (1,), seeds: int = 3) -> Plan:
    task = TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": 300}, search=search)
    return plan(
        Suite("s", (Variant("lstm", {"cell": "lstm"}),), (task,), tuple(range(seeds)), budgets=Budgets(budgets))
    )


def path(outcome: int, high: int) -> list[int]:
    """The rungs that a search visits which ends with so many solved."""
    low, visited = 0, []
    while low < high:
        k = bisect.probe(low, high)
        visited.append(k)
        low, high = (k + 1, high) if k < outcome else (low, k)
    return visited


@given(st.integers(0, 6))
def test_a_search_takes_what_its_paths_take(n: int) -> None:
    solved, failed = SECONDS[:n], [3 * each for each in SECONDS[:n]]
    paths = [path(outcome, n) for outcome in range(n + 1)]
    assert bisect.worst(solved, 0, n) == max(sum(solved[k] for k in each) for each in paths)
    totals = [sum((solved if k < j else failed)[k] for k in each) for j, each in enumerate(paths)]
    assert bisect.mean(solved, failed, 0, n) == pytest.approx(sum(totals) / (n + 1))


@pytest.mark.parametrize("search", ["climb", "bisect"])
@pytest.mark.parametrize("budgets", [(1,), (1, 4)])
@pytest.mark.parametrize("solves", [0, 10, 40, 160])
def test_what_a_run_takes_is_no_more_than_at_most(
    tmp_path: Path, search: Literal["climb", "bisect"], budgets: tuple[int, ...], solves: int
) -> None:
    """Whatever is solved, and told again by what is known by then."""
    of = asked(search, budgets)
    before = Forecast.of(view(of, {}))
    executor = Fake(at_most(solves, with_more=2 * solves), workers=2)
    run_through(tmp_path, of.suite, executor)
    known = Store(tmp_path).records(of.runs())
    spent = sum(cost.estimate(record.run.rung) for record in known.values())
    assert spent <= before.seconds * 1.000001
    assert 0 < before.likely <= before.seconds
    assert before.chain <= before.seconds
    after = Forecast.of(view(of, known))
    assert (after.missing, after.seconds, after.likely) == (0, 0.0, 0.0)


def test_likely_is_the_mean_over_all_ends_of_a_ladder() -> None:
    of = asked(seeds=1)
    (climb,) = view(of, {})
    each = [cost.estimate(step.rung) for step in climb.steps]
    ends = [sum(each[:end]) / 4 + sum(each[end : end + 2]) for end in range(6)]
    assert likely.seconds(climb, None, 0.25) == pytest.approx(sum(ends) / 6)


def test_what_stops_early_is_learnt_from_records_and_how_fast_it_is_here() -> None:
    of = asked(seeds=40)

    def record(run: Run, letter: str) -> Record:
        return Record(run, ladders.STATUS[letter], 0.99, steps=30, seconds=cost.estimate(run.rung) * 3 / 10)

    known = ladders.records(of.ladders[0].rungs, ["s" * 40], record)
    assert cost.pace(known.values()) == pytest.approx(3)
    assert likely.early(known.values()) == pytest.approx((10 * 0.5 + 40 * 0.1) / 50)
    assert likely.early([]) == 0.5
    plain, told = Forecast.of(view(of, {})), Forecast.of(view(of, known))
    assert told.seconds > 2 * plain.seconds


def test_it_is_said_in_a_line() -> None:
    told = forecast.describe("s", Forecast(0, 0, 0, 90, 7200.0, likely=3600.0, chain=60.0, models=4), 2)
    assert told == (
        "s: 90 runs, 0 known, 0 pruned, 90 to train, at most about 1 h 0 min on 2 workers, likely 30 min 0 s; "
        "starting and compiling: at most about 36 s more"
    )
    alone = Forecast(0, 0, 0, 1, 60.0, likely=60.0, chain=60.0, models=1)
    assert alone.on(8) == (60.0, 60.0)  # one run is no faster on more workers
    assert "at most about 1 min 0 s on 8 workers; starting" in forecast.describe("s", alone, 8)
    assert forecast.describe("s", Forecast(3, 0, 0, 0, 0.0), 2).endswith("; nothing to do")
