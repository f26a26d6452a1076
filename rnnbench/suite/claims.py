"""The claims of a suite: each is parsed, and names only what the suite has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rnnbench.errors import closest
from rnnbench.suite import Claim, Variant
from rnnbench.suite.expression import Wrong, unknown
from rnnbench.suite.families import named_parts, points
from rnnbench.suite.faults import Path, Place, printable
from rnnbench.suite.grammar import marked, parse
from rnnbench.suite.reader import Reader

Tasks = Mapping[str, Collection[int] | None]


def claims(
    reader: Reader,
    variants: Collection[str],
    tasks: Tasks,
    whole: Sequence[Variant] | None,
    headlines: Mapping[str, str],
) -> Iterator[Claim]:
    """The claims without a fault; `variants` are the names that they may use. `tasks` has None for one whose lengths
    aren't known, `whole` is None where some variant isn't: what depends on them is then not looked at, since the suite
    is refused anyway. `headlines`: of each task without a fault what claims may ask of it, `span` or another."""
    want = "{says: SENTENCE, that: EXPRESSION}"
    doubtful = reader.faults.names("architectures", "ablate", "tasks")
    for i, _ in enumerate(reader.items(("claims",), f"a list of {want}", 0)):
        path: Path = ("claims", i)
        entry = reader.mapping(path, want, ("says", "that"), of="says or that")
        if entry is None:
            continue
        for key, what in (("says", "a sentence"), ("that", "an expression")):
            if key not in entry:
                reader.missing((*path, key), what)
        texts = {key: reader.text((*path, key)) for key in entry}
        says, that = texts.get("says"), texts.get("that")
        where = (*path, "that")
        wrongs = list(_wrongs(that, variants, tasks, whole, headlines)) if that else []
        for wrong in wrongs:
            if wrong.name and closest(wrong.name, doubtful):
                continue  # what it means is misspelt where it is defined
            what = f"{wrong.what}, in {printable(repr(marked(that or '', wrong.at)), 200)}"
            reader.faults.add(_place(reader, where, that or "", wrong.at), where, what, wrong.name, wrong.known)
        if says and that and not wrongs:
            yield Claim(says, that, str(reader.document.place(where)), i + 1)


def _wrongs(
    that: str,
    variants: Collection[str],
    tasks: Tasks,
    whole: Sequence[Variant] | None,
    headlines: Mapping[str, str],
) -> Iterator[Wrong]:
    try:
        tree = parse(that)
        yield from unknown(tree, variants, tasks, None if whole is None else named_parts(whole), headlines)
        points(tree, whole or ())
    except Wrong as wrong:
        yield wrong


def _place(reader: Reader, path: Path, text: str, at: int) -> Place:
    """Where a character of a claim stands; the claim itself where that can't be told (folded over lines, or in a file
    that was included)."""
    place, document = reader.document.place(path), reader.document
    lines = document.text.split("\n")
    if place.file == document.file and place.line <= len(lines):
        line = lines[place.line - 1][place.column - 1 :]
        quote = line[:1] in ("'", '"')
        if line[quote:].startswith(text):
            return place._replace(column=place.column + quote + at)
    return place
