"""How long a run may take, before it ran: for the order of the work, the bar and `--dry-run`. A guess, no result."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile
from statistics import median

from rnnbench import registry
from rnnbench.plan import bisect
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record, Rung
from rnnbench.settings import Settings

SECONDS_A_STEP = 6e-4  # measured on one core of a recent x86-64 server: what a training step takes besides its layers
FORWARDS = 1 / 3  # of a training step is its way forwards
TESTED = 2048  # examples at each length that is tested, of which little can be told where they are few
FIRST = 1e9  # seconds, more than any ladder takes


_estimates: dict[str, float] = {}  # of rungs, by what they are: asked for again at each record


def estimate(rung: Rung) -> float:
    """Seconds of training, if the whole budget of steps is spent."""
    found = _estimates.get(rung.key)
    if found is None:
        found = _estimates[rung.key] = _estimate(rung)
    return found


def _estimate(rung: Rung) -> float:
    s = Settings.of(rung)
    task, layer = registry.task(rung.task), registry.layer(rung.model)
    scans = s.layers * (1 + s.bidirectional)

    def seconds(length: int) -> float:
        """Of a training step at a length."""
        return SECONDS_A_STEP + layer.seconds(task.lag(length).most + 2, s.batch, s.hidden) * scans

    if not rung.tested:
        return float(s.steps * seconds(rung.length))
    middle = (task.shortest + rung.length) // 2
    tests = sum(map(seconds, rung.tested)) * FORWARDS * TESTED / s.batch
    return float(s.steps * seconds(middle) + tests)


def work(climb: Climb) -> tuple[float, float]:
    """Estimated seconds of a ladder's work, done and in all, over the rungs that are not pruned. What is known by runs
    with fewer steps is no work; of a search, what is left is the most that it may take."""
    done = total = 0.0
    if climb.searches:
        each = [estimate(s.rung) for s in climb.steps]
        done = sum(seconds * (s.known - s.tally.derived) for seconds, s in zip(each, climb.steps, strict=True))
        return done, done + sum(bisect.worst(each, s.low, s.high) for s in climb.searches if s.left)
    for rung in climb.steps:
        if rung.state != "pruned":
            seconds, trained = estimate(rung.rung), rung.asked - rung.tally.derived
            total += seconds * trained
            done += seconds * (trained - rung.missing)
    return done, total


def chain(climb: Climb) -> float:
    """Estimated seconds from now to the end of a ladder that has as many workers as it likes, at most."""
    each = [estimate(s.rung) for s in climb.steps]
    if climb.searches:
        return max(bisect.worst(each, s.low, s.high) if s.left else 0.0 for s in climb.searches)
    return sum(seconds for seconds, s in zip(each, climb.steps, strict=True) if s.missing and s.state != "pruned")


def priority(climb: Climb, rung: RungState) -> float:
    """Estimated seconds from the start of a rung to the top of its ladder, if each rung's seeds train side by side: the
    barriers make a ladder a chain, and the longest chain that is left must not be begun last. A search is a chain of so
    many runs as it may take. Before all of that comes every ladder's first rung: it is short, shows at once who
    learns anything at all, and tells how long the rest takes."""
    if climb.searches:
        return estimate(rung.rung) * max(search.left for search in climb.searches)
    above = dropwhile(lambda s: s.rung.key != rung.rung.key, climb.steps)
    first = FIRST if rung is climb.steps[0] else 0.0
    return sum(estimate(s.rung) for s in above if s.state != "pruned") + first


def pace(records: Iterable[Record]) -> float:
    """By how much the steps that known runs took missed their estimates here: the ratio of sums, 1 without any."""
    told = [(r.seconds, estimate(r.run.rung) * r.steps / Settings.of(r.run.rung).steps) for r in records if r.finished]
    taken, expected = (sum(column) for column in zip((0.0, 0.0), *told, strict=True))
    return taken / expected if taken and expected else 1.0


def correction(records: Iterable[Record]) -> float:
    """By how much runs that are known missed their estimates here, those that stopped early too: the median ratio, 1
    without any."""
    ratios = [r.seconds / estimate(r.run.rung) for r in records if r.finished and r.seconds > 0]
    return median(ratios) if ratios else 1.0
