"""`rnnbench gc`: what the store could do without, listed, and deleted when that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import UserError, nearest
from rnnbench.text import printable

if TYPE_CHECKING:
    from rnnbench.upkeep.gc import Waste

MEANT = {
    "orphans": "records of runs that no suite which ran here names any longer",
    "checkpoints": "of runs that finished, or that no suite names",
    "parts": "halves of files, left by a process that was killed",
    "caches": "machine code that nobody used for a month",
    "logs": "of errors of rnnbench itself",
    "attempts": "records before the one of their run that counts",
    "stale": "records made by other code than today's",
}


@app.command()
def gc(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND]...",
            help="orphans, checkpoints, parts, caches, logs: all of these without it; or attempts, stale.",
        ),
    ] = None,
    results: options.Results = options.RESULTS,
    delete: Annotated[bool, typer.Option("--delete", help="Delete it; without it, nothing is changed.")] = False,
) -> None:
    """List what the store could do without, with its size, and delete it when asked. What a suite which ran here still
    names is kept, unless KIND is attempts or stale."""
    from rnnbench.store import Store
    from rnnbench.upkeep import gc as collecting

    for kind in kinds or ():
        if kind not in collecting.KINDS:
            told = printable(kind, 60)
            raise UserError(f"gc: got '{told}', expected a kind of waste; {nearest(told, collecting.KINDS)}")
    store, wanted = Store(results), tuple(dict.fromkeys(kinds or collecting.ALWAYS))
    if delete and results.is_dir():
        with store.writing():
            found = collecting.clear(store, wanted)
    else:
        found = collecting.find(store, wanted)
    for waste in found:
        if waste.count or waste.unknown:
            common.say(line(waste))
    total = sum(waste.bytes for waste in found)
    if not any(waste.count for waste in found):
        common.say(f"{results}: nothing to delete")
    elif delete:
        common.say(f"{results}: {size(total)} freed")
    else:
        named = " ".join(["rnnbench gc", *(kinds or ()), "--delete"])
        common.say(f"{results}: {size(total)} could be freed; next: {named}")


def line(waste: Waste) -> str:
    """A kind of waste in words.

    >>> from rnnbench.store.bulk import Size
    >>> from rnnbench.upkeep.gc import Waste
    >>> line(Waste("attempts", rows=[Size("a", 1, "failed", 420)]))
    'attempts: 1, 420 B: records before the one of their run that counts'
    """
    told = f"{waste.count:,}, {size(waste.bytes)}: {MEANT[waste.kind]}" if waste.count else waste.unknown
    return f"{waste.kind}: {told}"


def size(count: int) -> str:
    """
    >>> size(420), size(12_345), size(3_200_000_000)
    ('420 B', '12 kB', '3.2 GB')
    """
    if count < 1000:
        return f"{count} B"
    for unit in ("kB", "MB"):
        count_in = count / (1e3 if unit == "kB" else 1e6)
        if count_in < 999.5:
            return f"{count_in:.{int(count_in < 9.95)}f} {unit}"
    return f"{count / 1e9:.1f} GB"
