"""`rnnbench validate`: whether a suite can be run, other people's code included.

What a suite names of other people's code is imported, and its modules, cells, layers and tasks are made and tried, in
a process of its own: code that hangs, ends its process or breaks it costs a line.
"""

from __future__ import annotations

from typing import Annotated

import typer

from rnnbench.cli import apart, app, common, options
from rnnbench.text import counted

CURE = "next: --timeout SECONDS, or --no-import"


@app.command()
def validate(
    suite: options.Suite,
    set: options.Set = None,
    seeds: options.Seeds = None,
    no_import: Annotated[
        bool, typer.Option("--no-import", help="Import nothing that the suite names of other people's code.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="Seconds that importing one of these may take.")
    ] = 60.0,
) -> None:
    """Check a suite wholly, with what it names of other people's code, and run nothing."""
    loaded, error = apart.unimported(suite, set or (), seeds)
    if no_import or not loaded.unverified:
        if error is not None:
            raise error
        common.say(_told(loaded.name, apart.counts(loaded), bool(loaded.foreign)))
        for name in loaded.unverified:
            common.say(f"unverified: {name}")
        return
    request = {"source": suite, "overrides": list(set or ()), "seeds": seeds, "try": True}
    common.say(_told(loaded.name, apart.imported(request, loaded.path, timeout, CURE), partly=False))


def _told(name: str, counts: dict[str, int], partly: bool) -> str:
    if partly:
        return f"{name}: valid, as far as that shows without importing anything"
    return f"{name}: valid; " + ", ".join(counted(count, what.removesuffix("s")) for what, count in counts.items())
