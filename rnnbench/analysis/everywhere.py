"""A claim about a grid -> what it comes to over all of its points: it holds if it holds at each, fails if it fails at
one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rnnbench.analysis.decisions import Found, all_of
from rnnbench.suite import Variant
from rnnbench.suite.expression import Truth, Wrong
from rnnbench.suite.families import points
from rnnbench.suite.points import told

SHOWN = 3  # reasons that are told


def everywhere(judge: Callable[[Truth], Found], tree: Truth, variants: Sequence[Variant]) -> Found:
    """A claim judged at each point that it is about; as it is where it is about no grid."""
    try:
        found = [(told(point), judge(each)) for point, each in points(tree, variants)]
    except Wrong:  # the suite has them, the selection hasn't
        return Found(None, "no point at which all that it names was selected")
    if len(found) == 1:
        where, only = found[0]
        return Found(only.truth, f"at {where}: {only.why}" if where else only.why)
    truth = all_of([each.truth for _, each in found])
    deciding: dict[str, list[str]] = {}  # reason -> where
    for where, each in found:
        if each.truth is truth:
            deciding.setdefault(each.why, []).append(where)
    whys = [
        f"{places[0] if len(places) == 1 else _many(len(places), len(found))}: {why}"
        for why, places in deciding.items()
    ]
    rest = _many(sum(map(len, list(deciding.values())[SHOWN:])), len(found))
    return Found(truth, "; ".join(f"at {each}" for each in [*whys[:SHOWN], *[rest] * (len(whys) > SHOWN)]))


def _many(points: int, of: int) -> str:
    return f"all {of} points" if points == of else f"{points} of {of} points"
