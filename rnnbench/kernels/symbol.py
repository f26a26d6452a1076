"""The symbols that a cell's `step` is called with: values that answer to Python's operators and to torch's functions by
noting in their graph what was asked of them, so that the equations are traced as they stand, and without torch where
they do not name it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnbench.kernels.trace import Graph


class Untraceable(Exception):
    """A step that no fused scan can be derived from; says what it does and why that is too much."""


class Node:
    """A value of a step. `kind`: "row" (one number a unit, of parameters alone), "unit" (one a batch row and unit),
    "matrix" (a parameter), "memory" (a matrix of the state), "x" (the input), or "mask" (a comparison, which only
    `where` reads). One of `per_head` is one number for all units of a head, of which a scan has as many copies."""

    __slots__ = ("args", "graph", "kind", "name", "op", "per_head")

    graph: Graph
    op: str
    args: tuple[Any, ...]
    kind: str
    name: str
    per_head: bool

    def __init__(
        self, graph: Graph, op: str, args: tuple[Any, ...], kind: str, name: str = "", per_head: bool = False
    ) -> None:
        self.graph, self.op, self.args, self.kind, self.name = graph, op, args, kind, name
        self.per_head = per_head

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Node:
        graph = next(each.graph for each in flat(args) if isinstance(each, Node))
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


def flat(args: Any) -> Iterator[Any]:
    for each in args:
        if isinstance(each, (tuple, list)):
            yield from flat(each)
        else:
            yield each
