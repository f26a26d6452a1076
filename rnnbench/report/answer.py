"""The answer in a paragraph: sentences that are made of the numbers, each true by construction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rnnbench.analysis import spans, stats
from rnnbench.analysis.effects import Effect
from rnnbench.analysis.spans import VariantSpan
from rnnbench.analysis.verdicts import Outcome, Verdict
from rnnbench.report import marks
from rnnbench.report.charts.effects import told as surely
from rnnbench.report.model import NBSP, clean, counted
from rnnbench.report.study import Study
from rnnbench.suite import Suite, TaskEntry, rungs

NAMED = 3  # variants or parts that a sentence names; of more it tells how many


def sentences(suite: Suite, study: Study, found: Sequence[Verdict]) -> list[str]:
    """What the study shows: a sentence on the spans of each task, on its effects, and on the claims."""
    told = [" ".join(s for s in (_spans(task, study), _effects(task, study)) if s) for task in suite.tasks]
    return [s for s in (*told, _claims(found)) if s]


def _spans(task: TaskEntry, study: Study) -> str:
    """Which variants have the longest span and which the shortest, or the smallest need and the largest; nothing where
    none is known."""
    every = {clean(c.ladder.variant.name): spans.span(c) for c in study.of(task)}
    known = {name: span for name, span in every.items() if span and span.n and not span.provisional}
    if not known:
        return ""
    on, every_one = f"On {clean(task.name)}", sum(span is not None for span in every.values())
    if 1 < len(known) < every_one:
        on += f", of the {len(known)} of {every_one} variants whose runs are all there"
    values = [span.octaves.value for span in known.values()]
    if max(values) == min(values):
        name, one = next(iter(known.items()))
        names, word = (name, "a") if len(known) == 1 else (f"all {counted(len(known), 'variant')}", "the same")
        return f"{on}, {_told(task, one, names, len(known), word)}."
    words = rungs.words(task)
    # Each with the bound of others that could make it another, and its own that could.
    found = (max(values), words.most, "≥", "≤"), (min(values), words.least, "≤", "≥")
    ends = []
    for end, word, bound, its_own in reversed(found) if task.headline == "need" else found:
        own = [name for name, span in known.items() if span.octaves.value == end]
        open_ended = any(span.bound in (bound, "?") for span in known.values())
        open_ended |= any(known[name].bound == its_own for name in own)
        shown = " as far as the ladder shows" if open_ended else ""
        ends.append(_told(task, known[own[0]], _listed(own, "variants"), len(own), f"the {word}", shown))
    return f"{on}, {'; '.join(ends)}."


def _told(task: TaskEntry, span: VariantSpan, names: str, count: int, word: str, shown: str = "") -> str:
    """What is known of the span that so many variants have; `word` says which it is, `the longest` or just `a`."""
    solve, have = ("solves", "has") if count == 1 else ("solve", "have")
    if span.need and (span.top or span.bottom):
        seeds, end = ("no seed", span.longest) if span.top else ("every seed", span.shortest)
        return f"{names} {solve} it with {seeds}, even {rungs.at(task, end)}"
    if span.top:
        return f"{names} {solve} the longest length, {span.longest}, with every seed"
    if span.bottom:
        return f"{names} {solve} no length with any seed"
    mean = NBSP.join(part for part in marks.span(span, True).parts if part and not part.startswith(marks.HOLES))
    of = " examples" if span.need else ""
    return f"{names} {have} {word} mean {task.headline}{shown}{' of' if word == 'a' else ','} {mean}{of}"


def _listed(names: Sequence[str], noun: str) -> str:
    if len(names) > NAMED + 1:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} other {noun}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _effects(task: TaskEntry, study: Study) -> str:
    """Which parts are told to change the span, or the need, of their base."""
    found = study.effects(task)
    if not found:
        return ""
    sure = sorted((e for e in found if surely(e)), key=lambda e: -abs(e.octaves.value))
    if not sure:
        few = min(e.least for e in found) > 1 - stats.LEVEL
        why = f": {counted(max(e.n for e in found), 'seed')} are too few to tell any" if few else ""
        of = counted(len(found), "part")
        return f"No effect of {of} on the {task.headline} is told from 0{why}{_untold(found)}."
    word = "is" if len(sure) == 1 else "are"
    sign = " (+: more examples)" if task.headline == "need" else ""
    return (
        f"Of {counted(len(found), 'part')} {len(sure)} {word} told to change the {task.headline}, in octaves{sign}: "
        f"{_listed(_sizes(sure), 'parts')}{_untold([e for e in found if e not in sure])}."
    )


def _sizes(found: Sequence[Effect]) -> list[str]:
    return [f"{clean(e.variant)} {marks.effect(e.octaves, e.bound).text.replace(' ', NBSP)}" for e in found]


def _untold(found: Sequence[Effect]) -> str:
    """The effects that aren't told, where they are so few that all can be named."""
    return f"; not told: {_listed(_sizes(found), 'parts')}" if 0 < len(found) <= NAMED else ""


def _claims(found: Sequence[Verdict]) -> str:
    counts = Counter(v.outcome for v in found)
    if not counts:
        return ""
    words: dict[Outcome, tuple[str, str]] = {
        "holds": ("holds", "hold"),
        "fails": ("fails", "fail"),
        "undecided": ("is undecided", "are undecided"),
    }
    if len(counts) == 1:
        (outcome,) = counts
        return f"{'The claim' if len(found) == 1 else f'All {len(found)} claims'} {words[outcome][len(found) > 1]}."
    rest = [f"{counts[outcome]} {pair[counts[outcome] > 1]}" for outcome, pair in words.items() if counts[outcome]]
    return f"Of {len(found)} claims {_listed(rest, 'claims')}."
