"""A cell's `step`, called once with symbols: the graph of what it computes, or the reason why there is none.

A symbol answers to Python's operators and to torch's functions, so that the equations are traced as they stand, and
without torch where they do not name it. What a fused scan can compute is a graph of products `value @ matrix` and of
functions of one unit at a time; a step that does anything else is refused with the name of what it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rnnbench.cells import Cell
from rnnbench.kernels.functions import COMPOSED

if TYPE_CHECKING:
    from collections.abc import Sequence

I, H = 3, 5  # sizes of the trace: unlike each other, so that a matrix shows what it multiplies

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
SWAPPED = {"lt": "gt", "le": "ge", "rsub": "sub"}


class Untraceable(Exception):
    """A step that no fused scan can be derived from; says what it does and why that is too much."""


class Node:
    """A value of a step. `kind`: "row" (one number a unit, of parameters alone), "unit" (one a batch row and unit),
    "matrix", "x" (the input), or "mask" (a comparison, which only `where` reads)."""

    __slots__ = ("args", "graph", "kind", "name", "op")

    graph: Graph
    op: str
    args: tuple[Any, ...]
    kind: str
    name: str

    def __init__(self, graph: Graph, op: str, args: tuple[Any, ...], kind: str, name: str = "") -> None:
        self.graph, self.op, self.args, self.kind, self.name = graph, op, args, kind, name

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Node:
        graph = next(each.graph for each in _flat(args) if isinstance(each, Node))
        return graph.call(function.__name__, args, kwargs or {})

    def __getattr__(self, name: str) -> Callable[..., Node]:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("shape", "dtype", "device", "ndim", "T", "mT"):
            raise Untraceable(f"asks for a value's `{name}`")
        return lambda *args, **options: self.graph.call(name, (self, *args), options)

    def __add__(self, other: Any) -> Node:
        return self.graph.call("add", (self, other))

    def __radd__(self, other: Any) -> Node:
        return self.graph.call("add", (other, self))

    def __sub__(self, other: Any) -> Node:
        return self.graph.call("sub", (self, other))

    def __rsub__(self, other: Any) -> Node:
        return self.graph.call("sub", (other, self))

    def __mul__(self, other: Any) -> Node:
        return self.graph.call("mul", (self, other))

    def __rmul__(self, other: Any) -> Node:
        return self.graph.call("mul", (other, self))

    def __truediv__(self, other: Any) -> Node:
        return self.graph.call("div", (self, other))

    def __rtruediv__(self, other: Any) -> Node:
        return self.graph.call("div", (other, self))

    def __neg__(self) -> Node:
        return self.graph.call("neg", (self,))

    def __abs__(self) -> Node:
        return self.graph.call("abs", (self,))

    def __pow__(self, other: Any) -> Node:
        return self.graph.call("pow", (self, other))

    def __matmul__(self, other: Any) -> Node:
        return self.graph.call("matmul", (self, other))

    def __gt__(self, other: Any) -> Node:
        return self.graph.call("gt", (self, other))

    def __ge__(self, other: Any) -> Node:
        return self.graph.call("ge", (self, other))

    def __lt__(self, other: Any) -> Node:
        return self.graph.call("gt", (other, self))

    def __le__(self, other: Any) -> Node:
        return self.graph.call("ge", (other, self))

    def __bool__(self) -> bool:
        raise Untraceable("branches on a value")

    def __iter__(self) -> Iterator[Node]:
        raise Untraceable("takes a value apart")

    def __getitem__(self, index: Any) -> Node:
        raise Untraceable("takes a value apart")

    def __repr__(self) -> str:
        return self.name or f"{self.op}({', '.join(map(repr, self.args))})"


def _flat(args: Any) -> Iterator[Any]:
    for each in args:
        if isinstance(each, (tuple, list)):
            yield from _flat(each)
        else:
            yield each


class Parameters(dict[str, Node]):
    """What `step` takes for `p`: a symbol for each parameter, whose use says whether it is a row or a matrix."""

    def __init__(self, graph: Graph, shapes: dict[str, tuple[int, int]], prepared: bool) -> None:
        super().__init__({name: graph.parameter(name, shape) for name, shape in shapes.items()})
        self.graph, self.prepared = graph, prepared

    def __missing__(self, name: str) -> Node:
        if not self.prepared:
            raise KeyError(name)
        self[name] = self.graph.parameter(name, (H, H))  # what `prepare` makes of parameters is a matrix of the state
        return self[name]


class Graph:
    """What one step computes: `output` and the `new` states from `x`, the old `states` and the `parameters`. Equal
    expressions are one node, and `nodes` has each after those that it reads."""

    def __init__(self, cell: Cell) -> None:
        self.nodes: list[Node] = []
        self.known: dict[tuple[Any, ...], Node] = {}
        self.x = self._node("x", (), "x", "x")
        widths = cell.widths(H)
        if any(width != H for width in widths):
            raise Untraceable(f"its states are {' and '.join(map(str, widths))} wide where it has {H} units")
        self.states = tuple(self._node("state", (k,), "unit", f"state{k}") for k in range(len(widths)))
        prepared = type(cell).prepare is not Cell.prepare
        self.parameters = Parameters(self, cell.shapes(I, H), prepared)
        output, new = cell.step(self.parameters, self.x, self.states)  # type: ignore[arg-type]
        self.output = self._result(output)
        self.new = tuple(self._result(value) for value in new)
        if len(self.new) != len(self.states):
            raise Untraceable(f"returns {len(self.new)} states of {len(self.states)}")

    def parameter(self, name: str, shape: tuple[int, int]) -> Node:
        kind = {(1, H): "row", (I, H): "matrix", (H, H): "matrix"}.get(shape, "odd")
        return self._node("parameter", (name, shape), kind, name)

    def _result(self, value: Any) -> Node:
        if isinstance(value, Node) and value.kind in ("row", "unit"):
            return value
        raise Untraceable(f"returns {value!r} where a value a unit is expected")

    def _node(self, op: str, args: tuple[Any, ...], kind: str, name: str = "") -> Node:
        key = (op, *(id(each) if isinstance(each, Node) else each for each in args))
        if key not in self.known:
            self.known[key] = Node(self, op, args, kind, name)
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
        if rows != (I if value.kind == "x" else H):
            raise Untraceable(f"multiplies {value!r} by {matrix!r}, which has {rows} rows")
        return self._node("matmul", (value, matrix), "unit")

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
        return self._node(name, tuple(values), kind)


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
