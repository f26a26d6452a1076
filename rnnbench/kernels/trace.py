"""A cell's `step`, called once with symbols: the graph of what it computes, or the reason why there is none.

What a fused scan can compute is a graph of products `value @ matrix`, of functions of one unit at a time and of what
`cells.memory` does with matrices of the state, of which each is read after its change once at most; a step that does
anything else is refused with the name of what it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rnnbench.cells import Cell
from rnnbench.kernels.functions import COMPOSED
from rnnbench.kernels.symbol import Node, Untraceable

if TYPE_CHECKING:
    from collections.abc import Sequence

I, D = 3, 5  # sizes of the trace, of a head: unlike each other, so that a matrix shows what it multiplies

COMPARISONS = ("gt", "ge")
FUNCTIONS = ("tanh", "sigmoid", "relu", "exp", "log", "sqrt", "sin", "cos", "erf", "abs", "sign", "maximum")
POINTWISE = ("add", "sub", "mul", "div", *FUNCTIONS, "where", "at_least", "at_most", "stop", *COMPARISONS)
# torch's names for what has another name here, and the names with the arguments the other way round
ALIASES = {
    "true_divide": "div",
    "divide": "div",
    "subtract": "sub",
    "multiply": "mul",
    "detach": "stop",
    "clip": "clamp",
    "special_expit": "sigmoid",
    "special_erf": "erf",
    "special_log1p": "log1p",
    "special_expm1": "expm1",
}
MEMORY = ("remember", "recall", "head_sum", "spread", "scale")  # of cells.memory
SWAPPED = {"lt": "gt", "le": "ge", "rsub": "sub"}


class Parameters(dict[str, Node]):
    """What `step` takes for `p`: a symbol for each parameter, whose use says whether it is a row or a matrix."""

    def __init__(self, graph: Graph, shapes: dict[str, tuple[int, int]], prepared: bool) -> None:
        super().__init__({name: graph.parameter(name, shape) for name, shape in shapes.items()})
        self.graph, self.prepared = graph, prepared

    def __missing__(self, name: str) -> Node:
        if not self.prepared:
            raise KeyError(name)
        H = self.graph.H
        self[name] = self.graph.parameter(name, (H, H))  # what `prepare` makes of parameters is a matrix of the state
        return self[name]


class Graph:
    """What one step computes: `output` and the `new` states from `x`, the old `states` and the `parameters`. Equal
    expressions are one node, and `nodes` has each after those that it reads."""

    def __init__(self, cell: Cell) -> None:
        self.nodes: list[Node] = []
        self.known: dict[tuple[Any, ...], Node] = {}
        self.heads, self.H = cell.heads, D * cell.heads
        self.x = self._node("x", (), "x", "x")
        widths = cell.widths(self.H)
        kinds = {self.H: ("unit", False), self.heads: ("unit", True), D * self.H: ("memory", False)}
        if not kinds.keys() >= set(widths):
            raise Untraceable(f"its states are {' and '.join(map(str, widths))} wide where it has {self.H} units")
        self.states = tuple(
            self._node("state", (k,), kinds[width][0], f"state{k}", kinds[width][1]) for k, width in enumerate(widths)
        )
        self.changed: dict[Node, Node] = {}  # the states that are matrices, and what they become
        self.recalled: dict[Node, Node] = {}  # what they have become, and the one that reads it
        prepared = type(cell).prepare is not Cell.prepare or bool(cell.rotations())
        self.parameters = Parameters(self, cell.shapes(I, self.H), prepared)
        output, new = cell.step(self.parameters, self.x, self.states)  # type: ignore[arg-type]
        self.output = self._result(output)
        if len(new) != len(self.states):
            raise Untraceable(f"returns {len(new)} states of {len(self.states)}")
        self.new = tuple(self._result(value, state) for value, state in zip(new, self.states, strict=True))

    def parameter(self, name: str, shape: tuple[int, int]) -> Node:
        rows, columns = shape
        kind = "row" if rows == 1 else "matrix" if rows in (I, self.H) else "odd"
        if columns not in (self.H, self.heads):
            kind = "odd"
        return self._node("parameter", (name, shape), kind, name, columns == self.heads)

    def _result(self, value: Any, state: Node | None = None) -> Node:
        if state is not None and state.kind == "memory":
            if state not in self.changed or value is not self.changed[state]:
                raise Untraceable(f"returns {value!r} where what {state!r} becomes is expected")
            return self.changed[state]
        per_head = state is not None and state.per_head
        if isinstance(value, Node) and value.kind in ("row", "unit") and value.per_head == per_head:
            return value
        raise Untraceable(f"returns {value!r} where a value a {'head' if per_head else 'unit'} is expected")

    def _node(self, op: str, args: tuple[Any, ...], kind: str, name: str = "", per_head: bool = False) -> Node:
        key = (op, *(id(each) if isinstance(each, Node) else each for each in args))
        if key not in self.known:
            self.known[key] = Node(self, op, args, kind, name, per_head)
            self.nodes.append(self.known[key])
        return self.known[key]

    def call(self, name: str, args: Sequence[Any], options: Any = None) -> Node:
        """One operation, by the name that torch or Python gives it."""
        name = ALIASES.get(name.strip("_"), name.strip("_"))
        if name == "matmul":
            return self._product(*args)
        if name == "clamp":
            return self._clamp(*args, **(options or {}))
        if name in ("clamp_min", "clamp_max"):
            return self._clamp(args[0], **{name.removeprefix("clamp_"): args[1]})
        if name in MEMORY:
            operation: Callable[..., Node] = getattr(self, f"_{name}")
            return operation(*args)
        options = {key: value for key, value in (options or {}).items() if key not in ("out", "inplace") or value}
        if name in COMPOSED:
            return self._composed(name, args, options)
        if options:
            raise Untraceable(f"calls `{name}` with {', '.join(options)}")
        if name == "neg":
            return self.call("mul", (-1.0, *args))
        if name in SWAPPED:
            return self.call(SWAPPED[name], args[::-1])
        if name == "where" and not isinstance(args[0], Node):
            args = args[1], args[0], args[2]
        if name == "where" and args[0].kind != "mask" and isinstance(args[1], Node) and args[1].kind == "mask":
            args = args[1], args[0], args[2]  # a.where(condition, b)
        if name == "minimum":
            return -self.call("maximum", [-1.0 * each for each in args])
        if name not in POINTWISE:
            raise Untraceable(f"calls `{name}`, which is no function of one unit at a time that a scan knows")
        return self._pointwise(name, args)

    def _composed(self, name: str, args: Sequence[Any], options: dict[str, Any]) -> Node:
        try:
            inspect.signature(COMPOSED[name]).bind(*args, **options)
            found: Node = COMPOSED[name](*args, **options)
        except TypeError as error:
            raise Untraceable(f"calls `{name}` with what a scan can't follow: {error}") from None
        return found

    def _product(self, value: Any, matrix: Any) -> Node:
        if not (isinstance(matrix, Node) and matrix.kind == "matrix" and matrix.op == "parameter"):
            raise Untraceable(f"multiplies by {matrix!r}, which is not one of its matrices")
        rows = matrix.args[1][0]
        if not (isinstance(value, Node) and value.kind in ("x", "unit")):
            raise Untraceable(f"multiplies {value!r} by the matrix {matrix!r}")
        if rows != (I if value.kind == "x" else self.H) or value.per_head:
            raise Untraceable(f"multiplies {value!r} by {matrix!r}, which has {rows} rows")
        return self._node("matmul", (value, matrix), "unit", per_head=matrix.per_head)

    def _remember(self, S: Any, a: Any, u: Any, v: Any, *more: Any) -> Node:
        self._expect_memory("remembers in", S)
        if S.op != "state" or S in self.changed:
            raise Untraceable(f"changes {S!r} twice in a step")
        if isinstance(a, (int, float)):
            a = self._node("number", (float(a),), "row")
        a = self._spread(a, u) if isinstance(a, Node) and a.per_head else a
        if len(more) % 2:
            raise Untraceable("calls `remember` with a key that has no value beside it")
        for each in (a, u, v, *more):
            self._expect_units("remember", each)
        decay = () if (a.op, a.args) == ("number", (1.0,)) else (a,)  # none where all is kept
        self.changed[S] = self._node("remember", (S, *decay, u, v, *more), "memory")
        return self.changed[S]

    def _recall(self, q: Any, S: Any) -> Node:
        self._expect_memory("recalls from", S)
        self._expect_units("recall", q)
        if S in self.changed:
            raise Untraceable(f"reads {S!r} as it was after its change")
        found = self._node("recall", (q, S), "unit")
        if S.op != "state" and self.recalled.setdefault(S, found) is not found:
            raise Untraceable(f"reads {S.args[0]!r} twice after its change")
        return found

    def _head_sum(self, z: Any, heads: int) -> Node:
        self._expect_units("head_sum", z)
        if heads != self.heads:
            raise Untraceable(f"sums over {heads} heads where the cell says {self.heads}")
        return self._node("head_sum", (z,), "unit", per_head=True)

    def _spread(self, g: Any, like: Any) -> Node:
        if not isinstance(g, Node) or g.kind not in ("row", "unit") or not g.per_head:
            raise Untraceable(f"calls `spread` on {g!r}, which is no number a head")
        return self._node("spread", (g,), g.kind)

    def _scale(self, z: Any, heads: int) -> Node:
        if heads != self.heads:
            raise Untraceable(f"scales for {heads} heads where the cell says {self.heads}")
        return self._node("scale", (), "row", "1 / sqrt(D)")

    def _expect_memory(self, what: str, S: Any) -> None:
        if not isinstance(S, Node) or S.kind != "memory":
            raise Untraceable(f"{what} {S!r}, which is no matrix of its state")

    def _expect_units(self, name: str, value: Any) -> None:
        if not isinstance(value, Node) or value.kind not in ("row", "unit") or value.per_head:
            raise Untraceable(f"calls `{name}` on {value!r}, which is no value a unit")

    def _clamp(self, value: Any, min: Any = None, max: Any = None) -> Node:
        for name, bound in (("at_least", min), ("at_most", max)):
            if bound is not None:
                value = self._pointwise(name, (value, bound))
        result: Node = value
        return result

    def _pointwise(self, name: str, args: Sequence[Any]) -> Node:
        values: list[Any] = []
        for each in args:
            if isinstance(each, Node):
                if each.kind not in ("row", "unit", "mask") or (each.kind == "mask") != (
                    name == "where" and not values
                ):
                    raise Untraceable(f"calls `{name}` on {each!r}")
                values.append(each)
            elif isinstance(each, (int, float)):
                values.append(float(each))
            else:
                raise Untraceable(f"calls `{name}` on a {type(each).__name__} that is not one of its parameters")
        if name == "mul":
            for one, other in (values, values[::-1]):
                if not isinstance(one, Node) and one == 1.0:  # a gate that is off
                    return other  # type: ignore[no-any-return]
        if name == "add" and (inner := _half_tanh(values)) is not None:
            return self._pointwise("sigmoid", (inner,))
        kinds = {each.kind for each in values if isinstance(each, Node)}
        if name == "where":
            kinds |= {each.kind for each in values[0].args if isinstance(each, Node)}
        kind = "mask" if name in COMPARISONS else "unit" if "unit" in kinds else "row"
        heads = {each.per_head for each in values if isinstance(each, Node)}
        if len(heads) == 2 and self.heads > 1:
            raise Untraceable(f"calls `{name}` on a number a head and one a unit: it wants `spread`")
        return self._node(name, tuple(values), kind, per_head=heads == {True})


def _half_tanh(values: Sequence[Any]) -> Node | None:
    """x, if these add up to 0.5 * tanh(0.5 * x) + 0.5, as `cells.sigmoid` writes the logistic function."""
    product, half = values
    if half != 0.5 or not isinstance(product, Node) or product.op != "mul" or product.args[0] != 0.5:
        return None
    tanh = product.args[1]
    if not isinstance(tanh, Node) or tanh.op != "tanh" or tanh.args[0].op != "mul" or tanh.args[0].args[0] != 0.5:
        return None
    inner: Node = tanh.args[0].args[1]
    return inner


def trace(cell: Cell) -> Graph:
    """The graph of a cell's step. Raises Untraceable, with what the step does and why that is too much."""
    return Graph(cell)
