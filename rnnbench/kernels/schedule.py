"""A traced step as a schedule: which products are summed together, in which order, and what is kept for the way back.

A *sum* is a maximal tree of products and at most one bias row, which one tile adds up in registers. Its *operands* are
the values that its matrices multiply: the input, the state that is the output (h), or a computed one, which needs all
units of what it is made of and thus a *stage* of its own before. A stage is: what it does with matrices of the state,
the products of its sums, then the pointwise equations that they allow. What is made of states alone comes before the
first stage, as stage -1.

What matrices of the state take are *vectors*, kept of each step, which likewise need a stage before; what they give are
*results*. A matrix is changed once in a step, together with the one value that is read off it afterwards.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rnnbench.kernels.symbol import Node, Untraceable
from rnnbench.kernels.trace import Graph

ACTIVATIONS = ("tanh", "sigmoid", "relu", "exp")  # whose slope can be told from their value
COSTLY = ("exp", "log", "sqrt", "sin", "cos", "erf", "div")  # a tanh is computed sooner than it is read from memory
RISKY = ("div", "log", "exp", "sqrt")  # may be infinite or no number where a vector is padded with zeros


@dataclass(eq=False)
class Sum:
    """`root` = bias + the sum of operand @ matrix over `terms`; `kept` is what its slot holds after the step."""

    root: Node
    terms: tuple[tuple[Node, str], ...]
    bias: str | None
    stage: int
    kept: Node
    slot: int = -1

    @property
    def operands(self) -> tuple[Node, ...]:
        return tuple(operand for operand, _ in self.terms)


@dataclass(eq=False)
class Group:
    """Sums of one stage that share their operands: the columns of one tile. The slots are consecutive."""

    stage: int
    operands: tuple[Node, ...]
    sums: list[Sum] = field(default_factory=list)

    @property
    def slot(self) -> int:
        return self.sums[0].slot


@dataclass(eq=False)
class Operand:
    """A value that matrices multiply: its rows are in place after its stage. The sums' slots come in runs, each
    (first slot, matrices): what goes back to it is one product with as many terms."""

    node: Node
    stage: int
    runs: list[tuple[int, tuple[str, ...]]]

    @property
    def slots(self) -> int:
        return sum(len(matrices) for _, matrices in self.runs)


@dataclass(frozen=True, eq=False)
class Use:
    """What one operation on heads takes: the number of a vector, and whose gradient comes back to it."""

    node: Node
    vector: int


class Schedule:
    """The schedule of a graph. Raises Untraceable where there is none."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = _live(graph.nodes, (graph.output, *graph.new))
        self.home = next((k for k, node in enumerate(graph.new) if node is graph.output), None)
        self.h = graph.states[self.home] if self.home is not None else None
        self.uses = Counter(each for node in self.nodes for each in node.args if isinstance(each, Node))
        self.uses.update((graph.output, *graph.new))
        self.readers: dict[Node, list[Node]] = {}
        for node in self.nodes:
            for each in node.args:
                if isinstance(each, Node):
                    self.readers.setdefault(each, []).append(node)
        found = self._sums()
        self.roots = {each.root: each for each in found}
        self.read: dict[Node, list[Node]] = {}  # matrices, as they were or have become, and who reads them
        self.results = [node for node in self.nodes if node.op in ("recall", "head_sum")]
        for node in self.results:
            if node.op == "recall":
                self.read.setdefault(node.args[1], []).append(node)
        self.changes = [node for node in self.nodes if node.op == "remember"]
        self.stages: dict[Node, int] = {}
        for node in self.nodes:
            self._stage(node)
        self.sums = self._ordered(found)
        self.count = 1 + max([each.stage for each in self.sums] + [self.stages[each] for each in self.results])
        self.kept: dict[Node, Sum] = {}
        for each in self.sums:
            each.kept = self._kept(each)
            if each.kept in self.kept:  # the end of two chains: it lies in the first one's slot
                each.kept = each.root
            self.kept[each.kept] = each
        self.groups = self._groups()
        self.input, self.back, self.computed = self._operands()
        if self.input is None or all(self.narrow(name) for _, names in self.input.runs for name in names):
            raise Untraceable("never multiplies its input by a matrix")
        units = [k for k, state in enumerate(graph.states) if state.kind != "memory"]
        self.others = [k for k in units if k != self.home]
        self.vectors: list[Node] = []
        self.uses_of: dict[Node, tuple[Use, ...]] = {}
        self.sent: list[Use] = []  # all of them: each has a gradient of its own
        for node in (*self.changes, *self.results):
            self._use(node)
        rows = self._rows()
        self.hoisted = [node for node in rows if node.op != "parameter"]
        self.given = [node for node in _live(self.nodes, rows) if node.op == "parameter"]
        self.names = self._names()
        self.risky = any(node.op in RISKY for node in self.nodes) or bool(self.uses_of)
        # A sum of a tile of its own that becomes the output needs no slot: its place is that of the output, which is
        # written at the last stage, so that no later one may read it.
        alone = [g.sums[0] for g in self.groups if len(g.sums) == 1 and self.stages[graph.output] == self.count - 1]
        self.direct = next((each for each in alone if each.kept is graph.output), None)
        held = [each for each in self.sums if each is not self.direct]
        self.slot = {each: n for n, each in enumerate(held)}
        # What the way back would compute anew at a cost: those of these that it asks for have a slot of their own.
        self.extra = [
            node
            for node in self.nodes
            if node.op in COSTLY and node.kind == "unit" and not self.held(node) and self.stages[node] >= 0
        ]
        # Tiles of one or two vectors a row wait for memory: two vectors of units fill them.
        self.units = 2 if max(len(group.sums) for group in self.groups) <= 2 else 1

    @property
    def slots(self) -> int:
        """The vectors that are kept of a step, for each row and vector of units."""
        return len(self.slot) + len(self.others) + len(self.extra)

    def narrow(self, name: str) -> bool:
        """Whether a parameter has a column a head and not one a unit."""
        return self.graph.parameters[name].per_head and self.graph.heads != self.graph.H

    def held(self, node: Node) -> bool:
        """Whether a value is kept of each step in a place that it has anyway, so that none computes it anew."""
        return node in self.kept or node in self.results or node in self.vectors

    def decays(self, change: Node) -> bool:
        """Whether a change of a matrix takes a decay before its pairs of key and value, or keeps all that was there."""
        return len(self.uses_of[change]) % 2 == 1

    def _use(self, node: Node) -> None:
        """Notes what an operation on heads takes, `spread` taken off: a scan has a copy for each unit anyway."""
        taken = [each for each in node.args if isinstance(each, Node) and each.kind != "memory"]
        uses = []
        for each in taken:
            while each.op == "spread":
                (each,) = each.args
            if each not in self.vectors:
                self.vectors.append(each)
            uses.append(Use(each, self.vectors.index(each)))
        self.uses_of[node] = tuple(uses)
        self.sent += uses

    def _sums(self) -> list[Sum]:
        found: list[Sum] = []
        inside: set[Node] = set()
        for node in reversed(self.nodes):
            if node in inside or node.op not in ("add", "matmul"):
                continue
            parts = self._parts(node)
            if parts is None or not parts[0]:
                continue
            products, bias, within = parts
            inside |= within
            products.sort(key=lambda product: (product.args[0] is not self.graph.x, self.nodes.index(product.args[0])))
            terms = tuple((product.args[0], product.args[1].name) for product in products)
            found.append(Sum(node, terms, bias.name if bias is not None else None, 0, node))
        return found

    def _parts(self, node: Node) -> tuple[list[Node], Node | None, set[Node]] | None:
        """The products, the bias and all nodes of a tree that a tile can sum, or None."""
        if node.op == "matmul":
            return [node], None, {node}
        if node.op == "parameter" and node.kind == "row":
            return [], node, set()
        if node.op != "add" or not all(isinstance(each, Node) for each in node.args):
            return None
        left, right = (
            self._parts(each) if each.op == "parameter" or self.uses[each] == 1 else None for each in node.args
        )
        if left is None or right is None or (left[1] is not None and right[1] is not None):
            return None
        return left[0] + right[0], left[1] if left[1] is not None else right[1], left[2] | right[2] | {node}

    def _stage(self, node: Node) -> int:
        if node not in self.stages:
            if node in self.roots:
                found = self.roots[node]
                found.stage = 1 + max(self._stage(operand) for operand in found.operands)
                self.stages[node] = found.stage
            elif node.op in ("parameter", "x", "state"):
                self.stages[node] = -1
            elif node.op == "remember":  # after all that it takes, what it is read by, and what is read before
                reads = [each.args[0] for each in self.read.get(node, ())]
                before = [self._stage(each) for each in self.read.get(node.args[0], ())]
                self.stages[node] = max(1 + max(map(self._stage, (*node.args[1:], *reads))), *before, 0)
            elif node.op == "recall" and node.args[1].op == "remember":
                self.stages[node] = self._stage(node.args[1])
            elif node.op in ("recall", "head_sum"):
                self.stages[node] = 1 + self._stage(node.args[0])
            else:
                self.stages[node] = max((self._stage(each) for each in node.args if isinstance(each, Node)), default=-1)
        return self.stages[node]

    def _ordered(self, sums: list[Sum]) -> list[Sum]:
        """Those that read h first and by their operands, so that what goes back to one is one product, or nearly."""
        place = {node: n for n, node in enumerate(self.nodes)}
        sums = sorted(
            sums,
            key=lambda each: (
                self.h not in each.operands,
                each.stage,
                [place[operand] for operand in each.operands],
                place[each.root],
            ),
        )
        for slot, each in enumerate(sums):
            each.slot = slot
        return sums

    def _kept(self, found: Sum) -> Node:
        """The activation at the end of a chain of sums that nothing else reads, or the sum as it is."""
        node = found.root
        while self.uses[node] == 1 and node in self.readers:
            (node,) = self.readers[node]
            if node.op in ACTIVATIONS:
                return node
            if node.op not in ("add", "sub"):
                break
        return found.root

    def _groups(self) -> list[Group]:
        groups: list[Group] = []
        for each in self.sums:
            last = groups[-1] if groups else None
            if last is None or (last.stage, last.operands) != (each.stage, each.operands):
                groups.append(Group(each.stage, each.operands))
            groups[-1].sums.append(each)
        return groups

    def _operands(self) -> tuple[Operand | None, Operand | None, list[Operand]]:
        """The input, h, and the computed ones."""
        operands: dict[Node, Operand] = {}
        for each in self.sums:
            for node, matrix in each.terms:
                operand = operands.setdefault(node, Operand(node, self.stages[node], []))
                first, matrices = operand.runs[-1] if operand.runs else (0, ())
                if operand.runs and first + len(matrices) == each.slot:
                    operand.runs[-1] = (first, (*matrices, matrix))
                else:
                    operand.runs.append((each.slot, (matrix,)))
        inputs = operands.pop(self.graph.x, None)
        back = operands.pop(self.h, None) if self.h is not None else None
        return inputs, back, list(operands.values())

    def _rows(self) -> list[Node]:
        """The rows that a pointwise equation reads, each computed once and not at each step."""
        rows = dict.fromkeys(
            each
            for node in self.nodes
            if node.kind in ("unit", "mask", "memory") and not (node.op == "add" and self._inside(node))
            for each in node.args
            if isinstance(each, Node) and each.kind == "row" and each.op != "number"
        )
        rows.update(dict.fromkeys(node for node in self.graph.new if node.kind == "row"))
        return list(rows)

    def _inside(self, node: Node) -> bool:
        parts = self._parts(node)
        return parts is not None and bool(parts[0])

    def _names(self) -> tuple[str, ...]:
        """The parameters that a scan takes, each once."""
        names = [name for each in self.sums for name in (each.bias, *(matrix for _, matrix in each.terms)) if name]
        names += [node.name for node in self.given]
        return tuple(dict.fromkeys(names))


def _live(nodes: list[Node], results: tuple[Node, ...] | list[Node]) -> list[Node]:
    """Those of the nodes that the results are made of, each after those that it reads."""
    needed: set[Node] = set()
    todo = list(results)
    while todo:
        node = todo.pop()
        if node not in needed:
            needed.add(node)
            todo += [each for each in node.args if isinstance(each, Node)]
    return [node for node in nodes if node in needed]
