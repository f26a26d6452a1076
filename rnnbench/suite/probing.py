"""`probe:` of a suite: which probes its report shows, once `rnnbench probe` has made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rnnbench.settings import MOST_STEPS

if TYPE_CHECKING:
    from rnnbench.suite.faults import Path
    from rnnbench.suite.reader import Reader

END = "end"
AFTER = f"a number of steps from 0 to {MOST_STEPS}, or {END}"


@dataclass(frozen=True)
class Probes:
    """After how many steps of training (END: where it ended), and of how many of the suite's seeds (None: all)."""

    at: tuple[int | str, ...] = (0, END)
    seeds: int | None = None

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> Probes | None:
        return cls(tuple(value["at"]), value["seeds"]) if value else None


def read(reader: Reader, seeds: int) -> Probes | None:
    """`true`, or `{at: [0, 400, end], seeds: 2}`; `false` takes back what an included suite says. `seeds` are the
    suite's."""
    path: Path = ("probe",)
    value = reader.document.get(path)
    if isinstance(value, bool):
        return Probes() if value else None
    entry = reader.mapping(
        path, "true, false or {at: [STEPS, ..., end], seeds: NUMBER}", ("at", "seeds"), "at or seeds"
    )
    if entry is None:
        return None
    at: list[int | str] = []
    if "at" in entry:
        for k, each in enumerate(reader.items((*path, "at"), f"a list, each {AFTER}")):
            if each == END or (type(each) is int and 0 <= each <= MOST_STEPS):
                at.append(each)
            else:
                reader.got((*path, "at", k), AFTER)
    own = reader.whole((*path, "seeds"), 1, seeds, "a number of the suite's seeds") if "seeds" in entry else None
    return Probes(tuple(dict.fromkeys(at)) or Probes.at, own)
