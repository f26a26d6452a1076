"""Power loss: the disk as it may be left after each of a run's system calls, with or without what was not synced.

Nothing is switched off: a run's calls are recorded, and the disk is made anew from them, as often as one likes.
"""

from __future__ import annotations

import random
import shutil
from itertools import chain, repeat
from pathlib import Path

from . import crashes, disk
from .nursery import Nursery
from .tally import Options, Tally
from .trial import Expected, Trial, ladders


def recorded(trial: Trial, nursery: Nursery, only: list[str]) -> list[disk.Operation]:
    """What a run does on these paths, from an empty folder on."""
    whole = ["-xx", "-s", "1000000", "-e", f"trace={','.join(disk.CALLS)}"]
    return list(disk.operations(crashes.traced(trial, nursery, [*only, *whole])))


def states(folder: Path, suite: str, tally: Tally, rng: random.Random, some: int) -> None:
    """Every state with all or nothing of what was not synced, and `some` of each of the others, drawn."""
    expected = Expected.of(Trial(folder / "model", suite))
    source = Trial(folder / "source", suite)
    with Nursery() as nursery:
        touched = crashes.paths(Trial(folder / "touched", suite), nursery)
        only = [*crashes.moved(touched, "touched", source), "-P", str(source.log), "-P", str(source.folder)]
        calls = recorded(source, nursery, only)
    for done in range(len(calls) + 1):
        safe = done == 0 or not disk.unsafe(calls[:done])
        for number, how in enumerate(["none"] if safe else chain(("none", "all"), repeat("some", some))):
            trial = Trial(folder / f"{done}-{number}", suite)
            made, files = disk.after(calls[:done], disk.lost(calls[:done], how, rng))
            noted, _ = disk.after(calls[:done], {})[1].get(source.log, b""), files.pop(source.log, b"")
            disk.lay(made, files, (source.folder, trial.folder))
            trial.log.write_bytes(noted)  # what somebody has been told is not on this disk
            tally.add(f"states with {how} of what was not synced lost")
            last = f"{calls[done - 1].kind} {calls[done - 1].name.name}" if done else "nothing"
            tally.judge(f"call {done} ({last}), {how} lost, state {number}", trial.faults(expected))
            shutil.rmtree(trial.folder)


def soak(tally: Tally, options: Options) -> None:
    """All states of a run of four records and eight checkpoints."""
    if crashes.strace() is None:
        tally.fail("strace", "missed: there is no strace here, without which no call can be recorded; install it")
        return
    states(options.folder, ladders(2, 2), tally, random.Random(options.seed), max(1, options.count // 100))
