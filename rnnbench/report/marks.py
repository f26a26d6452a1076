"""Numbers and results as cells: how a score, a span, a count looks, and the marks for what is not there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest

from rnnbench.analysis import spans
from rnnbench.analysis.effort import Ratio, middle
from rnnbench.analysis.ranges import Range
from rnnbench.analysis.spans import Bound, Score, VariantSpan
from rnnbench.analysis.stats import Estimate
from rnnbench.analysis.verdicts import Verdict
from rnnbench.plan.ladders import RungState
from rnnbench.report.model import Cell, Table, Tone, clean
from rnnbench.settings import LOOK

PRUNED, MISSING, NOT_APPLICABLE, SOLVED, SO_FAR, IMPLIED = "–", "·", "n/a", "✓", "…", "⇒"
FAILED, DIVERGED, HOLES = "!", "∞", "◦"
BEYOND = "→"  # a length that is longer than all that was trained on

TONES: dict[str, Tone] = {"holds": "full", "fails": "little", "undecided": "quiet"}  # of a verdict

# A mark and what it means; a report's legend has those that its tables use, each with a number that stands there.
LEGEND = {
    SOLVED: "solved by at least half of all seeds; the numbers: by how many of those that finished",
    FAILED: "so many runs broke (failed, crashed or timed out) and are left out of the mean",
    DIVERGED: "so many runs diverged and count as 0",
    PRUNED: "pruned: left after two lengths in a row that no seed solved",
    IMPLIED: "of so many of these seeds it is implied: they solved a longer length, or failed a shorter one",
    MISSING: "not run yet; with a number, so many of the seeds",
    NOT_APPLICABLE: "the variant can't do the task",
    "≥": "at least, since some seed solved the longest length: the ladder ends there",
    "≤": "at most, since some seed solved no length at all: the ladder begins above what it spans",
    "<": "no seed solved any length, of which this is the shortest",
    HOLES: "so many seeds have holes: they solve a longer length than one that they don't solve",
    ">": "more than half of the seeds had not solved it after so many steps",
    SO_FAR: "so far: runs are missing or broke that could change it",
}

# Of those, what means something else where rungs are numbers of examples.
OF_NEEDS = {
    PRUNED: "pruned: left after two numbers of examples in a row with which no seed solved it",
    "≥": "at least, since some seed did not solve it with the most examples: the ladder ends there",
    "≤": "at most, since some seed solved it with the fewest examples: the ladder begins there",
}
BEFORE = ("≥", "≤", "<", ">")  # stand before their number, a word of its own
DIFFERENCES = ("+", "−", "0")  # what one begins with


def has(word: str, sign: str) -> bool:
    """Whether a word of a cell is a mark, with or without its count.

    >>> has("!2", "!"), has("·", "·"), has("<.001", "<")
    (True, True, False)
    """
    count = word.removeprefix(sign)
    return count != word and (not count or count.split("/")[0].isdigit())


def legend(tables: Iterable[Table]) -> tuple[str, ...]:
    """The meanings of the marks that tables use, of each kind of ladder that they speak of, with an example of them."""
    every = list(tables)
    kinds = {table.headline == "need" for table in every if table.headline} or {False}
    told: dict[str, str] = {}  # each meaning once
    for sign in LEGEND:
        for need in sorted(kinds):
            own = [table for table in every if not table.headline or (table.headline == "need") == need]
            meaning = (LEGEND | OF_NEEDS if need else LEGEND)[sign]
            if meaning not in told and (example := _example(sign, own)):
                told[meaning] = f"{example} {meaning}"
    return tuple(told.values())


def _example(sign: str, tables: Sequence[Table]) -> str:
    """A mark with a number that it has in a table, the first; alone where it has none, and empty where it isn't used. A
    bound of a difference, `≥ +1.3` or `≤ 0.0`, is none of the bounds that a legend explains: no length is under 1."""
    alone = ""
    for words in (cell.text.split() for table in tables for row in table.rows for cell in row[1:]):
        for word, after in zip_longest(words, words[1:], fillvalue=""):
            if has(word, sign):
                if word != sign:
                    return word
                if sign in BEFORE and after[:1] in DIFFERENCES:
                    continue
                if sign in BEFORE and after[:1].isdigit():
                    return f"{word} {after}"
                alone = sign
    return alone


def fixed(x: float, digits: int = 2) -> str:
    """A number in [0, 1] without its leading zero. Only what is 1 shows as 1: .998 is cut, not rounded.

    >>> fixed(0.98), fixed(0.998), fixed(1.0), fixed(12.3)
    ('.98', '.99', '1.00', '12.30')
    """
    if 1 - 0.5 * 10**-digits <= x < 1:
        x = 1 - 10**-digits
    text = f"{x:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def interval(found: Estimate) -> str:
    """An interval, `(.90 to .99)`; empty where there is none, or none that two digits could show.

    >>> interval(Estimate(0.95, 0.9, 1.0)), interval(Estimate(0.9, 0.9, 0.9))
    ('(.90 to 1.00)', '')
    """
    return f"({fixed(found.low)} to {fixed(found.high)})" if found.high - found.low >= 0.005 else ""


def difference(value: float, digits: int = 1) -> str:
    """A difference with its sign, which 0 has not.

    >>> difference(-1.5), difference(0.04), difference(2)
    ('−1.5', '0.0', '+2.0')
    """
    if not math.isfinite(value):
        return MISSING
    text = f"{value:+.{digits}f}".replace("-", "−")
    zero = f"{0:.{digits}f}"
    return zero if text[1:] == zero else text


def signed(estimate: Estimate, digits: int = 1) -> tuple[str, str]:
    """A difference and half its interval; none where nothing varied, which doesn't say how much others would.

    >>> signed(Estimate(-1.5, -2.0, -1.0)), signed(Estimate(-2.0, -2.0, -2.0))
    (('−1.5', '±0.5'), ('−2.0', ''))
    """
    width = (estimate.high - estimate.low) / 2
    return difference(estimate.value, digits), "" if flat(estimate) else f"±{width:.{digits}f}"


def flat(estimate: Estimate) -> bool:
    """Whether a mean has no interval with a width: of one number, or of several that agree (up to rounding)."""
    return not estimate.high - estimate.low > 1e-9


def p_value(p: float) -> Cell:
    """A p value."""
    return Cell(("<.001" if p < 0.001 else fixed(p, 3),), p) if math.isfinite(p) else mark(MISSING)


def mark(text: str, place: int = 0, tone: Tone = "quiet") -> Cell:
    """A mark in place of a number that is the cell's part `place`."""
    return Cell(("",) * place + (text,), None, tone)


def tone(score: float) -> Tone:
    """What a score is coloured by."""
    return "full" if score >= 0.95 else "much" if score >= 0.6 else "some" if score >= 0.25 else "little"


def score(step: RungState) -> Cell:
    """A rung: mean, its interval where it has one, solved fraction, then what was left out. `.98 ✓3/3 !1`"""
    if step.state == "pruned":
        return mark(PRUNED)
    found = spans.score(step)
    if found.n and step.implied:
        return _share(step, found)
    if not found.n:
        return Cell((f"{FAILED}{found.failed}",), None, "alarm") if found.failed else mark(MISSING)
    solved = f"{SOLVED if step.passed else ''}{found.solved}/{found.n}"
    value = found.score.value
    return Cell((fixed(value), interval(found.score), solved, _left_out(found)), value, tone(value))


def _share(step: RungState, found: Score) -> Cell:
    """A rung of a search: the seeds that solve it, and of how many that is implied."""
    solved = f"{SOLVED if step.passed else ''}{found.solved}/{found.n}"
    implied = f"{IMPLIED}{step.tally.implied}" if step.tally.implied else ""
    share = found.solved / found.n
    return Cell(("", "", solved, " ".join(filter(None, (implied, _left_out(found))))), share, tone(share))


def _left_out(found: Score) -> str:
    counts = ((FAILED, found.failed), (DIVERGED, found.diverged), (MISSING, found.missing))
    return " ".join(f"{sign}{count}" for sign, count in counts if count)


def span(found: VariantSpan | None, started: bool, best: bool = False) -> Cell:
    """A span and its interval: `17 (14 to 20)`, `≥ 45 (≥ 30)`, `≥ 160` where all seeds are at the top, `< 10` at the
    bottom, of a need `over 3000` and `≤ 100` there, `40 …` so far; and how many seeds have holes. A mark where nothing
    was run or nothing can be."""
    if found is None:
        return mark(NOT_APPLICABLE, 1)
    if found.provisional and not found.solved:
        return mark("?" if started else MISSING, 1)
    if found.need and (found.top or found.bottom):
        end = ("over", str(found.longest)) if found.top else ("≤", str(found.shortest))
        return Cell(end, None if found.top else found.shortest, "quiet" if found.top else "plain", best)
    if found.bottom:
        return Cell(("<", str(found.shortest)), None, "quiet")
    if found.top:
        return Cell(("≥", str(found.longest)), found.longest, "plain", best)
    top, bottom = (found.longest if found.bound == "≥" else math.inf), (found.shortest if found.bound == "≤" else 0)
    shown = max(bottom, min(top, found.length))  # no bound lies beyond the ladder that it is of
    ends = lengths(found.octaves) if found.n else ""
    parts = found.bound, length(shown), ends, f"{HOLES}{found.holes}" if found.holes else ""
    return Cell((*parts, SO_FAR if found.provisional else ""), found.length, "plain", best)


def lengths(octaves: Estimate) -> str:
    """The interval of a mean of octaves as lengths, an end that the ladder leaves open left out.

    >>> lengths(Estimate(4.0, 3.0, 5.0)), lengths(Estimate(4.0, 3.0, math.inf))
    ('(8.0 to 32)', '(≥ 8.0)')
    """
    low, high = octaves.low, octaves.high
    if math.isnan(low) or (math.isinf(low) and math.isinf(high)):
        return ""
    if math.isinf(high):
        return f"(≥ {length(2.0**low)})"
    return f"(≤ {length(2.0**high)})" if math.isinf(low) else f"({length(2.0**low)} to {length(2.0**high)})"


def length(x: float) -> str:
    """A length that a ladder gives in between.

    >>> length(8.46), length(16.73)
    ('8.5', '17')
    """
    return f"{x:.1f}" if x < 9.95 else f"{x:.0f}"


def effect(found: Estimate, bound: Bound) -> Cell:
    """A mean difference: with half its interval, or where it is a bound the end that its interval has.

    >>> effect(Estimate(-1.5, -2.0, -1.0), "").text, effect(Estimate(1.7, 1.3, math.inf), "≥").text
    ('−1.5 ±0.5', '≥ +1.3')
    """
    end = found.low if bound == "≥" else found.high if bound == "≤" else math.nan
    if not bound:
        return Cell(("", *signed(found)), found.value)
    value = end if math.isfinite(end) else found.value
    return Cell((bound, difference(value), ""), value)


def around(found: Estimate) -> tuple[str, str]:
    """A difference and its interval, which need not be as wide on both sides."""
    ends = "to".join(f" {difference(x)} " if math.isfinite(x) else " … " for x in found[1:]).strip()
    return difference(found.value), f"({ends})"


def bars(found: Mapping[float, str]) -> str:
    """What would be said at other bars.

    >>> bars({0.9: "holds", 0.97: "undecided", 0.99: "undecided"})
    'holds at .90, undecided at .97, .99'
    """
    words = {word: ", ".join(fixed(bar) for bar, each in found.items() if each == word) for word in found.values()}
    return ", ".join(f"{word} at {where}" for word, where in words.items())


def steps(step: RungState) -> Cell:
    """Steps to solve of the middle seed: the look by which it had, or `> 1500` where it had not by then; `≤ 1500` and
    `400 to 1500` where the look isn't known."""
    if step.state == "pruned":
        return mark(PRUNED, 1)
    found = middle(step)
    if found is None:
        return mark(MISSING, 1)
    if math.isinf(found.high):
        return Cell((">", f"{found.low:.0f}"), None, "quiet")
    at = f"{found.high:.0f}"
    if found.high - found.low <= LOOK:
        return Cell(("", at), found.high)
    return Cell(("", f"{found.low:.0f} to {at}") if found.low else ("≤", at), found.high)


def ratio(found: Ratio, seeds: int) -> Cell:
    """A median ratio and its interval, `×1.8 (1.2 to 3.0)`, the signs where they have no upper or no lower end,
    `≥×1.8 (≥1.2)`; `n=9` where it is not of all seeds."""
    if not found.n:
        return Cell(("",))
    centre = _from_to(found.median, "×")
    if not centre:
        return mark("?")
    around = _from_to(found.interval)
    n = f"n={found.n}" if found.n != seeds else ""
    return Cell((centre, f"({around})" if around else "", n), found.median.low or found.median.high)


def _from_to(found: Range, sign: str = "") -> str:
    """What is known of a ratio; empty where nothing is."""
    if found.low == 0 and math.isinf(found.high):
        return ""
    if found.low == 0:
        return f"≤{sign}{_factor(found.high)}"
    low = f"{sign}{_factor(found.low)}"
    if math.isinf(found.high):
        return f"≥{low}"
    return low if found.low == found.high else f"{low} to {_factor(found.high)}"


def _factor(x: float) -> str:
    return f"{x:.2f}" if x < 1 else f"{x:.1f}" if x < 10 else f"{x:.0f}"


def claim(found: Verdict) -> tuple[Cell, Cell]:
    """A claim by the number that it has in its suite, whichever were selected, and what it came to."""
    number = found.claim.number
    says = Cell((f"{number}. {clean(found.claim.says)}",), number)
    return says, Cell((found.outcome,), found.outcome, TONES[found.outcome])
