"""What installed packages add: cells, layers, tasks, formats, executors and commands, as `package/name`.

A package adds by an entry point in a group `rnnbench.cells`, `.layers`, `.tasks`, `.formats`, `.executors` or
`.commands`, which is imported only when it is asked for. The variable RNNBENCH_PLUGINS has the names of the packages
that may add something; empty, none may, and without it all may.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import Any

from rnnbench import environment, foreign
from rnnbench.errors import UserError, nearest

GROUPS = ("cells", "layers", "tasks", "formats", "executors", "commands")


def named(kind: str) -> dict[str, metadata.EntryPoint]:
    """What installed packages add of one of GROUPS, by `package/name`, sorted; nothing of it is imported."""
    allowed = environment.plugins()
    wanted = None if allowed is None else {_package(name) for name in allowed.split(",")}
    every = _installed(kind)
    return {name: found for name, found in every.items() if wanted is None or name.partition("/")[0] in wanted}


@cache
def _installed(kind: str) -> dict[str, metadata.EntryPoint]:
    every = metadata.entry_points(group=f"rnnbench.{kind}")
    return dict(sorted((f"{_package(e.dist.name)}/{e.name}", e) for e in every if e.dist and e.dist.metadata["Name"]))


def _package(name: str) -> str:
    """A package's name as the index of packages spells it."""
    return re.sub(r"[-_.]+", "-", name).strip().lower()


def load(kind: str, name: str) -> Any:
    """What another package adds by that name, imported; UserError, of one line, where that can't be."""
    what, package = f"{kind[:-1]} {name!r}", name.partition("/")[0]
    found = named(kind).get(name)
    if found is None:
        if name in _installed(kind):
            raise UserError(f"{what}: RNNBENCH_PLUGINS is {environment.plugins()!r}, which switches it off")
        own = [other for other in named(kind) if other.startswith(f"{package}/")]
        if own:
            raise UserError(f"{what}: {package} has none of that name; {nearest(name, own)}")
        raise UserError(f"{what}: no installed package {package} adds {kind}; {nearest(name, named(kind))}")
    try:
        with foreign.importing():
            return found.load()
    except (Exception, SystemExit) as error:
        where = f"{package} {found.dist.version}" if found.dist else package
        raise UserError(f"{what}: {found.value} of {where} can't be imported: {foreign.told(error)}") from error


def function(kind: str, name: str) -> Callable[..., Any]:
    """What another package adds by that name to be called: a format, an executor, a command."""
    found = load(kind, name)
    if not callable(found):
        raise UserError(f"{kind[:-1]} {name!r}: got a {type(found).__name__}, expected what can be called")
    called: Callable[..., Any] = found
    return called


def about(kind: str, name: str) -> str:
    """The summary of the package that adds it, and its version."""
    dist = named(kind)[name].dist
    return f"{dist.metadata['Summary'] or 'no summary'} ({dist.name} {dist.version})" if dist else ""
