"""The answer in a paragraph: sentences that are made of the numbers, each true by construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rnnbench.analysis import effects, spans, stats
from rnnbench.analysis.verdicts import Outcome, Verdict
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks
from rnnbench.report.charts.effects import told as surely
from rnnbench.report.model import NBSP, clean, counted
from rnnbench.suite import Suite, TaskEntry

NAMED = 3  # variants or parts that a sentence names; of more it tells how many


def sentences(suite: Suite, climbs: Sequence[Climb], found: Sequence[Verdict]) -> list[str]:
    """What the study shows: a sentence on the spans of each task, on its effects, and on the claims."""
    told = []
    for task in suite.tasks:
        own = [c for c in climbs if c.ladder.task.name == task.name]
        told.append(" ".join(s for s in (_spans(task, own), _effects(task, own)) if s))
    return [s for s in (*told, _claims(found)) if s]


def _spans(task: TaskEntry, climbs: Sequence[Climb]) -> str:
    """Which variants remember the longest and which the shortest, by their spans; nothing where none is known."""
    known = [(c, s) for c in climbs if c.records and (s := spans.span(c)) and not s.provisional]
    if not known:
        return ""
    lows = sorted({s.low or 0 for _, s in known})
    if len(lows) == 1:
        one = known[0][1]
        return (
            f"On {clean(task.name)}, the {task.headline} of all {counted(len(known), 'variant')} is {_told(one, task)}."
        )
    most = [(c, s) for c, s in known if (s.low or 0) == lows[-1]]
    least = [(c, s) for c, s in known if (s.low or 0) == lows[0]]
    longest = f"{_names([c for c, _ in most])} {_has(most)} the longest {task.headline}, {_told(most[0][1], task)}"
    return (
        f"On {clean(task.name)}, {longest}; {_names([c for c, _ in least])} the shortest, {_told(least[0][1], task)}."
    )


def _has(found: Sequence[object]) -> str:
    return "has" if len(found) == 1 else "have"


def _told(span: spans.Span, task: TaskEntry) -> str:
    if span.low is None:
        return f"under {task.lengths[0]}"
    return f"at least {span.low}, where the ladder ends" if span.high is None else str(span.low)


def _names(climbs: Sequence[Climb]) -> str:
    return _listed([clean(c.ladder.variant.name) for c in climbs], "variants")


def _listed(names: Sequence[str], noun: str) -> str:
    if len(names) > NAMED + 1:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} other {noun}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _effects(task: TaskEntry, climbs: Sequence[Climb]) -> str:
    """Which parts are told to lengthen or shorten the span of their base."""
    found = [e for e in effects.effects(climbs) if e.n]
    if not found:
        return ""
    level = f"{100 * stats.LEVEL:.0f}{NBSP}%"
    sure = sorted((e for e in found if surely(e)), key=lambda e: -abs(e.octaves.value))
    if not sure:
        few = min(e.least for e in found) > 1 - stats.LEVEL
        why = f": {counted(max(e.n for e in found), 'seed')} are too few to tell any" if few else ""
        return f"No effect of {counted(len(found), 'part')} on the {task.headline} is told from 0 at {level}{why}."
    sizes = [f"{clean(e.variant)} {e.bound}{marks.difference(e.octaves.value)}" for e in sure]
    word = "is" if len(sure) == 1 else "are"
    return (
        f"Of {counted(len(found), 'part')} {len(sure)} {word} told to change the {task.headline} at {level}, in "
        f"octaves: {_listed(sizes, 'parts')}."
    )


def _claims(found: Sequence[Verdict]) -> str:
    counts = Counter(v.outcome for v in found)
    if not counts:
        return ""
    words: dict[Outcome, tuple[str, str]] = {
        "holds": ("holds", "hold"),
        "fails": ("fails", "fail"),
        "undecided": ("is undecided", "are undecided"),
    }
    rest = [f"{counts[outcome]} {one if counts[outcome] == 1 else many}" for outcome, (one, many) in words.items()]
    return f"Of {counted(len(found), 'claim')} {_listed(rest, 'claims')}."
