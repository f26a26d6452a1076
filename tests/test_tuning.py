"""Suites that tune: what `tune:` means and every fault of it, what is chosen, what follows, and what is said of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from fakes import Fake, Notes
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import api, scripting
from rnnbench.analysis import tuning as sweeps
from rnnbench.analysis.verdicts import verdicts
from rnnbench.errors import UserError
from rnnbench.plan import Plan, plan, tuning
from rnnbench.plan.filter import select
from rnnbench.plan.forecast import describe
from rnnbench.plan.ladders import view
from rnnbench.records import Point, Record, Run, Status
from rnnbench.report import frames
from rnnbench.report.formats import json as json_format
from rnnbench.report.formats import markdown
from rnnbench.report.frame import COLUMNS, rows
from rnnbench.running.driver import Driver
from rnnbench.running.executors import EndEvent, Event, Job, ProgressEvent, RecordEvent
from rnnbench.running.listeners import Silent
from rnnbench.seeds import data
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.suite.sweep import TUNABLE, middle

HEAD = """\
rnnbench: 1
name: s
defaults: {steps: 300}
seeds: 6
architectures: {lstm: {cell: lstm}, gru: {cell: gru}}
ablate: [{base: lstm, without: [forget_gate, input_gate]}]
tasks: {copy: {lengths: [5, 10, 20, 40]}}
"""
TUNE = "tune: {lr: [1e-3, 1e-2, 1e-1], seeds: {from: 9000, count: 2}}\n"


def suite(text: str, **options: object) -> Suite:
    return loads((HEAD + text).encode(), "s.yaml", **options)  # type: ignore[arg-type]


# What `tune` means


def test_a_grid_has_every_combination_the_last_setting_changing_fastest() -> None:
    found = suite("tune: {lr: [1e-3, 1], schedule: [constant, cosine], compare: own, steps: 100}\n").tuning
    assert found is not None
    assert [tuple(c.values()) for c in found.candidates] == [
        (1e-3, "constant"), (1e-3, "cosine"), (1.0, "constant"), (1.0, "cosine"),
    ]  # fmt: skip
    assert (found.seeds, found.lengths, found.compare, found.steps) == ((9000, 9001), {"copy": (5, 20)}, "own", 100)


def test_draws_are_in_their_range_different_and_the_same_everywhere() -> None:
    found = suite("tune: {lr: {from: 1e-4, to: 1e-1}, batch: {from: 8, to: 64}, clip: [0, 1], draw: 5}\n").tuning
    assert found is not None
    assert found.drawn
    assert [c["lr"] for c in found.candidates] == DRAWN
    assert all(1e-4 <= c["lr"] <= 1e-1 and 8 <= c["batch"] <= 64 and c["clip"] in (0.0, 1.0) for c in found.candidates)
    assert all(type(c["batch"]) is int for c in found.candidates)


def test_draws_are_log_uniform() -> None:
    found = suite("tune: {lr: {from: 1e-4, to: 1}, draw: 1000}\n").tuning
    assert found is not None
    decades = Counter(math.floor(math.log10(c["lr"])) for c in found.candidates)
    assert all(abs(decades[k] - 250) < 4 * math.sqrt(1000 * 0.25 * 0.75) for k in (-4, -3, -2, -1))


DRAWN = [0.0224, 0.0522, 0.0171, 0.000214, 0.000227]


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("[5, 40]", (5, 40)), ("{copy: [40, 10]}", (10, 40)), ("[40]", (40,))],
)
def test_lengths_of_the_pilots(text: str, lengths: tuple[int, ...]) -> None:
    found = suite(f"tune: {{lr: [1, 2], lengths: {text}}}\n").tuning
    assert found is not None
    assert found.lengths == {"copy": lengths}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=9, unique=True))
def test_pilots_are_at_the_shortest_length_and_the_middle_one(some: list[int]) -> None:
    ladder = sorted(some)
    found = middle(ladder)
    assert found[0] == ladder[0]
    below, above = (sum(x < found[-1] for x in ladder), sum(x > found[-1] for x in ladder))
    assert 0 <= below - above <= 1


def test_what_may_be_tuned_is_decided_for_every_setting() -> None:
    """A setting that is new is either the model's, the budget's, or one that may be tuned."""
    conv = {"conv", "conv_activation", "conv_residual", "conv_start"}
    model = {"hidden", "layers", "bidirectional", "attention", "residual", "layer_norm", *conv}
    assert {f.name for f in fields(Settings)} == {*model, "steps", "stop", *TUNABLE}


def test_a_store_remembers_how_a_suite_tunes() -> None:
    s = suite(TUNE)
    assert Suite.from_dict(json.loads(json.dumps(s.as_dict()))) == s
    assert "tuning" not in suite("").as_dict()  # older versions read suites that don't tune


def test_an_included_suite_may_be_tuned_and_tuning_taken_back(tmp_path: Path) -> None:
    (tmp_path / "common.yaml").write_text(HEAD + TUNE)
    (tmp_path / "a.yaml").write_text("rnnbench: 1\ninclude: common.yaml\ntune: {lr: [1, 2]}\n")
    (tmp_path / "b.yaml").write_text("rnnbench: 1\ninclude: common.yaml\ntune: false\n")
    found = api.load(tmp_path / "a.yaml").tuning
    assert found is not None
    assert [c["lr"] for c in found.candidates] == [1.0, 2.0]
    assert api.load(tmp_path / "b.yaml").tuning is None


def test_a_grid_is_counted_before_it_is_made() -> None:
    values = ", ".join(map(str, range(1, 101)))
    with pytest.raises(UserError, match=r"got a grid of 1000000 candidates \(100 x 100 x 100\), expected at most 1000"):
        suite(f"tune: {{lr: [{values}], clip: [{values}], batch: [{values}]}}\n")


def test_what_is_tuned_can_be_given_by_nothing_else() -> None:
    with pytest.raises(UserError) as caught:
        suite(TUNE, overrides=["lr=1e-2"], seeds="8999..9000")
    what = "got seed 9000, expected none of the pilots' (9000 to 9001), which only choose"
    assert caught.value.lines == (f"--seeds 8999..9000: seeds: {what}; next: other `seeds` in `tune`, or here",)
    with pytest.raises(UserError) as caught:
        suite(TUNE, overrides=["lr=1e-2"])
    assert caught.value.lines == ("--set lr=1e-2: lr: got 0.01, expected none: the suite tunes it",)
    text = HEAD.replace("gru: {cell: gru}", "slow: {base: lstm, lr: 1e-4}") + TUNE
    with pytest.raises(UserError) as caught:
        loads(text.encode(), "s.yaml")
    assert caught.value.lines == (
        "s.yaml:8:8: tune.lr: got slow, which differs from lstm by it, expected a setting that is no part",
    )


# What is chosen

LOOKS = st.lists(
    st.tuples(st.sampled_from([0.3, 0.6, 0.9, 0.96, 1.0]), st.sampled_from([0.1, 0.2]), st.booleans()),
    min_size=1,
    max_size=4,
)
BAR = 0.95


def pilot(run: Run, looks: list[tuple[float, float, bool]], diverged: bool = False) -> Record:
    """A pilot that was looked at every 100 steps, with a score, a loss, and whether its validation split was scored.
    Its test says the contrary of its validation."""
    curve = tuple(
        Point(100 * (k + 1), loss, score, score if scored and score > 0.9 else None)
        for k, (score, loss, scored) in enumerate(looks)
    )
    if diverged:
        return Record(run, "diverged", 0.0, None, 100 * len(looks), curve=curve)
    passed = (curve[-1].select or 0) >= BAR
    return Record(run, "unsolved" if passed else "solved", 0.1 if passed else 1.0, 9.0, 100 * len(looks), curve=curve)


def naive(record: Record) -> tuple[float, float, float]:
    """Validation, steps and loss of a pilot, told the long way."""
    if record.status == "diverged":
        return 0.0, 300.0, math.inf
    known = [(p.step, p.select) for p in record.curve]
    last = record.curve[-1]
    at_bar = [select is not None and select >= BAR for _, select in known]
    if not at_bar[-1]:
        return (last.score or 0.0) if last.select is None else last.select, 300.0, last.loss or 0.0
    twice = [known[k][0] for k in range(len(known) - 1) if at_bar[k] and at_bar[k + 1]]
    return 1.0, (twice or [last.step])[0], last.loss or 0.0


PLANNED = plan(suite(TUNE))
assert PLANNED.pilots is not None
PILOTS: Plan = PLANNED.pilots
GROUP = tuning.groups(PILOTS)["lstm", "copy"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(LOOKS, st.booleans()), min_size=12, max_size=12), st.data())
def test_the_choice_is_the_best_by_validation_then_steps_then_loss(
    outcomes: list[tuple[list[tuple[float, float, bool]], bool]], data: st.DataObject
) -> None:
    """Against all candidates held against each other, means taken exactly; broken ones are out of it."""
    runs = [Run(rung, seed) for ladder in GROUP for rung in ladder.rungs for seed in PILOTS.suite.seeds]
    found = {run.id: pilot(run, *outcome) for run, outcome in zip(runs, outcomes, strict=True)}
    for run in data.draw(st.lists(st.sampled_from(runs), max_size=2, unique_by=lambda run: run.id)):
        found[run.id] = Record(run, "crashed", error="gone")
    chosen = tuning.choice(PILOTS, GROUP, found)
    groups = [[found[run.id] for run in runs[4 * k : 4 * k + 4]] for k in range(3)]
    whole = [k for k, group in enumerate(groups) if all(r.finished for r in group)]
    means = {k: [math.fsum(column) / 4 for column in zip(*map(naive, groups[k]), strict=True)] for k in whole}

    def better(a: int, b: int) -> bool:
        (v, steps, loss), (w, others, theirs) = means[a], means[b]
        if v != w:
            return v > w
        return steps < others if steps != others else loss < theirs if loss != theirs else a < b

    order = sorted(whole, key=lambda k: sum(better(other, k) for other in whole if other != k))
    assert (chosen.best, chosen.second) == (*order, None, None)[:2]
    briefly = {id: tuning.brief(r, BAR) if r.finished else r for id, r in found.items()}
    assert tuning.choice(PILOTS, GROUP, briefly) == chosen  # nothing else of the looks counts
    assert all(len(r.curve) <= 3 for r in briefly.values())


def test_nothing_is_chosen_while_a_pilot_is_missing() -> None:
    runs = [Run(rung, seed) for ladder in GROUP for rung in ladder.rungs for seed in PILOTS.suite.seeds]
    found = {run.id: pilot(run, [(0.5, 0.1, False)]) for run in runs[:-1]}
    chosen = tuning.choice(PILOTS, GROUP, found)
    assert (chosen.best, chosen.done, [t.missing for t in chosen.trials]) == (None, False, [0, 0, 1])


def test_a_pilot_without_its_looks_is_refused() -> None:
    run = Run(GROUP[0].rungs[0], 9000)
    with pytest.raises(UserError, match="is a pilot without its looks"):
        tuning.validation(Record(run, "solved", 1.0), BAR)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_the_expected_best_is_the_mean_over_all_draws(scores: list[float]) -> None:
    import itertools

    for k, expected in enumerate(sweeps.expected_best(scores)[:4], 1):
        every = [max(draw) for draw in itertools.product(scores, repeat=k)]
        assert expected == pytest.approx(math.fsum(every) / len(every))


def test_an_edge_is_an_end_beyond_which_there_is_more() -> None:
    def chosen(**values: list[object]) -> tuning.Chosen:
        pairs = [dict(zip(values, each, strict=True)) for each in zip(*values.values(), strict=True)]
        return tuning.choose([tuning.Trial(c, 0, 0, 1.0 - k, 1.0, 1.0) for k, c in enumerate(pairs)])

    assert sweeps.edges(chosen(lr=[0.1, 0.01])) == (sweeps.Edge("lr", 0.1, True),)
    assert sweeps.edges(chosen(lr=[0.1, 0.01, 1.0])) == ()
    assert sweeps.edges(chosen(clip=[0.0, 1.0])) == ()  # nothing is less
    assert sweeps.edges(chosen(lr=[0.1], schedule=["cosine"])) == ()
    assert [e.setting for e in sweeps.edges(chosen(lr=[0.1, 0.2], batch=[8, 16]))] == ["lr", "batch"]


# What follows from it

CLAIMS = """\
claims:
  - {says: it costs nothing, that: "effect(forget_gate, copy) > 0"}
  - {says: the other does nothing, that: "effect(input_gate, copy) < 1.5"}
  - {says: "it is nothing, either way", that: "effect(forget_gate, copy) > 3"}
"""


def reach(run: Run) -> int:
    """The longest length that a run solves. The LSTM without its forget gate wants another rate, and then outlasts it;
    at the LSTM's own it falls short."""
    without, lr = run.rung.model.get("forget_gate") is False, Settings.of(run.rung).lr
    return {(False, 1e-2): 20, (True, 1e-1): 40, (True, 1e-2): 5}.get((without, lr), 0)


class Tuner(Fake):
    """A fake whose records have looks, as those of pilots must; `broken` runs crash."""

    def __init__(self, most: int = 10**6, broken: Callable[[Run], bool] = lambda run: False) -> None:
        super().__init__(lambda run: "solved", most)
        self.runs: list[Run] = []
        self.broken = broken

    def answers(self, number: int, job: Job) -> Iterator[Event]:
        for run in job.runs:
            self.asked.append((run.rung.length, 300, run.seed))
            self.runs.append(run)
            if self.broken(run):
                yield EndEvent(number, job, "crashed", "an error")
                return
            score = 0.99 if run.rung.length <= reach(run) else 0.5
            point = Point(300, 1 - score, score, score if score > BAR else None)
            yield ProgressEvent(number, run.id, point)
            status: Status = "solved" if score > BAR else "unsolved"
            yield RecordEvent(number, Record(run, status, score, 0.1, 300, curve=(point,)))
        yield EndEvent(number, job, "done")


def drive(where: Path, asked: Plan, executor: Tuner, rerun: api.Rerun | None = None, told: Silent | None = None) -> int:
    store = Store(where)
    with store.writing():
        found = api.without(api.records(asked, store), rerun)
        return int(Driver(asked, found, store, executor, told or Silent(), retries=0).drive().exit)


def seen(where: Path, asked: Plan) -> list[tuple[str, str, dict[str, Any], tuple[str, ...]]]:
    """Each ladder but the pilots', with what was chosen, and what it awaits still."""
    ladders = [c.ladder for c in api.climbs(asked, Store(where)) if c.ladder.choice != "pilot"]
    return [(x.variant.name, x.choice, dict(x.candidate), x.awaits) for x in ladders]


SMALL = """\
rnnbench: 1
name: small
defaults: {steps: 300}
seeds: 2
architectures: {lstm: {cell: lstm}, gru: {cell: gru}}
ablate: [{base: lstm, without: [forget_gate]}]
tasks: {copy: {lengths: [5, 10, 20]}}
tune: {lr: [1e-2, 1e-1], seeds: {from: 9000, count: 1}}
"""
PILOTED, ALL = 12, 12 + 3 * 6 + 6  # what the pilots are, and with ladders at their own choice and at the base's


def small(tune: str = "") -> Plan:
    return plan(loads(SMALL.replace("tune: {", f"tune: {{{tune}").encode(), "s.yaml"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Plan, Tuner]:
    """A suite with six seeds and claims, driven to its end."""
    where, asked, executor = tmp_path_factory.mktemp("whole"), plan(suite(TUNE + CLAIMS)), Tuner()
    assert drive(where, asked, executor) == 0
    return where, asked, executor


@pytest.mark.parametrize(("compare", "ladders", "most"), [("both", 6, 192), ("own", 4, 144), ("base", 4, 144)])
def test_a_plan_counts_at_most(compare: str, ladders: int, most: int) -> None:
    asked = plan(suite(TUNE.replace("{lr", f"{{compare: {compare}, lr")))
    assert asked.pilots is not None
    assert (len(asked.ladders), asked.count, asked.pilots.count) == (ladders, most, 48)
    assert {run.seed for run in asked.pilots.runs()} == {9000, 9001}
    assert {Settings.of(run.rung).lr for run in asked.runs()} == {1e-3, 1e-2, 1e-1}
    forecast = api.Forecast.of(view(asked, {}))
    assert (forecast.total, forecast.missing, forecast.pilots) == (most, most, 48)
    told = f"s: {most} runs (48 of them pilots), 0 known, 0 pruned, at most {most} to train, at most about "
    assert describe("s", forecast, 2).startswith(told)


def test_pilots_choose_and_the_ladders_follow(whole: tuple[Path, Plan, Tuner]) -> None:
    where, asked, executor = whole
    assert len(executor.runs) == len({run.id for run in executor.runs}) == 48 + 4 * 24 + 18
    assert seen(where, asked) == [
        ("lstm", "own", {"lr": 1e-2}, ()),
        ("gru", "own", {"lr": 1e-2}, ()),
        ("lstm-forget_gate", "own", {"lr": 1e-1}, ()),
        ("lstm-input_gate", "own", {"lr": 1e-2}, ()),
        ("lstm-forget_gate", "base", {"lr": 1e-2}, ()),
    ]
    again = Tuner()
    assert drive(where, asked, again) == 0
    assert again.runs == []
    assert {Settings.of(run.rung).lr for run in executor.runs if data(run.seed) < 9000} == {1e-2, 1e-1}


def test_no_ladder_starts_before_its_own_pilots_are_done(whole: tuple[Path, Plan, Tuner]) -> None:
    models = [(json.dumps(run.rung.model), data(run.seed) >= 9000) for run in whole[2].runs]
    for model in {model for model, _ in models}:
        own = [is_pilot for each, is_pilot in models if each == model]
        assert own == sorted(own, reverse=True)


@pytest.mark.parametrize("most", [1, PILOTED - 1, PILOTED, 20, ALL - 1])
def test_a_drive_that_was_killed_goes_on_to_the_same(tmp_path: Path, most: int) -> None:
    """Wherever it is killed, between the pilots and what follows too: no run is trained twice, and none is missing."""
    asked, first, second = small(), Tuner(most), Tuner()
    drive(tmp_path, asked, first)
    drive(tmp_path, asked, second)
    runs = [*first.runs, *second.runs]
    assert len(runs) == len({run.id for run in runs}) == ALL
    assert [row[:3] for row in seen(tmp_path, asked)] == [
        ("lstm", "own", {"lr": 1e-2}),
        ("gru", "own", {"lr": 1e-2}),
        ("lstm-forget_gate", "own", {"lr": 1e-1}),
        ("lstm-forget_gate", "base", {"lr": 1e-2}),
    ]


def test_a_candidate_that_broke_is_not_chosen_until_it_is_run_again(tmp_path: Path) -> None:
    asked = small()
    executor = Tuner(broken=lambda run: run.seed == 9000 and Settings.of(run.rung).lr == 1e-2)
    assert drive(tmp_path, asked, executor) == 1
    assert [candidate for _, _, candidate, _ in seen(tmp_path, asked)] == [{"lr": 1e-1}] * 3
    assert drive(tmp_path, asked, Tuner(), "failed") == 0
    assert ("lstm", "own", {"lr": 1e-2}, ()) in seen(tmp_path, asked)


def test_nothing_is_chosen_where_every_candidate_broke(tmp_path: Path) -> None:
    asked, told = small(), Notes()
    executor = Tuner(broken=lambda run: run.seed == 9000 and run.rung.model == {"cell": "gru"})
    assert drive(tmp_path, asked, executor, told=told) == 1
    assert ("gru", "own", {}, ("gru",)) in seen(tmp_path, asked)
    assert told.messages[-1] == "gru copy: nothing is chosen, since of each candidate a pilot broke"
    text = markdown.render(asked.suite, api.climbs(asked, Store(tmp_path)))
    assert "nothing to choose, since of each candidate a pilot broke: gru" in text


def test_a_selection_keeps_the_pilots_that_it_depends_on(tmp_path: Path) -> None:
    chosen = select(small(), "forget_gate and 10")
    assert chosen.pilots is not None
    assert {ladder.variant.base for ladder in chosen.pilots.ladders} == {"lstm", "lstm-forget_gate"}
    executor = Tuner()
    drive(tmp_path, chosen, executor)
    assert Counter((data(run.seed) >= 9000, run.rung.length) for run in executor.runs) == {
        (True, 5): 4, (True, 10): 4, (False, 10): 4
    }  # fmt: skip


@pytest.mark.parametrize(("compare", "lrs"), [("own", [1e-2, 1e-2, 1e-1]), ("base", [1e-2, 1e-2, 1e-2])])
def test_one_comparison_alone_is_asked_for(tmp_path: Path, compare: str, lrs: list[float]) -> None:
    asked, executor = small(f"compare: {compare}, "), Tuner()
    drive(tmp_path, asked, executor)
    assert [candidate["lr"] for _, _, candidate, _ in seen(tmp_path, asked)] == lrs
    assert sum(data(run.seed) >= 9000 for run in executor.runs) == PILOTED  # what each would have chosen is told still


def test_pilots_have_steps_of_their_own_and_one_budget(tmp_path: Path) -> None:
    asked = plan(loads((SMALL.replace("tune: {", "tune: {steps: 100, ") + "budgets: [1, 2]\n").encode(), "s.yaml"))
    executor = Tuner()
    drive(tmp_path, asked, executor)
    counts = Counter((data(run.seed) >= 9000, Settings.of(run.rung).steps) for run in executor.runs)
    assert set(counts) == {(True, 100), (False, 300), (False, 600)}
    assert counts[True, 100] == PILOTED
    budgets = {(c.ladder.choice, c.ladder.budget) for c in api.climbs(asked, Store(tmp_path))}
    assert budgets == {("pilot", 1), ("own", 1), ("own", 2), ("base", 1), ("base", 2)}


def test_effects_and_claims_are_held_at_both_choices(whole: tuple[Path, Plan, Tuner]) -> None:
    where, asked, _ = whole
    climbs = api.climbs(asked, Store(where))
    (both,) = sweeps.both(climbs)
    assert (both.own.variant, dict(both.chosen), dict(both.at_base)) == ("lstm-forget_gate", {"lr": 0.1}, {"lr": 0.01})
    assert (both.own.octaves.value, both.base.octaves.value) == pytest.approx((1.0, -2.0))
    assert both.parts
    parted, same, fails = verdicts(asked.suite, climbs)
    assert parted.outcome == "undecided"
    assert parted.why.startswith("each at its own choice it ")
    assert "; all at the base's it fails (" in parted.why
    assert [parted.apart, same.apart] == [True, False]
    assert same.outcome == "holds"
    assert "base" not in same.why  # its choice is the base's
    assert fails.outcome in ("fails", "undecided")


def test_the_report_has_the_whole_sweep(whole: tuple[Path, Plan, Tuner]) -> None:
    where, asked, _ = whole
    climbs = api.climbs(asked, Store(where))
    text = markdown.render(asked.suite, climbs)
    drawn = text.partition("## copy: tuning")[2].partition("##")[0].splitlines()
    cells = ([cell.strip() for cell in line.split("|")[1:-1]] for line in drawn if line[:1] == "|")
    found = {first: others for first, *others in cells}
    assert found["lstm"] == [".50", "**◆ 1.00**", ".50", ".500", ".667", ".778", ".852"]
    assert "at an edge of the sweep, beyond which may be better: lr 0.1, the largest tried: lstm-forget_gate" in text
    assert "they part" in text
    assert "of the pilots 48 of 48 runs known; at the base's choice 18 of 18 runs known" in text.replace("\u00a0", " ")
    parsed = json.loads(json_format.render(asked.suite, climbs))
    assert {t["variant"]: t["chosen"] for t in parsed["tuning"]}["lstm-forget_gate"] == {"lr": 0.1}
    assert parsed["tuned_effects"][0]["parts"] is True
    assert [r["choice"] for r in parsed["results"]] == ["own"] * 4 + ["base"]
    before = markdown.render(asked.suite, view(asked, {}))
    assert "not chosen yet, since pilots are missing: lstm, gru, lstm-forget_gate, lstm-input_gate" in before


def test_the_frame_of_the_sweep_is_that_of_the_report(whole: tuple[Path, Plan, Tuner]) -> None:
    where, asked, _ = whole
    climbs = api.climbs(asked, Store(where))
    told = json.loads(json_format.render(asked.suite, climbs))["tuning"]
    found = frames.frame("tuning", asked.suite, climbs)
    trials = [(sweep, trial) for sweep in told for trial in sweep["trials"]]
    assert list(found["validation"]) == [trial["score"] for _, trial in trials]
    assert list(found["candidate"]) == [f"lr {trial['candidate']['lr']}" for _, trial in trials]
    assert list(found["chosen"]) == [trial["candidate"] == sweep["chosen"] for sweep, trial in trials]
    assert list(found["edge"]) == [
        trial["candidate"] == sweep["chosen"] and bool(sweep["edges"]) for sweep, trial in trials
    ]
    assert not found["missing"].any()
    waiting = frames.frame("tuning", asked.suite, view(asked, {}))
    assert not waiting["chosen"].any()
    assert waiting["validation"].isna().all()


def test_a_frame_tells_choices_and_pilots_apart(whole: tuple[Path, Plan, Tuner]) -> None:
    where, asked, _ = whole
    choice = list(COLUMNS).index("choice")
    assert Counter(row[choice] for row in rows(api.climbs(asked, Store(where)))) == {"own": 96, "base": 18, "pilot": 48}
    assert set(scripting.results(asked.suite, where).runs()["choice"]) == {"own"}


def test_ladders_that_follow_may_be_searched_pilots_are_not(tmp_path: Path) -> None:
    asked = plan(loads((SMALL.replace("[5, 10, 20]", "[5, 7, 10, 14, 20]") + "search: bisect\n").encode(), "s.yaml"))
    first, second = Tuner(PILOTED + 3), Tuner()
    drive(tmp_path, asked, first)
    assert drive(tmp_path, asked, second) == 0
    runs = [*first.runs, *second.runs]
    assert len(runs) == len({run.id for run in runs})
    assert Counter(run.rung.length for run in runs if data(run.seed) >= 9000) == {5: 6, 10: 6}
    assert max(Counter((json.dumps(run.rung.as_dict()["model"]), Settings.of(run.rung).lr, run.seed)
                       for run in runs if data(run.seed) < 9000).values()) <= 3  # fmt: skip
    assert not any(c.ladder.awaits or c.left for c in api.climbs(asked, Store(tmp_path)))


def test_from_the_run_to_the_report_of_its_export(cli: Cli, tmp_path: Path) -> None:
    tiny = SMALL.replace("steps: 300", "hidden: 4, batch: 8, steps: 40").replace(", gru: {cell: gru}", "")
    (tmp_path / "tiny.yaml").write_text(tiny.replace("[5, 10, 20]", "[2]"))
    ran = cli("run", "tiny.yaml")
    assert ran.returncode == 0, ran.stderr
    report = cli("report", "--all").stdout
    assert "copy: tuning" in report
    assert "of the pilots 4 of 4 runs known" in report
    assert cli("export", "-o", "e.json").returncode == 0
    assert cli("report", "tiny.yaml", "--all", "--from", "e.json").stdout == report
