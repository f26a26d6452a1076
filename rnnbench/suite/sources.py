"""A suite from what stands for one in Python: a mapping, the text of a suite file, the path of one, a name that ships.

A mapping is what a suite file says, as Python's own values. It is read as every file is, from the text that it comes
to, so that it is held to the same rules and its faults are told alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnbench.errors import UserError
from rnnbench.suite import Suite
from rnnbench.suite.load import FORMAT, load, loads

Source = Suite | Mapping[str, Any] | str | Path

NAME = "unnamed"  # of a mapping that doesn't say


def read(source: Source, overrides: Sequence[str] = (), seeds: str | None = None) -> Suite:
    """The suite that is meant, with `--set` and `--seeds` over it; a text of several lines is a suite's own. UserError
    with a line a fault.

    >>> read({"architectures": {"rnn": {"cell": "rnn"}}, "tasks": {"adding": {"lengths": [5]}}}).name
    'unnamed'
    """
    if isinstance(source, Suite):
        if overrides or seeds is not None:
            raise UserError(f"{source.name}: got set or seeds beside a suite that is read already; give them to load")
        return source
    if isinstance(source, Mapping):
        return _loaded(_text(source), "<mapping>", overrides, seeds)
    if isinstance(source, str) and "\n" in source.strip():
        return _loaded(source, "<text>", overrides, seeds)
    return load(source, overrides=overrides, seeds=seeds)


def _loaded(text: str, name: str, overrides: Sequence[str], seeds: str | None) -> Suite:
    """What it includes, and code that it names by a path, is looked for in the current folder."""
    return replace(loads(text.encode(errors="surrogatepass"), name, overrides=overrides, seeds=seeds), path="")


def _text(source: Mapping[str, Any]) -> str:
    """A mapping as YAML of the kind that is JSON, where every text is quoted and so stays one. UserError where a value
    is none that a suite file can hold."""
    try:
        return json.dumps({"rnnbench": FORMAT, "name": NAME, **source}, indent=2, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(f"<mapping>: {error}; expected what a YAML file can say") from error


def _plain(value: object) -> Any:
    """A value that JSON doesn't know, if it stands for one that it does: a range, a path, a number of numpy's."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, range | frozenset | set):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"got a {type(value).__name__}")
