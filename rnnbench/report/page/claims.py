"""The claims of a suite on a page: each in a row with its verdict, the reason for it, and what it says exactly."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.analysis import stats
from rnnbench.analysis.verdicts import Verdict
from rnnbench.report.marks import TONES
from rnnbench.report.model import NBSP, Cell, Column, Table, clean


def table(found: Sequence[Verdict], notes: tuple[str, ...]) -> Table:
    """Claims x (verdict, why, that); `notes` are what else is said of them."""
    rows = tuple(
        (
            Cell((f"{number}. {clean(v.claim.says)}",), number),
            Cell((v.outcome,), v.outcome, TONES[v.outcome]),
            Cell((clean(v.why),)),
            Cell((clean(v.claim.that.strip()),)),
        )
        for number, v in enumerate(found, 1)
    )
    about = f"each decided by itself, at {100 * stats.LEVEL:.0f}{NBSP}%; undecided is what these runs can't tell"
    titles = ("claim", "verdict", "why", "exactly")
    return Table("claims", about, tuple(Column(title, False) for title in titles), rows, notes, kind="claims")
