"""A claim about a grid -> what it comes to over all of its points: it holds if it holds at each, fails if it fails at
one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rnnbench.analysis.decisions import Found, all_of
from rnnbench.suite import Variant
from rnnbench.suite.expression import Truth, Wrong
from rnnbench.suite.families import points
from rnnbench.suite.points import told

SHOWN = 3  # points that a reason names


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
    deciding = [(where, each.why) for where, each in found if each.truth is truth]
    whys = [f"at {where}: {why}" for where, why in deciding[:SHOWN]]
    more = [f"and at {len(deciding) - SHOWN} more"] if len(deciding) > SHOWN else []
    return Found(truth, f"at {len(deciding)} of {len(found)} points: {'; '.join([*whys, *more])}")
