"""How long a run may take, before it ran: for the order of the work, the bar and `--dry-run`. A guess, no result."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from rnnbench import find
from rnnbench.records import Record, Rung
from rnnbench.settings import Settings

SECONDS_A_STEP = 6e-4  # measured on one core of a recent x86-64 server: what a training step takes besides its layers


def estimate(rung: Rung) -> float:
    """Seconds of training, if the whole budget of steps is spent."""
    s = Settings(**rung.settings)
    time_steps = find.task(rung.task).lag(rung.length).most + 2
    one = find.layer(rung.model).seconds(time_steps, s.batch, s.hidden)
    return float(s.steps * (SECONDS_A_STEP + one * s.layers * (1 + s.bidirectional)))


def correction(records: Iterable[Record]) -> float:
    """By how much runs that are known missed their estimates here: the median ratio, 1 without any."""
    ratios = [r.seconds / estimate(r.run.rung) for r in records if r.finished and r.seconds > 0]
    return median(ratios) if ratios else 1.0
