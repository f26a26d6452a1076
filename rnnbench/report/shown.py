"""One run as a screen: what it came to, its curve, what it was asked for, how and by what it was made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from rnnbench import registry
from rnnbench.records import Record, Run
from rnnbench.report import marks
from rnnbench.report.model import clean, counted
from rnnbench.report.picture import curve
from rnnbench.seeds import Seed
from rnnbench.settings import Settings
from rnnbench.text import printable

HEIGHT = 6  # lines of the picture
WIDEST = 60  # characters of it
NAME = 12  # columns of what a line is about
LOG = 200  # lines of a log, the last ones


def title(variant: str, task: str, at: str, seed: Seed, status: str) -> str:
    """
    >>> title("lstm", "adding", "at 40", 2, "solved")
    'lstm on adding at 40, seed 2: solved'
    """
    return f"{clean(variant)} on {clean(task)} {at}, seed {seed}: {status}"


def lines(
    run: Run, tries: Sequence[Record], about: Mapping[str, str], command: tuple[str, str] | None, width: int
) -> Iterator[str]:
    """All that is known of a run that was tried so often, below its title; `about` is said at the end, then a command,
    unfolded, so that it can be copied."""
    if tries:
        yield from _result(tries[-1], width)
    yield from _told("model", _mapping(run.rung.model, registry.kind(run.rung.model)), width)
    asked = {"task": run.rung.task["task"]} | run.rung.task | {"length": run.rung.length} | run.rung.train
    yield from _told("task", _mapping(asked), width)
    settings = _mapping(run.rung.settings) or "the defaults"
    yield from _told("settings", f"{settings}; others: rnnbench list settings", width)
    if tries:
        yield from _told("made", _made(tries), width)
    for name, text in about.items():
        yield from _told(name, text, width)
    if command:
        yield f"{command[0]:<{NAME}}{command[1]}"
    if tries and tries[-1].error:
        yield from ("", f"log of attempt {tries[-1].attempt}:")
        log = tries[-1].error.splitlines()
        yield from (["  ..."] if len(log) > LOG else [])
        yield from (f"  {printable(line)}" for line in log[-LOG:])


def _result(record: Record, width: int) -> Iterator[str]:
    task = registry.task_class(record.run.rung.task["task"])
    asked = Settings.of(record.run.rung).steps
    if record.finished:
        first = "" if record.solved_at is None else f", solved at {record.solved_at:,}"
        score = marks.fixed(record.score or 0.0, 3)
        yield from _told("score", f"{score} on held-out examples, bar {marks.fixed(task.bar)}", width)
        yield from _told("steps", f"{record.steps:,} of {asked:,}{first}", width)
        if record.loss is not None:
            yield from _told("loss", f"{record.loss:.4g}", width)
    yield from _told("parameters", f"{record.parameters:,}" if record.parameters else "unknown", width)
    yield from _pictures(record, width)


def _pictures(record: Record, width: int) -> Iterator[str]:
    """The score on training batches, and that on validation, over the steps."""
    room = min(WIDEST, width - 10)
    if not record.curve or room < 8:
        yield from ([] if record.curve else _told("curve", "none was kept", width))
        return
    asked = max(Settings.of(record.run.rung).steps, record.curve[-1].step)
    kinds = {
        "training": [(p.step, p.score) for p in record.curve],
        "validation": [(p.step, p.select) for p in record.curve],
    }
    for kind, looks in kinds.items():
        known = [(float(step), y) for step, y in looks if y is not None and math.isfinite(y)]
        if not known:
            continue
        told = (
            f"score in {kind}, {counted(len(known), 'look')}: {marks.fixed(known[0][1])} to {marks.fixed(known[-1][1])}"
        )
        yield from ("", told)
        drawn = curve(known, room, HEIGHT if kind == "training" else HEIGHT // 2, float(asked))
        for k, line in enumerate(drawn):
            yield f"{'1' if k == 0 else '0' if k == len(drawn) - 1 else '':>4} ┤{line}".rstrip("\u2800")
        yield f"{'':5}└{'─' * room}"
        yield f"{'':6}0{f'{asked:,} steps':>{room - 1}}"
    yield ""


def _told(name: str, text: str, width: int) -> Iterator[str]:
    """A line about something, folded at a width."""
    folded = wrap(clean(text), max(20, width - NAME), break_on_hyphens=False, break_long_words=False) or [""]
    yield f"{name:<{NAME}}{folded[0]}"
    yield from (f"{'':{NAME}}{line}" for line in folded[1:])


def _mapping(values: Mapping[str, Any], first: str = "") -> str:
    """Its keys in the order of the alphabet, that of one aside."""
    order = sorted(values, key=lambda name: (name != first, name))
    return ", ".join(f"{name}: {_value(values[name])}" for name in order)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{_mapping(value)}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _made(tries: Sequence[Record]) -> str:
    """How a run was computed, where, when, in how many seconds and attempts."""
    last = tries[-1]
    told = [last.numerics and f"by {last.numerics}", last.host and f"on {last.host}", last.started]
    told += [f"in {last.seconds:.1f} s" if last.seconds else "", f"attempt {last.attempt}"]
    before = ", ".join(record.status for record in tries[:-1])
    return ", ".join(filter(None, told)) + (f" (before: {before})" if before else "")
