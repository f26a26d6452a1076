"""Finding and reading a suite: a path or the name of one that ships, and what it includes.

Of what a suite includes, its own entries replace those of the same name whole; its ablations and claims come after
the included ones.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import NamedTuple

from rnnbench import __version__
from rnnbench.errors import UserError, closest, nearest
from rnnbench.suite import Suite
from rnnbench.suite.document import LARGEST, Document, read
from rnnbench.suite.faults import Enough, Faults, printable
from rnnbench.suite.faults import Path as KeyPath
from rnnbench.suite.reader import Imports, Reader, everything, nothing
from rnnbench.suite.resolve import resolve

FORMAT = 1  # the version of the suite file, written `rnnbench: 1`
DEEPEST = 20  # includes of includes
WANT = "a path or a list of paths"
WHOLE = ("seeds", "budgets")  # what a suite says of these replaces all that an included one does


class Attempt(NamedTuple):
    """A suite without what has a fault, None where nothing of it can be known; and its faults, None where it has none,
    so that it is whole."""

    suite: Suite | None
    error: UserError | None


def load(source: str | Path, *, overrides: Sequence[str] = (), seeds: str | None = None, imports: bool = True) -> Suite:
    """The suite of a path or of a name that ships, with `--set` and `--seeds` over it. UserError with a line a fault.
    Without `imports` what it names of other people's code is left out.

    >>> load("quick", overrides=["hidden=8"], seeds="2").overrides
    {'hidden': 8}
    """
    return _sound(attempt(source, overrides, seeds, everything if imports else nothing))


def attempt(source: str | Path, overrides: Sequence[str], seeds: str | None, imports: Imports) -> Attempt:
    """What there is of a suite beside its faults. UserError where there is no file to read."""
    path = _found(source)
    try:
        data = _bytes(path)
    except (OSError, ValueError) as e:
        raise UserError(f"{printable(str(path), 1000)}: {_why(e)}; expected a suite that can be read") from e
    return _attempt(data, str(path), overrides, seeds, imports)


def loads(data: bytes, file: str, *, overrides: Sequence[str] = (), seeds: str | None = None) -> Suite:
    """The suite in a file's bytes; includes are looked for beside `file`."""
    return _sound(_attempt(data, file, overrides, seeds, everything))


def _sound(attempt: Attempt) -> Suite:
    if attempt.suite is None or attempt.error is not None:
        raise attempt.error or AssertionError("a suite without a fault is there")
    return attempt.suite


def _attempt(data: bytes, file: str, overrides: Sequence[str], seeds: str | None, imports: Imports) -> Attempt:
    faults = Faults()
    files = _Files(faults)
    suite = None
    with suppress(Enough):
        main = files.read(data, file, [os.path.realpath(file)])
        if main is not None and not files.lost:
            suite = resolve(files.merged(main), faults, overrides, seeds, imports)
    return Attempt(suite, faults.error(files.documents) if suite is None or len(faults) else None)


def shipped() -> dict[str, Path]:
    """The suites that ship with the package, by name (`quick`, `papers/chrono`)."""
    here = Path(__file__).parent.parent
    folder = here / "shipped"  # in a wheel; in a checkout they stand beside the package
    folder = folder if folder.is_dir() else here.parent / "suites"
    return {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.yaml"))}


def _found(source: str | Path) -> Path:
    name = str(source)
    if os.path.exists(name) and not os.path.isdir(name):
        return Path(name)
    known = shipped()
    if name in known:
        return known[name]
    got = "a folder" if os.path.isdir(name) else "no such file"
    beside = [file for file in (f"{name}.yaml", f"{name}.yml", f"{name}l") if name and os.path.isfile(file)]
    here = [file for end in ("yaml", "yml") for file in glob(f"*.{end}")]
    hint = f"did you mean '{beside[0]}'?" if beside else closest(name, here) or nearest(name, known)
    want = f"the path of a suite, or the name of one that ships; {printable(hint, 3000)}"
    raise UserError(f"{printable(name, 1000)}: got {got}, expected {want}")


def _bytes(path: str | Path) -> bytes:
    """What a file holds, as far as it is read. OSError; ValueError of what is no file, which might never end."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as f:
        if not stat.S_ISREG(os.fstat(f.fileno()).st_mode):
            raise ValueError("Is a directory" if os.path.isdir(path) else "not a regular file")
        return f.read(LARGEST + 1)


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or "can't be read"


class _Files:
    """The files of one suite: the main one first, then what it includes."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.documents: dict[str, Document | None] = {}
        self.included: list[Document] = []  # in the order in which they are taken in
        self.known: set[str] = set()  # real paths
        self.lost = False  # something couldn't be read, so what is known of the suite isn't whole

    def read(self, data: bytes, file: str, way: list[str]) -> Document | None:
        """A file and all that it includes; `way` is the real paths from the main file to this one."""
        self.known.add(way[-1])
        self.documents[file] = None
        document = read(data, file, self.faults)
        if document is None or not self._version(document, main=len(way) == 1):
            self.lost = True
            return None
        self.documents[file] = document
        if "include" in document.value:
            self._include(Reader(document, self.faults), way)
        return document

    def _version(self, document: Document, main: bool) -> bool:
        """Whether the file is one that this version reads: of another version, nothing else is worth saying."""
        reader = Reader(document, self.faults)
        if reader.mapping((), "a suite: a mapping with `rnnbench: 1`") is None:
            return False
        version = document.value.get("rnnbench")
        if type(version) is int and version == FORMAT:
            return True
        if "rnnbench" in document.value:
            reader.got(("rnnbench",), f"{FORMAT}, the format version that rnnbench {__version__} reads")
            return False
        if main:
            reader.missing(("rnnbench",), f"`rnnbench: {FORMAT}`, the format version")
        return True

    def _include(self, reader: Reader, way: list[str]) -> None:
        paths: list[KeyPath] = [("include",)]
        if isinstance(reader.document.value["include"], list):
            paths = [("include", i) for i, _ in enumerate(reader.items(("include",), WANT, 0))]
        for path in paths:
            name = reader.text(path, WANT)
            wrong = "" if name is None else self._take(reader.document.file, name, way)
            if wrong:
                reader.got(path, wrong)
            self.lost = self.lost or name is None or bool(wrong)

    def _take(self, file: str, name: str, way: list[str]) -> str:
        """Reads an included file; what was expected of its name where that can't be done."""
        if os.path.isabs(name):
            return "a path relative to this file"
        file = os.path.normpath(os.path.join(os.path.dirname(file), name))
        real = os.path.realpath(file)
        if real in way:
            names = [os.path.basename(r) for r in [*way[way.index(real) :], real]]
            return f"a file that doesn't lead back here: {printable(' -> '.join(names), 200)}"
        if len(way) > DEEPEST:
            return f"at most {DEEPEST} levels of includes"
        if real not in self.known:  # two ways to one file are fine
            try:
                data = _bytes(file)
            except (OSError, ValueError) as e:
                return f"a suite that can be read: {_why(e)}"
            document = self.read(data, file, [*way, real])
            self.included += [document] if document else []
        return ""

    def merged(self, main: Document) -> Document:
        """The main file over all that it includes."""
        if not self.included:
            return main
        whole = Document(main.file, {}, main.text)
        for document in (*self.included, main):
            _merge(whole, document, {"include", "rnnbench"} | (set() if document is main else {"name", "about"}))
        return whole


def _merge(whole: Document, document: Document, without: set[str]) -> None:
    """Puts a document's entries over the ones there, and its lists behind them, each with its places."""
    shift: dict[str | int, int] = {}
    replaced: set[KeyPath] = set()
    for key, value in document.value.items():
        there = whole.value.get(key)
        if key in without:
            continue
        if isinstance(there, dict) and isinstance(value, dict) and key not in WHOLE:
            replaced |= {(key, name) for name in value}
            value = there | value
        elif isinstance(there, list) and isinstance(value, list) and key not in WHOLE:
            shift[key] = len(there)
            value = there + value
        else:
            replaced.add((key,))
        whole.value[key] = value
    for old, new in ((whole.keys, document.keys), (whole.values, document.values)):
        for path in [path for path in old if path[:1] in replaced or path[:2] in replaced]:
            del old[path]
        for path, place in new.items():
            if not (path and path[0] in without):
                by = shift.get(path[0], 0) if len(path) > 1 else 0
                old[(path[0], int(path[1]) + by, *path[2:]) if by else path] = place
