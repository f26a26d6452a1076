"""A schedule's forward and backward pass in float64, statement by statement, without the compiler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

from rnnbench.kernels import pointwise
from rnnbench.kernels.adjoint import Backward, epilogue
from rnnbench.kernels.pointwise import Body, Let, Load, Place
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.symbol import Node

Array = NDArray[np.float64]
Places = dict[Place, Array]

OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "erf": scipy.special.erf,
    "abs": np.abs,
    "sign": np.sign,
    "maximum": np.maximum,
    "at_least": np.maximum,
    "at_most": np.minimum,
    "where_gt": lambda a, b, x, y: np.where(a > b, x, y),
    "where_ge": lambda a, b, x, y: np.where(a >= b, x, y),
}


def run(body: Body, places: Places) -> None:
    """One body; rows of gradients are summed over the batch by whoever asks for them."""
    values: dict[str, Array] = {}
    for line in body.statements:
        if isinstance(line, Load):
            values[line.variable] = places[line.place].copy()
        elif isinstance(line, Let):
            args = (values[each] if isinstance(each, str) else each for each in line.args)
            values[line.variable] = OPERATIONS[line.op](*args)
        else:
            value = values[line.value] if isinstance(line.value, str) else np.float64(line.value)
            places[line.place] = np.broadcast_to(value, np.broadcast_shapes(value.shape, places["shape", 0].shape))


def scan(schedule: Schedule, p: Mapping[str, Array], xs: Array, dys: Array) -> tuple[Array, Array, dict[str, Array]]:
    """xs (T, B, I), dys (T, B, H) -> ys (T, B, H), dxs, and the gradient of every parameter."""
    (T, B, _), H, graph = xs.shape, dys.shape[2], schedule.graph
    D = H // graph.heads
    narrow = {name for name in p if name in graph.parameters and graph.parameters[name].per_head}
    p = {name: np.repeat(each, D, 1) if name in narrow else each for name, each in p.items()}
    fixed: Places = {("shape", 0): np.zeros((1, H))}
    fixed |= {("given", n): p[node.name] for n, node in enumerate(schedule.given)}
    OPERATIONS["scale"] = lambda: np.full((1, H), D**-0.5)
    run(pointwise.prologue(schedule), fixed)
    fixed["shape", 0] = np.zeros((B, H))

    def value(node: object, places: Places, t: int) -> Array:
        if node is graph.x:
            now: Array = xs[t]
            return now
        if node is schedule.h:
            return places["state", schedule.home or 0]
        return places["operand", _number(schedule, node)]

    backward = Backward(schedule)
    states = [np.zeros((B, H)) for _ in graph.states]
    heads = (B, graph.heads, D)
    matrices = {node.args[0]: np.zeros((*heads, D)) for node in schedule.changes}
    forward = {stage: pointwise.forward(schedule, stage) for stage in range(-1, schedule.count)}
    tape, pasts, ys = [], [], []
    for t in range(T):
        places = {**fixed, **{("state", k): state for k, state in enumerate(states)}}
        was = dict(matrices)
        for stage in range(-1, schedule.count):
            for n, node in enumerate(schedule.results):
                if schedule.stages[node] == stage and node.op == "head_sum":
                    (z,) = _taken(schedule, node, places, heads)
                    places["result", n] = np.repeat(z.sum(-1), D, -1)
                elif schedule.stages[node] == stage and node.args[1].op == "state":
                    (q,) = _taken(schedule, node, places, heads)
                    places["result", n] = np.einsum("bhi,bhij->bhj", q, was[node.args[1]]).reshape(B, H)
            for node in schedule.changes:
                if schedule.stages[node] == stage:
                    a, pairs = _change(schedule, node, places, heads)
                    S = matrices[node.args[0]] = _changed(was[node.args[0]], a, pairs)
                    for reader in schedule.read.get(node, ()):
                        (q,) = _taken(schedule, reader, places, heads)
                        y = np.einsum("bhi,bhij->bhj", q, S).reshape(B, H)
                        places["result", schedule.results.index(reader)] = y
            for each in schedule.sums:
                if each.stage == stage:
                    total = np.zeros((B, H)) if each.bias is None else np.broadcast_to(p[each.bias], (B, H))
                    for node, matrix in each.terms:
                        total = total + value(node, places, t) @ p[matrix]
                    places["slot", each.slot] = total
            run(forward[stage], places)
        if schedule.direct:
            places["slot", schedule.direct.slot] = places["output", 0]
        ys.append(places["output", 0])
        new = [places.get(("new", k), each) for k, each in enumerate(states)]
        states = [places["output", 0] if k == schedule.home else each for k, each in enumerate(new)]
        for n, k in enumerate(schedule.others):
            assert places["was", n] is places["state", k] or (places["was", n] == places["state", k]).all()
        tape.append(places)
        pasts.append(was)

    gradients = {name: np.zeros_like(each) for name, each in p.items()}
    dxs, dstates, back = np.zeros_like(xs), [np.zeros((B, H)) for _ in states], np.zeros((B, H))
    drows: Places = {(f"d{kind}", n): np.zeros((1, H)) for kind, rows in _rows(schedule) for n in range(rows)}
    slopes = {S: np.zeros_like(value) for S, value in matrices.items()}
    for t in reversed(range(T)):
        places = {place: each for place, each in tape[t].items() if place[0] not in ("new", "output", "operand")}
        places |= {("dstate", k): each for k, each in enumerate(dstates)} | {("dh", 0): dys[t] + back}
        for stage in reversed(range(-1, schedule.count)):
            for n, operand in enumerate(schedule.computed):
                if operand.stage == stage:
                    places["dvalue", n] = _sent_back(schedule, operand.node, places, p, (B, H))
            for place in drows:
                places[place] = np.zeros((B, H))
            run(backward.bodies[stage], places)
            for place in drows:
                drows[place] = drows[place] + places[place].sum(0, keepdims=True)
            _back_through_heads(schedule, stage, places, pasts[t], slopes, heads)
        dstates = [places.get(("dstate", k), each) for k, each in enumerate(dstates)]
        for each in schedule.sums:
            d = places["dsum", each.slot]
            if each.bias:
                gradients[each.bias] += d.sum(0, keepdims=True)
            for node, matrix in each.terms:
                if node is graph.x:
                    source = xs[t]
                    dxs[t] += d @ p[matrix].T
                elif node is schedule.h:
                    source = tape[t]["state", schedule.home or 0]
                else:
                    source = places["history", _number(schedule, node)]
                gradients[matrix] += source.T @ d
        back = _sent_back(schedule, schedule.h, places, p, (B, H))
    ends = {**fixed, **drows, ("shape", 0): np.zeros((1, H))}
    run(epilogue(schedule), ends)
    for n, row in enumerate(schedule.given):
        gradients[row.name] += ends["dgiven", n]
    folded = {name: value.reshape(len(value), -1, D).sum(-1) for name, value in gradients.items() if name in narrow}
    return np.stack(ys), dxs, gradients | folded


def _taken(schedule: Schedule, node: Node, places: Places, heads: tuple[int, int, int]) -> list[Array]:
    """The vectors that an operation on heads takes, (B, heads, D) each."""
    B, _, _ = heads
    return [
        np.broadcast_to(places["vector", use.vector], (B, heads[1] * heads[2])).reshape(heads)
        for use in schedule.uses_of[node]
    ]


def _change(schedule: Schedule, node: Node, places: Places, heads: tuple[int, int, int]) -> tuple[Array, list[Array]]:
    """The decay of a change, 1 where it has got none, and its pairs."""
    taken = _taken(schedule, node, places, heads)
    return (taken[0], taken[1:]) if schedule.decays(node) else (np.ones(heads), taken)


def _changed(S: Array, a: Array, pairs: list[Array]) -> Array:
    """What a change makes of the matrices S (B, heads, D, D)."""
    kept = a[..., None] * S
    for u, v in zip(pairs[::2], pairs[1::2], strict=True):
        kept = kept + u[..., None] * v[..., None, :]
    return kept


def _back_through_heads(
    schedule: Schedule,
    stage: int,
    places: Places,
    was: Mapping[Node, Array],
    slopes: dict[Node, Array],
    heads: tuple[int, int, int],
) -> None:
    """The gradients of what this stage's operations on heads took, and of matrices before the step."""

    def given(node: Node) -> Array:
        return places["dresult", schedule.results.index(node)].reshape(heads)

    def send(node: Node, *values: Array) -> None:
        for use, value in zip(schedule.uses_of[node], values, strict=True):
            places["dsent", schedule.sent.index(use)] = value.reshape(heads[0], -1)

    for node in schedule.changes:
        if schedule.stages[node] == stage:
            a, pairs = _change(schedule, node, places, heads)
            S, G = was[node.args[0]], slopes[node.args[0]]
            for reader in schedule.read.get(node, ()):
                (q,) = _taken(schedule, reader, places, heads)
                new, dy = _changed(S, a, pairs), given(reader)
                G = G + q[..., None] * dy[..., None, :]
                send(reader, np.einsum("bhij,bhj->bhi", new, dy))
            sent = [(G * S).sum(-1)] if schedule.decays(node) else []
            for u, v in zip(pairs[::2], pairs[1::2], strict=True):
                sent += [np.einsum("bhij,bhj->bhi", G, v), np.einsum("bhij,bhi->bhj", G, u)]
            send(node, *sent)
            slopes[node.args[0]] = a[..., None] * G
    for node in schedule.results:
        if schedule.stages[node] != stage:
            continue
        if node.op == "head_sum":
            send(node, np.repeat(given(node).sum(-1, keepdims=True), heads[2], -1))
        elif node.args[1].op == "state":
            (q,) = _taken(schedule, node, places, heads)
            send(node, np.einsum("bhij,bhj->bhi", was[node.args[1]], given(node)))
            slopes[node.args[1]] = slopes[node.args[1]] + q[..., None] * given(node)[..., None, :]


def _number(schedule: Schedule, node: object) -> int:
    """Which of the computed operands a value is."""
    return next(n for n, each in enumerate(schedule.computed) if each.node is node)


def _rows(schedule: Schedule) -> tuple[tuple[str, int], tuple[str, int]]:
    return ("row", len(schedule.hoisted)), ("given", len(schedule.given))


def _sent_back(
    schedule: Schedule, node: object, places: Places, p: Mapping[str, Array], shape: tuple[int, int]
) -> Array:
    total = np.zeros(shape)
    for each in schedule.sums:
        for operand, matrix in each.terms:
            if operand is node:
                total = total + places["dsum", each.slot] @ p[matrix].T
    return total
