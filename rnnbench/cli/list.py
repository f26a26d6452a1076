"""`rnnbench list`: the cells, layers, tasks and suites that can be named."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rnnbench.cli import app, common
from rnnbench.text import sentence


@app.command(name="list")
def list_(
    what: Annotated[
        Literal["cells", "layers", "tasks", "suites", "plugins"] | None,
        typer.Argument(help="cells, layers, tasks, suites or plugins; all of them without it."),
    ] = None,
) -> None:
    """List the cells, layers, tasks and suites that a suite or a command can name, each with its first line."""
    from rnnbench import plugins, registry
    from rnnbench.suite import load

    added = {
        f"{kind[:-1]} {name}": plugins.about(kind, name) for kind in plugins.GROUPS for name in plugins.named(kind)
    }
    kinds = (what,) if what else ("cells", "layers", "tasks", "suites", *(["plugins"] if added else []))
    for kind in kinds:
        if len(kinds) > 1:
            common.say(f"{kind}:")
        if kind == "plugins":
            about = added or {"none": "no installed package adds anything"}
        elif kind == "suites":
            about = {name: sentence(load.load(path).about) for name, path in load.shipped().items()}
        else:
            about = {name: registry.about(kind, name) for name in registry.known(kind)}
        width = max(map(len, about))
        for name, text in about.items():
            common.say(f"{'  ' * (len(kinds) > 1)}{name:<{width}}  {text}")
