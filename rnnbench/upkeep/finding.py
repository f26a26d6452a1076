"""What `doctor` finds: a line each, how bad it is, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["fine", "note", "wrong", "damaged"]
LEVELS: tuple[Level, ...] = ("fine", "note", "wrong", "damaged")


@dataclass(frozen=True)
class Finding:
    """`fine`: as it should be; `note`: nothing is broken, but there is something to know; `wrong`: something doesn't
    work as it should; `damaged`: the store isn't what was written. `todo` is what to do, empty where nothing is."""

    part: str
    level: Level
    what: str
    todo: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def worst(found: list[Finding]) -> Level:
    """The worst level of some findings.

    >>> worst([Finding("cpu", "fine", ""), Finding("store", "damaged", ""), Finding("cache", "wrong", "")])
    'damaged'
    """
    return max((each.level for each in found), key=LEVELS.index, default="fine")
