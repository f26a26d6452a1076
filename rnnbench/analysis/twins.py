"""Variants whose runs are the same bits: what tells them apart changed nothing.

An argument that a module ignores (the dropout of a single layer of torch's), a setting that `--set` overrules, a clip
that is never reached: such an effect is 0 by construction, which is no finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.seeds import Seed

Result = tuple[str, int, Seed, float, float | None, int, int]


def twins(climbs: Iterable[Climb]) -> dict[tuple[str, ...], int]:
    """The names of variants of which every run that finished came to the same bits, and how many runs each has. Of runs
    that diverged nothing can be told, as they all end alike."""
    found: dict[str, set[Result]] = defaultdict(set)
    for climb in climbs:
        task = climb.ladder.task.name
        for r in folded(climb).records:
            if r.finished and r.loss is not None:
                result = (task, r.run.rung.length, r.run.seed, r.loss, r.score, r.steps, r.parameters)
                found[climb.ladder.variant.name].add(result)
    names: dict[frozenset[Result], list[str]] = defaultdict(list)
    for name, results in found.items():
        names[frozenset(results)].append(name)
    return {tuple(alike): len(results) for results, alike in names.items() if len(alike) > 1}
