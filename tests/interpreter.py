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
    fixed: Places = {("shape", 0): np.zeros((1, H))}
    fixed |= {("given", n): p[node.name] for n, node in enumerate(schedule.given)}
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
    forward = {stage: pointwise.forward(schedule, stage) for stage in range(-1, schedule.count)}
    tape, ys = [], []
    for t in range(T):
        places = {**fixed, **{("state", k): state for k, state in enumerate(states)}}
        for stage in range(-1, schedule.count):
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
        states = [places["output", 0] if k == schedule.home else places["new", k] for k in range(len(states))]
        for n, k in enumerate(schedule.others):
            assert places["was", n] is places["state", k] or (places["was", n] == places["state", k]).all()
        tape.append(places)

    gradients = {name: np.zeros_like(each) for name, each in p.items()}
    dxs, dstates, back = np.zeros_like(xs), [np.zeros((B, H)) for _ in states], np.zeros((B, H))
    drows: Places = {(f"d{kind}", n): np.zeros((1, H)) for kind, rows in _rows(schedule) for n in range(rows)}
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
    return np.stack(ys), dxs, gradients


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
