"""The table that fills while a suite runs: variants x tasks, as much of it as a terminal has room for."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from rnnbench.analysis import spans
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.plan.reach import unfolded
from rnnbench.report import marks
from rnnbench.report.formats import table
from rnnbench.report.model import Cell, Tone, clean
from rnnbench.text import counted

KEY = ("● solved by half or more", "○ by fewer", "◐ under way", "– pruned", "· to do")


def filling(climbs: Sequence[Climb], width: int, room: int) -> list[Text]:
    """The table that fills: variants x tasks, with each budget, each the span so far and a sign for every rung. Where
    there is no room for all rows, those go first that have nothing left to do."""
    climbs = [climb for climb in climbs if climb.ladder.choice == "own"]
    tasks = list(dict.fromkeys(map(_task, climbs)))
    by_name = {(c.ladder.variant.name, _task(c)): c for c in climbs}
    names = list(dict.fromkeys(c.ladder.variant.name for c in climbs))
    fits = max(0, room - 2)  # a heading and a rule
    if not tasks or fits < 2:
        return []
    busy = {name for name in names if any(by_name[name, t].open is not None for t in tasks if (name, t) in by_name)}
    kept = names
    if len(names) > fits:
        chosen = set(sorted(names, key=lambda name: name not in busy)[: fits - 1])
        kept = [name for name in names if name in chosen]
    cells = [[_ladder(by_name.get((name, task))) for name in kept] for task in tasks]
    columns = [table.Drawn(task, own, False) for task, own in zip(tasks, cells, strict=True)]
    widest = max(column.width for column in columns) + table.GAP
    shown = [Text(clean(name)) for name in kept]
    longest = min(max(name.cell_len for name in shown), max(4, width - widest))
    for name in shown:
        name.truncate(longest, overflow="ellipsis")
    first, *others = table.blocks([column.width for column in columns], max(widest, width - longest))
    lines = table.block([name.plain for name in shown], longest, [columns[k] for k in first])
    dropped = len(names) - len(kept)
    if others and len(lines) == room:  # the line that tells of the others needs a place
        lines.pop()
        dropped += 1
    counts = ((dropped, "variant"), (sum(map(len, others)), "task"))
    told = ", ".join(counted(count, f"more {noun}") for count, noun in counts if count)
    below = [Text(f"… {told}", "bright_black")] if told else []
    key = _key(width)
    return [*lines, *below, *(key if len(lines) + len(below) + len(key) <= room else [])]


def _key(width: int) -> list[Text]:
    """What the signs mean, in as few lines as so many columns allow."""
    lines = table.flow(KEY, width, "  ")
    return [Text(line, "bright_black") for line in lines] if max(map(len, lines)) <= width else []


def _task(climb: Climb) -> str:
    """The heading of its column."""
    times = f" ×{climb.ladder.budget}" if climb.ladder.budget > 1 else ""
    return f"{clean(climb.ladder.task.name)}{times}"


def _ladder(climb: Climb | None) -> Cell:
    """A ladder: a sign for each rung, and the span as far as it is known, of what is counted alone: rungs that are done
    have no records here."""
    (climb,) = unfolded([climb]) if climb else (None,)
    if climb is None or not climb.steps:
        return marks.mark(marks.NOT_APPLICABLE)
    solved, asked = [s.tally.solved + s.tally.implied_solved for s in climb.steps], [s.asked for s in climb.steps]
    if solved == asked:
        text = f"{'≤' if spans.needed(climb) else '≥'} {climb.places[-1]}"
    elif any(solved):
        text = marks.length(2.0 ** spans.so_far(climb))
    else:
        text = "" if climb.open is not None else f"{'over' if spans.needed(climb) else '<'} {climb.places[0]}"
    tone: Tone = "plain" if climb.open is None else "much" if any(map(_begun, climb.steps)) else "quiet"
    return Cell(("".join(map(_rung, climb.steps)), text), text, tone)


def _begun(step: RungState) -> bool:
    return step.missing < step.asked


def _rung(step: RungState) -> str:
    """Its sign, as KEY says."""
    if step.state == "pruned":
        return marks.PRUNED
    verdict = step.passed
    if verdict is None:
        return "◐" if _begun(step) else marks.MISSING
    return "●" if verdict else "○"
