"""A suite held against its baseline: what got worse, and by how much.

Two tiers. The exact one asks whether the mathematics is the same (`probes.py`). The statistical one asks, per variant
and task, whether the spans got shorter (or the needs larger): rungs lost, paired by seed with the baseline's own runs.
Fine is what is shown to have lost less than the margin (non-inferiority: the one-sided t bound of the mean lies above
it), worse is what is not fine, is shown to have lost something and lost most of the margin in the mean; between them
it is unclear. Claims that held must hold.

Nothing is fine for want of evidence: fewer than MINIMUM seeds, a missing run or a cell that could not get worse are
unclear, a run that diverges where none did is worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from rnnbench.analysis import stats, verdicts
from rnnbench.analysis.stats import Estimate
from rnnbench.check import baseline, ends, probes, seeds
from rnnbench.check.baseline import Baseline, Cell
from rnnbench.errors import Exit, UserError
from rnnbench.plan import Plan, reach
from rnnbench.plan.ladders import Climb
from rnnbench.text import counted, printable

MINIMUM = 5  # seeds: 2 ** -5 = .03 is the first one-sided p of a sign test under .05
MARGIN = 1.0  # rungs that may be lost: the least that a ladder can tell
MOST = 2 / 3  # of the margin must be lost in the mean: half would alarm too often over the cells of a suite

SEVERAL = {"span": "spans", "reach": "reaches", "need": "needs"}

Outcome = Literal["fine", "worse", "unclear"]
Tier = Literal["exact", "statistical", "claims"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `name` says which (`lstm on adding`), `text` what was found."""

    tier: Tier
    name: str
    outcome: Outcome
    text: str


def verdict(findings: Sequence[Finding]) -> Exit:
    """The exit code of all findings together."""
    outcomes = {f.outcome for f in findings}
    if "worse" in outcomes:
        return Exit.FAILED
    return Exit.INCONCLUSIVE if "unclear" in outcomes or not outcomes else Exit.OK


def fits(plan: Plan, was: Baseline, whole: bool) -> None:
    """UserError where the baseline isn't one of this suite: it would compare what can't be compared.

    `whole`: everything was selected, so that what the baseline has beyond it is gone from the suite.
    """
    faults = []
    if was.suite != plan.suite.name:
        faults.append(f"it is of the suite '{printable(was.suite, 60)}'")
    if unknown := [s for s in plan.suite.seeds if s not in was.seeds]:
        faults.append(f"it has no seed {unknown[0]}")
    here: set[tuple[str, str]] = set()
    for ladder in plan.ladders:
        if not ladder.rungs:
            continue
        variant, task = ladder.variant.name, ladder.task.name
        here.add((variant, task))
        cell = was.variants.get(variant, {}).get(task)
        if cell is None or task not in was.tasks:
            faults.append(f"it lacks {variant} on {task}")
        elif cell.asked != baseline.asked(ladder):
            faults.append(f"{variant} on {task} is asked for otherwise than then")
        elif not _counted(cell, len(was.seeds), len(reach.rungs(ladder))):
            faults.append(f"its spans of {variant} on {task} are none")
        elif not all(set(map(str, was.seeds)) <= set(each) for each in (cell.exact.starts, cell.exact.data)) or not (
            probes.can_be(cell.exact.passes, ladder)
        ):
            faults.append(f"its exact numbers of {variant} on {task} are none")
    gone = [(v, t) for v, cells in was.variants.items() for t in cells if (v, t) not in here] if whole else []
    faults += [f"{printable(variant, 60)} on {printable(task, 60)} is gone from the suite" for variant, task in gone]
    faults += [f"it lacks the claim '{c.that}'" for c in plan.suite.claims if c.that not in was.claims]
    if faults:
        more = f", and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise UserError(
            f"{plan.suite.name}: the baseline doesn't fit: {'; '.join(faults[:3])}{more}; {baseline.cure()}"
        )


def _counted(cell: Cell, seeds: int, rungs: int) -> bool:
    """Whether a cell's spans and solved seeds can be those of so many seeds and rungs."""
    lengths = (len(cell.spans), len(cell.solved)) == (seeds, rungs)
    return lengths and max(cell.spans) <= rungs and max(cell.solved) <= seeds and cell.diverged <= seeds * rungs


def exactly(plan: Plan, was: Baseline) -> Iterator[Finding]:
    """The exact tier."""
    for entry in plan.suite.tasks:
        numbers = vars(was.tasks[entry.name])
        yield _exact(entry.name, probes.task_differences(numbers, probes.task(entry)))
    for ladder in plan.ladders:
        if ladder.rungs:
            cell = was.variants[ladder.variant.name][ladder.task.name]
            exact, name = asdict(cell.exact), f"{ladder.variant.name} on {ladder.task.name}"
            for path in probes.paths(ladder.rungs[0]):
                by = "" if path == "auto" else ", by its equations"
                now = probes.variant(ladder, path, probes.looked(exact["passes"]))
                starts, alike = seeds.look(ladder, path, plan.suite.seeds)
                found = probes.differences(exact, now) + seeds.differences(exact, starts)
                yield _exact(name + by, alike + found)
            if cell.ends is not None:
                yield _exact(f"{name}, to its end", ends.differences(asdict(cell.ends), ends.of(ladder)))


def _exact(name: str, differences: Sequence[str]) -> Finding:
    shown = "; ".join(differences[:3]) + (f"; and {len(differences) - 3} more" if len(differences) > 3 else "")
    return Finding("exact", name, "worse" if differences else "fine", shown or "as it was")


def statistically(plan: Plan, climbs: Sequence[Climb], was: Baseline, margin: float = MARGIN) -> Iterator[Finding]:
    """The statistical tier."""
    columns = [was.seeds.index(seed) for seed in plan.suite.seeds]
    cells = [was.variants[c.ladder.variant.name][c.ladder.task.name] for c in climbs if c.ladder.rungs]
    if not any(any(cell.spans) for cell in cells):
        yield Finding("statistical", plan.suite.name, "unclear", "no rung was solved then: nothing can get worse")
    for climb in climbs:
        if climb.ladder.rungs:
            cell = was.variants[climb.ladder.variant.name][climb.ladder.task.name]
            name = f"{climb.ladder.variant.name} on {climb.ladder.task.name}"
            outcome, text = _cell(climb, cell, columns, margin)
            yield Finding("statistical", name, outcome, text)


def _cell(climb: Climb, was: Cell, columns: Sequence[int], margin: float) -> tuple[Outcome, str]:
    absent, broken = baseline.missing([climb])
    if broken:
        return "worse", f"{counted(broken, 'run')} broke" + (f", {absent} are missing" if absent else "")
    if absent:
        return "unclear", f"{absent} runs are missing"
    more = baseline.diverged(climb) - was.diverged
    if more > 0:
        return "worse", f"{counted(more, 'more run')} diverged than in the baseline"
    before, after = [was.spans[k] for k in columns], baseline.rungs(climb)
    if len(before) < MINIMUM:
        return "unclear", f"too few seeds: {len(before)}, {MINIMUM} needed"
    outcome, change = compare(before, after, margin)
    task = climb.ladder.task
    none = f">{climb.places[0]}" if task.headline == "need" else "0"
    places = (none, *map(str, climb.places))
    what = SEVERAL[task.headline]
    told = f"{what} {_at(places, after)}, were {_at(places, before)}"
    if outcome == "fine":
        return outcome, f"{what} as they were" if before == after else f"{_change(change)} rungs; {told}"
    return outcome, f"{_change(change)} rungs, margin {margin:g}; {told}"


def _at(places: Sequence[str], rungs: Sequence[int]) -> str:
    return " ".join(places[r] for r in rungs)


def _change(change: Estimate) -> str:
    return f"{change.value:+.2g} ({change.low:+.2g} to {change.high:+.2g})"


def compare(before: Sequence[int], after: Sequence[int], margin: float) -> tuple[Outcome, Estimate]:
    """Spans in rungs, paired by seed -> the outcome and the mean change with its two one-sided 95 % bounds.

    >>> compare([3, 3, 3, 3, 3], [3, 3, 2, 3, 3], 1.0)[0], compare([3, 3, 3, 3, 3], [2, 2, 2, 2, 2], 1.0)[0]
    ('fine', 'worse')
    >>> compare([3, 1, 3, 3, 1], [1, 3, 1, 3, 1], 1.0)[0], compare([3, 3, 3, 3, 3], [3, 3, 2, 2, 2], 1.0)[0]
    ('unclear', 'unclear')
    """
    change = stats.paired(after, before, 2 * stats.LEVEL - 1)
    if not math.isfinite(change.low):
        return "unclear", change
    if change.low > -margin:
        return "fine", change
    return "worse" if change.high < 0 and change.value <= -MOST * margin else "unclear", change


def claimed(plan: Plan, climbs: Sequence[Climb], was: Baseline, whole: bool) -> Iterator[Finding]:
    """Claims that held must hold; one that names what was not selected is left out."""
    for found in verdicts.verdicts(plan.suite, climbs):
        if was.claims[found.claim.that] != "holds" or (not whole and "was not selected" in found.why):
            continue
        outcome: Outcome = {"holds": "fine", "fails": "worse", "undecided": "unclear"}[found.outcome]  # type: ignore[assignment]
        said = {"holds": "holds still", "fails": "held, and fails", "undecided": "held, and can't be decided"}
        yield Finding("claims", found.claim.says, outcome, f"{said[found.outcome]}: {found.why}")
