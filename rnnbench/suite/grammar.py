"""The grammar of claims: a text -> a tree, by a small parser of our own; nothing is ever evaluated as Python.

    claim      = both ("or" both)*                  both    = negated ("and" negated)*
    negated    = "not" negated | comparison         product = signed (("*" | "/") signed)*
    comparison = sum (SIGN sum)*                    signed  = "-" signed | value
    sum        = product (("+" | "-") product)*     value   = NUMBER | MEASURE | ABOUT | "(" claim ")"

SIGN is one of < <= > >= == !=, and `a < b < c` means `a < b and b < c`. The arguments of a measure are names and
lengths, read to the next comma or bracket, so that `lstm-forget_gate` is a name and no difference; those of
`about(a, b, margin)`, which says that a and b differ by at most margin, are sums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Literal

from rnnbench.suite.expression import (
    MEASURES,
    RATIOS,
    About,
    Arithmetic,
    Comparison,
    Join,
    Measure,
    Node,
    Not,
    Number,
    Sign,
    Sum,
    Truth,
    Wrong,
    kind,
)

LONGEST = 1000  # characters
DEEPEST = 40  # levels of brackets, and terms of one sum
SIGNS = ("<=", ">=", "==", "!=", "<", ">")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ARGUMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_SPACE = re.compile(r"\s*")
_Rule = Callable[[], Node]


def marked(text: str, at: int, width: int = 50) -> str:
    """The text around a place, on one line, with a caret before it.

    >>> marked("span(lstn, adding) >= 40", 5)
    'span(^lstn, adding) >= 40'
    """
    start = max(0, at - width // 2)
    end = start + width
    before, after = "..." * (start > 0) + text[start:at], text[at:end] + "..." * (end < len(text))
    return " ".join(f"{before}^{after}".split("\n"))


def parse(text: str) -> Truth:
    """The tree of a claim; raises Wrong.

    >>> parse("span(lstm-forget_gate, adding) < 40")
    Comparison(sign='<', left=Measure('span', 'lstm-forget_gate', 'adding'), right=Number(value=40.0))
    """
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def whole(self) -> Truth:
        if len(self.text) > LONGEST:
            raise Wrong(LONGEST, f"got {len(self.text)} characters, expected at most {LONGEST}")
        tree = self._either()
        if self._rest():
            raise self._got("the end, or one of and or + - * / < <= > >=")
        if isinstance(tree, Sum):
            raise Wrong(0, "got a number, expected a claim: a comparison, or several joined by and, or, not")
        return tree

    # what stands at the place

    def _rest(self) -> str:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.text[self.at :]

    def _got(self, want: str, known: Collection[str] = ()) -> Wrong:
        rest = self._rest()
        word = _ARGUMENT.match(rest)
        name = word[0] if word else rest[:1]
        return Wrong(self.at, f"got {repr(name[:60]) if name else 'the end'}, expected {want}", name, known)

    def _take(self, *signs: str) -> str:
        """The first of the signs that stands here, which is passed; empty if none does."""
        rest = self._rest()
        found = next((s for s in signs if rest.startswith(s)), "")
        self.at += len(found)
        return found

    def _keyword(self, *words: str) -> str:
        found = _WORD.match(self._rest())
        if found is None or found[0] not in words:
            return ""
        self.at += len(found[0])
        return found[0]

    # the grammar

    def _truth(self, rule: _Rule, want: str) -> Truth:
        self._rest()
        at = self.at
        tree = rule()
        if isinstance(tree, Sum):
            raise Wrong(at, f"got a number, expected {want}")
        return tree

    def _sum_of(self, rule: _Rule) -> Sum:
        self._rest()
        at = self.at
        tree = rule()
        if not isinstance(tree, Sum):
            raise Wrong(at, "got a truth, expected a number")
        return tree

    def _joined(self, word: Literal["and", "or"], rule: _Rule) -> Node:
        self._rest()
        start = self.at
        parts = [rule()]
        while self._keyword(word):
            if isinstance(parts[0], Sum):
                raise Wrong(start, f"got a number, expected a comparison before {word!r}")
            parts.append(self._truth(rule, f"a comparison after {word!r}"))
            self._many(len(parts))
        return Join(word, tuple(p for p in parts if not isinstance(p, Sum))) if len(parts) > 1 else parts[0]

    def _either(self) -> Node:
        return self._joined("or", lambda: self._joined("and", self._negated))

    def _negated(self) -> Node:
        turns = 0
        while self._keyword("not"):
            turns += 1
        if not turns:
            return self._comparison()
        inner = self._truth(self._comparison, "a comparison after 'not'")
        return Not(inner) if turns % 2 else inner

    def _comparison(self) -> Node:
        first = self._sum()
        found: list[Node] = []
        left: Node = first
        while True:
            self._rest()
            at = self.at
            sign = self._take(*SIGNS)
            if not sign:
                break
            if not isinstance(left, Sum):
                raise Wrong(at, f"got {sign!r} after a truth, expected 'and', 'or' or the end")
            right = self._sum_of(self._sum)
            self._alike(at, left, right)
            if sign in ("==", "!=") and {kind(left), kind(right)} - {"number", "parameters", "parameters ratio"}:
                cure = "about(a, b, margin) says that two are as good as equal"
                raise Wrong(at, f"got {sign!r} for what is estimated, expected < <= > or >=; {cure}")
            found.append(Comparison(sign, left, right))
            self._many(len(found))
            left = right
        truths = tuple(f for f in found if not isinstance(f, Sum))
        return Join("and", truths) if len(found) > 1 else (found or [first])[0]

    def _alike(self, at: int, left: Sum, right: Sum) -> None:
        kinds = {kind(left), kind(right)} - {"number"}
        if len(kinds) != 1:
            got = " and ".join(sorted(kinds)) if kinds else "two numbers"
            raise Wrong(at, f"got {got}, expected measures of one kind, or one and a number")

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._product, self._add)

    def _product(self) -> Node:
        return self._chain(("*", "/"), self._signed, self._multiply)

    def _chain(self, signs: tuple[Sign, Sign], rule: _Rule, check: Callable[[int, Sign, Sum, Sum], None]) -> Node:
        tree = rule()
        terms = 1
        while True:
            self._rest()
            at = self.at
            taken = self._take(*signs)
            if not taken:
                return tree
            right = self._sum_of(rule)
            if not isinstance(tree, Sum):
                raise Wrong(at, f"got {taken!r} after a truth, expected 'and', 'or' or the end")
            sign = signs[signs.index(taken)]
            check(at, sign, tree, right)
            tree = Arithmetic(sign, tree, right)
            terms += 1
            self._many(terms)

    def _add(self, at: int, sign: Sign, left: Sum, right: Sum) -> None:
        if "number" not in (kind(left), kind(right)):
            self._alike(at, left, right)

    def _multiply(self, at: int, sign: Sign, left: Sum, right: Sum) -> None:
        of, by = kind(left), kind(right)
        if sign == "*" and "number" not in (of, by):
            raise Wrong(at, f"got a product of {of} and {by}, expected a number on one side")
        if sign == "/" and by != "number" and (of != by or by not in RATIOS):
            raise Wrong(
                at,
                f"got {of} by {by}, expected a number below, or {', '.join(RATIOS[:-1])} or {RATIOS[-1]} by the same",
            )
        if sign == "/" and isinstance(right, Number) and right.value == 0:
            raise Wrong(at, "got a division by 0, expected another number")

    def _signed(self) -> Node:
        turns = 0
        while self._take("-"):
            turns += 1
        if not turns:
            return self._value()
        value = self._sum_of(self._value)
        return Arithmetic("*", Number(-1.0), value) if turns % 2 else value

    def _value(self) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Wrong(self.at, f"got more than {DEEPEST} levels, expected at most that")
        value = self._one()
        self.depth -= 1
        return value

    def _one(self) -> Node:
        rest = self._rest()
        if found := _NUMBER.match(rest):
            value = float(found[0])
            if value > 1e15:
                raise Wrong(self.at, f"got {found[0][:60]!r}, expected a number of at most 1e15")
            self.at += len(found[0])
            return Number(value)
        if self._take("("):
            tree = self._either()
            if not self._take(")"):
                raise self._got("')'")
            return tree
        at = self.at
        function = self._keyword(*MEASURES, "about")
        if not function:
            known = (*MEASURES, "about")
            raise self._got("a number, '(' or a function", known if _WORD.match(rest) else ())
        if not self._take("("):
            raise self._got(f"'(' after {function}")
        return self._about(at) if function == "about" else self._measure(function)

    def _about(self, at: int) -> About:
        sums = []
        for end in (",", ",", ")"):
            sums.append(self._sum_of(self._sum))
            if not self._take(end):
                raise self._got(f"{end!r}: about(a, b, margin)")
        left, right, margin = sums
        self._alike(at, left, right)
        if kind(margin) != "number":
            self._alike(at, left, margin)
        elif isinstance(margin, Number) and margin.value == 0:
            raise Wrong(self.at, "got a margin of 0, expected one over 0: nothing estimated is exactly equal")
        return About(left, right, margin)

    def _measure(self, function: str) -> Measure:
        wanted = MEASURES[function]
        form = f"{function}({', '.join(wanted)})"
        names, places = [], []
        for number, what in enumerate(wanted, 1):
            found = _ARGUMENT.match(self._rest())
            if found is None or (what == "length" and not (found[0].isdecimal() and len(found[0]) < 16)):
                raise self._got(f"a {what}: {form}")
            names.append(found[0])
            places.append(self.at)
            self.at += len(found[0])
            end = "," if number < len(wanted) else ")"
            if not self._take(end):
                raise self._got(f"{end!r}: {form}")
        return Measure(function, tuple(names), tuple(places))

    def _many(self, terms: int) -> None:
        if terms > DEEPEST:
            raise Wrong(self.at, f"got more than {DEEPEST} terms, expected at most that")
