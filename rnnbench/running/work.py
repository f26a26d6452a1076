"""How much of a drive's work is done, in estimated seconds, kept up as its ladders are climbed."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.plan import cost
from rnnbench.plan.ladders import Climb


class Work:
    """Sums over ladders. In whole microseconds, so that those that are kept up are those that would be made anew."""

    def __init__(self, climbs: Sequence[Climb]) -> None:
        self._each = [_microseconds(climb) for climb in climbs]
        self._done, self._total = (sum(column) for column in zip((0, 0), *self._each, strict=True))

    def changed(self, i: int, climb: Climb) -> None:
        """One of them, by its number, has come further."""
        (was_done, was_total), (done, total) = self._each[i], _microseconds(climb)
        self._done, self._total = self._done + done - was_done, self._total + total - was_total
        self._each[i] = done, total

    @property
    def seconds(self) -> tuple[float, float]:
        """Done, and in all."""
        return self._done / 1e6, self._total / 1e6


def _microseconds(climb: Climb) -> tuple[int, int]:
    done, total = cost.work(climb)
    return round(1e6 * done), round(1e6 * total)
