"""What would be said at another bar: of ladders written down as scores, solved at adding's .97."""

from __future__ import annotations

import ladders
import pytest

from rnnbench.analysis import bars, spans
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run
from rnnbench.suite import Claim, Suite, TaskEntry, Variant

STEPS = 1000
VARIANTS = (
    Variant("lstm", {"cell": "lstm"}),
    Variant("lstm-a", {"cell": "lstm", "forget_gate": False}, base="lstm", part="-a"),
)
LENGTHS = (10, 14, 20, 28, 40)


def record(run: Run, score: float, stopped: bool = True) -> Record:
    solved = score >= 0.97
    return Record(run, "solved" if solved else "unsolved", score, steps=300 if solved and stopped else STEPS)


def viewed(base: list[float], part: list[float], claims: tuple[str, ...] = (), stopped: bool = True,
           n: int = 8) -> tuple[Suite, list[Climb]]:  # fmt: skip
    """Two variants, of which each rung's score is that of all seeds."""
    tasks = (TaskEntry("adding", {"task": "adding"}, LENGTHS, {"steps": STEPS}),)
    suite = Suite("s", VARIANTS, tasks, tuple(range(n)), prune=False, claims=tuple(Claim(c, c) for c in claims))
    asked = plan(suite)
    known: dict[str, Record] = {}
    for planned, scores in zip(asked.ladders, (base, part), strict=True):
        known |= ladders.records(planned.rungs, [[s] * n for s in scores], lambda run, s: record(run, s, stopped))
    return suite, view(asked, known)


@pytest.mark.parametrize(
    ("score", "bar", "stopped", "status"),
    [
        (0.98, 0.97, True, "solved"),
        (0.96, 0.95, True, "solved"),
        (0.96, 0.97, True, "unsolved"),
        (0.98, 0.99, True, None),  # it stopped: who knows what it would have come to
        (0.98, 0.99, False, "unsolved"),  # it had all its steps
        (0.995, 0.99, True, "solved"),
        (0.5, 0.99, True, "unsolved"),
    ],
)
def test_a_record_at_another_bar(score: float, bar: float, stopped: bool, status: str | None) -> None:
    _, climbs = viewed([score] * 5, [score] * 5, stopped=stopped)
    found = bars.judged(climbs[0].steps[0].records[0], bar, 0.97)
    assert (found.status if found else None) == status


def test_what_broke_or_diverged_stays_so() -> None:
    run = Run(viewed([1.0] * 5, [1.0] * 5)[1][0].steps[0].rung, 0)
    for record in (None, Record(run, "crashed"), Record(run, "diverged", 0.0)):
        assert bars.judged(record, 0.9, 0.97) is record


def test_a_ladder_at_another_bar() -> None:
    _, (climb, _) = viewed([0.99, 0.98, 0.96, 0.92, 0.5], [0.99] * 5)
    rungs = {}
    for bar in bars.BARS:
        found, told = bars.at(climb, bar)
        rungs[bar] = (spans.seed_spans(found)[0].rungs, told)
    assert rungs == {0.9: (4, True), 0.95: (3, True), 0.97: (2, True), 0.99: (1, False)}


def test_effects_that_hang_on_the_bar() -> None:
    base, part = [0.99, 0.99, 0.96, 0.92, 0.5], [0.99, 0.99, 0.93, 0.5, 0.5]
    _, climbs = viewed(base, part)
    assert bars.effect_outcomes(climbs) == {("adding", "lstm-a"): {0.9: "shorter", 0.95: "shorter"}}
    _, spent = viewed([0.995, 0.995, 0.98, 0.5, 0.5], [0.995, 0.98, 0.98, 0.5, 0.5], stopped=False)
    assert bars.effect_outcomes(spent) == {("adding", "lstm-a"): {0.99: "shorter"}}
    _, stopped = viewed([0.995, 0.995, 0.98, 0.5, 0.5], [0.995, 0.98, 0.98, 0.5, 0.5])
    assert bars.effect_outcomes(stopped) == {("adding", "lstm-a"): {}}  # at .99 nobody can tell


def test_claims_that_hang_on_the_bar() -> None:
    claims = ("span(lstm, adding) >= 20", "effect(a, adding) < 0", "parameters(lstm) > 9", "span(lstm-a, adding) < 80")
    suite, climbs = viewed([0.99, 0.99, 0.96, 0.92, 0.5], [0.99, 0.99, 0.93, 0.5, 0.5], claims)
    assert bars.claim_outcomes(suite, climbs) == [
        {0.9: "holds", 0.95: "holds"}, {0.9: "holds", 0.95: "holds"}, {}, {},
    ]  # fmt: skip
