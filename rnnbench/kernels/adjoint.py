"""The way back of a schedule, by a table of derivatives: what one vector of units computes of each stage, last first,
so that the gradients of a step's sums, states and rows are in place. A gradient that a stage gives to a value of an
earlier one waits in a `carry`; that of an operand comes out of a product between two stages.
"""

from __future__ import annotations

import math

from rnnbench.kernels.pointwise import Body, Load, Rows, Store, Value, Values
from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.symbol import Node


class Backward:
    """The bodies of the way back, by stage: `carried` are the values whose gradients cross a stage, by the number of
    their `carry`; `straight` are the states whose gradients cross a step other than through a product."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.straight = {k for k, state in enumerate(schedule.graph.states) if state.kind != "memory"}
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
        value, adjoint = Values(schedule, body), Adjoint(body)
        last = stage == schedule.count - 1
        if last:
            adjoint.give(graph.output, body.load("dh"))
            for k in sorted(self.straight):
                adjoint.give(graph.new[k], body.load("dstate", k))
        for n, operand in enumerate(schedule.computed):
            if operand.stage == stage:
                adjoint.give(operand.node, body.load("dvalue", n))
                body.store("history", n, value(operand.node))
        for n, use in enumerate(schedule.sent):
            if schedule.stages[use.node] == stage and use.node.op != "number":
                adjoint.give(use.node, body.load("dsent", n))
        before = set(self.carried)
        for node, n in self.carried.items():
            if schedule.stages[node] == stage:
                adjoint.give(node, body.load("carry", n))
        states: dict[int, Value] = {}
        sent: set[int] = set()
        given: set[Node] = set()
        for node in reversed(schedule.nodes):
            slope = adjoint.slopes.get(node)
            if slope is None:
                continue
            if node.op == "state":
                states[node.args[0]] = slope
            elif node.kind == "row":
                self._add_row(body, node, slope)
            elif schedule.stages[node] < stage and (schedule.held(node) or node in schedule.roots):
                self._carry(body, node, slope, node in before)
            elif node in schedule.results:
                given.add(node)
                body.store("dresult", schedule.results.index(node), slope)
            elif node in schedule.roots:
                sent.add(schedule.roots[node].slot)
                body.store("dsum", schedule.roots[node].slot, slope)
            else:
                adjoint.back(node, value)
        for each in schedule.sums:
            if each.stage == stage and each.slot not in sent:
                body.store("dsum", each.slot, 0.0)
        for n, node in enumerate(schedule.results):
            if schedule.stages[node] == stage and node not in given:
                body.store("dresult", n, 0.0)
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
        if node.op in ("number", "scale"):
            return
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
    value, adjoint = Rows(schedule, body), Adjoint(body)
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

    def back(self, node: Node, value: Values) -> None:
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
            case "sqrt":
                self.give(a, let("div", let("mul", 0.5, e), value(node)))
            case "sin":
                self.give(a, let("mul", e, let("cos", value(a))))
            case "cos":
                self.give(a, let("mul", -1.0, let("mul", e, let("sin", value(a)))))
            case "erf":  # 2 / sqrt(pi) exp(-a^2)
                square = let("mul", -1.0, let("mul", value(a), value(a)))
                self.give(a, let("mul", e, let("mul", 2 / math.sqrt(math.pi), let("exp", square))))
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
            case "spread":
                self.give(a, e)
            case "sign" | "stop" | "scale" | "number":
                pass
            case _:
                raise AssertionError(f"no derivative of {node.op}")
