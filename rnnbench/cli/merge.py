"""`rnnbench merge`: the records of other stores and exports, put into this one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import Exit, UserError
from rnnbench.text import counted, printable

if TYPE_CHECKING:
    from rnnbench.store import Store
    from rnnbench.upkeep.merge import Merged, Source


@app.command()
def merge(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="Folders that --results named, or JSON exports (.gz too)."),
    ],
    results: options.Results = options.RESULTS,
    keep: Annotated[
        Literal["ours", "theirs"] | None,
        typer.Option("--keep", help="Which record counts where two of a run differ, also where they must not."),
    ] = None,
    canonical: Annotated[
        bool,
        typer.Option("--canonical", help="Take records that don't say what made them: those of canonical exports."),
    ] = False,
) -> None:
    """Put the records of other stores and of exports into the store: every outcome of a run once, all or nothing."""
    from rnnbench.store import Store
    from rnnbench.upkeep import merge as merging

    store = Store(results)
    found = [_source(store, path) for path in sources]
    with store.writing():
        done = merging.merge(store, found, keep, canonical)
    for note in done.notes:
        common.say(printable(note, 1000), err=True)
    if done.conflicting:
        for line in done.conflicts:
            common.say(f"conflict: {printable(line, 1000)}")
        if done.conflicting > len(done.conflicts):
            common.say(f"conflict: and {done.conflicting - len(done.conflicts):,} more")
        raise UserError(
            f"{results}: {done.conflicting:,} runs have two results by the same code and numerics, which promise equal "
            "bits; nothing is merged. rnnbench verify says which is right; --keep ours or --keep theirs keeps both, "
            "and says which counts",
            code=Exit.FAILED,
        )
    if done.unknown:
        raise UserError(
            f"{results}: {counted(done.unknown, 'run')} without a word of what made them, as in a canonical "
            "export; nothing is merged. Next: merge a full export, or take them as they are with --canonical",
        )
    common.say(summary(results, done))


def _source(store: Store, path: Path) -> Source:
    """A folder with a store, or an export; UserError where it is neither, or the store itself."""
    from rnnbench import exports
    from rnnbench.store import bulk
    from rnnbench.upkeep.merge import Source

    if not path.exists():
        raise UserError(f"{path}: no such file or folder, expected a folder that --results named or a JSON export")

    folder = path.parent if path.name == store.path.name else path
    if folder.is_dir():
        other = type(store)(folder)
        if not other.path.is_file():
            raise UserError(f"{path}: got a folder without {other.path.name}, expected one that --results named")
        if store.path.exists() and other.path.samefile(store.path):
            raise UserError(f"{path}: got the store itself, expected another")
        return Source(str(path), bulk.by_run(other), other.suites())
    return Source(str(path), ([record] for _, record in exports.records(path)))


def summary(results: Path, done: Merged) -> str:
    """What `merge` says last."""
    parts = [f"{counted(done.runs, 'run')} added"]
    parts += [f"{done.further:,} further attempts"] if done.further else []
    return f"{results}: {', '.join(parts)}, {counted(done.same, 'record')} known before"
