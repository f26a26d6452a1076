"""`-k EXPR`, pytest's way: which rungs of a plan are meant, by words over variant, task and length, or number of
examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rnnbench.errors import Exit, UserError
from rnnbench.plan import Ladder, Plan
from rnnbench.plan.selection import trimmed
from rnnbench.records import Rung
from rnnbench.text import printable

Matches = Callable[[frozenset[str]], bool]
TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_.+*-]+)|(?P<mark>[()]))")
DEEPEST = 40  # levels of brackets and of `not`
SHOWN = 60  # characters of the expression that a message shows


def matcher(expression: str, known: Iterable[str] = ()) -> Matches:
    """A predicate over the names of a rung, upper or lower case. A word that is one of the names that are `known` means
    that one alone; in any other, `*` stands for anything, and without one it matches any name that contains it. Words
    are joined by `and`, `or`, `not` and brackets.

    >>> names = frozenset({"lstm-2", "adding", "40"})
    >>> matcher("lstm and not copy")(names), matcher("lstm", ["lstm", "lstm-2"])(names), matcher("lstm*")(names)
    (True, False, True)
    """
    tokens: list[str] = []
    at = 0
    end = len(expression.rstrip())
    while at < end:
        found = TOKEN.match(expression, at)
        if found is None:
            rest = printable(expression[at:].strip(), 20)
            want = "words joined by and, or, not; a name alone means itself, lstm* all that begin so"
            raise UserError(f"-k: got '{rest}' in {_quoted(expression)}, expected {want}")
        tokens.append(found["word"] or found["mark"])
        at = found.end()
    parser = _Parser(tokens, _quoted(expression), frozenset(name.casefold() for name in known))
    predicate = parser.either(0)
    if parser.next is not None:
        raise UserError(f"-k: got {parser.got} in {parser.whole}, expected the end, 'and' or 'or'")
    return predicate


def _quoted(text: str) -> str:
    return f"'{printable(text, SHOWN)}'"


class _Parser:
    """Tokens -> a predicate, by descent; `whole` is the expression as messages show it, `known` what a word may be the
    whole name of."""

    def __init__(self, tokens: list[str], whole: str, known: frozenset[str]) -> None:
        self.tokens, self.whole, self.known, self.at = tokens, whole, known, 0

    @property
    def next(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    @property
    def got(self) -> str:
        return "the end" if self.next is None else _quoted(self.next)

    def either(self, depth: int) -> Matches:
        parts = self._joined("or", lambda: self._both(depth))
        return lambda names: any(part(names) for part in parts)

    def _both(self, depth: int) -> Matches:
        parts = self._joined("and", lambda: self._one(depth))
        return lambda names: all(part(names) for part in parts)

    def _joined(self, word: str, part: Callable[[], Matches]) -> list[Matches]:
        parts = [part()]
        while self.next == word:
            self.at += 1
            parts.append(part())
        return parts

    def _one(self, depth: int) -> Matches:
        if depth > DEEPEST:
            raise UserError(f"-k: got more than {DEEPEST} levels in {self.whole}, expected at most that")
        token = self.next
        if token is None or token in ("and", "or", ")"):
            raise UserError(f"-k: got {self.got} in {self.whole}, expected a word, 'not' or '('")
        self.at += 1
        if token == "not":
            inner = self._one(depth + 1)
            return lambda names: not inner(names)
        if token == "(":
            inner = self.either(depth + 1)
            if self.next != ")":
                raise UserError(f"-k: got {self.got} in {self.whole}, expected ')'")
            self.at += 1
            return inner
        return self._word(token.casefold())

    def _word(self, word: str) -> Matches:
        if word in self.known:
            return lambda names: any(word == name.casefold() for name in names)
        if "*" in word:
            pieces = word.split("*")
            return lambda names: any(_like(name.casefold(), pieces) for name in names)
        return lambda names: any(word in name.casefold() for name in names)


def _like(name: str, pieces: Sequence[str]) -> bool:
    """Whether a name is these pieces, in this order, with anything between them: without going back, however many."""
    first, *middle, last = pieces
    at, end = len(first), len(name) - len(last)
    if end < at or not name.startswith(first) or not name.endswith(last):
        return False
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _names(ladder: Ladder) -> frozenset[str]:
    """What a ladder goes by: its variant, all points of whose grid share a name too, and its task."""
    return frozenset({ladder.variant.name, ladder.variant.family, ladder.task.name})


def _numbers(ladder: Ladder, rung: Rung) -> frozenset[str]:
    """What a rung goes by: its length, those at which it is tested, on how many examples it trains."""
    return frozenset(map(str, (rung.length, *rung.tested, ladder.place(rung))))


def select(plan: Plan, expression: str | None) -> Plan:
    """The plan with only the rungs that match; UserError with exit code 5 where none does."""
    if expression is None:
        return plan
    numbers = (_numbers(ladder, rung) for ladder in plan.ladders for rung in ladder.rungs)
    matches = matcher(expression, frozenset[str]().union(*numbers, *map(_names, plan.ladders)))

    def kept(ladder: Ladder) -> Ladder:
        names = _names(ladder)
        rungs = tuple(rung for rung in ladder.rungs if matches(names | _numbers(ladder, rung)))
        return replace(ladder, rungs=rungs)

    ladders = tuple(ladder for ladder in map(kept, plan.ladders) if ladder.rungs)
    if not ladders:
        raise UserError(f"-k: no variant, task or length matches {_quoted(expression)}", code=Exit.NOTHING_SELECTED)
    return trimmed(plan, ladders)
