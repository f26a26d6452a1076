"""What a suite names of cells, layers and tasks: ours, a package's, or in a file, looked for beside the one
that names it."""

from __future__ import annotations

import os

from rnnbench import registry
from rnnbench.errors import UserError
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
    reader.foreign[f"{kind[:-1]} {name}"] = file
    if not reader.imports:
        return None
    try:
        registry.find(kind, name)
    except UserError as error:
        if (kind, name) in reader.refused:  # told where it was named first
            return None
        reader.refused.add((kind, name))
        why = printable(str(error).removeprefix(f"{kind[:-1]} {name!r}: "), 1000)
        reader.fault(path, f"got {shown(text)}: {why}")
        return None
    return name
