"""`-k EXPR`, pytest's way: which rungs of a plan are meant, by words over variant, task and length."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from rnnbench.errors import Exit, UserError
from rnnbench.plan import Ladder, Plan

Matches = Callable[[frozenset[str]], bool]
TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z0-9_.+-]+)|(?P<mark>[()]))")


def matcher(expression: str) -> Matches:
    """A predicate over the names of a rung. A word matches any name that contains it, upper or lower case; words are
    joined by `and`, `or`, `not` and brackets.

    >>> matcher("lstm and not copy")(frozenset({"lstm-2", "adding", "40"}))
    True
    """
    tokens: list[str] = []
    at = 0
    while expression[at:].strip():
        found = TOKEN.match(expression, at)
        if found is None:
            rest = expression[at:].strip()
            raise UserError(f"-k: got '{rest[:20]}' in '{expression}', expected words joined by and, or, not")
        tokens.append(found["word"] or found["mark"])
        at = found.end()
    predicate, rest_tokens = _either(tokens, expression)
    if rest_tokens:
        raise UserError(f"-k: got '{rest_tokens[0]}' in '{expression}', expected the end, 'and' or 'or'")
    return predicate


def _either(tokens: list[str], whole: str) -> tuple[Matches, list[str]]:
    left, tokens = _both(tokens, whole)
    while tokens and tokens[0] == "or":
        right, tokens = _both(tokens[1:], whole)
        left = (lambda a, b: lambda names: a(names) or b(names))(left, right)
    return left, tokens


def _both(tokens: list[str], whole: str) -> tuple[Matches, list[str]]:
    left, tokens = _one(tokens, whole)
    while tokens and tokens[0] == "and":
        right, tokens = _one(tokens[1:], whole)
        left = (lambda a, b: lambda names: a(names) and b(names))(left, right)
    return left, tokens


def _one(tokens: list[str], whole: str) -> tuple[Matches, list[str]]:
    if tokens and tokens[0] == "not":
        inner, tokens = _one(tokens[1:], whole)
        return lambda names: not inner(names), tokens
    if tokens and tokens[0] == "(":
        inner, tokens = _either(tokens[1:], whole)
        if tokens[:1] != [")"]:
            raise UserError(f"-k: got the end of '{whole}', expected ')'")
        return inner, tokens[1:]
    if not tokens or tokens[0] in ("and", "or", ")"):
        got = f"'{tokens[0]}'" if tokens else "the end"
        raise UserError(f"-k: got {got} in '{whole}', expected a word, 'not' or '('")
    word = tokens[0].casefold()
    return lambda names: any(word in name.casefold() for name in names), tokens[1:]


def select(plan: Plan, expression: str | None) -> Plan:
    """The plan with only the rungs that match; UserError with exit code 5 where none does."""
    if expression is None:
        return plan
    matches = matcher(expression)

    def kept(ladder: Ladder) -> Ladder:
        names = {ladder.variant.name, ladder.task.name}
        rungs = tuple(r for r in ladder.rungs if matches(frozenset({*names, str(r.length)})))
        more = ladder.more
        if more is not None and rungs != ladder.rungs:
            # without the rungs below it can't be told which is the first that stays unsolved
            whole = rungs == ladder.rungs[: len(rungs)]
            more = replace(more, rungs=more.rungs[: len(rungs)]) if whole else None
        return replace(ladder, rungs=rungs, more=more)

    ladders = tuple(ladder for ladder in map(kept, plan.ladders) if ladder.rungs)
    if not ladders:
        raise UserError(f"-k: no variant, task or length matches '{expression}'", code=Exit.NOTHING_SELECTED)
    variants, tasks = ({getattr(ladder, kind).name for ladder in ladders} for kind in ("variant", "task"))
    suite = replace(
        plan.suite,
        variants=tuple(v for v in plan.suite.variants if v.name in variants),
        tasks=tuple(t for t in plan.suite.tasks if t.name in tasks),
    )
    return Plan(suite, ladders)
