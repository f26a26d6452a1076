"""A clock that is a year off, or set back on the way, makes no duration negative: none is told by it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import rnnbench
from rnnbench.records import Record, Run, Rung
from rnnbench.training import trainer as training
from rnnbench.training.trainer import Trainer

PACKAGE = Path(rnnbench.__file__).parent
WALL = re.compile(r"\btime\.time(_ns)?\(|datetime\.(now|utcnow|today)\(")
# when a run began, or an event came, for whoever reads it later; which compiled files nobody used for long
MAY = {"training/trainer.py", "kernels/compile.py", "upkeep/caches.py", "report/events.py"}


def test_who_looks_at_the_clock_on_the_wall() -> None:
    found = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if WALL.search(p.read_text("utf-8"))}
    assert found <= MAY


def test_a_clock_that_is_set_back_a_year_shortens_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Backwards(datetime):
        years = 0

        @classmethod
        def now(cls, tz: object = None) -> Backwards:
            cls.years += 1
            return cls(2030, 1, 1, tzinfo=UTC) - timedelta(days=365 * cls.years)

    monkeypatch.setattr(training, "datetime", Backwards)
    rung = Rung({"cell": "rnn"}, {"task": "adding"}, 3, {"hidden": 2, "batch": 2, "steps": 5, "stop": "never"})
    made = [e for seed in (0, 1) for e in Trainer("cpu", "reference").train([Run(rung, seed)]) if isinstance(e, Record)]
    assert made[0].started > made[1].started
    assert all(0 < r.seconds < 60 for r in made)
