"""`rnnbench init`: writes a commented suite to begin with."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from rnnbench.cli import app, common
from rnnbench.errors import UserError, nearest
from rnnbench.text import printable

STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; one that is there is left.")] = Path(
        "suite.yaml"
    ),
    own: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--for",
            metavar="KIND WHAT",
            help="A suite for something of your own: cell, layer, module or task, and its ./FILE.py or name.",
        ),
    ] = None,
) -> None:
    """Write a commented suite to begin with; asks nothing, overwrites nothing."""
    from rnnbench.suite import starter

    shown = printable(str(file), 200)
    if not STEM.fullmatch(file.stem) or file.suffix not in (".yaml", ".yml"):
        raise UserError(f"{shown}: got that for a file's name, expected a plain one that ends in .yaml")
    kind, what, parts = _own(file, *own) if own else ("", "", ())
    with common.writing(file):
        try:
            with file.open("x", encoding="utf-8") as opened:
                opened.write(starter.suite(file, kind, what, parts))
        except FileExistsError:
            raise UserError(f"{shown}: is there already, and is left as it is; name another file") from None
    common.say(f"{shown}: written; next: rnnbench run {shown}")


def _own(file: Path, kind: str, what: str) -> tuple[str, str, tuple[str, ...]]:
    """What somebody has: its kind, its name as the suite must have it, its switches that can be taken out."""
    from rnnbench.suite import starter

    if kind not in starter.KINDS:
        got = printable(kind, 60)
        raise UserError(f"--for: got '{got}', expected {', '.join(starter.KINDS)}; {nearest(got, starter.KINDS)}")
    if kind == "module" or not what.endswith(".py"):
        return kind, what, ()
    path = Path(what)
    try:
        parts = starter.switches(path, kind) if kind in ("cell", "layer") else ()
        if not path.is_file():
            raise FileNotFoundError(2, "no such file")
    except (OSError, SyntaxError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"is no Python: {printable(str(error), 200)}"
        raise UserError(f"--for: {printable(what, 200)}: {why}, expected the file of a {kind}") from None
    relative = os.path.relpath(path.absolute(), file.absolute().parent)
    return kind, relative if relative.startswith("..") else f"./{relative}", parts
