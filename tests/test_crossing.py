"""Seeds that are crossed: what each part of a seed decides, which runs are asked for, what a report makes of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import ladders
import numpy as np
import pytest
from scipy import stats as scipy_stats

from rnnbench import report
from rnnbench.analysis import components, luck, stats
from rnnbench.errors import UserError
from rnnbench.plan import Plan, labels, plan, selection, views
from rnnbench.plan.filter import select
from rnnbench.plan.forecast import Forecast
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run, Rung
from rnnbench.report.frame import frame
from rnnbench.rng import stream
from rnnbench.seeds import Pair, Seed, from_plain, of
from rnnbench.store import Store
from rnnbench.suite import Budgets, Claim, Suite, TaskEntry, Variant
from rnnbench.suite.crossing import Crossing
from rnnbench.suite.load import loads
from rnnbench.suite.tuning import Tuning
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model

LENGTHS = (10, 20, 40, 80)
SIZE = Crossing(3, 4)
RUNG = Rung({"cell": "rnn"}, {"task": "copy"}, 5, {"steps": 20, "hidden": 4})
TEXT = """
rnnbench: 1
name: s
seeds: {init: 3, data: 2}
architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}
tasks: {adding: {lengths: [10, 20]}}
"""


def suite(crossing: Crossing | None = SIZE, **more: Any) -> Suite:
    variants = (
        Variant("lstm", {"cell": "lstm"}),
        Variant("lstm-forget_gate", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-forget_gate"),
    )
    task = TaskEntry(
        "adding", {"task": "adding"}, LENGTHS, {"steps": 300} | more.pop("settings", {}), **more.pop("task", {})
    )
    seeds = tuple(crossing.diagonal) if crossing else (0, 1, 2)
    return Suite("s", variants, (task,), seeds, crossing=crossing, **more)


def records(asked: Plan, solved: dict[str, list[list[int]]], of: Crossing = SIZE) -> dict[str, Record]:
    """The records of each variant whose pairs solve so many rungs, a row an initialisation."""
    found: dict[str, Record] = {}
    for ladder in asked.ladders:
        if ladder.choice in ("own", "crossed") and ladder.variant.name in solved:
            counts = solved[ladder.variant.name]
            by_seed = dict(zip(of.every, (count for row in counts for count in row), strict=True))
            seeds = asked.seeds(ladder)
            words = [["s" if by_seed[seed] > k else "u" for seed in seeds] for k in range(len(ladder.rungs))]
            for rung, word in zip(ladder.rungs, words, strict=True):
                found |= {
                    Run(rung, seed).id: ladders.record(Run(rung, seed), w) for seed, w in zip(seeds, word, strict=True)
                }
    return found


def shown(asked: Suite, solved: dict[str, list[list[int]]], format: str = "table") -> str:
    planned = plan(asked)
    return report.render(asked, view(planned, records(planned, solved)), format, width=200, only=["luck"])


# what a seed is


def test_an_ordinary_seed_is_a_pair_of_one_number_and_no_id_is_another_than_before() -> None:
    assert of(3, 3) == 3
    assert RUNG.id(of(3, 3)) == RUNG.id(3)
    assert len({RUNG.id(seed) for seed in (0, 1, Pair(0, 1), Pair(1, 0))}) == 4
    assert Rung({"cell": "rnn"}, {"task": "copy"}, 5, {}).id(0) == "c417c835a08e3fed7ee45789"


@pytest.mark.parametrize("seed", [0, 7, Pair(0, 7), Pair(7, 0)])
def test_a_run_survives_json_and_the_store(seed: Seed, tmp_path: Path) -> None:
    run = Run(RUNG, seed)
    assert Run.from_dict(json.loads(json.dumps(run.as_dict()))) == run
    record = Record(run, "solved", 0.99, steps=20)
    store = Store(tmp_path)
    with store.writing():
        store.add(record)
    assert store.records([run])[run.id].run == run
    assert Record.from_dict(json.loads(json.dumps(record.as_dict()))) == record


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"init": 1, "data": 1}, "seed: got an object, expected the number 1, since both parts are that"),
        ({"init": 1}, "seed: got no 'data', expected one"),
        ({"init": -1, "data": 0}, "seed: init: got -1, expected an integer of at least 0"),
        ([0, 1], "seed: got a list, expected an integer of at least 0"),
    ],
)
def test_what_is_no_seed_is_refused(value: object, wrong: str) -> None:
    with pytest.raises(ValueError, match="^" + wrong.replace("'", ".").replace("(", r"\(") + "$"):
        from_plain(value)


def test_init_decides_where_a_network_starts_and_its_noise_and_data_all_that_it_is_shown() -> None:
    def drawn(seed: Seed, purpose: str) -> bytes:
        return stream(seed, purpose, 3).uniform(8).tobytes()

    for purpose in ("init/0/forward/U", "init/readout/W", "dropout/0/forward"):
        assert drawn(Pair(4, 9), purpose) == drawn(4, purpose) != drawn(9, purpose)
    for purpose in ("train", "lengths", "examples", "order", "select", "test", "probe/swap"):
        assert drawn(Pair(4, 9), purpose) == drawn(9, purpose) != drawn(4, purpose)


def test_a_pair_trains_from_the_start_of_one_seed_on_the_data_of_another() -> None:
    runs = [Run(RUNG, seed) for seed in (0, 1, Pair(0, 1), Pair(1, 0))]
    found = Cohort(Model.of(RUNG), runs, False, "cpu")
    start = [found.row(k)["flat"].tobytes() for k in range(4)]
    found.step += 1
    batch = [b.xs.tobytes() for b in found.batches()]
    test = [found.held_out(k, "test").xs.tobytes() for k in range(4)]
    assert start[2] == start[0] != start[1] == start[3]
    for each in (batch, test):
        assert each[2] == each[1] != each[0] == each[3]


# the suite


def test_a_suite_crosses_its_seeds() -> None:
    found = loads(TEXT.encode(), "s.yaml")
    assert found.seeds == (0, 1)
    assert found.crossing == Crossing(3, 2)
    assert Suite.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    assert plan(found).count == len(list(plan(found).runs())) == len({r.id for r in plan(found).runs()}) == 2 * 2 * 6
    assert "crossing" not in loads(TEXT.replace("{init: 3, data: 2}", "2").encode(), "s.yaml").as_dict()
    option = loads(TEXT.encode(), "s.yaml", seeds="4x3")
    assert (option.seeds, option.crossing) == ((0, 1, 2), Crossing(4, 3))
    assert loads(TEXT.encode(), "s.yaml", seeds="4").crossing is None
    fresh = loads(TEXT.replace("data: 2}", "data: 2, from: 50}").encode(), "s.yaml")
    assert fresh.seeds == (50, 51)
    assert set(Crossing(3, 2, 50).every) == {50, 51, *fresh.crossing.pairs}  # type: ignore[union-attr]


def test_pilots_may_be_of_no_number_of_a_crossing() -> None:
    text = TEXT + "tune: {lr: [1e-3, 1e-2], seeds: [2]}\n"
    with pytest.raises(UserError, match="got seed 2, expected none of the pilots'"):
        loads(text.encode(), "s.yaml")


def test_pairs_are_counted_named_and_selected_with_the_rest() -> None:
    asked = plan(suite())
    assert Forecast.of(view(asked, {})).crossed == 2 * 4 * 9
    assert Forecast.of(view(asked, {})).total == asked.count == 2 * 4 * 12
    assert select(asked, "lstm and 20").count == 12
    named = labels.of_label(asked, "lstm/adding/20/2:3")
    assert named.run.seed == Pair(2, 3)
    assert labels.of_run(asked, named.run).label == "lstm/adding/20/2:3"  # type: ignore[union-attr]
    assert asked.stated().count == 2 * 4 * 3
    claimed = replace(suite(), claims=(Claim("a", "span(lstm, adding) > 10", number=1),))
    assert selection.claim(plan(claimed), 1).count == 4 * 3


@pytest.mark.parametrize("more", [{"budgets": Budgets((1, 4))}, {"task": {"search": "bisect"}}, {}])
def test_each_pair_is_trained_once_and_the_suite_says_what_it_said_without(
    more: dict[str, Any], tmp_path: Path
) -> None:
    def decide(run: Run) -> Any:
        init, data = (run.seed.init, run.seed.data) if isinstance(run.seed, Pair) else (run.seed, run.seed)
        return "solved" if run.rung.length <= 5 * 2 ** (init + data) else "unsolved"

    asked = suite(Crossing(2, 3), **more)
    executor = fakes.Fake(decide)
    assert not fakes.run_through(tmp_path, asked, executor).exit
    assert len(set(executor.asked)) * 2 == len(executor.asked)  # two variants
    assert {seed for _, steps, seed in executor.asked if steps == 300} == set(Crossing(2, 3).every)

    def told(what: Suite) -> list[Climb]:
        planned = plan(what)
        return view(planned, Store(tmp_path).records(planned.runs()))

    crossed, alone = told(asked), told(replace(asked, crossing=None))
    assert all(climb.open is None for climb in crossed)
    assert [c.steps for c in views.at(crossed)] == [c.steps for c in views.at(alone)]
    assert all(each.split for each in luck.lucks(crossed) if each.of == "span")
    assert luck.lucks(alone) == []


def test_a_suite_that_tunes_crosses_at_its_own_choice() -> None:
    tuning = Tuning(({"lr": 1e-3}, {"lr": 1e-2}), (9000,), {"adding": (10,)}, None, "both", False)
    planned = plan(suite(tuning=tuning))
    crossed = [ladder for ladder in planned.ladders if ladder.crossing]
    assert [ladder.awaits for ladder in crossed] == [("lstm",), ("lstm-forget_gate",)]
    assert not any(ladder.crossing for ladder in planned.ladders if ladder.choice == "base")
    assert planned.pilots is not None
    assert not any(ladder.crossing for ladder in planned.pilots.ladders)


# variance components


def table(K: int, M: int, key: int = 0) -> Any:
    rng = stream(key, "test")
    return rng.normal((K, 1)) + 0.5 * rng.normal((1, M)) + 0.3 * rng.normal((K, M)).astype(np.float64)


def test_components_are_those_of_an_analysis_of_variance_by_hand() -> None:
    x = np.array([[1.0, 2.0, 4.0], [3.0, 5.0, 5.0]])
    # means of rows 7/3, 13/3; of columns 2, 3.5, 4.5; of all 10/3
    a = 3 * 2 * 1.0**2 / 1
    b = 2 * ((4 / 3) ** 2 + (1 / 6) ** 2 + (7 / 6) ** 2) / 2
    e = sum((x[i, j] - (7, 13)[i] / 3 - (2, 3.5, 4.5)[j] + 10 / 3) ** 2 for i in range(2) for j in range(3)) / 2
    found = components.split(x)
    variances = [part.variance.value for part in (found.rows, found.columns, found.rest)]
    assert variances == pytest.approx([(a - e) / 3, (b - e) / 2, e])
    assert found.deviation**2 == pytest.approx(sum(variances))
    assert sum(part.share.value for part in (found.rows, found.columns, found.rest)) == pytest.approx(1)
    assert found.mean.value == pytest.approx(10 / 3)


def test_the_interval_of_the_rest_is_that_of_chi_square_and_of_one_component_that_of_its_mean_square() -> None:
    x = table(5, 4)
    found = components.split(x)
    residual = x - x.mean(1, keepdims=True) - x.mean(0) + x.mean()
    ends = (residual**2).sum() / scipy_stats.chi2(12).ppf([0.975, 0.025])
    assert found.rest.variance[1:] == pytest.approx(ends, rel=0.01)
    alone = np.repeat(x[:, :1], 4, 1) + 1e-4 * table(5, 4, 1)  # only rows vary: n = 5 means
    squares = 4 * alone.mean(1).var(ddof=1)
    assert components.split(alone).rows.variance[1:] == pytest.approx(
        squares / scipy_stats.chi2(4).ppf([0.975, 0.025]), rel=0.01
    )
    low, high = components.split(alone).mean[1:]
    rows = stats.mean(alone.mean(1))
    assert (low, high) == pytest.approx(rows[1:], abs=0.03 * (rows.high - rows.low))


def test_components_move_with_their_numbers() -> None:
    x = table(4, 6)
    found, turned, scaled = components.split(x), components.split(x.T), components.split(10 - 3 * x)
    assert turned.rows.variance.value == pytest.approx(found.columns.variance.value)
    assert turned.rows.share == pytest.approx(found.columns.share, abs=0.03)
    assert scaled.rest.variance == pytest.approx([9 * each for each in found.rest.variance])
    assert scaled.rows.share == pytest.approx(found.rows.share)
    assert scaled.mean[1:] == pytest.approx([10 - 3 * end for end in (found.mean.high, found.mean.low)])


def test_what_is_under_nothing_is_nothing_with_an_interval_and_what_does_not_vary_has_no_shares() -> None:
    x = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])  # rows and columns make less than the rest
    found = components.split(x)
    assert found.rows.variance.value == found.rows.variance.low == 0 < found.rows.variance.high
    flat = components.split(np.full((3, 3), 0.1))
    assert flat.deviation == 0
    assert tuple(flat.mean) == pytest.approx((0.1,) * 3)
    assert np.isnan(flat.rows.share.value)
    added = components.split(np.add.outer([0.0, 1.0, 5.0], [0.0, 0.0]))
    assert added.rows.share.value == pytest.approx(1)
    assert np.isnan(added.rows.share.low)
    for wrong in (np.zeros((1, 3)), np.zeros(4), np.array([[0.0, np.nan], [1.0, 1.0]])):
        with pytest.raises(ValueError, match="at least 2 x 2 numbers"):
            components.split(wrong)


# the report

LUCKY = [[1, 1, 2, 1], [3, 3, 3, 2], [2, 2, 2, 2]]
SAME = [[2] * 4] * 3
SHARES = [".76 (.15 to .99)", ".04 (.00 to .56)", ".20 (.01 to .75)"]
TABLE = [
    ["", "against", "mean", "deviation", "init", "data", "rest"],
    ["lstm", "28 (5.3 to 151)", "0.8", *SHARES],
    ["lstm-forget_gate", "28", "(20 to 40)", "0"],
    ["lstm-forget_gate", "lstm", "0.0", "±1.9", "0.8", *SHARES],
]


def test_a_report_splits_what_varies_by_whose_luck_it_is_pair_by_pair() -> None:
    planned = plan(suite())
    own, without, effect = luck.lucks(view(planned, records(planned, {"lstm": LUCKY, "lstm-forget_gate": SAME})))
    expected = components.split(np.array(LUCKY, float))
    assert own.split is not None
    assert own.split.rows.share == pytest.approx(expected.rows.share)
    assert own.mean.value == pytest.approx(np.log2(10) - 0.5 + np.mean(LUCKY))
    assert without.split is not None
    assert without.split.deviation == 0
    assert (effect.base, effect.variant, effect.missing) == ("lstm", "lstm-forget_gate", 0)
    assert effect.mean.value == pytest.approx(2 - np.mean(LUCKY))
    assert effect.split is not None
    assert effect.split.columns.share == pytest.approx(expected.columns.share)


def test_whose_luck_as_a_table() -> None:
    lines = shown(suite(), {"lstm": LUCKY, "lstm-forget_gate": SAME}).splitlines()
    start = next(k for k, line in enumerate(lines) if line.strip().startswith("against"))
    head, _, *rows = lines[start : start + 5]
    assert [re.split(r" {2,}", line.rstrip()) for line in (head, *rows)] == TABLE
    assert lines[start + 5].startswith("without shares: all pairs came to the same")


def test_an_end_of_the_ladder_is_told_and_what_is_missing_is_waited_for() -> None:
    planned = plan(suite())
    top = [[4, 4, 4, 4], [3, 3, 4, 3], [2, 2, 2, 2]]
    found = records(planned, {"lstm": top, "lstm-forget_gate": SAME})
    own, _, effect = luck.lucks(view(planned, found))
    assert (own.bound, effect.bound) == ("≥", "≤")
    assert own.mean.high == np.inf
    assert effect.mean.low == -np.inf
    lost = next(id for id, record in found.items() if record.run.seed == Pair(1, 2) and record.run.rung.length == 20)
    own, without, effect = luck.lucks(view(planned, {id: r for id, r in found.items() if id != lost}))
    assert (own.missing, without.missing, effect.missing) == (1, 0, 1)
    assert own.split is None
    assert "·1" in shown_of(planned, {id: r for id, r in found.items() if id != lost})


def shown_of(planned: Plan, found: dict[str, Record]) -> str:
    return report.render(planned.suite, view(planned, found), "table", width=200, only=["luck"])


def test_scores_are_split_where_all_steps_were_spent_and_json_has_all_of_it() -> None:
    asked = suite(settings={"stop": "never"}, prune=False)
    planned = plan(asked)
    climbs = view(planned, records(planned, {"lstm": LUCKY, "lstm-forget_gate": SAME}))
    scores = [each for each in luck.lucks(climbs) if each.of == "score"]
    assert {(each.variant, each.base, each.place) for each in scores} == {
        (variant, base, length)
        for length in LENGTHS
        for variant, base in (("lstm", ""), ("lstm-forget_gate", ""), ("lstm-forget_gate", "lstm"))
    }
    made = json.loads(report.render(asked, climbs, "json"))
    assert made["crossing"] == {"init": 3, "data": 4, "start": 0}
    assert made["luck"][0]["split"]["init"]["share"].keys() == {"value", "low", "high"}
    seeds = [run["seed"] for each in made["results"] if each["choice"] == "crossed" for run in each["rungs"][0]["runs"]]
    assert {"init": 2, "data": 3} in seeds


def test_a_frame_has_pairs_as_texts_and_is_what_it_was_without() -> None:
    planned = plan(suite())
    climbs = view(planned, records(planned, {"lstm": LUCKY, "lstm-forget_gate": SAME}))
    assert set(frame(climbs).seed) >= {"0", "2:3"}
    assert str(frame(views.at(climbs)).seed.dtype) == "int64"


def test_other_numbers_of_a_report_are_those_of_the_ordinary_seeds() -> None:
    def told(asked: Suite) -> Iterable[str]:
        planned = plan(asked)
        climbs = view(planned, records(plan(suite()), {"lstm": LUCKY, "lstm-forget_gate": SAME}))
        return report.render(asked, climbs, "csv", width=120).splitlines()

    assert list(told(suite())) == list(told(suite(None)))
