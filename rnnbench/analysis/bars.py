"""What would be said at another bar: records hold the test score, so that *solved* can be asked anew.

At a lower bar every record tells: a run that stopped had passed a stricter one, the others spent all their steps. At a
higher one a run that stopped when it was solved, with a score below that bar, tells nothing: it would have trained on.
Such runs are left out, and a bar at which any is left out says nothing of what depends on them. Rungs that were pruned
stay unsolved, though at a lower bar some seed might have solved them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnbench import registry
from rnnbench.analysis import effects, spans, verdicts
from rnnbench.analysis.effects import Effect
from rnnbench.plan.ladders import Climb
from rnnbench.records import Record
from rnnbench.settings import Settings
from rnnbench.suite import Suite, parts, rungs
from rnnbench.suite.expression import measures
from rnnbench.suite.families import points
from rnnbench.suite.grammar import parse

BARS = (0.9, 0.95, 0.97, 0.99)
ALIKE, UNTOLD = "alike", "nothing told"


def judged(record: Record | None, bar: float, own: float) -> Record | None:
    """A record as it would be at a bar, where the task's own is another; None where nobody can tell."""
    if record is None or not record.finished or record.status == "diverged":
        return record
    if spans.points(record) >= bar:
        return replace(record, status="solved")
    stopped = record.status == "solved" and record.steps < Settings.of(record.run.rung).steps
    return None if bar > own and stopped else replace(record, status="unsolved", solved_at=None)


def at(climb: Climb, bar: float) -> tuple[Climb, bool]:
    """A ladder at another bar, and whether all of its runs can tell."""
    own = registry.task_class(climb.ladder.task.task["task"]).bar
    if own == bar:
        return climb, True
    if climb.searches or climb.ladder.task.train:
        return climb, False  # which runs there are hangs on what the others came to
    steps, told = [], True
    for step in climb.steps:
        found = tuple(judged(record, bar, own) for record in step.records)
        told &= all((a is None) == (b is None) for a, b in zip(step.records, found, strict=True))
        steps.append(replace(step, records=found))
    return Climb(climb.ladder, tuple(steps)), told


def effect_outcomes(climbs: Sequence[Climb]) -> dict[tuple[str, str], dict[float, str]]:
    """(task, variant) -> at which bars a difference would be told that isn't, or the other way round, or not that one:
    "longer" or "shorter" (of needs "larger" or "smaller"), "alike" or "nothing told"."""
    now = _outcomes(climbs)
    out: dict[tuple[str, str], dict[float, str]] = {name: {} for name in now}
    for bar in BARS:
        there = [at(climb, bar) for climb in climbs]
        known = {(c.ladder.task.name, c.ladder.variant.name) for c, told in there if told}
        bases = {c.ladder.variant.name: c.ladder.variant.base or "" for c, _ in there}
        for name, outcome in _outcomes([c for c, _ in there]).items():
            differs = {outcome, now[name]} - {ALIKE, UNTOLD}
            if differs and outcome != now[name] and {name, (name[0], bases[name[1]])} <= known:
                out[name][bar] = outcome
    return out


def _outcomes(climbs: Sequence[Climb]) -> dict[tuple[str, str], str]:
    words = {climb.ladder.task.name: rungs.words(climb.ladder.task) for climb in climbs}

    def told(e: Effect) -> str:
        if e.outcome != "differs":
            return ALIKE if e.outcome == "alike" else UNTOLD
        return words[e.task].more if e.octaves.value > 0 else words[e.task].less

    return {(e.task, e.variant): told(e) for e in effects.effects(climbs, estimates=False)}


def claim_outcomes(suite: Suite, climbs: Sequence[Climb]) -> list[dict[float, str]]:
    """Of each claim, at which bars its verdict would be another, and which."""
    now = [v.outcome for v in verdicts.verdicts(suite, climbs)]
    out: list[dict[float, str]] = [{} for _ in now]
    bases = {v.name: v.base for v in suite.variants}
    named = parts(suite.variants)
    for bar in BARS:
        there = [at(climb, bar) for climb in climbs]
        blind = {(c.ladder.variant.name, c.ladder.task.name) for c, told in there if not told}
        for k, verdict in enumerate(verdicts.verdicts(suite, [c for c, _ in there])):
            used = set()
            trees = [tree for _, tree in points(parse(verdict.claim.that), suite.variants)]
            for measure in (each for tree in trees for each in measures(tree)):
                name, *rest = measure.arguments
                variant = named.get(name, [name])[0] if measure.function == "effect" else name
                used |= {(each, task) for each in (variant, bases.get(variant)) for task in rest[:1] if each}
            if verdict.outcome != now[k] and not used & blind:
                out[k][bar] = verdict.outcome
    return out
