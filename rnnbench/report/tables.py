"""A suite and its view of a store -> the report's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rnnbench import registry
from rnnbench.analysis import spans, stats, verdicts
from rnnbench.analysis.spans import Span
from rnnbench.analysis.twins import twins
from rnnbench.analysis.verdicts import Verdict
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record
from rnnbench.report import marks, sections
from rnnbench.report.model import NBSP, Cell, Column, Report, Table, clean, counted
from rnnbench.settings import LOOK, Settings
from rnnbench.suite import Suite, TaskEntry
from rnnbench.text import raised

ERRORS = 3  # how many failed runs of a task are quoted


def report(suite: Suite, climbs: Sequence[Climb], notes: Sequence[str] = ()) -> Report:
    """Everything that a report on a suite says."""
    every = [(task, [c for c in climbs if c.ladder.task.name == task.name]) for task in suite.tasks]
    by_task = [(task, own) for task, own in every if own]  # a part of the suite may have been selected
    tables = [scores(suite, task, own) for task, own in by_task]
    tables.append(spanned(suite, climbs))
    tables += sections.tables(by_task)
    tables += [costs(task, own) for task, own in by_task]
    if suite.claims:
        tables.append(claimed(verdicts.verdicts(suite, climbs)))
    return Report(
        title=clean(suite.name),
        about=clean(suite.about.strip()),
        summary=summary(suite, climbs),
        tables=tuple(tables),
        legend=marks.legend(tables),
        notes=(*_given(climbs), *_twins(climbs), *map(clean, notes)),
    )


def summary(suite: Suite, climbs: Sequence[Climb]) -> str:
    """How large the suite is and how far it has come, in one line."""
    steps = [step for climb in climbs for step in climb.steps]
    counts: Counter[str] = Counter()
    for step in steps:
        if step.state == "pruned":
            counts["pruned"] += len(step.records)
        else:
            counts.update(r.status if r else "to do" for r in step.records)
    size = f"{counted(len(suite.variants), 'variant')}, {counted(len(suite.tasks), 'task')}"
    order = ("solved", "unsolved", "diverged", "failed", "crashed", "timeout", "pruned", "to do")
    told = ", ".join(f"{counts[status]}{NBSP}{status.replace(' ', NBSP)}" for status in order if counts[status])
    runs = counted(sum(len(step.records) for step in steps), "run")
    more = sum(len(climb.more.records) for climb in climbs if climb.more)
    extra = f"; {counted(more, 'run')} with more steps besides" if more else ""
    return f"{size}, {counted(len(suite.seeds), 'seed')}; {runs}" + (f": {told}" if told else "") + extra


def _name(climb: Climb) -> Cell:
    name = clean(climb.ladder.variant.name)
    return Cell((name,), name)


def _across(climb: Climb, task: TaskEntry, draw: Callable[[RungState], Cell], place: int = 0) -> list[Cell]:
    """A cell for each of the task's lengths, drawn from the climb's step at it."""
    steps = {step.rung.length: step for step in climb.steps}
    absent = Cell(("",)) if steps else marks.mark(marks.NOT_APPLICABLE, place)
    return [draw(steps[length]) if length in steps else absent for length in task.lengths]


def _started(climb: Climb) -> bool:
    return any(r is not None for step in climb.steps for r in step.records)


def best(found: Sequence[Span | None]) -> list[bool]:
    """Which spans are the longest; none where all are alike."""
    lows = [s.low or 0 for s in found if s]
    top = max(lows, default=0)
    return [s is not None and (s.low or 0) == top > min(lows) for s in found]


def scores(suite: Suite, task: TaskEntry, climbs: Sequence[Climb]) -> Table:
    """Variants x lengths: the score of every rung; and the span."""
    found = [spans.span(c) for c in climbs]
    rows = []
    for climb, span, is_best in zip(climbs, found, best(found), strict=True):
        rows.append((_name(climb), *_across(climb, task, marks.score), marks.span(span, _started(climb), is_best)))
    bar = marks.fixed(registry.task_class(task.task["task"]).bar)
    n = len(suite.seeds)
    mean = "one seed, so no interval" if n == 1 else f"mean of {n} seeds ± half the 95{NBSP}% t interval"
    solved = f"{marks.SOLVED} half or more reach {bar}"
    return Table(
        title=clean(task.name),
        about=f"score on held-out examples: {mean}; {solved}",
        columns=(Column("", False), *(Column(str(length)) for length in task.lengths), Column("span")),
        rows=tuple(rows),
        notes=(
            *_not_applicable(climbs),
            *_all_seen(task),
            *_padded(suite, task, climbs),
            *_more_steps(suite, climbs),
            *_broken(climbs),
            *_mixed(climbs),
        ),
    )


def _more_steps(suite: Suite, climbs: Sequence[Climb]) -> list[str]:
    """What became of the first unsolved lengths when they got more steps, and how many they used, in one line."""
    budgets: set[int] = set()
    told: dict[str, list[str]] = {"Solved": [], "Not solved": [], "Can't be told": []}
    for climb in climbs:
        for step, more in ((s, s.more) for s in climb.steps if s.more):
            word = "Solved" if step.flipped else "Not solved" if more.passed is False else "Can't be told"
            n = len(more.records)
            counts = f"{more.solved}/{len(more.finished)}, before {step.solved_of(n)}/{n}"
            used = sorted({r.steps for r in more.finished})
            steps = f"; {' to '.join(f'{k:,}' for k in dict.fromkeys((used[0], used[-1])))} used" if used else ""
            told[word].append(f"{clean(climb.ladder.variant.name)} at {step.rung.length} ({counts}{steps})")
            budgets.add(Settings.of(more.rung).steps)
    if suite.more_steps is None or not budgets:
        return []
    groups = " ".join(f"{word}: {', '.join(names)}." for word, names in told.items() if names)
    most = " or ".join(f"{steps:,}" for steps in sorted(budgets))
    return [
        f"the first unsolved length again, with {suite.more_steps.times} times the steps (at most {most}). {groups}"
    ]


def _not_applicable(climbs: Sequence[Climb]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for climb in climbs:
        if not climb.steps:
            reasons.setdefault(clean(climb.ladder.reason), []).append(clean(climb.ladder.variant.name))
    return [f"{marks.NOT_APPLICABLE}: {', '.join(names)}: {reason}" for reason, names in reasons.items()]


def _all_seen(task: TaskEntry) -> list[str]:
    """Where what is tested was trained on too, as there is nothing else, in one line."""
    seen = registry.all_seen(task.task, task.lengths)
    if not seen:
        return []
    where = "" if len(seen) == len(task.lengths) else f" at {', '.join(map(str, seen))}"
    least, most = min(seen.values()), max(seen.values())
    many = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return [f"all inputs seen in training{where}: there are only {many} different ones"]


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


def _broken(climbs: Sequence[Climb]) -> list[str]:
    runs = [(climb, r) for climb in climbs for step in climb.every if step.state != "pruned" for r in step.broken]
    out = [f"{marks.FAILED} {_where(climb, r)}: {r.status}{_why(r)}" for climb, r in runs[:ERRORS]]
    return out + ([f"{marks.FAILED} and {len(runs) - ERRORS} more"] if len(runs) > ERRORS else [])


def _where(climb: Climb, record: Record) -> str:
    more = ", more steps" if climb.more and record in climb.more.broken else ""
    return f"{clean(climb.ladder.variant.name)} at {record.run.rung.length}, seed {record.run.seed}{more}"


def _why(record: Record) -> str:
    why = clean(raised(record.error or "", 200))
    return f": {why}" if why else ""


def _mixed(climbs: Sequence[Climb]) -> list[str]:
    counts = Counter(r.numerics for c in climbs for s in c.every if s.state != "pruned" for r in s.finished)
    told = "; ".join(f"{counted(count, 'run')} by {clean(name) or 'unknown'}" for name, count in sorted(counts.items()))
    return [f"computed in different ways, which differ in rounding: {told}"] if len(counts) > 1 else []


def spanned(suite: Suite, climbs: Sequence[Climb]) -> Table:
    """Variants x tasks: the spans."""
    by_name = {(c.ladder.variant.name, c.ladder.task.name): c for c in climbs}
    tasks = [t for t in suite.tasks if any(name == t.name for _, name in by_name)]
    variants = [v for v in suite.variants if any(name == v.name for name, _ in by_name)]
    columns = []
    for task in tasks:
        own = [by_name.get((v.name, task.name)) for v in variants]
        found = [spans.span(c) if c else None for c in own]
        triples = zip(found, own, best(found), strict=True)
        columns.append([marks.span(s, _started(c), is_best) if c else Cell(("",)) for s, c, is_best in triples])
    names = [Cell((clean(v.name),), clean(v.name)) for v in variants]
    return Table(
        title="span",
        about="the longest length up to which at least half of the seeds solved every one: what can be trained to span "
        "the gap within the budget, known up to the next length tried",
        columns=(Column("", False), *(Column(clean(task.name)) for task in tasks)),
        rows=tuple(zip(names, *columns, strict=True)),
        kind="spans",
    )


def claimed(verdicts: Sequence[Verdict]) -> Table:
    """Claims x verdict, and below what each says exactly and why it is so decided."""
    names = [f"{number}. {clean(v.claim.says)}" for number, v in enumerate(verdicts, 1)]
    rows = [
        (Cell((name,), name), Cell((v.outcome,), v.outcome, marks.TONES[v.outcome]))
        for name, v in zip(names, verdicts, strict=True)
    ]
    reasons = (f"{number}. {clean(v.claim.that.strip())}: {clean(v.why)}" for number, v in enumerate(verdicts, 1))
    return Table(
        title="claims",
        about=f"each decided by itself, at {100 * stats.LEVEL:.0f}{NBSP}%; undecided is what these runs, or this "
        "ladder, can't tell",
        columns=(Column("", False), Column("verdict", False)),
        rows=tuple(rows),
        notes=tuple(reasons),
        kind="claims",
    )


def costs(task: TaskEntry, climbs: Sequence[Climb]) -> Table:
    """Variants x (parameters, seconds a run, steps to solve by length)."""
    done = [[r for s in c.steps if s.state != "pruned" for r in s.finished] for c in climbs]
    seconds = [stats.mean([r.seconds for r in runs]).value for runs in done]
    digits = 2 if max((s for s in seconds if s == s), default=0) < 10 else 1
    rows = []
    for climb, runs, mean in zip(climbs, done, seconds, strict=True):
        absent = marks.MISSING if climb.steps else marks.NOT_APPLICABLE
        steps = _across(climb, task, marks.steps, 1)
        size = max((r.parameters for r in runs), default=0)
        taken = Cell((f"{mean:.{digits}f}",), mean) if mean else marks.mark(absent)  # a canonical export has no times
        cost = Cell((f"{size:,}",), size), taken
        rows.append((_name(climb), *(cost if runs else [marks.mark(absent)] * 2), *steps))
    return Table(
        title=f"{clean(task.name)}: cost",
        about="parameters; mean seconds of a run that finished; steps to solve by length: the look, one every "
        f"{LOOK}{NBSP}steps, by which the middle seed had",
        columns=(Column("", False), *(Column(title) for title in ("parameters", "s/run", *map(str, task.lengths)))),
        rows=tuple(rows),
    )
