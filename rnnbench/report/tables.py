"""A suite and its view of a store -> the report's tables."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from rnnbench import registry
from rnnbench.analysis import advice, bars, spans, stats, verdicts
from rnnbench.analysis.spans import VariantSpan
from rnnbench.analysis.twins import twins
from rnnbench.analysis.verdicts import Verdict
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.plan.reach import folded
from rnnbench.report import broken, marks, sections, tested, within
from rnnbench.report.model import NBSP, Cell, Column, Report, Table, clean, counted
from rnnbench.report.sections import effects
from rnnbench.settings import LOOK
from rnnbench.suite import Suite, TaskEntry, rungs

SHARES = 12  # how many shares have their interval in the legend
HEADLINES = {
    "span": "what was trained to span the gap within {steps}, as a length: the mean over seeds, of each the rungs that "
    "it solves times their spacing (Spearman, Kaerber), with a 95\u00a0% interval",
    "reach": "trained on lengths up to one within {steps}, how far beyond, as a length: the mean over seeds, of each "
    "the longest tested length up to which all are solved, half a rung added, with a 95\u00a0% interval",
    "need": "the examples needed to learn it within {steps}: the mean over seeds, of each the fewest down to which it "
    "solves every number tried, half a rung taken off, with a 95\u00a0% interval",
}


def parts() -> tuple[str, ...]:
    """What a report is made of: the kinds of its tables, in their order."""
    return ("scores", "spans", *sections.names(), "cost", "claims")


def report(
    suite: Suite,
    climbs: Sequence[Climb],
    notes: Sequence[str] = (),
    *,
    only: Collection[str] | None = None,
    found: Sequence[Verdict] | None = None,
) -> Report:
    """Everything that a report on a suite says, or `only` some parts of it: of the stated budget, but for the sections
    that are about others. `found`: the verdicts on its claims, with advice, where they are known."""
    wanted = parts() if only is None else only
    every, climbs = climbs, views.at(climbs)
    tasks = [task for task in suite.tasks if any(c.ladder.task.name == task.name for c in climbs)]  # those selected
    by_task = [(task, [c for c in climbs if c.ladder.task.name == task.name]) for task in tasks]
    tables = [scores(suite, task, own) for task, own in by_task if "scores" in wanted]
    tables += headlines(suite, climbs) if "spans" in wanted else []
    tables += sections.tables(tasks, every, wanted)
    tables += [costs(task, own) for task, own in by_task if "cost" in wanted]
    if suite.claims and "claims" in wanted:
        found = advice.advised(suite, climbs, verdicts.verdicts(suite, every)) if found is None else found
        tables.append(claimed(found, bars.claim_outcomes(suite, every)))
    return Report(
        title=clean(suite.name),
        about=clean(suite.about.strip()),
        summary=summary(suite, climbs, every),
        tables=tuple(tables),
        legend=(*marks.legend(tables), *_shares(climbs)),
        notes=(*_given(climbs), *_twins(climbs), *map(clean, notes)),
    )


def _shares(climbs: Sequence[Climb]) -> list[str]:
    """How sure the shares of seeds that solved a rung are, in one line: each has the same interval wherever it
    stands."""
    counts = {(s.solved, s.tally.finished) for c in climbs for s in c.steps if s.state != "pruned" and s.tally.finished}
    if not counts:
        return []
    found = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    told = [f"{k}/{n} {marks.interval(stats.proportion(k, n))[1:-1]}" for k, n in found[:SHARES]]
    more = f", and {len(found) - SHARES} more in the JSON report" if len(found) > SHARES else ""
    return [f"solved, of all seeds there could be, 95{NBSP}% (Jeffreys): {', '.join(told)}{more}"]


def summary(suite: Suite, climbs: Sequence[Climb], every: Sequence[Climb]) -> str:
    """How large the suite is and how far it has come, in one line; `every` climb, those with more steps too."""
    climbs, every = [folded(climb) for climb in climbs], [folded(climb) for climb in every]
    steps = [step for climb in climbs for step in climb.steps]
    counts: Counter[str] = Counter()
    for step in steps:
        if step.state == "pruned":
            counts["pruned"] += len(step.records)
        else:
            implied = step.tally.implied
            counts.update(r.status for r in step.records if r)
            counts.update({"implied": implied, "to do": step.missing})
    size = f"{counted(len(suite.variants), 'variant')}, {counted(len(suite.tasks), 'task')}"
    order = ("solved", "unsolved", "diverged", "failed", "crashed", "timeout", "pruned", "implied", "to do")
    told = ", ".join(f"{counts[status]}{NBSP}{status.replace(' ', NBSP)}" for status in order if counts[status])
    runs = counted(sum(len(step.records) for step in steps), "run")
    extra = _with_more(every) + _besides(every)
    return f"{size}, {counted(len(suite.seeds), 'seed')}; {runs}" + (f": {told}" if told else "") + extra


def _with_more(every: Sequence[Climb]) -> str:
    """How far the ladders with more than the stated steps have come."""
    more = [climb for climb in every if climb.ladder.budget > 1]
    if not more:
        return ""
    steps = [step for climb in more for step in climb.steps if step.state != "pruned"]
    known, derived = sum(step.known for step in steps), sum(step.tally.derived for step in steps)
    asked = known + sum(climb.left for climb in more)
    told = f", {derived} of them by runs with fewer" if derived else ""
    return f"; with more steps {known} of {counted(asked, 'run')} known{told}"


def _besides(every: Sequence[Climb]) -> str:
    """How far what a suite takes besides has come: pilots, ladders at the base's choice, the pairs of a crossing."""
    told = ""
    besides = (("pilot", "of the pilots"), ("base", "at the base's choice"), ("crossed", "of the other pairs crossed"))
    for choice, what in besides:
        steps = [s for c in every if c.ladder.choice == choice for s in c.steps if s.state != "pruned"]
        asked = sum(step.asked for step in steps)
        told += f"; {what} {asked - sum(s.missing for s in steps)} of {counted(asked, 'run')} known" if asked else ""
    return told


def _name(climb: Climb) -> Cell:
    name = clean(climb.ladder.variant.name)
    return Cell((name,), name)


def _across(climb: Climb, places: Sequence[int], draw: Callable[[RungState], Cell], part: int = 0) -> list[Cell]:
    """A cell for each of a task's lengths, or numbers of examples, drawn from the climb's step at it."""
    steps = dict(zip(climb.places, climb.steps, strict=True))
    absent = Cell(("",)) if steps else marks.mark(marks.NOT_APPLICABLE, part)
    return [draw(steps[place]) if place in steps else absent for place in places]


def started(climb: Climb) -> bool:
    return any(r is not None for step in climb.steps for r in step.records)


def best(found: Sequence[VariantSpan | None]) -> list[bool]:
    """Which spans are the longest, or needs the least; none where all are alike."""
    ranks = [round(-s.length if s.need else s.length, 6) if s else math.nan for s in found]
    known = [rank for rank in ranks if not math.isnan(rank)]
    return [rank == max(known) > min(known) for rank in ranks] if known else [False] * len(found)


def scores(suite: Suite, task: TaskEntry, climbs: Sequence[Climb]) -> Table:
    """Variants x rungs: the score of every rung; and the span, the reach or the need."""
    found = [spans.span(c) for c in climbs]
    rows = []
    for climb, span, is_best in zip(climbs, found, best(found), strict=True):
        rows.append(
            (_name(climb), *_across(climb, task.places, marks.score), marks.span(span, started(climb), is_best))
        )
    bar = marks.fixed(registry.task_class(task.task["task"]).bar)
    n = len(suite.seeds)
    spent = any(step.rung.settings.get("stop") == "never" for climb in climbs for step in climb.steps)
    mean = "one seed" if n == 1 else f"mean of {n} seeds" + (f" and its 95{NBSP}% t interval" if spent else "")
    solved = f"{marks.SOLVED} half or more reach {bar}"
    about = f"score on held-out examples: {mean}; {solved}"
    if task.search == "bisect":
        about = (
            f"seeds of {n} that solve each length; {solved}; each seed is searched, as if what solves a length solved "
        )
        about += "every shorter one"
    return Table(
        title=clean(task.name),
        about=f"{about}{tested.about(task)}",
        columns=(Column("", False), *tested.columns(task), Column(task.headline)),
        rows=tuple(rows),
        notes=(
            *_not_applicable(climbs),
            *tested.seen(task),
            *tested.holes(climbs),
            *_padded(suite, task, climbs),
            *broken.notes(climbs),
            *_mixed(climbs),
        ),
        kind="scores",
        headline=task.headline,
    )


def _not_applicable(climbs: Sequence[Climb]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for climb in climbs:
        if not climb.steps:
            reasons.setdefault(clean(climb.ladder.reason), []).append(clean(climb.ladder.variant.name))
    return [f"{marks.NOT_APPLICABLE}: {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _given(climbs: Sequence[Climb]) -> list[str]:
    given = [clean(c.ladder.variant.name) for c in climbs if c.steps and c.steps[0].rung.model.get("chrono")]
    names = ", ".join(dict.fromkeys(given))
    return [f"given the time scale, which is knowledge about the task (chrono): {names}"] if names else []


def _twins(climbs: Sequence[Climb]) -> list[str]:
    return [
        f"the same bits, run for run ({counted(n, 'run')} each): {', '.join(map(clean, names))}; what tells them apart "
        "changed nothing"
        for names, n in twins(climbs).items()
    ]


def _padded(suite: Suite, task: TaskEntry, climbs: Sequence[Climb]) -> list[str]:
    """Which variants see the padding of a task's examples, other than as the first steps they read, in one line."""
    if not registry.task_class(task.task["task"]).padded:
        return []
    seen = []
    for variant in (c.ladder.variant for c in climbs if c.steps):
        settings = suite.settings(variant, task)
        if settings.bidirectional or settings.attention != "none" or "layer" in variant.model:
            seen.append(clean(variant.name))
    why = "padded in front to one length, and nothing hides the padding from attention or from a backward direction"
    return [f"{why}: {', '.join(seen)}"] if seen else []


def _mixed(climbs: Sequence[Climb]) -> list[str]:
    counts = Counter(
        r.numerics for c in map(folded, climbs) for s in c.steps if s.state != "pruned" for r in s.finished
    )
    told = "; ".join(f"{counted(count, 'run')} by {clean(name) or 'unknown'}" for name, count in sorted(counts.items()))
    return [f"computed in different ways, which differ in rounding: {told}"] if len(counts) > 1 else []


def headlines(suite: Suite, climbs: Sequence[Climb], shown: Callable[[Cell, Climb], Cell] | None = None) -> list[Table]:
    """The spans, the reaches and the needs of the tasks that have them, each `shown` in some way."""
    groups = {name: [c for c in climbs if c.ladder.task.headline == name] for name in HEADLINES}
    return [_headline(suite, own, name, shown or _as_it_is) for name, own in groups.items() if own]


def _as_it_is(cell: Cell, climb: Climb) -> Cell:
    return cell


def _headline(suite: Suite, climbs: Sequence[Climb], name: str, shown: Callable[[Cell, Climb], Cell]) -> Table:
    """Variants x tasks: the spans, the reaches or the needs."""
    by_name = {(c.ladder.variant.name, c.ladder.task.name): c for c in climbs}
    tasks = [t for t in suite.tasks if any(name == t.name for _, name in by_name)]
    variants = [v for v in suite.variants if any(name == v.name for name, _ in by_name)]
    columns = []
    for task in tasks:
        own = [by_name.get((v.name, task.name)) for v in variants]
        found = [spans.span(c) if c else None for c in own]
        triples = zip(found, own, best(found), strict=True)
        columns.append(
            [shown(marks.span(s, started(c), is_best), c) if c else Cell(("",)) for s, c, is_best in triples]
        )
    names = [Cell((clean(v.name),), clean(v.name)) for v in variants]
    return Table(
        title=name,
        about=HEADLINES[name].format(steps=within.steps(climbs)),
        columns=(Column("", False), *(Column(clean(task.name)) for task in tasks)),
        rows=tuple(zip(names, *columns, strict=True)),
        kind="spans",
        headline=name,
    )


def claimed(verdicts: Sequence[Verdict], others: Sequence[Mapping[float, str]]) -> Table:
    """Claims x verdict, and below what each says exactly, why it is so decided, and what it would be at other bars."""
    reasons = (f"{v.claim.number}. {clean(v.claim.that.strip())}: {clean(v.why)}" for v in verdicts)
    pairs = zip(verdicts, others, strict=True)
    moved = [f"{v.claim.number} {marks.bars(there)}" for v, there in pairs if there]
    return Table(
        title="claims",
        about=f"each decided by itself, at {100 * stats.LEVEL:.0f}{NBSP}%; undecided is what these runs, or this "
        "ladder, can't tell",
        columns=(Column("", False), Column("verdict", False)),
        rows=tuple(map(marks.claim, verdicts)),
        notes=(*reasons, *([f"{effects.OTHER}: {'; '.join(moved)}"] if moved else [])),
        kind="claims",
    )


def costs(task: TaskEntry, climbs: Sequence[Climb]) -> Table:
    """Variants x (parameters, seconds a run, steps to solve by length that was trained, or number of examples)."""
    climbs = [folded(climb) for climb in climbs]
    done = [[r for s in c.steps if s.state != "pruned" for r in s.finished] for c in climbs]
    seconds = [stats.mean([r.seconds for r in runs]).value for runs in done]
    climbed = task.search == "climb"  # which seeds a search trains at a length depends on what they came to
    digits = 2 if max((s for s in seconds if s == s), default=0) < 10 else 1
    about = "parameters; mean seconds of a run that finished"
    if climbed:
        by = rungs.words(task).name
        about += f"; steps to solve by {by}: the look, one every {LOOK}{NBSP}steps, by which the middle seed had"
    rows = []
    for climb, runs, mean in zip(climbs, done, seconds, strict=True):
        absent = marks.MISSING if climb.steps else marks.NOT_APPLICABLE
        steps = _across(climb, tested.places(task), marks.steps, 1) if climbed else []
        size = max((r.parameters for r in runs), default=0)
        taken = Cell((f"{mean:.{digits}f}",), mean) if mean else marks.mark(absent)  # a canonical export has no times
        cost = Cell((f"{size:,}",), size), taken
        rows.append((_name(climb), *(cost if runs else [marks.mark(absent)] * 2), *steps))
    return Table(
        title=f"{clean(task.name)}: cost",
        about=about,
        columns=(
            Column("", False),
            *map(Column, ("parameters", "s/run", *(tested.trained(task) if climbed else ()))),
        ),
        rows=tuple(rows),
        kind="cost",
    )
