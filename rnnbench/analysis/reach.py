"""Reach: the longest tested length up to which all are solved, of one training on lengths up to some.

Where a span takes in every rung that is solved, a reach ends at the first that isn't: a model that fails at 40 doesn't
reach 80, whatever it scores there. So a reach is the span of what is solved *with all that is shorter*, and everything
that is made of spans (ends of the ladder, effects, claims, `check`) is made of reaches alike. A length beyond the first
that is unsolved, solved itself, is a sign that the score is not about length alone, and is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded

Verdicts = tuple[bool | None, ...]


def counted(climb: Climb, verdicts: Verdicts) -> Verdicts:
    """What counts of a seed's rungs, that which is climbed first first: of a reach or a need whether each is solved
    with all before it (None: that isn't known), of a span each by itself."""
    return verdicts if climb.ladder.task.headline == "span" else with_all_before(verdicts)


def with_all_before(verdicts: Iterable[bool | None]) -> Verdicts:
    """Whether each is true with all before it.

    >>> with_all_before([True, None, True, False, True]), with_all_before([True, True, False])
    ((True, None, None, False, False), (True, True, False))
    """
    found: list[bool | None] = []
    so_far: bool | None = True
    for verdict in verdicts:
        so_far = False if verdict is False or so_far is False else so_far and verdict
        found.append(so_far)
    return tuple(found)


def holes(climb: Climb) -> dict[int, int]:
    """By place of a rung, how many seeds solve it though they don't solve some earlier one; only those of which any
    does."""
    columns = [[None if r is None or not r.finished else r.status == "solved" for r in s.records] for s in climb.steps]
    found = {}
    for place, before, now in zip(climb.places, _whole(columns), columns, strict=True):
        if count := sum(bool(solved) and whole is False for solved, whole in zip(now, before, strict=True)):
            found[place] = count
    return found


def _whole(columns: list[list[bool | None]]) -> list[Verdicts]:
    """Seeds' verdicts by rung -> the same, each with all before it."""
    return list(zip(*map(with_all_before, zip(*columns, strict=True)), strict=True))


@dataclass(frozen=True)
class Positions:
    """How many answers are right at the longest tested length, by their position in an example: the mean of each of so
    many equal parts over the n seeds that finished."""

    task: str
    variant: str
    length: int
    n: int
    right: tuple[float, ...]


def positions(climbs: Iterable[Climb]) -> list[Positions]:
    """Of every variant that has them."""
    found = []
    for climb in map(folded, climbs):
        told = [r.positions for r in climb.records if r.finished and r.positions]
        if told:
            means = tuple(sum(column) / len(told) for column in zip(*told, strict=True))
            task = climb.ladder.task
            found.append(Positions(task.name, climb.ladder.variant.name, task.lengths[-1], len(told), means))
    return found
