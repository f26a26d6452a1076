"""Probes against what is known: finite differences, gradients that can be written down, gates by their formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnnbench import cells, layers, registry
from rnnbench.cells import sigmoid
from rnnbench.probing import END, Asked, Probe
from rnnbench.probing.aims import aims, chosen, scored
from rnnbench.probing.gates import carried, carries, gates, outputs
from rnnbench.probing.gradients import decay, flat, gradients, inputs
from rnnbench.probing.operations import Gates
from rnnbench.probing.parameters import trained
from rnnbench.probing.probe import probe, probed
from rnnbench.probing.readouts import r2, readouts
from rnnbench.probing.states import Passed, Watched, forward, model_of
from rnnbench.probing.swaps import swaps
from rnnbench.records import Run, Rung
from rnnbench.rng import stream
from rnnbench.settings import Settings
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

ADDING = {"task": "adding"}
T, B, H = 40, 6, 8


@dataclass(frozen=True)
class Plain(cells.Cell):
    """h' = x W + h U: a cell of one's own, with no activation."""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"W": (I, H), "U": (H, H)}

    def step(self, p: Any, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        h = x @ p["W"] + state[0] @ p["U"]
        return h, (h,)


def model(cell: cells.Cell, task: dict[str, Any] = ADDING, **settings: Any) -> Model:
    return Model(Watched(cell), registry.task(task), Settings(**{"hidden": H} | settings))


def rung(model: dict[str, Any], task: dict[str, Any] = ADDING, length: int = T, **settings: Any) -> Rung:
    return Rung(model, task, length, {"hidden": H, "batch": 4} | settings)


def parameters(m: Model, more: float = 0.3) -> NDArray[np.float32]:
    """Off their start, where biases are zero."""
    found = m.init(0)
    return found + np.float32(more) * stream(1, "more").normal(len(found)).astype(np.float32)


def setting(m: Model, values: NDArray[np.float32], **to: NDArray[np.float64]) -> NDArray[np.float32]:
    """The buffer with these parameters of the first layer set."""
    found = values.copy()
    for name, value in to.items():
        start, (rows, columns) = m.layout.places[f"0/forward/{name}"]
        found[start : start + rows * columns] = value.ravel()
    return found


def passed(m: Model, values: NDArray[np.float32], length: int = T, size: int = B, **given: Any) -> Passed:
    return forward(m, values, m.task.batch(size, length, stream(3, "test")), **given)


def all_of(p: Passed) -> NDArray[np.bool_]:
    return scored(p.batch, p.model.task.needed(p.batch))


@pytest.mark.parametrize("a", [0.5, 0.9, 1.0, 1.1])
def test_a_linear_network_with_u_a_times_the_identity_has_a_gradient_of_a_to_the_lag(a: float) -> None:
    m = model(Plain())
    p = passed(m, setting(m, parameters(m), U=a * np.eye(H)))
    (found,) = gradients(p, all_of(p))
    a = float(np.float32(a))
    np.testing.assert_allclose(np.array(found["mean"]) / found["mean"][0], a ** np.arange(T), rtol=1e-12)
    assert found["n"] == [B] * T
    assert found["decay"] == pytest.approx(-math.log(a), abs=1e-12)
    assert flat(found["decay"], T) == (a == 1)
    W = p.scans[0].p["W"].numpy()
    readout = m.views(torch.from_numpy(parameters(m)))["readout/W"].double().numpy()
    own = inputs(p, all_of(p))  # dy/dv at lag k is W U^k of the value, times the read-out
    lags = T - 1 - m.task.needed(p.batch).steps  # type: ignore[union-attr]
    for n in (0, 1):
        assert own[n]["mean"] == pytest.approx((a ** lags[n]).mean() * (W @ readout)[0, 0], rel=1e-9)


def test_without_its_forget_gate_and_recurrence_a_cell_state_is_a_carousel() -> None:
    """c' = c + i * g with U = 0: what c was is what c is, exactly, and so is the gradient."""
    cell = registry.cell({"cell": "lstm", "forget_gate": False})
    m = model(cell)
    zero = {f"U{k}": np.zeros((H, H)) for k in "igo"}
    p = passed(m, setting(m, parameters(m), **zero))
    c = [step[1] for step in p.scans[0].leaves]
    found = torch.autograd.grad(p.answers.sum(), c[:-1])
    assert all(torch.equal(g, found[0]) for g in found)
    assert float(found[0].abs().min()) > 0
    (kept,) = carries(p, all_of(p))
    assert kept["state"] == 1
    assert kept["rates"] == [0.0] * 5
    assert kept["mean"] == kept["needed"] == kept["other"] == 1.0


PARTS: dict[str, dict[str, Any]] = {
    "lstm": {"cell": "lstm"},
    "lstm-forget_gate": {"cell": "lstm", "forget_gate": False},
    "lstm+coupled_gates": {"cell": "lstm", "coupled_gates": True},
    "lstm+peepholes+gate_recurrence": {"cell": "lstm", "peepholes": True, "gate_recurrence": True},
    "rnn": {"cell": "rnn"},
    "gru": {"cell": "gru"},
    "lru": {"cell": "lru"},
    "slstm": {"cell": "slstm"},
    "mlstm": {"cell": "mlstm", "heads": 2},
}
STEPS = (0, 7, 20, 33, 39)


@pytest.mark.parametrize("name", PARTS)
def test_gradients_are_those_of_central_differences(name: str) -> None:
    """At five steps, of each coordinate, along a random direction; a gradient below 1e-6 of J(0) is held to that."""
    m = model(registry.cell(PARTS[name]))
    values = parameters(m)
    base = passed(m, values)
    leaves = base.scans[0].leaves
    places = [(t, k) for t in STEPS for k in range(len(leaves[t]))]
    found = torch.autograd.grad(
        base.answers.sum(), [leaves[t][k] for t, k in places], retain_graph=True, allow_unused=True
    )
    first = gradients(base, all_of(base))[0]["mean"][0]
    eps = 1e-5
    for (t, k), g in zip(places, found, strict=True):
        towards = torch.from_numpy(stream(t, f"towards/{k}").normal(tuple(leaves[t][k].shape))).double()
        with torch.no_grad():
            up, down = (
                float(passed(m, values, moved={(0, t, k): sign * eps * towards}).answers.sum()) for sign in (1, -1)
            )
        slope = 0.0 if g is None else float((g * towards).sum())
        scale = max(abs(slope), 1e-6 * first * B)
        assert abs((up - down) / (2 * eps) - slope) < 2e-5 * scale + 1e-9 * first, (t, k)


AROUND: list[dict[str, Any]] = [
    {}, {"layers": 2}, {"bidirectional": True}, {"attention": "additive"},
    {"layers": 2, "layer_norm": True, "residual": True, "bidirectional": True},
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("cell", ["lstm", "lru"])
def test_a_watched_model_answers_as_the_model(cell: str, around: dict[str, Any]) -> None:
    m = model_of(rung({"cell": cell}, {"task": "copy", "items": 2}, 5, **around))
    values = parameters(m)
    p = passed(m, values, 5)
    own = Model(registry.layer({"cell": cell}), m.task, m.settings)
    with torch.no_grad():
        xs = own.encode(torch.from_numpy(p.batch.xs))
        expected = own.answers(own.views(torch.from_numpy(values)), xs, p.batch.at)
    torch.testing.assert_close(p.answers.detach().float(), expected, rtol=1e-4, atol=1e-5)
    assert len(p.scans) == m.settings.layers * len(m.layout.directions)
    assert [g["direction"] for g in gradients(p, all_of(p))] == list(p.directions)


def test_a_backward_direction_has_lags_of_its_own_time() -> None:
    """It reads the last step first: what it read there is the farthest from where the one answer reads it."""
    m = model(Plain(), bidirectional=True)
    p = passed(m, parameters(m))
    forwards, backwards = gradients(p, all_of(p))
    assert len(forwards["mean"]) == len(backwards["mean"]) == T
    goal = p.answers.sum()
    for scan_, found in zip(p.scans, (forwards, backwards), strict=True):
        (g,) = torch.autograd.grad(goal, [scan_.leaves[T - 1 - 3][0]], retain_graph=True)
        assert found["mean"][3] == pytest.approx(float(g.norm(dim=-1).mean()), rel=1e-12)


def test_lags_are_counted_from_each_answer() -> None:
    m = model(Plain(), {"task": "copy", "items": 3, "alphabet": 4})
    p = passed(m, setting(m, parameters(m), U=0.5 * np.eye(H)), 5)
    (found,) = gradients(p, all_of(p))
    assert found["n"] == [3 * B] * 9 + [2 * B, B]  # 5 + 2 * 3 steps; the answers stand at 8, 9, 10
    np.testing.assert_allclose(np.array(found["mean"])[:9] / found["mean"][0], 0.5 ** np.arange(9), rtol=1e-12)


def test_the_gradient_of_the_loss_is_the_answers_times_the_slope_of_the_loss() -> None:
    m = model(Plain())
    p = passed(m, parameters(m))
    loss = aims(m.task, p.answers, p.batch, "loss")
    error = p.answers.detach()[0, :, 0].numpy() - p.batch.ys[0, :, 0]
    np.testing.assert_allclose(loss.detach().numpy()[0], error**2, rtol=1e-6)
    a, b = (gradients(p, all_of(p), of)[0]["mean"] for of in ("answer", "loss"))
    np.testing.assert_allclose(np.array(b), 2 * np.abs(error).mean() * np.array(a), rtol=1e-6)


@pytest.mark.parametrize("task", ["copy", "counting", "recall", "qa"])
def test_every_kind_of_answer_has_a_number_and_a_loss(task: str) -> None:
    m = model(Plain(), {"task": task})
    p = passed(m, parameters(m), 5, 16)
    ys = torch.from_numpy(p.batch.ys)
    weights = None if p.batch.weights is None else torch.from_numpy(p.batch.weights)
    alone = aims(m.task, p.answers, p.batch, "loss")
    counted = torch.ones_like(alone) if weights is None else weights
    whole = m.task.loss(p.answers.detach(), ys, weights)
    alone = alone.detach()
    assert float((alone * counted).sum() / counted.sum()) == pytest.approx(float(whole), rel=1e-6)
    assert aims(m.task, p.answers, p.batch).shape == ys.shape[:2]


GATES = {
    "lstm": {"f", "i", "o"}, "gru": {"r", "z"}, "janet": {"f", "f#2"}, "mgu": {"f"}, "mut1": {"r", "z"},
    "mut2": {"r", "z"}, "mut3": {"r", "z"}, "mingru": {"z"}, "minlstm": {"Wf Wi bf bi"}, "rnn": set(),
    "orthogonal": set(), "slstm": {"f", "i", "o"}, "mlstm": {"f", "i", "o"}, "lru": {"Ci Cr d", "G b"},
    "antisymmetric": set(), "cornn": set(), "esn": set(), "indrnn": set(), "lem": {"d", "e"}, "lmu": set(),
    "linear_attention": {"Wg", "a"}, "qrnn": {"f", "o"}, "ran": {"f", "i"}, "rwkv7": {"Wg", "a", "w"},
    "sru": {"f", "r"}, "stack_rnn": set(), "ugrnn": {"g"}, "unicornn": {"c"},
    "mamba": {"Wu", "Wz", "E1 b", *(f"E1 b#{n}" for n in (2, 3, 4))},  # a state's decay each
    "mamba3": {"Wa Wt bt", "Wl", "Wz"},
    "m2rnn": {"Wg", "Wv", "a", *(f"{name}{i}" for name in "KQ" for i in range(1, 9))},
    "deltanet": {"Wb", "Wk", "Wq", "Wv"},  # of silu(x) = x sigmoid(x) the sigmoid is heard, too
}  # fmt: skip
CARRIED = {
    "lstm": {1}, "gru": {0}, "janet": {0}, "mgu": {0}, "mut1": {0}, "mut2": {0}, "mut3": {0}, "mingru": {0},
    "minlstm": {0}, "rnn": set(), "orthogonal": set(), "slstm": {1, 2}, "mlstm": {0, 1}, "lru": {0, 1},
    "antisymmetric": {0}, "cornn": {0, 1}, "deltanet": {0}, "esn": set(), "indrnn": set(), "lem": {0, 1},
    "linear_attention": {0}, "lmu": set(), "qrnn": {0}, "ran": {1}, "rwkv7": {0}, "sru": {0},
    "mamba": set(range(4)), "m2rnn": set(range(8)), "stack_rnn": set(range(1, 9)), "ugrnn": {0}, "unicornn": {0, 1},
    "mamba3": set(range(4)),
}  # fmt: skip

MIXED = {"deltanet", "rwkv7"}  # the delta rule carries each entry into others as well: what is carried may grow


@pytest.mark.parametrize("name", registry.names("cells"))
def test_the_gates_and_the_carries_of_every_cell(name: str) -> None:
    m = model(registry.cell({"cell": name}))
    p = passed(m, parameters(m), 12)
    found = gates(p, all_of(p))
    assert {g["gate"] for g in found} == GATES[name]
    assert all(0 <= g["shut"] <= 1 and 0 <= g["mean"] <= 1 for g in found)
    kept = carries(p, all_of(p))
    assert {c["state"] for c in kept} == CARRIED[name]
    assert all(c["rates"] == sorted(c["rates"]) and (c["rates"][0] >= 0 or name in MIXED) for c in kept)
    assert 0 <= outputs(p)[0]["saturated"] <= 1


def one_step(model: dict[str, Any]) -> tuple[cells.Cell, dict[str, Tensor], Tensor, tuple[Tensor, ...]]:
    cell = registry.cell(model)
    p = {n: torch.from_numpy(stream(5, n).normal(s)).double() for n, s in cell.shapes(3, H).items()}
    x = torch.from_numpy(stream(6, "x").normal((B, 3))).double()
    state = tuple(torch.from_numpy(stream(7, f"{k}").normal((B, w))).double() for k, w in enumerate(cell.widths(H)))
    return cell, p, x, state


def test_gates_have_the_values_of_their_formulas() -> None:
    cell, p, x, (h, c) = one_step({"cell": "lstm", "peepholes": True})
    with torch.no_grad(), Gates(p) as heard:
        cell.step(p, x, (h, c))
    f = torch.sigmoid(x @ p["Wf"] + h @ p["Uf"] + p["bf"] + p["pf"] * c)
    values = dict(heard.found)
    torch.testing.assert_close(values["f"], f)
    assert set(values) == {"i", "f", "o"}
    torch.testing.assert_close(carried(cell, p, x, (h, c))[1], f)  # not what f itself sees of c


@pytest.mark.parametrize(("given", "formula"), [
    ({"cell": "gru"}, lambda p, x, h: torch.sigmoid(x @ p["Wz"] + h @ p["Uz"] + p["bz"])),
    ({"cell": "mgu"}, lambda p, x, h: 1 - torch.sigmoid(x @ p["Wf"] + h @ p["Uf"] + p["bf"])),
    ({"cell": "rnn", "leak": 0.25}, lambda p, x, h: torch.full_like(h, 0.75)),
    ({"cell": "mingru"}, lambda p, x, h: 1 - torch.sigmoid(x @ p["Wz"] + p["bz"])),
])  # fmt: skip
def test_what_a_state_is_carried_by(given: dict[str, Any], formula: Any) -> None:
    cell, p, x, (h,) = one_step(given)
    torch.testing.assert_close(carried(cell, p, x, (h,))[0], formula(p, x, h))


def test_a_complex_state_is_carried_by_the_size_of_its_factor() -> None:
    cell, p, x, state = one_step({"cell": "lru"})
    size = torch.exp(-torch.exp(p["nu"])).expand(B, H)
    for half in carried(cell, p, x, state):
        torch.testing.assert_close(half, size)


@dataclass(frozen=True)
class Own(cells.Cell):
    """Somebody's own, with names of their own and torch's sigmoid."""

    def shapes(self, I: int, H: int) -> cells.Shapes:
        return {"in_keep": (I, H), "rec_keep": (H, H), "new": (I, H)}

    def step(self, p: Any, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        keep = torch.sigmoid(x @ p["in_keep"] + state[0] @ p["rec_keep"])
        h = (
            torch.lerp(x @ p["new"], state[0], keep)
            if x.shape[0] < 0
            else keep * state[0] + (1 - keep) * (x @ p["new"])
        )
        return h, (h,)


def test_a_cell_of_ones_own_is_probed_as_ours_are() -> None:
    m = model(Own())
    p = passed(m, parameters(m))
    (gate,), (kept,) = gates(p, all_of(p)), carries(p, all_of(p))
    assert gate["gate"] == "_keep"
    assert kept["mean"] == pytest.approx(gate["mean"], rel=1e-12)
    assert gate["needed"] != gate["other"]
    assert 1 / kept["rates"][2] == pytest.approx(-1 / math.log(gate["mean"]), rel=0.5)


def test_needed_steps_and_others_are_told_apart() -> None:
    """A gate that sees the mark alone: open where it is, shut elsewhere."""
    m = model(Own())
    zero = {"rec_keep": np.zeros((H, H)), "in_keep": np.array([[0.0] * H, [9.0] * H])}
    p = passed(m, setting(m, parameters(m), **zero))
    (gate,) = gates(p, all_of(p))
    assert gate["needed"] == pytest.approx(float(sigmoid(torch.tensor(9.0, dtype=torch.float64))), rel=1e-9)
    assert gate["other"] == 0.5
    assert gate["open"] == pytest.approx(2 / T)


def test_a_ridge_finds_a_line_where_there_is_one_and_none_where_there_is_none() -> None:
    X = stream(0, "X").normal((300, 20)).astype(np.float64)
    Y = X @ stream(0, "w").normal((20, 1)).astype(np.float64) + 3
    noise = stream(0, "noise").normal((300, 1)).astype(np.float64)
    assert r2(X, Y) == pytest.approx(1, abs=1e-6)
    assert r2(X, Y + np.std(Y) * noise) == pytest.approx(0.5, abs=0.12)
    assert r2(X, noise) < 0.1  # type: ignore[operator]
    assert r2(np.repeat(X, 20, 1), noise) < 0.1  # type: ignore[operator]
    assert r2(X, np.ones((300, 1))) is None
    assert r2(np.zeros((300, 4)), Y) == pytest.approx(0, abs=0.05)


def test_a_read_out_finds_the_value_that_a_carousel_keeps() -> None:
    """A network that adds up marked values holds the first one until the second comes, and then their sum."""
    m = model(Plain())
    W = np.zeros((2, H))
    W[0, 0] = 1
    values = setting(m, 0 * parameters(m), U=np.diag([0.0] * H), W=W)
    batch = m.task.batch(256, 10, stream(3, "test"))
    with torch.no_grad():
        forgets = forward(m, values, batch)
    found = readouts(forgets, scored(batch, m.task.needed(batch)), 0)
    needed = m.task.needed(batch)
    assert needed is not None
    second = next(each for each in found if each["needed"] == 1)
    assert max(second["r2"]) < 0.3  # what each step brings is gone at the next
    keep = setting(m, 0 * parameters(m), U=np.eye(H), W=W)
    batch = batch._replace(xs=batch.xs * np.stack([batch.xs[..., 1], batch.xs[..., 1]], -1))  # nothing else to add
    with torch.no_grad():
        holds = forward(m, keep, batch)
    first = readouts(holds, scored(batch, needed), 0)[0]
    by_lag = dict(zip(first["lags"], first["r2"], strict=True))
    assert by_lag[5] == pytest.approx(1, abs=1e-6)  # the second comes later than that
    assert by_lag[0] == pytest.approx(0.5, abs=0.15)  # of a sum of two alike, each is a half
    assert max(first["control"]) < 0.2


@dataclass(frozen=True)
class Copier(layers.Layer):
    """Says at each answer the item that was read so many steps before: the perfect copy, without a state."""

    lag: int = 0

    def shapes(self, I: int, H: int, first: bool, last: bool) -> cells.Shapes:
        return {"W": (I, H)}

    def scan(self, p: Any, xs: Tensor, causal: bool, noise: Any = None) -> Tensor:
        late: Tensor = torch.cat([xs[: self.lag], xs[: -self.lag]], 0) @ p["W"]
        return late


@pytest.mark.parametrize(("right", "changed"), [(True, 1.0), (False, 0.0)])
def test_a_swap_changes_the_answer_of_a_model_that_hangs_on_it_and_of_no_other(right: bool, changed: float) -> None:
    task = registry.task({"task": "copy", "items": 3, "alphabet": 4})
    m = Model(Copier(8 if right else 4), task, Settings(hidden=6))
    values = 0 * m.init(0)
    for name, eye in (("0/forward/W", np.eye(6)), ("readout/W", np.eye(6)[:, 1:5])):
        start, (rows, columns) = m.layout.places[name]
        values[start : start + rows * columns] = eye.ravel()
    with torch.no_grad():
        p = forward(m, values, task.batch(50, 5, stream(3, "test")))
    (found,) = swaps(p, values, all_of(p), 0)
    assert found["changed"] == changed
    assert found["others"] == 0
    assert found["drop"] == (1.0 if right else 0.0)
    assert [lag for lag, _, _ in found["by_lag"]] == [8]
    assert sum(n for _, _, n in found["by_lag"]) == 150


@pytest.mark.parametrize("given", [{"layer": "transformer", "layers": 1}, {"module": "torch.nn.GRU"}])
def test_models_without_a_state_that_is_known_are_probed_by_swaps(given: dict[str, Any]) -> None:
    kind = {k: v for k, v in given.items() if k != "layers"}
    run = Run(rung(kind, {"task": "copy", "items": 2, "alphabet": 4}, 3), 0)
    m = model_of(run.rung)
    found = probe(run, m.init(0), Asked(sequences=16), 0, False, 0.5)
    assert not found.gradients
    assert not found.gates
    assert found.swaps[0]["drop"] is not None
    run = Run(rung(kind, ADDING, 6), 0)
    assert [i["needed"] for i in probe(run, model_of(run.rung).init(0), Asked(sequences=16), 0, False, 0.5).inputs] == [
        0, 1, None,
    ]  # fmt: skip


def test_chosen_answers_are_those_that_hang_on_something() -> None:
    m = model(Plain(), {"task": "copy", "items": 2, "form": "whole"})
    b = m.task.batch(3, 5, stream(0, "test"))
    assert chosen(scored(b, m.task.needed(b))) == [7, 8]
    assert chosen(np.ones((100, 2), bool))[::15] == [0, 99]


def test_the_decay_is_that_of_the_window() -> None:
    T = 40
    curve = [0.5**k if k < 5 or k >= 35 else 0.9**k for k in range(T)]  # lags 5 to 34 count
    assert decay(curve) == pytest.approx(-math.log(0.9), abs=1e-12)
    assert decay([1.0, 0.0, 0.0]) is None
    assert flat(0.4 / 40, 40)
    assert not flat(0.6 / 40, 40)


@pytest.mark.parametrize("given", [{"cell": "lstm"}, {"cell": "rnn"}, {"module": "torch.nn.RNN"}])
def test_parameters_are_those_of_the_run_at_any_step(given: dict[str, Any]) -> None:
    run = Run(rung(given, ADDING, 4, steps=230, stop="never", lr=3e-3), 0)
    trainer = Trainer("cpu")
    record, found = trained(trainer, run, (0, 57, 130, END, 500))
    assert sorted(found) == [0, 57, 130, 230]
    layer = trainer.solo(run)
    m = Model.of(run.rung, layer)
    cohort = Cohort(m, [run], layer is not None, "cpu")
    for step, (values, _) in sorted(found.items()):
        while cohort.step < step:
            cohort.train(listen=False)
        np.testing.assert_array_equal(values, cohort.row(0)["flat"])
    assert found[230][1] == record.score
    assert found[0][1] != record.score


def test_a_probe_says_the_same_each_time_and_goes_through_json() -> None:
    run = Run(rung({"cell": "lstm"}, ADDING, 8, steps=20), 0)
    asked = Asked((0, END), sequences=16)
    record, first = probed(Trainer("cpu"), run, asked)
    assert [(p.step, p.end) for p in first] == [(0, False), (20, True)]
    assert first[1].score == record.score
    assert probed(Trainer("cpu"), run, asked)[1] == first
    assert [Probe.from_dict(p.as_dict()) for p in first] == first
    assert Asked.from_dict(asked.as_dict()) == asked
    with pytest.raises(ValueError, match="step"):
        Probe.from_dict({"end": True})


def test_a_run_that_diverged_is_probed_where_it_was_sound() -> None:
    run = Run(rung({"cell": "rnn", "activation": "relu"}, ADDING, 8, steps=200, lr=100.0, clip=0.0, optimizer="sgd"), 0)
    record, found = probed(Trainer("cpu"), run, Asked((0, END), sequences=16))
    assert record.status == "diverged"
    assert found[0].gradients
    assert found[-1].end
    assert "diverged" in found[-1].why


def test_the_test_split_is_looked_at_whole_where_it_is_small() -> None:
    run = Run(rung({"cell": "gru"}, {"task": "counting"}, 5), 0)
    m = model_of(run.rung)
    found = probe(run, m.init(0), Asked(sequences=128), 0, False, 0.0)
    assert found.gradients[0]["n"] == [1] * 13  # one string, n = 6, and one answer of it that hangs on the count
