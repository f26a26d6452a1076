"""Suites that tune: what `tune:` means and every fault of it, what is chosen, what follows, and what is said of it."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import api
from rnnbench.analysis import tuning as sweeps
from rnnbench.analysis.verdicts import verdicts
from rnnbench.errors import UserError
from rnnbench.plan import Plan, plan, tuning, views
from rnnbench.plan.filter import select
from rnnbench.plan.ladders import view
from rnnbench.records import Point, Record, Run
from rnnbench.report.formats import json as json_format
from rnnbench.report.formats import markdown
from rnnbench.running.driver import Driver
from rnnbench.running.executors import EndEvent, Event, Job, ProgressEvent, RecordEvent
from rnnbench.running.listeners import Silent
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.suite.sweep import TUNABLE, middle
from tests.fakes import Fake

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


DRAWN: list[float] = []


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
    model = {"hidden", "layers", "bidirectional", "attention", "residual", "layer_norm"}
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


FAULTS = {
    "tune: 3\n": "8:7: tune: got 3, expected {SETTING: [VALUE, ...], seeds: {from: SEED, count: NUMBER}} or false",
    "tune: {}\n": "8:1: tune.lr: got nothing, expected at least one of lr, batch, optimizer, momentum, weight_decay, "
    "warmup, schedule, clip, dropout",
    "tune: {lr: 1}\n": "8:12: tune.lr: got 1, expected a list of values, or {from: LOW, to: HIGH} with `draw`",
    "tune: {lr: [1, x]}\n": "8:16: tune.lr[1]: got 'x', expected a number over 0 and at most 100",
    "tune: {lr: [1, 1.0]}\n": "8:16: tune.lr[1]: got a second 1.0, expected it once",
    "tune: {hidden: [16]}\n": "8:8: tune.hidden: got an unknown key, expected a setting that can be tuned, or draw, seeds, "
    "lengths, steps or compare; known: lr, batch, optimizer, momentum, weight_decay, warmup, schedule, clip, dropout, "
    "draw, seeds, lengths, steps, compare",
    "tune: {lr: {from: 1, to: 2}}\n": "8:12: tune.lr: got a mapping, expected a list of values; of a range, "
    "`draw: NUMBER` says how many to draw",
    "tune: {lr: {from: 2, to: 1}, draw: 2}\n": "8:12: tune.lr: got a mapping, expected a range from over 0 to more than "
    "that, of which logarithms are drawn",
    "tune: {schedule: {from: 1, to: 2}, draw: 2}\n": "8:18: tune.schedule: got a mapping, expected a list of values: it "
    "is no number",
    "tune: {clip: [0, 1], draw: 3}\n": "8:29: tune.draw: got 3, expected no more than the 2 different candidates that "
    "there are",
    "tune: {lr: [1, 2], compare: all}\n": "8:29: tune.compare: got 'all', expected one of 'own', 'base', 'both'",
    "tune: {lr: [1, 2], lengths: [5, 7]}\n": "8:33: tune.lengths[1]: got 7, expected a length that some task has",
    "tune: {lr: [1, 2], lengths: {copy: [7]}}\n": "8:36: tune.lengths.copy[0]: got 7, expected a length of copy: 5, 10, "
    "20, 40",
    "tune: {lr: [1, 2], lengths: {cpoy: [5]}}\n": "8:30: tune.lengths.cpoy: got an unknown key, expected a task of the "
    "suite; did you mean 'copy'?",
    "tune: {lr: [1, 2], seeds: [5, 9]}\n": "4:8: seeds: got seed 5, expected none of the pilots' (5 to 9), which only "
    "choose; next: other `seeds` in `tune`, or here",
    "tune: {warmup: [0, 300]}\n": "8:8: tune.warmup: got an impossible combination for lstm: warmup 300 steps of 300, "
    "expected fewer than all",
    "tune: {lr: [1, 2], seeds: {from: 10, count: 1000000}}\n": "8:27: tune.seeds: got 16000000 pilots (4 variants x 2 "
    "candidates x 2 lengths x 1000000 seeds), expected at most 1000000",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults(text: str) -> None:
    with pytest.raises(UserError) as caught:
        suite(text)
    assert [line.removeprefix("s.yaml:") for line in caught.value.lines] == [FAULTS[text]]


def test_a_grid_is_counted_before_it_is_made() -> None:
    values = ", ".join(map(str, range(1, 101)))
    with pytest.raises(UserError, match=r"got a grid of 1000000 candidates \(100 x 100 x 100\), expected at most 1000"):
        suite(f"tune: {{lr: [{values}], clip: [{values}], batch: [{values}]}}\n")


def test_what_is_tuned_can_be_given_by_nothing_else() -> None:
    with pytest.raises(UserError) as caught:
        suite(TUNE, overrides=["lr=1e-2"], seeds="8999..9000")
    assert caught.value.lines == (
        "--seeds 8999..9000: seeds: got seed 9000, expected none of the pilots' (9000 to 9001), which only choose; next: "
        "other `seeds` in `tune`, or here",
    )
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
    """A pilot that was looked at every 100 steps, with a score, a loss, and whether its validation split was scored. Its
    test says the contrary of its validation."""
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
  - {says: the other does nothing, that: "effect(input_gate, copy) < .5"}
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
            status = "solved" if score > BAR else "unsolved"
            yield RecordEvent(number, Record(run, status, score, 0.1, 300, curve=(point,)))
        yield EndEvent(number, job, "done")


def drive(where: Path, asked: Plan, executor: Tuner, rerun: api.Rerun | None = None) -> int:
    store = Store(where)
    with store.writing():
        found = api.without(api.records(asked, store), rerun)
        return int(Driver(asked, found, store, executor, Silent(), retries=0).drive().exit)


def seen(where: Path, asked: Plan) -> list[object]:
    return [(c.ladder.variant.name, c.ladder.choice, dict(c.ladder.candidate), c.ladder.awaits)
            for c in api.climbs(asked, Store(where)) if c.ladder.choice != "pilot"]  # fmt: skip


ALL = 48 + 4 * 24 + 18  # pilots, ladders at their own choice, the pruned one at the base's


@pytest.mark.parametrize(
    ("compare", "ladders", "most"), [("both", 6, 192), ("own", 4, 144), ("base", 4, 144)]
)
def test_a_plan_counts_at_most(compare: str, ladders: int, most: int) -> None:
    asked = plan(suite(TUNE.replace("{lr", f"{{compare: {compare}, lr")))
    assert asked.pilots is not None
    assert (len(asked.ladders), asked.count, asked.pilots.count) == (ladders, most, 48)
    assert {run.seed for run in asked.pilots.runs()} == {9000, 9001}
    assert {Settings.of(run.rung).lr for run in asked.runs()} == {1e-3, 1e-2, 1e-1}
    forecast = api.Forecast.of(view(asked, {}))
    assert (forecast.total, forecast.missing, forecast.pilots) == (most, most, 48)


def test_pilots_choose_and_the_ladders_follow(tmp_path: Path) -> None:
    asked, executor = plan(suite(TUNE)), Tuner()
    assert drive(tmp_path, asked, executor) == 0
    assert len(executor.runs) == len({run.id for run in executor.runs}) == ALL
    assert seen(tmp_path, asked) == [
        ("lstm", "own", {"lr": 1e-2}, ()),
        ("gru", "own", {"lr": 1e-2}, ()),
        ("lstm-forget_gate", "own", {"lr": 1e-1}, ()),
        ("lstm-input_gate", "own", {"lr": 1e-2}, ()),
        ("lstm-forget_gate", "base", {"lr": 1e-2}, ()),
    ]
    again = Tuner()
    assert drive(tmp_path, asked, again) == 0
    assert again.runs == []
    pilots = [run for run in executor.runs if run.seed >= 9000]
    assert {Settings.of(run.rung).lr for run in executor.runs if run.seed < 9000} == {1e-2, 1e-1}
    assert len(pilots) == 48


@pytest.mark.parametrize("most", [1, 13, 47, 48, 60, 100, 161])
def test_a_drive_that_was_killed_goes_on_to_the_same(tmp_path: Path, most: int) -> None:
    """Wherever it is killed, between the pilots and what follows too: no run is trained twice, and none is missing."""
    asked, first, second = plan(suite(TUNE)), Tuner(most), Tuner()
    drive(tmp_path, asked, first)
    drive(tmp_path, asked, second)
    runs = [*first.runs, *second.runs]
    assert len(runs) == len({run.id for run in runs}) == ALL
    whole = tmp_path / "whole"
    drive(whole, asked, Tuner())
    assert seen(tmp_path, asked) == seen(whole, asked)


def test_no_ladder_starts_before_its_own_pilots_are_done(tmp_path: Path) -> None:
    asked, executor = plan(suite(TUNE)), Tuner()
    drive(tmp_path, asked, executor)
    models = [(json.dumps(run.rung.model), run.seed >= 9000) for run in executor.runs]
    for model in {model for model, _ in models}:
        own = [is_pilot for each, is_pilot in models if each == model]
        assert own == sorted(own, reverse=True)


def test_a_candidate_that_broke_is_not_chosen_until_it_is_run_again(tmp_path: Path) -> None:
    asked = plan(suite(TUNE))
    executor = Tuner(broken=lambda run: run.seed == 9001 and Settings.of(run.rung).lr == 1e-2)
    assert drive(tmp_path, asked, executor) == 1
    assert {json.dumps(candidate) for _, _, candidate, _ in seen(tmp_path, asked)} == {  # type: ignore[misc]
        '{"lr": 0.001}', '{"lr": 0.1}'
    }  # fmt: skip
    assert drive(tmp_path, asked, Tuner(), "failed") == 0
    assert ("lstm", "own", {"lr": 1e-2}, ()) in seen(tmp_path, asked)


def test_nothing_is_chosen_where_every_candidate_broke(tmp_path: Path) -> None:
    asked = plan(suite(TUNE))
    executor = Tuner(broken=lambda run: run.seed == 9001 and run.rung.model == {"cell": "gru"})
    assert drive(tmp_path, asked, executor) == 1
    assert ("gru", "own", {}, ("gru",)) in seen(tmp_path, asked)
    text = markdown.render(asked.suite, api.climbs(asked, Store(tmp_path)))
    assert "nothing to choose, since of each candidate a pilot broke: gru" in text


def test_a_selection_keeps_the_pilots_that_it_depends_on(tmp_path: Path) -> None:
    chosen = select(plan(suite(TUNE)), "forget_gate and 40")
    assert chosen.pilots is not None
    assert {ladder.variant.base for ladder in chosen.pilots.ladders} == {"lstm", "lstm-forget_gate"}
    assert {rung.length for ladder in chosen.pilots.ladders for rung in ladder.rungs} == {5, 20}
    executor = Tuner()
    drive(tmp_path, chosen, executor)
    assert Counter((run.seed >= 9000, run.rung.length) for run in executor.runs) == {
        (True, 5): 12, (True, 20): 12, (False, 40): 12
    }  # fmt: skip


def test_effects_and_claims_are_held_at_both_choices(tmp_path: Path) -> None:
    asked = plan(suite(TUNE + CLAIMS))
    drive(tmp_path, asked, Tuner())
    climbs = api.climbs(asked, Store(tmp_path))
    (both,) = sweeps.both(climbs)
    assert (both.own.variant, dict(both.chosen), dict(both.at_base)) == ("lstm-forget_gate", {"lr": 0.1}, {"lr": 0.01})
    assert (both.own.octaves.value, both.base.octaves.value, both.parts) == (1.0, -2.0, True)
    parted, same, fails = verdicts(asked.suite, climbs)
    assert parted.outcome == "undecided"
    assert parted.why.startswith("each at its own choice it ")
    assert "; all at the base's it fails (" in parted.why
    assert same.outcome == "holds"
    assert "base" not in same.why  # its choice is the base's
    assert fails.outcome == "fails"
    own = verdicts(asked.suite, views.at(climbs))
    assert own[0].outcome in ("holds", "undecided")


def test_one_comparison_alone_is_asked_for(tmp_path: Path) -> None:
    for compare, lrs in (("own", [1e-2, 1e-2, 1e-1, 1e-2]), ("base", [1e-2] * 4)):
        asked = plan(suite(TUNE.replace("{lr", f"{{compare: {compare}, lr")))
        drive(tmp_path / compare, asked, Tuner())
        assert [candidate["lr"] for _, _, candidate, _ in seen(tmp_path / compare, asked)] == lrs  # type: ignore[misc]


def test_the_report_has_the_whole_sweep(tmp_path: Path) -> None:
    asked = plan(suite(TUNE))
    drive(tmp_path, asked, Tuner())
    climbs = api.climbs(asked, Store(tmp_path))
    text = markdown.render(asked.suite, climbs)
    rows = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]]
            for line in text.partition("## copy: tuning")[2].partition("##")[0].splitlines() if line[:1] == "|"}  # fmt: skip
    assert rows["lstm"] == [".50", "**◆ 1.00**", ".50", ".500", ".667", ".778", ".852"[:0] or rows["lstm"][-1]]
    assert "at an edge of the sweep, beyond which may be better: lr 0.1, the largest tried: lstm-forget_gate" in text
    assert "they part" in text
    parsed = json.loads(json_format.render(asked.suite, climbs))
    assert {t["variant"]: t["chosen"] for t in parsed["tuning"]}["lstm-forget_gate"] == {"lr": 0.1}
    assert parsed["tuned_effects"][0]["parts"] is True
    assert len(parsed["results"]) == 4
    before = markdown.render(asked.suite, view(asked, {}))
    assert "not chosen yet, since pilots are missing: lstm, gru, lstm-forget_gate, lstm-input_gate" in before
