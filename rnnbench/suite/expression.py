"""What a claim says: a tree of measures, sums, comparisons and truths; `grammar.py` reads it from text.

A tree makes sense: truths are joined, numbers compared, and what is compared is of one kind. Only parameters are known
exactly, so only they can be equal. Scores and shares are means, so a product or a quotient of two of them is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

MEASURES: dict[str, tuple[str, ...]] = {
    "span": ("variant", "task"),
    "reach": ("variant", "task"),
    "need": ("variant", "task"),
    "score": ("variant", "task", "length"),
    "solved": ("variant", "task", "length"),
    "steps": ("variant", "task", "length"),
    "effect": ("part", "task"),
    "parameters": ("variant",),
}
RATIOS = ("span", "reach", "need", "steps", "parameters")  # what is decided seed by seed, or exactly, can be divided


# What is said first of a variant on a task, and of which tasks it is.
HEADLINES = {
    "span": "each of its lengths is trained by itself",
    "reach": "it trains on lengths up to one, and is tested beyond",
    "need": "its rungs are numbers of examples",
}
Sign = Literal["+", "-", "*", "/"]


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Measure:
    """A function of names; `at` is where each argument begins in the text."""

    function: str
    arguments: tuple[str, ...]
    at: tuple[int, ...] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return f"Measure({', '.join(map(repr, (self.function, *self.arguments)))})"

    def __str__(self) -> str:
        return f"{self.function}({', '.join(self.arguments)})"


@dataclass(frozen=True)
class Arithmetic:
    sign: Sign
    left: Sum
    right: Sum


@dataclass(frozen=True)
class Comparison:
    sign: str
    left: Sum
    right: Sum


@dataclass(frozen=True)
class About:
    left: Sum
    right: Sum
    margin: Sum


@dataclass(frozen=True)
class Not:
    inner: Truth


@dataclass(frozen=True)
class Join:
    word: Literal["and", "or"]
    parts: tuple[Truth, ...]


Sum = Number | Measure | Arithmetic
Truth = Comparison | About | Not | Join
Node = Sum | Truth


class Wrong(ValueError):
    """What is wrong with a claim: `what` was got and expected at character `at`; `name` may be a slip for one of
    `known`."""

    def __init__(self, at: int, what: str, name: str = "", known: Collection[str] = ()) -> None:
        super().__init__(what)
        self.at, self.what, self.name, self.known = at, what, name, known


def measures(node: Node) -> Iterator[Measure]:
    """The measures of a tree, from left to right."""
    if isinstance(node, Measure):
        yield node
    children: Sequence[Node] = ()
    if isinstance(node, Arithmetic | Comparison):
        children = (node.left, node.right)
    elif isinstance(node, About):
        children = (node.left, node.right, node.margin)
    elif isinstance(node, Not):
        children = (node.inner,)
    elif isinstance(node, Join):
        children = node.parts
    for child in children:
        yield from measures(child)


def kind(node: Node) -> str:
    """What a tree is: a truth, a number, or of what its measures are.

    >>> a, b = Measure("span", ("lstm", "copy")), Measure("span", ("rnn", "copy"))
    >>> kind(Arithmetic("*", Number(2.0), a)), kind(Arithmetic("/", a, b)), kind(Comparison("<", b, a))
    ('span', 'span ratio', 'truth')
    """
    if isinstance(node, Number):
        return "number"
    if isinstance(node, Measure):
        return node.function
    if isinstance(node, Arithmetic):
        left, right = kind(node.left), kind(node.right)
        if node.sign == "/" and right != "number":
            return f"{right} ratio"
        return right if left == "number" else left
    return "truth"


def unknown(
    tree: Node,
    variants: Collection[str],
    tasks: Mapping[str, Collection[int] | None],
    parts: Mapping[str, Sequence[str]] | None,
    headlines: Mapping[str, str],
) -> Iterator[Wrong]:
    """The names and lengths of a tree that a suite doesn't have, and headlines that a task doesn't: `headlines` has, by
    task, its own. None where the suite itself has a fault."""
    for measure in measures(tree):
        names = dict(zip(MEASURES[measure.function], zip(measure.arguments, measure.at, strict=True), strict=True))
        for what, (name, at) in names.items():
            if what == "variant" and name not in variants:
                yield Wrong(at, f"got {name!r}, expected a variant", name, variants)
            elif what == "task" and name not in tasks:
                yield Wrong(at, f"got {name!r}, expected a task", name, tasks)
            elif (
                what == "task"
                and measure.function in HEADLINES
                and headlines.get(name, measure.function) != measure.function
            ):
                own = headlines[name]
                yield Wrong(at, f"got {measure.function} of {name!r}, expected its {own}: {HEADLINES[own]}")
            elif what == "part" and parts is not None and len(parts.get(name, ())) != 1:
                several = parts.get(name, ())
                which = f", which {' and '.join(several)} have," if several else ","
                known = () if several else parts
                yield Wrong(at, f"got {name!r}{which} expected a part or the variant that differs by it", name, known)
            elif what == "length" and (lengths := tasks.get(names["task"][0])) and int(name) not in lengths:
                every = ", ".join(map(str, sorted(lengths)))
                task = names["task"][0]
                kind = "number of examples" if headlines.get(task) == "need" else "length"
                yield Wrong(at, f"got {name}, expected a {kind} of {task}: {every}")
