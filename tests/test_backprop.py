"""Gradients by hand against torch's graph, and which models are computed in which way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from rnnbench import registry
from rnnbench.layers.noise import Noise
from rnnbench.records import Run, Rung
from rnnbench.rng import stream
from rnnbench.training import backprop as module
from rnnbench.training.arranged import Arranged
from rnnbench.training.backprop import backprop
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

TASKS: list[tuple[dict[str, Any], int]] = [
    ({"task": "adding"}, 9),  # the last step answers
    ({"task": "adding", "sums": 3}, 4),  # some do
    ({"task": "copy", "items": 3}, 4),  # the last few, of tokens
    ({"task": "copy", "items": 3, "form": "whole"}, 4),  # all
    ({"task": "counting"}, 5),  # all, and some weigh nothing
    ({"task": "qa"}, 3),
]
CELLS: list[dict[str, Any]] = [{"cell": "lstm"}, {"cell": "lstm", "peepholes": True}, {"cell": "gru"}, {"cell": "rnn"}]
CELLS += [{"cell": "lru"}, {"cell": "mut3"}, {"cell": "mlstm", "heads": 4}]


def run(cell: dict[str, Any], task: dict[str, Any], length: int, **settings: Any) -> Run:
    return Run(Rung(cell, task, length, {"hidden": 20, "batch": 5} | settings), 0)


def model(of: Run) -> Model:
    layer = Trainer().solo(of)
    assert layer is not None
    return Model.of(of.rung, layer)


@pytest.mark.parametrize(("task", "length"), TASKS, ids=[str(task) for task, _ in TASKS])
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_by_hand_is_what_the_graph_says(cell: dict[str, Any], task: dict[str, Any], length: int) -> None:
    m = model(run(cell, task, length))
    flat = torch.from_numpy(m.init(3)) + 0.3 * torch.from_numpy(stream(2, "more").normal(m.layout.size))
    batch = m.task.batch(5, length, stream(1, "train"))
    weights = None if batch.weights is None else torch.from_numpy(batch.weights)
    found = []
    for kind in (module._ByHand, module._ThroughGraph):
        gradient = torch.zeros_like(flat)
        step = kind(m, m.views(flat), m.views(gradient))
        loss, answers = step(
            torch.from_numpy(batch.xs), torch.from_numpy(batch.ys), weights, batch.at, Noise([0], 1, True)
        )
        found.append((loss, answers, gradient))
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=2e-6)


ARRANGED: list[dict[str, Any]] = [
    {"layers": 2}, {"bidirectional": True}, {"layer_norm": True}, {"dropout": 0.3},
    {"layers": 3, "bidirectional": True, "layer_norm": True, "residual": True, "dropout": 0.3},
    {"attention": "additive"}, {"attention": "dot"}, {"attention": "additive", "bidirectional": True, "dropout": 0.3},
    {"attention": "dot", "layers": 2, "bidirectional": True, "hidden": 33},
    {"layers": 2, "hidden": 33, "layer_norm": True}, {"layers": 2, "residual": True, "hidden": 16},
    {"conv": 4}, {"conv": 3, "conv_activation": "identity", "conv_residual": True, "layers": 2, "hidden": 33},
    {"conv": 2, "bidirectional": True, "layers": 2, "dropout": 0.3, "attention": "dot"},
]  # fmt: skip


TRANSFORMER: list[dict[str, Any]] = [
    {},
    {"layers": 2},
    {"layers": 3, "dropout": 0.3},
    {"layers": 2, "attention": "dot"},
    {"layers": 2, "conv": 4, "conv_residual": True},
]
# No model may look ahead in a causal task.
GRU: dict[str, Any] = {"cell": "gru"}
ROTARY: dict[str, Any] = {"layer": "transformer", "heads": 2, "positions": "rotary"}
ARRANGEMENTS = [
    (GRU, settings, task, length)
    for settings in ARRANGED
    for task, length in TASKS
    if not (settings.get("bidirectional") and registry.task(task).causal)
]
# Heads that are no whole vectors, and the gradient of an input that is a layer's output.
ARRANGEMENTS += [({"cell": "mlstm", "heads": 4}, {"layers": 2}, *TASKS[0])]
ARRANGEMENTS += [(ROTARY, settings, task, length) for settings in TRANSFORMER for task, length in TASKS]


@pytest.mark.parametrize(("layer", "settings", "task", "length"), ARRANGEMENTS, ids=str)
def test_arranged_is_what_the_graph_says_in_float64(
    layer: dict[str, Any], settings: dict[str, Any], task: dict[str, Any], length: int
) -> None:
    of = run(layer, task, length, **settings)
    m, exact = model(of), Model.of(of.rung)
    flat = torch.from_numpy(m.init(3)) + 0.3 * torch.from_numpy(stream(2, "more").normal(m.layout.size))
    batch = m.task.batch(5, length, stream(1, "train"))
    xs, ys = torch.from_numpy(batch.xs), torch.from_numpy(batch.ys)
    weights = None if batch.weights is None else torch.from_numpy(batch.weights)
    gradient = torch.zeros_like(flat)
    step = Arranged(m, m.views(flat), m.views(gradient))
    loss, answers = step(xs, ys, weights, batch.at, Noise([0], 1, True))
    looked = step.evaluate(xs, batch.at)
    leaf = flat.double().requires_grad_()
    p, given = exact.views(leaf), exact.encode(xs).double()
    ys = ys if ys.dtype == torch.int64 else ys.double()
    expected = exact.answers(p, given, batch.at, Noise([0], 1, True))
    expected_loss = exact.task.loss(expected, ys, weights)
    (slopes,) = torch.autograd.grad(expected_loss, [leaf])
    seen = exact.answers(p, given, batch.at)
    for mine, truth in (
        (answers, expected), (loss, expected_loss), (gradient, slopes), (looked, seen),
        (step.loss(looked, torch.from_numpy(batch.ys), weights), exact.task.loss(seen, ys, weights)),
    ):  # fmt: skip
        truth = truth.detach()
        assert float((mine - truth).abs().max()) <= 2e-5 * max(0.01, float(truth.abs().max()))


def test_a_loss_of_a_tasks_own_goes_through_the_graph_around_a_compiled_layer() -> None:
    m = model(run({"layer": "transformer"}, {"task": "copy", "items": 3}, 4, layers=2))
    flat = torch.from_numpy(m.init(3))
    batch = m.task.batch(5, 4, stream(1, "train"))
    xs, ys = torch.from_numpy(batch.xs), torch.from_numpy(batch.ys)
    found = []
    for kind in (Arranged, module._ThroughGraph):
        gradient = torch.zeros_like(flat)
        step = kind(m, m.views(flat), m.views(gradient))
        loss, answers = step(xs, ys, None, batch.at, Noise([0], 1, True))
        found.append((loss, answers, gradient, step.evaluate(xs, batch.at)))
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=2e-6)


SIZES: list[tuple[dict[str, Any], int, dict[str, int]]] = [
    ({"task": "copy", "items": 2, "alphabet": 40}, 3, {"hidden": 72}),  # answers of 3 vectors, units of 5
    ({"task": "copy", "items": 3}, 2, {"batch": 70, "hidden": 40}),  # more rows than weights learn from at once
    ({"task": "copy", "items": 3}, 60, {}),  # tokens over several such stretches
    ({"task": "counting", "language": "anbncn"}, 20, {"hidden": 100, "batch": 33}),
]


@pytest.mark.parametrize(("task", "length", "size"), SIZES, ids=str)
@pytest.mark.parametrize("cell", [{"cell": "rnn"}, {"cell": "gru"}], ids=str)
def test_by_hand_is_what_the_equations_say_at_other_sizes(
    cell: dict[str, Any], task: dict[str, Any], length: int, size: dict[str, int]
) -> None:
    """Wide, long, many: where a kernel goes round a loop that small ones end at once."""
    of = run(cell, task, length, **size)
    found = []
    for m, kind in ((model(of), module._ByHand), (Model.of(of.rung), module._ThroughGraph)):
        flat = torch.from_numpy(m.init(3)) + 0.1 * torch.from_numpy(stream(2, "more").normal(m.layout.size))
        batch = m.task.batch(m.settings.batch, length, stream(1, "train"))
        weights = None if batch.weights is None else torch.from_numpy(batch.weights)
        gradient = torch.zeros_like(flat)
        step = kind(m, m.views(flat), m.views(gradient))
        xs, ys = torch.from_numpy(batch.xs), torch.from_numpy(batch.ys)
        loss, answers = step(xs, ys, weights, batch.at, Noise([0], 1, True))
        again = step.loss(step.evaluate(xs, batch.at), ys, weights)
        torch.testing.assert_close(again, loss)
        found.append((loss, answers, gradient))
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "settings", "by_hand"),
    [
        ({"cell": "lstm"}, {}, True),
        ({"cell": "lstm", "gate_recurrence": True}, {}, True),
        ({"cell": "lru"}, {}, True),
        ({"cell": "orthogonal"}, {}, True),
        ({"cell": "orthogonal", "map": "cayley"}, {"layers": 2}, True),
        ({"cell": "./prepared.py"}, {}, False),  # its matrix comes out of torch's graph
        ({"cell": "lstm"}, {"layers": 2}, True),
        ({"cell": "lstm"}, {"bidirectional": True}, True),
        ({"cell": "lstm"}, {"attention": "dot"}, True),
        ({"cell": "lstm"}, {"layer_norm": True}, True),
        ({"cell": "lstm"}, {"dropout": 0.1}, True),
        ({"layer": "transformer"}, {}, True),
        ({"layer": "transformer"}, {"layers": 2, "dropout": 0.1, "attention": "dot"}, True),
        ({"module": "torch.nn.GRU"}, {}, False),
    ],
    ids=str,
)
def test_only_compiled_layers_under_a_readout_are_taken_by_hand(
    cell: dict[str, Any], settings: dict[str, Any], by_hand: bool
) -> None:
    registry.place({"./prepared.py": str(Path(__file__).parent / "prepared.py")})
    of = run(cell, {"task": "adding"}, 9, hidden=16, **settings)
    m = Model.of(of.rung, Trainer().solo(of))
    flat = torch.zeros(m.layout.size)
    assert module.by_hand(m) == by_hand
    assert isinstance(backprop(m, m.views(flat), m.views(flat.clone())), module._ThroughGraph) != by_hand
