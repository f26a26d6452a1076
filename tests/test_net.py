"""Breaks planted in this process, one at a time: the exact tier of `check` sees each.

`test_mutants.py` plants others in the package's files, for `make test-all`; these cost milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from rnnbench import registry, rng, tasks
from rnnbench.check import baseline, compare, ends, probes, seeds
from rnnbench.check.baseline import Baseline
from rnnbench.errors import UserError
from rnnbench.plan import Plan, plan
from rnnbench.records import Record, Run, Rung
from rnnbench.settings import Settings
from rnnbench.suite import Suite, TaskEntry, Variant
from rnnbench.training import cohort, optimiser, trainer
from rnnbench.training.model import Model

Patch = pytest.MonkeyPatch

SETTINGS = {"hidden": 16, "steps": 600, "lr": 2e-2}
NET = Suite(
    "net",
    (
        Variant("rnn", {"cell": "rnn"}, SETTINGS | {"lr": 1e-2}),
        Variant("gru", {"cell": "gru"}, SETTINGS),
        Variant("deep", {"cell": "rnn"}, SETTINGS | {"layers": 2}),
    ),
    (TaskEntry("adding", {"task": "adding", "first": "early"}, (4, 20)),),
    tuple(range(6)),
)


@pytest.fixture(scope="module")
def net(load_sibling: Callable[[str], ModuleType]) -> tuple[Plan, Baseline]:
    """A small suite and its baseline: all of it solved."""
    solved = {v.name: "ssssss ssssss" for v in NET.variants}
    asked, climbs = load_sibling("test_check.py").seen(solved, NET)
    return asked, baseline.make(asked, climbs)


def found(net: tuple[Plan, Baseline]) -> list[str]:
    """What the exact tier finds worse."""
    return [f"{f.name}: {f.text}" for f in compare.exactly(*net) if f.outcome == "worse"]


def test_unbroken_nothing_is_found(net: tuple[Plan, Baseline]) -> None:
    assert found(net) == []
    cells = [cell for by_task in net[1].variants.values() for cell in by_task.values()]
    assert all(set(cell.exact.passes) == {"4/16", "20/16", "4/24"} for cell in cells)
    assert sum(cell.ends is not None for cell in cells) == 2  # a family each


def before(patch: Patch, owner: Any, name: str, first: Callable[..., Any]) -> None:
    """Lets `first` change the arguments of a function, given as it gets them."""
    whole = getattr(owner, name)
    patch.setattr(owner, name, lambda *a, **k: whole(*first(*a), **k))


def after(patch: Patch, owner: Any, name: str, then: Callable[..., Any]) -> None:
    """Lets `then` change a function's result, given that and the arguments."""
    whole = getattr(owner, name)
    patch.setattr(owner, name, lambda *a, **k: then(whole(*a, **k), *a))


def slower(step: int, by: float) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        def prepare(result: None, self: Any, now: int) -> None:
            if now == step:
                if isinstance(self, optimiser.Solo):
                    self.descent.lr *= by
                else:
                    self.lr *= by

        after(patch, optimiser.Solo, "prepare", prepare)
        after(patch, optimiser.Stacked, "prepare", prepare)

    return plant


def data(change: Callable[[int, str, int], tuple[int, str, int]]) -> Callable[[Patch], None]:
    """Changes the seed, the purpose and the step of what a cohort draws."""

    def plant(patch: Patch) -> None:
        patch.setattr(cohort, "stream", lambda seed, purpose, step=0: rng.stream(*change(seed, purpose, step)))

    return plant


def group(**changed: Callable[[trainer._Group], Any]) -> Callable[[Patch], None]:
    """Changes what a group of runs is judged by."""

    def plant(patch: Patch) -> None:
        def init(result: None, self: trainer._Group, *rest: Any) -> None:
            for name, value in changed.items():
                assert hasattr(self, name)
                setattr(self, name, value(self))

        after(patch, trainer._Group, "__init__", init)

    return plant


def record(**changed: Callable[[Record], Any]) -> Callable[[Patch], None]:
    """Changes what is told of a run that ended."""

    def plant(patch: Patch) -> None:
        after(patch, trainer._Group, "_record", lambda r, *_: replace(r, **{k: f(r) for k, f in changed.items()}))

    return plant


def batches(change: Callable[[tasks.Batch], tasks.Batch]) -> Callable[[Patch], None]:
    def plant(patch: Patch) -> None:
        after(patch, cohort.Cohort, "batches", lambda drawn, *_: [change(b) for b in drawn])

    return plant


BREAKS: dict[str, Callable[[Patch], None]] = {
    # a rate, a correction, a clip that changes late
    "half the rate after 300 steps": slower(301, 0.5),
    "a tenth of the rate after 300 steps": slower(301, 0.1),
    "a rate a fifth larger after 450 steps": slower(451, 1.2),
    "Adam forgets that moments grow": lambda p: before(p, optimiser, "corrections", lambda step: (min(step, 150),)),
    # what a run is judged by, and when
    "stops at the task's own bar": group(bar=lambda g: g.task.bar),
    "a bar that is hardly passed": group(bar=lambda g: 0.9999),
    "looks half as often": lambda p: p.setattr(trainer, "LOOK", 200),
    "listens to one batch": lambda p: p.setattr(trainer, "LISTEN", 1),
    "the last look is what solved it": record(solved_at=lambda r: r.curve[-1].step if r.solved_at else None),
    "the first look is what solved it": record(solved_at=lambda r: r.solved_at and 100),
    "a step too many is told": record(steps=lambda r: r.steps + 1),
    "nothing is solved": record(status=lambda r: "unsolved"),
    "the last look is not told": record(curve=lambda r: r.curve[:-1]),
    "tested on what decides when to stop": lambda p: before(
        p, cohort.Cohort, "evaluate", lambda self, rows, split, *at: (self, rows, "select", *at)
    ),
    "stops by what is tested": lambda p: before(
        p, cohort.Cohort, "held_out", lambda self, row, split, *at: (self, row, "test", *at)
    ),
    "half of the held-out examples": lambda p: p.setitem(tasks.SIZES, "test", 1024),
    "few to stop by": lambda p: p.setitem(tasks.SIZES, "select", 512),
    # data
    "an epoch of 256 steps": data(lambda seed, purpose, step: (seed, purpose, step % 256 if step else 0)),
    "one batch again and again after 400 steps": data(lambda seed, purpose, step: (seed, purpose, min(step, 400))),
    "trained on what is tested": data(lambda seed, purpose, step: (seed, purpose.replace("train", "test"), step)),
    "all seeds but two see one seed's data": data(lambda seed, purpose, step: (min(seed, 2), purpose, step)),
    "all seeds share held-out examples": data(lambda seed, purpose, step: (seed if step else 0, purpose, step)),
    "one seed sees others' data": data(lambda seed, purpose, step: (seed + 9 * (seed == 4), purpose, step)),
    "one seed is tested on other examples": data(
        lambda seed, purpose, step: (seed + 9 * (seed == 4 and purpose == "test"), purpose, step)
    ),
    "half of each batch": batches(lambda b: b.part(0, b.xs.shape[1] // 2)),
    # starts
    "all seeds but two start from one": lambda p: before(p, Model, "init", lambda self, seed: (self, min(seed, 2))),
    "seeds start in pairs": lambda p: before(p, Model, "init", lambda self, seed: (self, seed // 2 * 2)),
    "the fourth seed starts larger": lambda p: after(p, Model, "init", lambda flat, _, seed: flat * (1 + (seed == 4))),
    # lengths and widths beyond the first
    "long sequences are cut": lambda p: before(
        p, Model, "answers", lambda self, ps, xs, *rest: (self, ps, xs[..., -16:, :, :], *rest)
    ),
    "a width that fills no vector": lambda p: after(
        p, Model, "answers", lambda ys, self, *_: ys * (1 + (self.settings.hidden % 16 > 0))
    ),
}  # fmt: skip


@pytest.mark.parametrize("plant", BREAKS.values(), ids=BREAKS.keys())
def test_a_planted_break_is_seen(
    plant: Callable[[Patch], None], net: tuple[Plan, Baseline], monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    assert found(net)


def test_seeds_that_start_alike_are_told_and_no_baseline_is_made_of_them(
    net: tuple[Plan, Baseline], monkeypatch: Patch
) -> None:
    asked, _ = net
    before(monkeypatch, Model, "init", lambda self, seed: (self, min(seed, 4)))
    data(lambda seed, purpose, step: (max(seed, 1), purpose, step))(monkeypatch)
    for path in ("auto", "reference"):
        _, faults = seeds.look(asked.ladders[0], path, range(6))
        assert faults == ["seeds 4 and 5 start from the same parameters", "seeds 0 and 1 see the same first batch"]
    with pytest.raises(UserError, match="rnn on adding: seeds 4 and 5 start from the same parameters, expected seeds"):
        baseline.VariantNumbers.of(asked.ladders[0], range(6))


def test_a_split_that_is_another_is_told(net: tuple[Plan, Baseline], monkeypatch: Patch) -> None:
    asked, _ = net
    before(monkeypatch, cohort.Cohort, "held_out", lambda self, row, split: (self, row, "test"))
    _, faults = seeds.look(asked.ladders[0], "auto", [3])
    assert faults == ["seed 3 is tested on what decides when it stops"]


UNSOLVED: dict[str, Any] = {
    "status": "unsolved", "steps": 100, "solved_at": None, "score": 0.5, "made": "a", "bits": "b",
}  # fmt: skip


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_look_that_lacks_a_number_is_another(place: int) -> None:
    """Whichever of the two lacks it, and a score as well."""
    end = dict(UNSOLVED)
    look: list[float | None] = [0.1, 0.5, 0.5]
    lacking = [None if k == place else x for k, x in enumerate(look)]
    whole, part, none = end | {"curve": {"100": look}}, end | {"curve": {"100": lacking}}, end | {"score": None}
    for a, b in ((whole, part), (whole, none | {"curve": {"100": look}})):
        for was, now in ((a, b), (b, a)):
            assert len(ends.differences({"asked": was, "spent": was}, {"asked": was, "spent": now})) == 1
            assert ends.differences({"asked": was, "spent": was}, {"asked": was, "spent": was}) == []


@pytest.mark.parametrize(("loss", "told"), [(0.102, True), (0.0985, True), (0.1005, False)])
def test_how_a_run_ends_is_held_to_a_hundredth_of_its_loss(loss: float, told: bool) -> None:
    end = dict(UNSOLVED)
    was, now = (end | {"curve": {"100": [x, 0.5, None]}} for x in (0.1, loss))
    assert len(ends.differences({"asked": was, "spent": was}, {"asked": was, "spent": now})) == told


def test_no_task_is_tested_on_what_decides_when_to_stop() -> None:
    """Nor on what it trains on, unless so little there is that a report says so."""
    for name in registry.names("tasks"):
        if hasattr(registry.task_class(name), "path"):  # has a file of its own
            continue
        task = registry.task({"task": name})
        length = max(task.shortest, 20)
        select, test = (task.held_out(split, length, partial(rng.stream, 0)) for split in ("select", "test"))
        same = select.xs.shape == test.xs.shape and np.array_equal(select.xs, test.xs)
        assert not same or task.all_seen(length), name


def test_a_look_is_taken_at_whatever_comes_near_the_bar(monkeypatch: Patch) -> None:
    """A run is scored on the selection split from SLACK below the bar on, by the last batches that it trained on."""
    run = Run(Rung({"cell": "gru"}, {"task": "adding"}, 4, SETTINGS | {"steps": 100, "stop": "never"}), 0)

    def looked() -> Any:
        (done,) = (e for e in trainer.Trainer().train([run]) if isinstance(e, Record))
        return done.curve[0]

    score = looked().score
    for bar, expected in ((score + 0.04, True), (score + 0.06, False)):
        monkeypatch.setattr("rnnbench.tasks.adding.Task.bar", bar)
        assert looked().score == score
        assert (looked().select is not None) == expected


@pytest.fixture
def rates(monkeypatch: Patch) -> list[float]:
    """How far each step moved, of what SGD would move by its rate."""
    kept: list[float] = []
    apply = optimiser.Solo.apply

    def noted(self: optimiser.Solo) -> None:
        flat, gradient, *_ = self.descent.state
        old = flat.clone()
        apply(self)
        kept.append(float((old - flat).norm() / gradient.norm()))

    monkeypatch.setattr(optimiser.Solo, "apply", noted)
    return kept


def test_the_learning_rate_stays_what_it_is(rates: list[float]) -> None:
    """At each of 1,000 steps; by SGD, whose step is the gradient times the rate."""
    changed = SETTINGS | {"optimizer": "sgd", "steps": 1000, "stop": "never", "hidden": 4, "batch": 4, "lr": 1e-2}
    changed |= {"clip": 0.0}
    run = Run(Rung({"cell": "rnn"}, {"task": "adding"}, 3, changed), 0)
    assert [e.status for e in trainer.Trainer().train([run]) if isinstance(e, Record)] == ["unsolved"]
    assert len(rates) == 1000
    assert rates == pytest.approx([1e-2] * 1000, rel=0.05)  # float32 parameters round what is added to them


def test_adams_rate_stays_what_it_is() -> None:
    """The compiled step on one gradient over and over moves by the rate, at step 2 as at step 3,000."""
    settings = replace(Settings(), clip=0.0)
    for step in (2, 300, 301, 1000, 3000):
        gradient = torch.full((1, 16), 0.3)
        shrunk = [1 - beta ** (step - 1) for beta in (optimiser.BETA1, optimiser.BETA2)]
        state = {"flat": torch.zeros(1, 16), "first": 0.3 * shrunk[0] * torch.ones(1, 16),
                 "second": 0.09 * shrunk[1] * torch.ones(1, 16)}  # fmt: skip
        solo = optimiser.Solo(settings, 1e-2, state, gradient)
        solo.prepare(step)
        solo.apply()
        torch.testing.assert_close(state["flat"], torch.full((1, 16), -1e-2), rtol=1e-4, atol=0)


def test_runs_to_their_end_are_one_of_each_family_on_tasks_in_turn() -> None:
    suite = replace(NET, tasks=(TaskEntry("copy", {"task": "copy", "items": 1, "alphabet": 4}, (4,)), *NET.tasks))
    picked = [(x.variant.name, x.task.name) for x, _ in ends.chosen(plan(suite).ladders)]
    assert picked == [("rnn", "copy"), ("gru", "adding")]


def test_other_bits_are_seen_where_equal_ones_were_promised() -> None:
    ladder = plan(NET).ladders[0]
    now = ends.of(ladder)
    was = {name: end | {"bits": "0" * 16} for name, end in now.items()}
    told = f"trained to its end: other bits by the same code and numerics, {now['asked']['bits']}, was {'0' * 16}"
    assert ends.differences(was, now) == [told]
    elsewhere = {name: end | {"made": "other code, other numerics"} for name, end in was.items()}
    assert ends.differences(elsewhere, now) == ends.differences(now, now) == []


def test_a_loss_near_nothing_is_held_to_what_its_softmax_rounds_by() -> None:
    numbers = {"parameters": 1, "passes": {}, "losses": {"0": [0.5, 6.0e-4, 1.0]}}
    for test, seen in ((6.002e-4, False), (6.02e-4, True)):
        now = numbers | {"losses": {"0": [0.5, test, 1.0]}}
        assert bool(probes.differences(numbers, now)) == seen
    assert probes.differences(numbers, numbers | {"losses": {"0": [0.5001, 6.0e-4, 1.0]}})
