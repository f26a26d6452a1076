"""What a suite names of cells, layers and tasks: ours, a package's, or in a file, looked for beside the one
that names it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.suite import declared
from rnnbench.suite.faults import Path, printable, shown
from rnnbench.suite.reader import Reader


def named(reader: Reader, path: Path, kind: str, text: str) -> str | None:
    """The name that the text at a path is, of one of the kinds that the registry has classes of. None where it is none,
    which is a fault, and where it is other people's and nothing of theirs is to be imported."""
    if not registry.is_foreign(text):
        if text in registry.names(kind):
            return text
        reader.got(path, f"the name of a {kind[:-1]}", text, registry.known(kind))
        return None
    if text.startswith((".", "/")) and not text.endswith(".py"):
        reader.got(path, "the path of a file that ends in .py, or package/name")
        return None
    name = registry.file_name(text) if text.endswith(".py") else text
    if not name:
        reader.got(path, "a path relative to this file")
        return None
    file = ""
    if text.endswith(".py"):
        place = reader.document.place(path)
        file = os.path.normpath(os.path.join(os.path.dirname(place.file), name))
        other = next((f for known, f in reader.foreign.items() if known.endswith(f" {name}")), file)
        if os.path.realpath(other) != os.path.realpath(file):
            reader.got(path, f"a path that no other file goes by: here it means {file}, above {other}")
            return None
        registry.place({name: file})
    what = f"{kind[:-1]} {name}"
    reader.foreign[what] = file
    if not reader.imports(what):
        reader.unread.add(what)
        return None
    lines = _wrong(kind, name)
    if what not in reader.refused:  # else it is told where it was named first
        for line in lines:
            reader.refused.add(what)
            reader.fault(path, f"got {shown(text)}: {printable(line, 1000)}")
    return None if lines else name


def _wrong(kind: str, name: str) -> Sequence[str]:
    """Why a class of other people's can't be had or used, a line each."""
    try:
        return declared.wrong(registry.find(kind, name))
    except UserError as error:
        return [line.removeprefix(f"{kind[:-1]} {name!r}: ") for line in error.lines]
