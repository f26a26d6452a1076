"""The pointwise equations of a schedule as straight-line code: what one vector of units computes after the products of
a stage, forward and, by a table of derivatives, on the way back. A program prints it for the compiler, another
interprets it in float64.

A statement loads from a place, computes, or stores to a place. Places forward: `slot` (of a sum, then what is kept of
it), `was` (a slot for an old state), `state`, `new`, `output`, `operand`, `row` (hoisted), `given` (a parameter's row).
On the way back also: `dh` (of the output), `dstate`, `dsum`, `dvalue` (of an operand, out of its product), `carry` (of
what a later stage read), `history` (an operand of these steps), `drow`, `dgiven`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.trace import Node

Place = tuple[str, int]
Value = str | float  # a variable or a number


@dataclass(frozen=True)
class Load:
    """variable = what lies at a place."""

    variable: str
    place: Place


@dataclass(frozen=True)
class Let:
    """variable = op(args)."""

    variable: str
    op: str
    args: tuple[Value, ...]


@dataclass(frozen=True)
class Store:
    """What lies at a place becomes a value."""

    place: Place
    value: Value


@dataclass
class Body:
    """Straight-line code under construction; each expression is computed once."""

    statements: list[Load | Let | Store] = field(default_factory=list)
    known: dict[Any, str] = field(default_factory=dict)

    def load(self, buffer: str, index: int = 0) -> str:
        key = ("load", buffer, index)
        if key not in self.known:
            self.known[key] = f"v{len(self.known)}"
            self.statements.append(Load(self.known[key], (buffer, index)))
        return self.known[key]

    def let(self, op: str, *args: Value) -> str:
        key = (op, *args)
        if key not in self.known:
            self.known[key] = f"v{len(self.known)}"
            self.statements.append(Let(self.known[key], op, args))
        return self.known[key]

    def store(self, buffer: str, index: int, value: Value) -> None:
        self.statements.append(Store((buffer, index), value))


class _Values:
    """The values of nodes in one body, each out of a place that has it or computed anew."""

    def __init__(self, schedule: Schedule, body: Body) -> None:
        self.schedule, self.body = schedule, body
        self.variables: dict[Node, str] = {}

    def __call__(self, node: Node | float) -> Value:
        if not isinstance(node, Node):
            return node
        if node not in self.variables:
            self.variables[node] = self._find(node)
        return self.variables[node]

    def compute(self, node: Node) -> str:
        """The value by its equation."""
        if node.op == "where":
            mask, *rest = node.args
            return self.body.let(f"where_{mask.op}", *(self(each) for each in (*mask.args, *rest)))
        if node.op == "stop":
            return str(self(node.args[0]))
        return self.body.let(node.op, *(self(each) for each in node.args))

    def _find(self, node: Node) -> str:
        schedule = self.schedule
        if node.op == "state":
            return self.body.load("state", node.args[0])
        if node.kind == "row":
            return self._row(node)
        if self._lies_in_slot(node):
            return self.body.load("slot", (schedule.kept if node in schedule.kept else schedule.roots)[node].slot)
        if self._extra(node):
            return self.body.load("extra", schedule.extra.index(node))
        return self.compute(node)

    def _row(self, node: Node) -> str:
        if node.op == "parameter":
            return self.body.load("given", self.schedule.given.index(node))
        return self.body.load("row", self.schedule.hoisted.index(node))

    def _lies_in_slot(self, node: Node) -> bool:
        return node in self.schedule.kept

    def _extra(self, node: Node) -> bool:
        """Whether a value that has a slot of its own lies there."""
        return node in self.schedule.extra


class _Forward(_Values):
    """Before and after an activation: a slot holds a sum until the stage of what is kept of it."""

    def __init__(self, schedule: Schedule, body: Body, stage: int) -> None:
        super().__init__(schedule, body)
        self.stage = stage

    def _lies_in_slot(self, node: Node) -> bool:
        if node in self.schedule.roots:
            return True
        return node in self.schedule.kept and self.schedule.stages[node] < self.stage

    def _extra(self, node: Node) -> bool:
        return super()._extra(node) and self.schedule.stages[node] < self.stage


class _Rows(_Values):
    """Rows of parameters alone."""

    def _row(self, node: Node) -> str:
        return super()._row(node) if node.op == "parameter" else self.compute(node)


def prologue(schedule: Schedule) -> Body:
    """The rows that are computed once."""
    body = Body()
    value = _Rows(schedule, body)
    for n, node in enumerate(schedule.hoisted):
        body.store("row", n, value(node))
    return body


def forward(schedule: Schedule, stage: int) -> Body:
    """What a stage computes after its products: activations, operands of later stages, at the end the new state."""
    body, graph = Body(), schedule.graph
    value = _Forward(schedule, body, stage)
    for each in schedule.sums:
        computed = each.kept is not each.root and schedule.stages[each.kept] == stage
        if computed and each is not schedule.direct:
            body.store("slot", each.slot, value(each.kept))
    for n, node in enumerate(schedule.extra):
        if schedule.stages[node] == stage:
            body.store("extra", n, value(node))
    for n, operand in enumerate(schedule.computed):
        if operand.stage == stage:
            body.store("operand", n, value(operand.node))
    if stage == schedule.count - 1:
        was = [(k, value(graph.states[k])) for k in schedule.others]
        new = [value(node) for node in graph.new]
        output = value(graph.output)
        for n, (_, old) in enumerate(was):
            body.store("was", n, old)
        for k in schedule.others:
            body.store("new", k, new[k])
        body.store("output", 0, output)
    return body


class Backward:
    """The bodies of the way back, by stage: `carried` are the values whose gradients cross a stage, by the number of
    their `carry`; `straight` are the states whose gradients cross a step other than through a product."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.straight = set(range(len(schedule.graph.states)))
        self.bodies = self._bodies()
        schedule.extra = [schedule.extra[n] for n in sorted(self._loaded("extra"))]
        self.bodies = self._bodies()
        while (crossing := {k for body in self.bodies.values() for k in _changed(body)}) != self.straight:
            self.straight = crossing
            self.bodies = self._bodies()

    def _loaded(self, buffer: str) -> set[int]:
        lines = (line for body in self.bodies.values() for line in body.statements)
        return {line.place[1] for line in lines if isinstance(line, Load) and line.place[0] == buffer}

    def _bodies(self) -> dict[int, Body]:
        self.carried: dict[Node, int] = {}
        return {stage: self._body(stage) for stage in range(self.schedule.count - 1, -2, -1)}

    def _body(self, stage: int) -> Body:
        schedule, graph, body = self.schedule, self.schedule.graph, Body()
        value, adjoint = _Values(schedule, body), Adjoint(body)
        last = stage == schedule.count - 1
        if last:
            adjoint.give(graph.output, body.load("dh"))
            for k in sorted(self.straight):
                adjoint.give(graph.new[k], body.load("dstate", k))
        for n, operand in enumerate(schedule.computed):
            if operand.stage == stage:
                adjoint.give(operand.node, body.load("dvalue", n))
                body.store("history", n, value(operand.node))
        before = set(self.carried)
        for node, n in self.carried.items():
            if schedule.stages[node] == stage:
                adjoint.give(node, body.load("carry", n))
        states: dict[int, Value] = {}
        sent: set[int] = set()
        for node in reversed(schedule.nodes):
            slope = adjoint.slopes.get(node)
            if slope is None:
                continue
            if node.op == "state":
                states[node.args[0]] = slope
            elif node.kind == "row":
                self._add_row(body, node, slope)
            elif schedule.stages[node] < stage and (node in schedule.kept or node in schedule.roots):
                self._carry(body, node, slope, node in before)
            elif node in schedule.roots:
                sent.add(schedule.roots[node].slot)
                body.store("dsum", schedule.roots[node].slot, slope)
            else:
                adjoint.back(node, value)
        for each in schedule.sums:
            if each.stage == stage and each.slot not in sent:
                body.store("dsum", each.slot, 0.0)
        for k in sorted(self.straight):
            if last:
                body.store("dstate", k, states.get(k, 0.0))
            elif k in states:
                body.store("dstate", k, body.let("add", body.load("dstate", k), states[k]))
        return body

    def _carry(self, body: Body, node: Node, slope: Value, again: bool) -> None:
        n = self.carried.setdefault(node, len(self.carried))
        body.store("carry", n, body.let("add", body.load("carry", n), slope) if again else slope)

    def _add_row(self, body: Body, node: Node, slope: Value) -> None:
        if node.op == "parameter":
            place = "dgiven", self.schedule.given.index(node)
        else:
            place = "drow", self.schedule.hoisted.index(node)
        body.store(*place, body.let("add", body.load(*place), slope))


def _changed(body: Body) -> set[int]:
    """The states that a body gives a gradient to."""
    stores = (line for line in body.statements if isinstance(line, Store))
    return {line.place[1] for line in stores if line.place[0] == "dstate" and line.value != 0.0}


def epilogue(schedule: Schedule) -> Body:
    """What the gradients of hoisted rows send back to the parameters' rows."""
    body = Body()
    value, adjoint = _Rows(schedule, body), Adjoint(body)
    for n, node in enumerate(schedule.hoisted):
        adjoint.give(node, body.load("drow", n))
    for node in reversed(schedule.nodes):
        slope = adjoint.slopes.get(node)
        if slope is None:
            continue
        if node.op == "parameter":
            n = schedule.given.index(node)
            body.store("dgiven", n, body.let("add", body.load("dgiven", n), slope))
        else:
            adjoint.back(node, value)
    return body


class Adjoint:
    """Reverse-mode differentiation: `slopes` has dloss/d of every node that was given one."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.slopes: dict[Node, Value] = {}

    def give(self, node: Node | float, slope: Value) -> None:
        """Adds to the slope of a node."""
        if isinstance(node, Node):
            known = self.slopes.get(node)
            self.slopes[node] = slope if known is None else self.body.let("add", known, slope)

    def back(self, node: Node, value: _Values) -> None:
        """What the slope of a node is to those that it is made of."""
        let, e = self.body.let, self.slopes[node]
        args = [each for each in node.args if not (isinstance(each, Node) and each.kind == "mask")]
        a, b = (*args, 0.0, 0.0)[:2]
        match node.op:
            case "add":
                self.give(a, e)
                self.give(b, e)
            case "sub":
                self.give(a, e)
                if isinstance(b, Node):
                    self.give(b, let("mul", -1.0, e))
            case "mul":
                for one, other in ((a, b), (b, a)):
                    if isinstance(one, Node):
                        self.give(one, let("mul", e, value(other)))
            case "div":
                if isinstance(a, Node):
                    self.give(a, let("div", e, value(b)))
                if isinstance(b, Node):
                    self.give(b, let("mul", -1.0, let("div", let("mul", e, value(node)), value(b))))
            case "tanh":
                y = value(node)
                self.give(a, let("mul", e, let("sub", 1.0, let("mul", y, y))))
            case "sigmoid":
                y = value(node)
                self.give(a, let("mul", let("mul", e, y), let("sub", 1.0, y)))
            case "relu":
                self.give(a, let("where_ge", 0.0, value(node), 0.0, e))
            case "exp":
                self.give(a, let("mul", e, value(node)))
            case "log":
                self.give(a, let("div", e, value(a)))
            case "sin":
                self.give(a, let("mul", e, let("cos", value(a))))
            case "cos":
                self.give(a, let("mul", -1.0, let("mul", e, let("sin", value(a)))))
            case "abs":
                y = value(a)
                self.give(a, let("where_gt", y, 0.0, e, let("where_gt", 0.0, y, let("mul", -1.0, e), 0.0)))
            case "maximum":  # a tie gives half to each, as in torch
                x, y = value(a), value(b)
                part = let("where_ge", x, y, let("where_gt", x, y, e, let("mul", 0.5, e)), 0.0)
                self.give(a, part)
                if isinstance(b, Node):
                    self.give(b, let("sub", e, part))
            case "at_least":
                self.give(a, let("where_ge", value(a), b, e, 0.0))
            case "at_most":
                self.give(a, let("where_ge", b, value(a), e, 0.0))
            case "where":
                mask = node.args[0]
                x, y = (value(each) for each in mask.args)
                if isinstance(a, Node):
                    self.give(a, let(f"where_{mask.op}", x, y, e, 0.0))
                if isinstance(b, Node):
                    self.give(b, let(f"where_{mask.op}", x, y, 0.0, e))
            case "sign" | "stop":
                pass
            case _:
                raise AssertionError(f"no derivative of {node.op}")
