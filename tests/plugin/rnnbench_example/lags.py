"""How long a suite's tasks make a model remember."""

from __future__ import annotations

import typer

from rnnbench import api, registry


def lags(suite: str) -> None:
    """Print the longest lag of each of a suite's tasks."""
    for entry in api.load(suite).tasks:
        task = registry.task(entry.task)
        typer.echo(f"{entry.name}: {task.lag(entry.lengths[-1]).most} steps")
