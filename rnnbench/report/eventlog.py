"""Lines of events, read again: each checked before it is used, since a file may be anybody's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from rnnbench import strict
from rnnbench.errors import UserError
from rnnbench.report.events import EVENTS, VERSION
from rnnbench.text import printable

LONGEST = 2**24  # bytes of a line: a cohort's runs, and much more
ADDED = ("lr",)  # fields that came within this version of the schema: lines that are older lack them
NEXT = "expected a line that `rnnbench run --events` wrote"


def events(source: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    """Each event that EVENTS knows, with the fields that it has there (ADDED perhaps) and `at` as seconds since 1970;
    others are passed over, as is a line that isn't whole, which a kill leaves behind. UserError, with `name` and the
    line, for what is whole and no event, and for a schema that is newer than ours."""
    for number, line in enumerate(iter(lambda: source.readline(LONGEST + 1), b""), 1):
        if len(line) > LONGEST:
            raise UserError(f"{printable(name, 200)}:{number}: got more than {LONGEST} bytes, {NEXT}")
        if not line.rstrip().endswith(b"}"):
            continue
        try:
            found = strict.loads(line)
            if type(found) is not dict:
                strict.refuse("line", found, "an object")
            event = strict.text("event", found.get("event"))
            at = datetime.fromisoformat(strict.text("at", found.get("at"))).timestamp()
            if event in EVENTS:
                yield _checked(event, found) | {"at": at}
        except ValueError as error:
            raise UserError(f"{printable(name, 200)}:{number}: {error}, {NEXT}") from error


def _checked(event: str, found: dict[str, Any]) -> dict[str, Any]:
    _, fields = EVENTS[event]
    if missing := [name for name in fields if name not in found and name not in ADDED]:
        raise ValueError(f"{event}: got no '{missing[0]}', expected one")
    if event == "suite_started" and (schema := strict.whole("schema", found["schema"], 1)) > VERSION:
        raise ValueError(f"schema: got {schema}, expected at most {VERSION}: a newer rnnbench wrote it")
    return found
