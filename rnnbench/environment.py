"""What is read from the environment: the one place that reads it. A number out of its range is told, in one line; what
other programs set too (`COLUMNS`, `TERM`) is never an error. The options of the command line declare theirs there."""

from __future__ import annotations

import math
import os
from pathlib import Path

from rnnbench.errors import UserError
from rnnbench.text import printable

NARROWEST = 20  # columns of a report
WIDEST = 10_000


def text(name: str) -> str | None:
    """A variable; None where it isn't set or is empty, which is the same."""
    return os.environ.get(name) or None


def number(name: str, default: float, low: float, high: float) -> float:
    """A number from `low` to `high`; UserError where it is none."""
    given = text(name)
    if given is None:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        got = printable(given, 60)
        raise UserError(f"{name}: got '{got}', expected a number from {low:g} to {high:g}, or none for {default:g}")
    return value


def checkpoint_seconds() -> float:
    """Seconds between two checkpoints of a run under way."""
    return number("RNNBENCH_CHECKPOINT_SECONDS", 10.0, 0.0, 86_400.0)


def plugins() -> str | None:
    """The packages that may add something; empty, none may."""
    return os.environ.get("RNNBENCH_PLUGINS")


def columns() -> int | None:
    """The width that was asked for, no less than a report needs; None where none was, or no number."""
    given = text("COLUMNS") or ""
    if not given.isascii() or not given.isdigit() or not int(given[:9]):
        return None
    return min(max(int(given[:9]), NARROWEST), WIDEST)


def color() -> bool:
    """Whether colour may be shown at all (https://no-color.org)."""
    return text("NO_COLOR") is None


def moves() -> bool:
    """Whether a terminal can move its cursor."""
    return (text("TERM") or "").lower() not in ("", "dumb", "unknown")


def everything() -> dict[str, str]:
    """All of it, for a process that is to have the same, or nearly."""
    return dict(os.environ)


def settings() -> dict[str, str]:
    """The variables that mean something to rnnbench alone, for workers on another machine."""
    return {name: value for name, value in os.environ.items() if name.startswith("RNNBENCH_")}


def step_summary() -> Path | None:
    """Where a step of a GitHub workflow writes its summary."""
    place = text("GITHUB_STEP_SUMMARY")
    return None if place is None else Path(place)
