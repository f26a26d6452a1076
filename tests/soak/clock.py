"""A clock that is a year off, the other way with the next run: nothing is trained again, no time is negative."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rnnbench.store import Store

from .tally import Options, Tally
from .trial import Expected, Trial, ladders

YEAR = 365 * 86_400  # seconds
SHIFT = """
import datetime, time
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(time.time(), tz)
whole = time.time
time.time = lambda: whole() + {seconds}
datetime.datetime = Shifted
"""


def soak(tally: Tally, options: Options) -> None:
    """Half of a suite with the clock behind, the rest with it ahead, and the other way round; real workers."""
    suite = ladders(1, 2)
    expected = Expected.of(Trial(options.folder / "model", suite, real=True))
    for first in (-YEAR, YEAR):
        tally.judge(f"{first} s, then {-first} s", shifted(options.folder / str(first), suite, first, expected))


def shifted(folder: Path, suite: str, seconds: int, expected: Expected) -> Iterator[str]:
    """What does not hold when a suite is begun at one time and ended at another."""
    before = Trial(
        folder / "before", suite.replace("seeds: 2", "seeds: 1"), real=True, python=SHIFT.format(seconds=seconds)
    )
    after = Trial(folder / "after", suite, real=True, python=SHIFT.format(seconds=-seconds))
    after.results.symlink_to(before.results)
    after.log.symlink_to(before.log)
    for trial in (before, after):
        code, said = trial.run()
        if code or said:
            yield f"untidy: ended with {code}, and said {said!r}"
    records = Store(after.results).records(curves=True).values()
    years = {datetime.fromisoformat(record.started).year for record in records}
    if len(years) < 2:
        yield f"missed: all of it was in {years}"
    yield from (f"negative: {record.id} took {record.seconds} s" for record in records if record.seconds < 0)
    yield from after.at_the_end(expected)
