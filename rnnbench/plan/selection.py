"""A part of a plan: with it goes what of the suite is about other parts, its claims too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from rnnbench.errors import Exit, UserError
from rnnbench.plan import Ladder, Plan, tuning
from rnnbench.suite import Claim, Suite, Variant, parts
from rnnbench.suite.expression import Measure, Wrong, measures
from rnnbench.suite.families import points
from rnnbench.suite.grammar import parse

Pair = tuple[str, str]  # a variant and a task


@dataclass(frozen=True)
class Asked:
    """What a claim is decided by: the runs of these variants on these tasks, with the lengths that it names; and the
    sizes of those variants, which need no runs."""

    pairs: dict[Pair, frozenset[int]]
    sizes: frozenset[str]


def asked(claim: Claim, variants: Sequence[Variant]) -> Asked | None:
    """What a claim asks of these variants; None where it names others."""
    try:
        trees = [tree for _, tree in points(parse(claim.that), variants)]
    except Wrong:
        return None
    known, bases = parts(variants), {v.name: v.base for v in variants}
    pairs: dict[Pair, set[int]] = {}
    sizes: set[str] = set()
    for measure in (measure for tree in trees for measure in measures(tree)):
        names = _variants(measure, known, bases)
        if not set(names) <= set(bases):
            return None
        if measure.function == "parameters":
            sizes.update(names)
            continue
        task, *lengths = measure.arguments[1:]
        for name in names:
            pairs.setdefault((name, task), set()).update(map(int, lengths))
    return Asked({pair: frozenset(lengths) for pair, lengths in pairs.items()}, frozenset(sizes))


def _variants(measure: Measure, known: dict[str, list[str]], bases: dict[str, str | None]) -> list[str]:
    """The variants that a measure is of: of an effect both of its sides."""
    name = measure.arguments[0]
    if measure.function != "effect":
        return [name]
    variant = known.get(name, [name])[0]
    return [variant, bases.get(variant) or ""]


def trimmed(plan: Plan, ladders: Iterable[Ladder]) -> Plan:
    """The plan with these ladders alone, and with only those variants, tasks and claims that they are enough for."""
    kept = tuple(ladders)
    variants, tasks = ({getattr(ladder, kind).name for ladder in kept} for kind in ("variant", "task"))
    suite = replace(
        plan.suite,
        variants=tuple(v for v in plan.suite.variants if v.name in variants),
        tasks=tuple(t for t in plan.suite.tasks if t.name in tasks),
    )
    claims = tuple(claim for claim in suite.claims if _enough(asked(claim, suite.variants), kept))
    pilots = plan.pilots and tuning.needed(plan.pilots, kept)
    return Plan(replace(suite, claims=claims), kept, pilots)


def _enough(wanted: Asked | None, ladders: Collection[Ladder]) -> bool:
    """Whether all that a claim asks of is among the ladders. One that can't be climbed has no lengths to select."""
    if wanted is None:
        return False
    there: dict[Pair, set[int] | None] = {}
    for ladder in ladders:
        lengths = (
            {each for rung in ladder.rungs for each in (ladder.place(rung), *rung.tested)} if ladder.rungs else None
        )
        there.setdefault((ladder.variant.name, ladder.task.name), lengths)
    return all(pair in there and lengths <= (there[pair] or lengths) for pair, lengths in wanted.pairs.items())


def claim(plan: Plan, number: int | None) -> Plan:
    """The plan with what the suite's claim of that number, counted from 1, is decided by, which no crossing is; all of
    it without one."""
    if number is None:
        return plan
    suite: Suite = plan.suite
    found = next((each for each in suite.claims if each.number == number), None)
    wanted = asked(found, suite.variants) if found else None
    if found is None or wanted is None:
        known = ", ".join(str(each.number) for each in suite.claims) or "none"
        raise UserError(f"--claim: got {number}, expected the number of a claim of {suite.name}: {known}",
                        code=Exit.NOTHING_SELECTED)  # fmt: skip
    tasks = {task for _, task in wanted.pairs} or {task.name for task in suite.tasks}
    pairs = {*wanted.pairs, *((name, task) for name in wanted.sizes for task in tasks)}
    able = [ladder for ladder in plan.ladders if not ladder.crossing]
    chosen = trimmed(plan, [each for each in able if (each.variant.name, each.task.name) in pairs])
    return replace(chosen, suite=replace(chosen.suite, claims=(found,)))
