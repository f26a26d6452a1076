"""What a task says of the lengths that a run trains on: `train: {upto: 40}`, or `{upto: 40, from: 5, over: 500}`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnnbench.settings import MOST_STEPS
from rnnbench.suite import lengths
from rnnbench.suite.faults import Path
from rnnbench.suite.lengths import LONGEST
from rnnbench.suite.reader import Reader, hints

if TYPE_CHECKING:
    from rnnbench.tasks import Task

KEY = "train"
FORM = "{upto: LENGTH}, or {upto: LENGTH, from: LENGTH, over: STEPS}"


def taken(
    reader: Reader, path: Path, task: type[Task], entry: Mapping[str, Any], tested: Sequence[int]
) -> tuple[dict[str, int], dict[str, Any]]:
    """What the entry of a task says of it, checked, and the rest of the entry. A task may have a difficulty of the same
    name, which is never a mapping; of one that hasn't, whatever stands there is meant so."""
    if KEY not in entry or (KEY in hints(task) and not isinstance(entry[KEY], dict)):
        return {}, dict(entry)
    rest = {key: value for key, value in entry.items() if key != KEY}
    return _lengths(reader, (*path, KEY), tested, task.shortest), rest


def searched(
    reader: Reader,
    path: Path,
    entry: Mapping[str, Any],
    train: Mapping[str, int],
    examples: Sequence[int],
    default: lengths.Search,
) -> lengths.Search:
    """How an entry's lengths are searched: where one training is tested at all of them there is nothing to search, and
    where its rungs are numbers of examples there is one."""
    if not train and len(examples) < 2:
        return lengths.search(reader, path, entry, default)
    if lengths.search(reader, path, entry) == "bisect":
        why = "`train`: one training is tested at all lengths" if train else "a ladder of `examples`: it has one length"
        reader.got((*path, "search"), f"climb, or nothing, beside {why}")
    return "climb"


def _lengths(reader: Reader, path: Path, tested: Sequence[int], shortest: int) -> dict[str, int]:
    """What stands at the path; empty where it has a fault. `tested`: the entry's lengths, ascending."""
    found = reader.mapping(path, FORM, ("upto", "from", "over"), of="upto, from or over")
    if found is None:
        return {}
    for key, other in (("from", "over"), ("over", "from")):
        if key in found and other not in found:
            reader.missing((*path, other), f"it beside {key}: {FORM}")
    if "upto" not in found:
        reader.missing((*path, "upto"), "the longest length to train on")
        return {}
    upto = reader.whole((*path, "upto"), shortest, LONGEST, "the longest length to train on")
    if upto is not None and tested and tested[0] > upto:
        reader.got((*path, "upto"), f"at least {tested[0]}, the shortest length that is tested: what is trained on "
                                    "decides when to stop")  # fmt: skip
    values = {"upto": upto}
    if "from" in found:
        values["from"] = reader.whole(
            (*path, "from"), shortest, upto or LONGEST, "the longest length at the first step"
        )
    if "over" in found:
        values["over"] = reader.whole((*path, "over"), 1, MOST_STEPS, "the steps until all lengths are trained on")
    return {key: value for key, value in values.items() if value is not None}
