"""Claims -> verdicts: holds, fails or undecided, each with why.

How a comparison is decided depends on what it compares; the level is that of `stats.LEVEL` for each:

span, reach,   Known up to the ladder's rungs, or the budget. Seed by seed the comparison is true, false or can't be
need, steps    told; it holds if it is true for so many seeds that they can't well be half of all (sign test).
score, effect  A mean over seeds, paired: the t interval of the difference lies on one side. An effect is known up to
               the rungs: the mean of the least, and of the most, that each seed's can be.
solved         A share of seeds: the interval of the difference, joined from Jeffreys' of each share (MOVER).
parameters     Exact: it holds if it holds on every task of the suite.

`about` asks for two such one-sided decisions, each at half the confidence that is missing (TOST). Under MINIMUM seeds
nothing estimated is decided, nor where a run that it depends on is missing, broke or was pruned.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rnnbench import registry
from rnnbench.analysis import decisions, effort, spans, stats
from rnnbench.analysis.decisions import Found, Samples
from rnnbench.analysis.everywhere import everywhere
from rnnbench.analysis.ranges import Range, point
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.suite import Claim, Suite, parts, rungs
from rnnbench.suite.expression import About, Arithmetic, Comparison, Join, Measure, Not, Number, Sum, Truth, kind
from rnnbench.suite.grammar import parse
from rnnbench.text import counted

MINIMUM = 6  # seeds: 2 ** (1 - 6) = .03 is the first two-sided p of a sign test under .05

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What a claim came to, and why; whether it is undecided since at the base's choice it came to something else."""

    claim: Claim
    outcome: Outcome
    why: str
    apart: bool = False


class _Undecided(Exception):
    """Something that a comparison needs isn't there."""


def verdicts(suite: Suite, climbs: Sequence[Climb]) -> list[Verdict]:
    """The verdict on each of a suite's claims, in their order. Of one that tunes, with each variant at its own choice
    and with all at the base's: what is not so decided by both is undecided."""
    own, base = (views.at(climbs, choice=choice) for choice in ("own", "base"))
    found = _verdicts(suite, own)
    if all(a is b for a, b in zip(own, base, strict=True)):
        return found
    return [_twice(a, b) for a, b in zip(found, _verdicts(suite, base), strict=True)]


def _verdicts(suite: Suite, climbs: Sequence[Climb]) -> list[Verdict]:
    judge = _Judge(suite, climbs)
    found = ((claim, everywhere(judge.truth, parse(claim.that), suite.variants)) for claim in suite.claims)
    words: dict[bool | None, Outcome] = {True: "holds", False: "fails", None: "undecided"}
    return [Verdict(claim, words[f.truth], f.why) for claim, f in found]


def _twice(own: Verdict, base: Verdict) -> Verdict:
    """What both say; where they part, undecided."""
    if own == base:
        return own
    if own.outcome == base.outcome:
        return replace(own, why=f"each at its own choice: {own.why}; all at the base's: {base.why}")
    why = f"each at its own choice it {_says(own)}; all at the base's it {_says(base)}"
    return Verdict(own.claim, "undecided", why, apart=True)


def _says(verdict: Verdict) -> str:
    word = "is undecided" if verdict.outcome == "undecided" else verdict.outcome
    return f"{word} ({verdict.why})"


class _Judge:
    def __init__(self, suite: Suite, climbs: Sequence[Climb]) -> None:
        self.suite = suite
        self.climbs = {(c.ladder.variant.name, c.ladder.task.name): c for c in climbs}
        self.parts = parts(suite.variants)
        self.bases = {v.name: v.base for v in suite.variants}

    # three values

    def truth(self, node: Truth) -> Found:
        if isinstance(node, Not):
            inner = self.truth(node.inner)
            return Found(None if inner.truth is None else not inner.truth, f"not: {inner.why}")
        if isinstance(node, Join):
            found = [self.truth(part) for part in node.parts]
            deciding = node.word == "or"  # one true part decides an `or`, one false part an `and`
            truths = {f.truth for f in found}
            truth = deciding if deciding in truths else None if None in truths else not deciding
            return Found(truth, "; ".join(dict.fromkeys(f.why for f in found if f.truth is truth)))
        try:
            return self._compared(node)
        except _Undecided as missing:
            return Found(None, str(missing))

    def _compared(self, node: Comparison | About) -> Found:
        """A comparison is that of a difference with 0; `about` that of two differences."""
        difference = Arithmetic("-", node.left, node.right)
        if isinstance(node, About):
            level = 2 * stats.LEVEL - 1
            within = (Arithmetic("+", difference, node.margin), Arithmetic("-", difference, node.margin))
            tests = [(within[0], ">="), (within[1], "<=")]
        else:
            level, tests = stats.LEVEL, [(difference, node.sign)]
        what = next(kind(s) for s in (node.left, node.right) if kind(s) != "number").split()[0]
        samples = [(self._samples(tree), sign) for tree, sign in tests]
        if what == "parameters":
            return decisions.exactly(samples)
        n = len(self.suite.seeds)
        if n < MINIMUM:
            return Found(None, f"n too small: {counted(n, 'seed')}, {MINIMUM} needed")
        if what in ("span", "reach", "need", "steps"):
            return decisions.by_seed(samples)

        def interval(tree: Sum, level: float) -> Range:
            return self._shares(tree, level) if what == "solved" else decisions.mean(self._samples(tree), level)

        truths = [interval(tree, level).compare(sign) for tree, sign in tests]
        told = decisions.ends(interval(difference, stats.LEVEL))
        return Found(decisions.all_of(truths), f"the difference is {told}, n = {n}")

    # sums, seed by seed

    def _samples(self, node: Sum) -> Samples:
        if isinstance(node, Number):
            return (point(node.value),)
        if isinstance(node, Measure):
            return self._measure(node)
        left, right = self._samples(node.left), self._samples(node.right)
        n = max(len(left), len(right))
        pairs = zip(left * (n // len(left)), right * (n // len(right)), strict=True)
        return tuple(_arithmetic(node, a, b) for a, b in pairs)

    def _measure(self, measure: Measure) -> Samples:
        name, *rest = measure.arguments
        if measure.function == "parameters":
            return self._parameters(name)
        if measure.function == "effect":
            variant = self.parts.get(name, [name])[0]
            with_it, base = (self._spans(v, rest[0]) for v in (variant, self.bases.get(variant) or ""))
            return tuple(a.log2() - b.log2() for a, b in zip(with_it, base, strict=True))
        if measure.function in ("span", "reach", "need"):
            return self._spans(name, rest[0])
        step = self._step(name, rest[0], int(rest[1]))
        if measure.function == "steps":
            return tuple(effort.taken(r) for r in step.finished)
        if measure.function == "solved":
            return tuple(point(r.status == "solved") for r in step.finished)
        return tuple(point(spans.points(r)) for r in step.finished)

    def _climb(self, variant: str, task: str) -> Climb:
        climb = self.climbs.get((variant, task))
        if climb is None:
            raise _Undecided(f"{variant} on {task} was not selected")
        if not climb.steps:
            raise _Undecided(f"{variant} can't do {task}: it {climb.ladder.reason}")
        return climb

    def _spans(self, variant: str, task: str) -> Samples:
        climb = self._climb(variant, task)
        found = spans.seed_spans(climb)
        unknown = sum(s.provisional for s in found)
        if unknown:
            broken = any(step.broken for step in climb.steps)
            raise _Undecided(f"{variant} on {task}: runs of {unknown} of {len(found)} seeds "
                             f"are missing{' or broke' * broken}")  # fmt: skip
        return tuple(s.known for s in found)

    def _step(self, variant: str, task: str, length: int) -> RungState:
        climb = self._climb(variant, task)
        step = dict(zip(climb.places, climb.steps, strict=True)).get(length)
        where = f"{variant} on {task} {rungs.at(climb.ladder.task, length)}"
        if step is None:
            raise _Undecided(f"{where} was not selected")
        if step.state == "pruned":
            raise _Undecided(f"{where} was pruned: it has no score")
        if step.implied:
            raise _Undecided(f"{where}: its ladder is searched, which trains some seeds there and not others")
        absent = {"missing": step.missing, "broken": len(step.broken)}
        if told := ", ".join(f"{count} {word}" for word, count in absent.items() if count):
            raise _Undecided(f"{where}: of {len(step.records)} runs {told}")
        return step

    def _parameters(self, variant: str) -> Samples:
        climbs = [self.climbs.get((variant, task.name)) for task in self.suite.tasks]
        rungs = [c.ladder.rungs if c else () for c in climbs]
        if not any(rungs):
            raise _Undecided(f"{variant} was not selected")
        return tuple(point(registry.parameters(r[0])) if r else Range(-math.inf, math.inf) for r in rungs)

    def _shares(self, node: Sum, level: float) -> Range:
        """The interval of a linear sum of shares."""
        weights: dict[Measure, float] = {}
        for measure, weight in _terms(node, 1.0):
            weights[measure] = weights.get(measure, 0.0) + weight
        hits = [(weight, round(sum(s.low for s in self._samples(m)))) for m, weight in weights.items()]
        whole = self._samples(node)
        return decisions.shares(sum(s.low for s in whole) / len(whole), hits, len(self.suite.seeds), level)


def _terms(node: Sum, weight: float) -> list[tuple[Measure, float]]:
    """The measures of a linear sum, each with its weight."""
    if isinstance(node, Measure):
        return [(node, weight)]
    if isinstance(node, Number):
        return []
    if node.sign in ("+", "-"):
        return _terms(node.left, weight) + _terms(node.right, weight if node.sign == "+" else -weight)
    number, other = (node.left, node.right) if kind(node.left) == "number" else (node.right, node.left)
    factor = _constant(number)
    return _terms(other, weight * factor if node.sign == "*" else weight / factor)


def _constant(node: Sum) -> float:
    """The value of a sum of numbers alone."""
    if isinstance(node, Arithmetic):
        return _arithmetic(node, point(_constant(node.left)), point(_constant(node.right))).low
    return node.value if isinstance(node, Number) else math.nan


def _arithmetic(node: Arithmetic, a: Range, b: Range) -> Range:
    if node.sign in ("+", "-"):
        return a + b if node.sign == "+" else a - b
    if node.sign == "*":
        return b * a.low if kind(node.left) == "number" else a * b.low
    if kind(node.right) != "number":
        return a / b
    if b.low == 0:
        raise _Undecided("it divides by 0")
    return a * (1 / b.low)
