"""Formats of a report: one file, one format, found by its name; or a package's, `package/name`.

A format is a function `render(suite, climbs, *, width, color, notes) -> str`, whose arguments are those of
`report.render`; what it has no use for it ignores. Or it is a function `files(suite, climbs)`, which yields the name
and the bytes of one file after another, for a folder.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rnnbench import plugins
from rnnbench.errors import UserError, nearest


@cache
def names() -> tuple[str, ...]:
    """The names of all formats, sorted.

    >>> {"csv", "json", "markdown", "table"} <= set(names())
    True
    """
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def suffixes() -> dict[str, str]:
    """How names of files end -> the format that such a file is of: each says its own, `SUFFIXES`, but for those that
    make several files.

    >>> suffixes()[".md"], suffixes()[".csv"]
    ('markdown', 'csv')
    """
    single = {name: named(name) for name in names() if not hasattr(named(name), "files")}
    return {suffix: name for name, format in single.items() for suffix in getattr(format, "SUFFIXES", (f".{name}",))}


def named(name: str) -> Any:
    """The format of that name, which has `render` or `files`; UserError with the nearest known name."""
    if name in names():
        return importlib.import_module(f"{__name__}.{name}")
    if "/" in name:
        return SimpleNamespace(render=plugins.function("formats", name))
    known = (*names(), *plugins.named("formats"))
    raise UserError(f"--format: got '{name}', expected a format; {nearest(name, known)}")
