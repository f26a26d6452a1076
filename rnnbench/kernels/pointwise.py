"""The pointwise equations of a schedule as straight-line code: what one vector of units computes after the products of
a stage, forward and, by a table of derivatives, on the way back. A program prints it for the compiler, another
interprets it in float64.

A statement loads from a place, computes, or stores to a place. Places forward: `slot` (of a sum, then what is kept of
it), `was` (a slot for an old state), `state`, `new`, `output`, `operand`, `row` (hoisted), `given` (a parameter's row),
`vector` and `result` (what matrices of the state take and give). On the way back also: `dh` (of the output), `dstate`,
`dsum`, `dvalue` (of an operand, out of its product), `carry` (of what a later stage read), `history` (an operand of
these steps), `drow`, `dgiven`, `dsent` (of a vector, by one of its uses), `dresult`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rnnbench.kernels.schedule import Schedule
from rnnbench.kernels.symbol import Node

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


class Values:
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
        if node.op in ("stop", "spread"):
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
        if node in schedule.results:
            return self.body.load("result", schedule.results.index(node))
        if self._is_vector(node):
            return self.body.load("vector", schedule.vectors.index(node))
        if self._extra(node):
            return self.body.load("extra", schedule.extra.index(node))
        return self.compute(node)

    def _row(self, node: Node) -> str:
        if node.op == "parameter":
            return self.body.load("given", self.schedule.given.index(node))
        return self.body.load("row", self.schedule.hoisted.index(node))

    def _lies_in_slot(self, node: Node) -> bool:
        return node in self.schedule.kept

    def _is_vector(self, node: Node) -> bool:
        """Whether a value lies among the vectors."""
        return node in self.schedule.vectors

    def _extra(self, node: Node) -> bool:
        """Whether a value that has a slot of its own lies there."""
        return node in self.schedule.extra


class _Forward(Values):
    """Before and after an activation: a slot holds a sum until the stage of what is kept of it."""

    def __init__(self, schedule: Schedule, body: Body, stage: int) -> None:
        super().__init__(schedule, body)
        self.stage = stage

    def _lies_in_slot(self, node: Node) -> bool:
        if node in self.schedule.roots:
            return True
        return node in self.schedule.kept and self.schedule.stages[node] < self.stage

    def _is_vector(self, node: Node) -> bool:
        return super()._is_vector(node) and self.schedule.stages[node] < self.stage

    def _extra(self, node: Node) -> bool:
        return super()._extra(node) and self.schedule.stages[node] < self.stage


class Rows(Values):
    """Rows of parameters alone."""

    def _row(self, node: Node) -> str:
        return super()._row(node) if node.op == "parameter" else self.compute(node)


def prologue(schedule: Schedule) -> Body:
    """The rows that are computed once."""
    body = Body()
    value = Rows(schedule, body)
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
    for n, node in enumerate(schedule.vectors):
        if schedule.stages[node] == stage:
            body.store("vector", n, node.args[0] if node.op == "number" else value(node))
    if stage == schedule.count - 1:
        was = [(k, value(graph.states[k])) for k in schedule.others]
        new = {k: value(graph.new[k]) for k in schedule.others}
        output = value(graph.output)
        for n, (_, old) in enumerate(was):
            body.store("was", n, old)
        for k in schedule.others:
            body.store("new", k, new[k])
        body.store("output", 0, output)
    return body
