"""`-k EXPR`, pytest's way: which rungs of a plan are meant, by words over variant, task and length."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from rnnbench.errors import Exit, UserError
from rnnbench.plan import Ladder, Plan, tuning
from rnnbench.text import printable

Matches = Callable[[frozenset[str]], bool]
TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_.+-]+)|(?P<mark>[()]))")
DEEPEST = 40  # levels of brackets and of `not`
SHOWN = 60  # characters of the expression that a message shows


def matcher(expression: str) -> Matches:
    """A predicate over the names of a rung. A word matches any name that contains it, upper or lower case; words are
    joined by `and`, `or`, `not` and brackets.

    >>> matcher("lstm and not copy")(frozenset({"lstm-2", "adding", "40"}))
    True
    """
    tokens: list[str] = []
    at = 0
    end = len(expression.rstrip())
    while at < end:
        found = TOKEN.match(expression, at)
        if found is None:
            rest = printable(expression[at:].strip(), 20)
            raise UserError(f"-k: got '{rest}' in {_quoted(expression)}, expected words joined by and, or, not")
        tokens.append(found["word"] or found["mark"])
        at = found.end()
    parser = _Parser(tokens, _quoted(expression))
    predicate = parser.either(0)
    if parser.next is not None:
        raise UserError(f"-k: got {parser.got} in {parser.whole}, expected the end, 'and' or 'or'")
    return predicate


def _quoted(text: str) -> str:
    return f"'{printable(text, SHOWN)}'"


class _Parser:
    """Tokens -> a predicate, by descent; `whole` is the expression as messages show it."""

    def __init__(self, tokens: list[str], whole: str) -> None:
        self.tokens, self.whole, self.at = tokens, whole, 0

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
        word = token.casefold()
        return lambda names: any(word in name.casefold() for name in names)


def select(plan: Plan, expression: str | None) -> Plan:
    """The plan with only the rungs that match; UserError with exit code 5 where none does."""
    if expression is None:
        return plan
    matches = matcher(expression)

    def kept(ladder: Ladder) -> Ladder:
        names = {ladder.variant.name, ladder.task.name}
        rungs = tuple(r for r in ladder.rungs if matches(frozenset({*names, *map(str, (r.length, *r.tested))})))
        return replace(ladder, rungs=rungs)

    ladders = tuple(ladder for ladder in map(kept, plan.ladders) if ladder.rungs)
    if not ladders:
        raise UserError(f"-k: no variant, task or length matches {_quoted(expression)}", code=Exit.NOTHING_SELECTED)
    variants, tasks = ({getattr(ladder, kind).name for ladder in ladders} for kind in ("variant", "task"))
    suite = replace(
        plan.suite,
        variants=tuple(v for v in plan.suite.variants if v.name in variants),
        tasks=tuple(t for t in plan.suite.tasks if t.name in tasks),
    )
    return Plan(suite, ladders, plan.pilots and tuning.needed(plan.pilots, ladders))
