"""Formats of a report: one file, one format, found by its name.

A format is a function `render(suite, climbs, *, width, color, notes) -> str`, whose arguments are those of
`report.render`; what it has no use for it ignores.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

from rnnbench.errors import UserError, nearest


@cache
def names() -> tuple[str, ...]:
    """The names of all formats, sorted.

    >>> names()
    ('csv', 'json', 'markdown', 'table')
    """
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def named(name: str) -> ModuleType:
    """The format of that name; UserError with the nearest known name."""
    if name not in names():
        raise UserError(f"--format: got '{name}', expected a format; {nearest(name, names())}")
    return importlib.import_module(f"rnnbench.report.formats.{name}")
