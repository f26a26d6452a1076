"""A run's record is its own: the same alone, stacked, permuted, beside a neighbour that turns NaN, stopped and resumed.

Bits are compared, not numbers: canonical exports must be byte-equal.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from bits import results
from bits import small_splits as small_splits
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.training import checkpoint
from rnnbench.training import trainer as training
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

QUICK = not os.environ.get("RNNBENCH_SOAK")  # what is drawn comes on top of the examples that are named
SMALL = {"hidden": 6, "batch": 3, "steps": 130, "stop": "never"}
MODELS: list[dict[str, Any]] = [
    {"cell": "rnn", "activation": "relu"}, {"cell": "gru"}, {"cell": "gru", "reset": "v3"}, {"cell": "lstm"},
    {"cell": "lstm", "peepholes": True, "coupled_gates": True}, {"cell": "lstm", "gate_recurrence": True, "chrono": 9},
    {"cell": "mlstm", "heads": 2},
    {"layer": "transformer", "heads": 2}, {"layer": "transformer", "heads": 3, "positions": "rotary"},
    {"layer": "transformer", "heads": 1, "positions": "alibi", "feedforward": 1},
]  # fmt: skip
TASKS: list[tuple[dict[str, Any], int]] = [
    ({"task": "copy", "items": 2, "alphabet": 3}, 3), ({"task": "adding"}, 5), ({"task": "counting"}, 4),
    ({"task": "qa", "agents": 3, "objects": 2, "lead": 1}, 1),
]  # fmt: skip
AROUND: list[dict[str, Any]] = [
    {}, {"attention": "additive"}, {"attention": "dot"}, {"dropout": 0.3}, {"layer_norm": True},
    {"attention": "additive", "residual": True, "dropout": 0.1, "layer_norm": True}, {"conv": 3},
]  # fmt: skip


def rung(model: dict[str, Any], task: tuple[dict[str, Any], int], **changed: Any) -> Rung:
    return Rung(model, task[0], task[1], SMALL | changed)


class Countdown:
    """A `stop` that turns true after so many questions."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self) -> bool:
        self.steps -= 1
        return self.steps < 0


def resumed(trainer: Trainer, runs: list[Run], every: int) -> dict[str, str]:
    """Trains with an interruption after every so many steps, going on from checkpoints that went through bytes."""
    done: dict[str, str] = {}
    saved: dict[str, Checkpoint] = {}
    for _ in range(100):
        rest = [r for r in runs if r.id not in done]
        if not rest:
            return done
        for event in trainer.train(rest, saved, Countdown(every), checkpoint_seconds=1e9):
            if isinstance(event, Record):
                done[event.id] = canonical(event.results())
            elif isinstance(event, Checkpoint):
                saved[event.run_id] = Checkpoint.from_bytes(event.to_bytes())
    raise AssertionError("never ended")


@settings(
    max_examples=1 if QUICK else 20, deadline=None, derandomize=QUICK, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    model=st.sampled_from(MODELS),
    task=st.sampled_from(TASKS),
    kernels=st.sampled_from(["auto", "reference"]),
    bidirectional=st.booleans(),
    layers=st.sampled_from([1, 2]),
    around=st.sampled_from(AROUND),
    order=st.permutations(range(4)),
    every=st.integers(7, 30),
)
@example(MODELS[3], TASKS[3], "auto", True, 2, AROUND[-1], [2, 0, 3, 1], 11)
@example(MODELS[1], TASKS[0], "reference", True, 2, AROUND[-1], [2, 0, 3, 1], 11)
@example(MODELS[0], TASKS[2], "reference", False, 1, AROUND[2], [1, 0, 2, 3], 7)
@example(MODELS[-2], TASKS[2], "reference", False, 2, {"dropout": 0.2}, [1, 0, 2, 3], 7)
@example(MODELS[-1], TASKS[1], "reference", False, 1, {}, [3, 0, 2, 1], 19)
def test_a_run_has_the_same_bits_in_any_company(
    model: dict[str, Any],
    task: tuple[dict[str, Any], int],
    kernels: str,
    bidirectional: bool,
    layers: int,
    around: dict[str, Any],
    order: list[int],
    every: int,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, checkpoint):  # several looks in a short run
            patch.setattr(module, "LOOK", 12)
        trainer = Trainer(kernels_wanted=kernels)
        changed = {"layers": layers, "steps": 30} | around
        changed["bidirectional"] = bidirectional and "cell" in model and task[0]["task"] != "counting"
        runs = [Run(rung(model, task, **changed), seed) for seed in range(3)]
        wild = Run(rung(model, task, **changed, lr=99.0), 7)
        together = results(trainer, runs)
        assert len(together) == 3
        for run in runs:
            assert results(trainer, [run]) == {run.id: together[run.id]}
        company = [[*runs, wild][i] for i in order]
        beside = results(trainer, company)
        assert {run.id: beside[run.id] for run in runs} == together
        assert resumed(trainer, runs, every) == together


@pytest.mark.parametrize("kernels", ["auto", "reference"])
def test_a_neighbour_that_turns_nan_diverges_alone(kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(kernels_wanted=kernels)
    calm = [Run(rung({"cell": "rnn", "activation": "relu"}, TASKS[1], clip=0.0, lr=1e-3), seed) for seed in range(2)]
    wild = Run(rung({"cell": "rnn", "activation": "relu"}, TASKS[1], clip=0.0, lr=1e-3), 7)
    found = {e.id: e for e in trainer.train([calm[0], wild, calm[1]]) if isinstance(e, Record)}
    init = Model.init

    def poisoned(self: Model, seed: int) -> Any:
        return init(self, seed) * (np.nan if seed == 7 else 1)

    monkeypatch.setattr(Model, "init", poisoned)
    ruined = {e.id: e for e in trainer.train([wild, *calm]) if isinstance(e, Record)}
    assert (ruined[wild.id].status, ruined[wild.id].score, ruined[wild.id].steps) == ("diverged", 0.0, 100)
    for run in calm:
        assert canonical(ruined[run.id].results()) == canonical(found[run.id].results())
        assert ruined[run.id].status == "unsolved"


def test_variants_at_one_seed_share_data_and_initial_bits() -> None:
    task = TASKS[0]
    base = Model.of(rung({"cell": "lstm"}, task))
    for switches in ({"forget_gate": False}, {"peepholes": True}, {"coupled_gates": True}, {"chrono": 9}):
        other = Model.of(rung({"cell": "lstm", **switches}, task))
        ours, theirs = base.views(torch.from_numpy(base.init(3))), other.views(torch.from_numpy(other.init(3)))
        shared = [n for n in theirs if n in ours and n.rpartition("/")[2][0] in "WU"]
        assert len(shared) >= 7
        assert all(torch.equal(ours[n], theirs[n]) for n in shared)
    wide = Model.of(rung({"cell": "lstm"}, task, layers=2))
    assert torch.equal(
        base.views(torch.from_numpy(base.init(3)))["0/forward/Wi"],
        wide.views(torch.from_numpy(wide.init(3)))["0/forward/Wi"],
    )


def points(record: Record) -> Iterator[tuple[int, float | None]]:
    return ((p.step, p.select) for p in record.curve)


def test_training_stops_when_the_selection_split_was_solved_twice_in_a_row() -> None:
    solved = Run(Rung({"cell": "gru"}, {"task": "copy", "items": 1, "alphabet": 2}, 1, {"steps": 2000}), 0)
    (record,) = (e for e in Trainer().train([solved]) if isinstance(e, Record))
    assert record.status == "solved"
    assert record.steps < 2000
    *_, before, last = points(record)
    assert before[1] is not None
    assert last[1] is not None
    assert min(before[1], last[1]) >= 0.975
    passed = [score is not None and score >= 0.95 for _, score in points(record)]
    first = next(k for k, both in enumerate(pairwise(passed)) if all(both))
    assert record.solved_at == record.curve[first].step <= before[0] == record.steps - 100


def looked(monkeypatch: pytest.MonkeyPatch, select: list[float | None], test: float, **changed: Any) -> Record:
    """A run whose validation has these scores, look by look, and its test that score."""
    told = iter(select)

    def evaluate(self: Cohort, rows: Sequence[int], split: str, length: int) -> list[tuple[float, float]]:
        return [(test if split == "test" else next(told) or 0.0, 0.1) for _ in rows]

    monkeypatch.setattr(training, "SLACK", 2)  # every look is worth its while
    monkeypatch.setattr(Cohort, "evaluate", evaluate)
    run = Run(rung({"cell": "rnn"}, TASKS[0], steps=100 * len(select), **changed), 0)
    (record,) = (e for e in Trainer().train([run]) if isinstance(e, Record))
    return record


@pytest.mark.parametrize(("select", "test", "status", "steps", "at"), [
    ([0.94, 0.95, 0.96, 0.97], 0.95, "solved", 400, 200),  # the test's bar, never the one to stop at
    ([0.95, 0.96, 0.98, 0.975, 1.0], 0.97, "solved", 400, 100),  # stopped at .975, solved since .95
    ([0.96, 0.9, 0.96, 0.97], 0.96, "solved", 400, 300),  # once is not enough
    ([0.2, 0.9, 0.94, 0.96], 0.95, "solved", 400, 400),  # nobody looked again
    ([0.2, 0.96, 0.94, 0.94], 0.95, "solved", 400, None),  # only the test says so, and not since when
    ([0.97, 0.97, 0.94, 0.94], 0.949, "unsolved", 400, None),  # the test says no
    ([1.0, 1.0, 1.0], 0.9, "unsolved", 200, None),
])  # fmt: skip
def test_solved_is_the_test_at_the_bar_and_the_steps_to_it_are_validations_at_the_same(
    select: list[float | None], test: float, status: str, steps: int, at: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = looked(monkeypatch, select, test, stop="solved")
    assert (record.status, record.steps, record.solved_at) == (status, steps, at)


def test_the_whole_budget_is_spent_where_told_and_a_last_look_is_taken() -> None:
    run = Run(Rung({"cell": "gru"}, {"task": "copy", "items": 1, "alphabet": 2}, 1, {"steps": 450, "stop": "never"}), 0)
    (record,) = (e for e in Trainer().train([run]) if isinstance(e, Record))
    assert record.steps == 450
    assert [p.step for p in record.curve] == [100, 200, 300, 400, 450]
    assert record.solved_at is not None


@pytest.mark.parametrize("steps", [102, 150, 203, 3])
def test_a_look_tells_means_of_the_steps_since_the_last(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the last one, after fewer steps than lie between others, or fewer than are listened to."""
    monkeypatch.setattr("rnnbench.tasks.copy.Task.loss", lambda self, a, ys, w: 2 + 0 * a.sum((-3, -2, -1)))
    monkeypatch.setattr("rnnbench.tasks.copy.Task.score", lambda self, a, ys, w: torch.full(a.shape[:-3], 0.5))
    run = Run(rung({"cell": "rnn"}, TASKS[0], steps=steps), 0)
    (record,) = (e for e in Trainer(kernels_wanted="reference").train([run]) if isinstance(e, Record))
    assert [(p.loss, p.score) for p in record.curve] == [(2.0, 0.5)] * len(record.curve)
    assert record.curve[-1].step == steps


@pytest.mark.parametrize("kernels", ["auto", "reference"])
@pytest.mark.parametrize("task", TASKS[:2], ids=str)
def test_all_held_out_examples_are_scored(
    kernels: str, task: tuple[dict[str, Any], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts of any size as all at once: each run's own, also those that are left for the last part."""
    trainer, runs = Trainer(kernels_wanted=kernels), [Run(rung({"cell": "gru"}, task), seed) for seed in range(3)]
    layer = trainer.solo(runs[0])
    found = []
    for chunk in (1000, 256, 299, 7):  # of 300
        monkeypatch.setattr("rnnbench.training.cohort.CHUNK", chunk)
        groups = [[run] for run in runs] if layer else [runs]
        cohorts = [Cohort(Model.of(group[0].rung, layer), group, layer is not None, "cpu") for group in groups]
        found.append([each for c in cohorts for each in c.evaluate(range(len(c.runs)), "test")])
    for other in found[1:]:
        assert [score for score, _ in other] == pytest.approx([score for score, _ in found[0]], abs=1e-5)
        assert [loss for _, loss in other] == pytest.approx([loss for _, loss in found[0]], rel=1e-5)


def test_a_run_whose_test_is_no_number_diverged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though all looks while it trained were numbers, and whatever its score."""
    monkeypatch.setattr(Cohort, "evaluate", lambda self, rows, split, length: [(1.0, math.nan) for _ in rows])
    run = Run(rung({"cell": "rnn"}, TASKS[0], steps=20), 0)
    (record,) = (e for e in Trainer().train([run]) if isinstance(e, Record))
    assert (record.status, record.score, record.loss, record.solved_at) == ("diverged", 0.0, None, None)


def test_a_checkpoint_of_other_code_is_not_gone_on_from() -> None:
    run = Run(rung({"cell": "gru"}, TASKS[0]), 0)
    trainer = Trainer()
    (saved,) = (e for e in trainer.train([run], stop=Countdown(50)) if isinstance(e, Checkpoint))
    foreign = Checkpoint(
        saved.run_id, saved.numerics, "0" * 16, saved.state, {k: v * 0 for k, v in saved.arrays.items()}
    )
    assert results(trainer, [run], checkpoints={run.id: foreign}) == results(trainer, [run])


@pytest.mark.parametrize("cut", [0, 10, 40, -30, -1])
def test_cut_or_changed_checkpoints_are_refused(cut: int) -> None:
    raw = Checkpoint("a", "n", "f", {"step": 3}, {"flat": np.arange(5, dtype=np.float32)}).to_bytes()
    assert Checkpoint.from_bytes(raw).arrays["flat"].tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match=r"not a checkpoint|cut or changed"):
        Checkpoint.from_bytes(raw[:cut])
    flipped = bytearray(raw)
    flipped[cut] ^= 1
    with pytest.raises(ValueError, match=r"not a checkpoint|cut or changed"):
        Checkpoint.from_bytes(bytes(flipped))


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_the_compiled_optimiser_is_the_other(optimizer: str, decay: float) -> None:
    from rnnbench.settings import Settings
    from rnnbench.training import optimiser

    for clip, size in ((0.5, 48), (0.0, 48), (2.0, 4096), (2.0, 2**17 + 16)):
        moving = {"momentum": 0.8} if optimizer == "sgd" else {}
        falling = {"weight_decay": decay, "warmup": 3, "schedule": "cosine", "steps": 20} if decay else {}
        chosen = Settings(**{"optimizer": optimizer, "clip": clip} | moving | falling)  # type: ignore[arg-type]
        state = {name: torch.zeros(1, size) for name in ("flat", "first", "second")}
        state["flat"] = torch.randn(1, size, generator=torch.Generator().manual_seed(0))
        others = {name: each.clone() for name, each in state.items()}
        gradient, other = torch.zeros(1, size), torch.zeros(1, size)
        solo = optimiser.Solo(chosen, 1e-2, state, gradient)
        stacked = optimiser.Stacked(chosen, [1e-2], others, other)
        for step in range(1, 9):
            drawn = torch.randn(1, size, generator=torch.Generator().manual_seed(step)) * 10.0 ** (step - 6)
            for each, to in ((solo, gradient), (stacked, other)):
                to.copy_(drawn)
                each.prepare(step)
                each.apply()
        torch.testing.assert_close(state["flat"], others["flat"], rtol=1e-5, atol=1e-6)
        gradient[0, 3] = math.nan  # in one number's gradient: clipping spreads it, as it does there
        solo.prepare(9)
        solo.apply()
        assert int(state["flat"].isnan().sum()) == (size if clip else 1)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_the_optimisers_are_torchs_and_clip_each_run_by_itself(optimizer: str) -> None:
    from rnnbench.settings import Settings
    from rnnbench.training import optimiser

    chosen = Settings(optimizer=optimizer, momentum=0.9 if optimizer == "sgd" else 0.0, clip=0.5)  # type: ignore[arg-type]
    lrs = torch.tensor([[1e-2], [3e-3]])
    flat = torch.randn(2, 48, generator=torch.Generator().manual_seed(0))
    theirs = [torch.nn.Parameter(row.clone()) for row in flat]
    options: dict[str, Any] = {"momentum": 0.9} if optimizer == "sgd" else {}
    kind = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "sgd": torch.optim.SGD}[optimizer]
    optimisers = [kind([p], lr=float(lr), **options) for p, lr in zip(theirs, lrs, strict=True)]
    first, second = torch.zeros_like(flat), torch.zeros_like(flat)
    for step in range(1, 8):
        gradient = torch.randn(2, 48, generator=torch.Generator().manual_seed(step)) * torch.tensor([[3.0], [0.01]])
        for p, o, g in zip(theirs, optimisers, gradient, strict=True):
            p.grad = g.clone()
            torch.nn.utils.clip_grad_norm_([p], 0.5)
            o.step()
        optimiser.clip(gradient, chosen.clip)
        corrected = torch.tensor(optimiser.corrections(step))
        optimiser.update(chosen, lrs, corrected, flat, gradient, first, second)
    torch.testing.assert_close(flat, torch.stack([p.detach() for p in theirs]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_decay_warm_up_and_schedule_are_torchs(optimizer: str, schedule: str) -> None:
    """Against torch.optim.AdamW, or SGD with decay taken off by hand, and torch's own schedulers, over a whole run."""
    from rnnbench.settings import Settings
    from rnnbench.training import optimiser

    steps, warmup, lr, decay = 40, 8, 1e-2, 0.3
    given = {"weight_decay": decay, "warmup": warmup, "schedule": schedule, "steps": steps, "clip": 0.0}
    chosen = Settings(optimizer=optimizer, **given)  # type: ignore[arg-type]
    start = torch.randn(48, generator=torch.Generator().manual_seed(0))
    state = {"flat": start.clone()[None], "first": torch.zeros(1, 48), "second": torch.zeros(1, 48)}
    gradient, theirs = torch.zeros(1, 48), torch.nn.Parameter(start.clone())
    solo = optimiser.Solo(chosen, lr, state, gradient)
    adam = optimizer == "adam"
    other = torch.optim.AdamW([theirs], lr, weight_decay=decay) if adam else torch.optim.SGD([theirs], lr)
    rising = torch.optim.lr_scheduler.LinearLR(other, 1 / warmup, 1.0, warmup - 1)
    falling: Any = {  # type: ignore[no-untyped-call]
        "linear": lambda: torch.optim.lr_scheduler.LinearLR(other, 1.0, 0.0, steps - warmup),
        "cosine": lambda: torch.optim.lr_scheduler.CosineAnnealingLR(other, steps - warmup),
    }[schedule]()
    whole = torch.optim.lr_scheduler.SequentialLR(other, [rising, falling], [warmup])
    rates = []
    for step in range(1, steps + 1):
        drawn = torch.randn(48, generator=torch.Generator().manual_seed(step))
        gradient.copy_(drawn[None])
        solo.prepare(step)
        solo.apply()
        rates.append(lr * solo.factor)
        assert rates[-1] == pytest.approx(other.param_groups[0]["lr"], rel=1e-9)
        theirs.grad = drawn.clone()
        if not adam:
            theirs.data.mul_(1 - rates[-1] * decay)
        other.step()
        whole.step()
    assert max(rates) == lr
    assert rates[0] == pytest.approx(lr / warmup)
    assert 0 < rates[-1] < lr / 10
    torch.testing.assert_close(state["flat"][0], theirs.detach(), rtol=1e-5, atol=1e-6)
