"""What would decide a claim that is undecided: more seeds, runs that are missing, a longer ladder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rnnbench.analysis import effects
from rnnbench.analysis.spans import lengths
from rnnbench.analysis.verdicts import MINIMUM, Verdict
from rnnbench.plan import cost
from rnnbench.plan.ladders import Climb
from rnnbench.plan.selection import Asked, asked
from rnnbench.suite import Claim, Suite, parts, rungs
from rnnbench.suite.expression import measures
from rnnbench.suite.grammar import parse
from rnnbench.text import duration

SHOWN = 2  # ladders that are told of
COARSE = 0.6  # octaves between rungs, of which a claim is left open by one on each side
WIDER = "but a claim takes the least and the most that each seed's rungs leave open"


def advised(suite: Suite, climbs: Sequence[Climb], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts; the reason of one that is undecided ends with why an effect that it is about is told all the same,
    and with what would decide it."""
    undecided = [verdict.claim for verdict in verdicts if verdict.outcome == "undecided"]
    named = {claim.number: list(_effects(claim, suite)) for claim in undecided}
    known = effects.effects(climbs, estimates=False) if any(named.values()) else []
    told = {(e.variant, e.task) for e in known if e.outcome == "differs"}
    out = []
    for verdict in verdicts:
        if verdict.outcome != "undecided":
            out.append(verdict)
            continue
        sure = [f"{variant} on {task}" for variant, task in named[verdict.claim.number] if (variant, task) in told]
        by_mean = f"told from 0 by the mean ({', '.join(sure)}), {WIDER}" if sure and not verdict.apart else ""
        why = "; ".join(filter(None, (verdict.why, by_mean, advice(verdict.claim, suite, climbs))))
        out.append(replace(verdict, why=why))
    return out


def _effects(claim: Claim, suite: Suite) -> Iterator[tuple[str, str]]:
    """(variant, task) of each effect that a claim is about."""
    of_part = parts(suite.variants)
    for measure in measures(parse(claim.that)):
        if measure.function == "effect":
            name, task = measure.arguments
            yield of_part.get(name, [name])[0], task


def few(suite: Suite) -> int:
    """How many of a suite's claims can't be decided as it has too few seeds."""
    wanted = [asked(claim, suite.variants) for claim in suite.claims]
    return sum(bool(each and each.pairs) for each in wanted) if len(suite.seeds) < MINIMUM else 0


def advice(claim: Claim, suite: Suite, climbs: Sequence[Climb]) -> str:
    """What would decide a claim that is undecided; empty where nothing that is known here would."""
    wanted = asked(claim, suite.variants)
    if wanted is None or not wanted.pairs:
        return ""
    own = [c for c in climbs if (c.ladder.variant.name, c.ladder.task.name) in wanted.pairs and c.steps]
    if len(suite.seeds) < MINIMUM:
        return seeds(suite, own, MINIMUM)
    if any(step.broken for climb in own for step in climb.steps if step.state != "pruned"):
        return "train again what broke: --rerun failed"
    if any(step.state == "open" for climb in own for step in climb.steps):
        return "train what is missing"
    ends = list(_ends(own, wanted))
    if ends:
        return "; ".join(ends[:SHOWN])
    if not own:
        return ""
    wide = max(effects.spacing(lengths(climb)) for climb in own)
    nearer = f"rungs nearer than {wide:.1f} octaves (per_octave: 2 or more), or " if wide > COARSE else ""
    return f"it may take {nearer}more seeds: {seeds(suite, own, 2 * len(suite.seeds))}"


def seeds(suite: Suite, climbs: Sequence[Climb], n: int, cores: int = 1) -> str:
    """The option that has n seeds trained, and about how much training that is."""
    have = len(suite.seeds)
    first, last = min(suite.seeds, default=0), max(suite.seeds, default=0)
    if last - first + 1 != have:
        option = f"{n} seeds"
    else:
        option = f"--seeds {n}" if not first else f"--seeds {first}..{first + n - 1}"
    seconds = more_seconds(climbs, have, n) / cores
    where = f"{cores} cores" if cores > 1 else "one core"
    return f"{option}, about {duration(seconds)} more on {where}" if seconds >= 1 else option


def more_seconds(climbs: Sequence[Climb], have: int, n: int) -> float:
    """Estimated seconds of one core, as its records show them, for n seeds in place of those that there are."""
    factor = cost.correction([record for climb in climbs for record in climb.records])
    rungs = [step.rung for climb in climbs for step in climb.steps if step.state != "pruned"]
    return factor * sum(map(cost.estimate, rungs)) * max(0, n - have)


def _ends(climbs: Sequence[Climb], wanted: Asked) -> Iterator[str]:
    """The ladders whose ends hide how far a variant reaches, where the claim asks for that."""
    for climb in climbs:
        variant, task = climb.ladder.variant.name, climb.ladder.task.name
        if wanted.pairs[variant, task]:  # it asks for certain rungs
            continue
        first, last, start, end = climb.steps[0], climb.steps[-1], climb.places[0], climb.places[-1]
        words = rungs.words(climb.ladder.task)
        solved, failed = last.verdicts.count(True), first.verdicts.count(False)  # of a search: told or implied
        if solved:
            told = f"{variant} solved {task} {words.last} ({end})"
            yield f"{told} in {solved} of {len(last.verdicts)} seeds: add {words.harder} {end}"
        elif failed:
            told = f"{variant} did not solve {task} {words.first} ({start})"
            yield f"{told} in {failed} of {len(first.verdicts)} seeds: add {words.easier} {start}"
