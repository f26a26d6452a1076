"""Crash points, all of them: a run is killed, or told of an error, at its first, second, third ... system call on its
store and its checkpoints, one call a trial, until there is none left.

strace kills or fails the call before it happens, so that the next trial is what happens after it.
"""

from __future__ import annotations

import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rnnbench.api import cores
from rnnbench.errors import Exit

from .nursery import Nursery
from .tally import Options, Tally
from .trial import Expected, Trial, ladders

CHANGES = ("mkdir", "openat", "flock", "ftruncate", "pwrite64", "write", "fdatasync", "fsync", "rename", "unlink")
READS = ("pread64",)
FAULTS = {"SIGKILL": "signal=SIGKILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


@dataclass(frozen=True)
class Point:
    """The `number`th call of a kind."""

    call: str
    number: int
    fault: str

    def __str__(self) -> str:
        return f"{self.call} {self.number} {self.fault}"


def strace() -> str | None:
    """Where strace is."""
    return shutil.which("strace")


def paths(trial: Trial, nursery: Nursery) -> list[str]:
    """Every path below the results that an uninterrupted run touches."""
    below = re.escape(str(trial.results))
    lines = traced(trial, nursery, ["-y", "-s", "4096", "-e", f"trace={','.join(CHANGES)}"])
    return sorted({path for line in lines for path in re.findall(rf'[<"]({below}(?:/[^">]*)?)[>"]', line)})


def traced(trial: Trial, nursery: Nursery, options: list[str]) -> list[str]:
    """The lines that strace writes of an uninterrupted run."""
    trace = trial.folder / "trace"
    code, said = nursery.run(trial, ["-o", str(trace), *options])
    if code:
        raise RuntimeError(f"an uninterrupted run ended with {code}: {said}")
    return trace.read_text(errors="replace").splitlines()


def moved(found: list[str], before: str, to: Trial) -> list[str]:
    """The paths of one trial's folder in another's, as strace takes them."""
    return [word for path in found for word in ("-P", f"{to.folder}/{path.split(f'/{before}/', 1)[1]}")]


def calls(trial: Trial, nursery: Nursery, only: list[str]) -> Counter[str]:
    """How many calls of each kind an uninterrupted run makes on these paths."""
    lines = traced(trial, nursery, [*only, "-e", f"trace={','.join((*CHANGES, *READS))}"])
    return Counter(line.partition("(")[0] for line in lines)


def points(found: Counter[str], faults: Sequence[str]) -> Iterator[Point]:
    for fault in faults:
        for call in (*CHANGES, *(READS if fault == "EIO" else ())):
            yield from (Point(call, number, fault) for number in range(1, found[call] + 1))


def at(point: Point, trial: Trial, nursery: Nursery, only: list[str], expected: Expected) -> list[str]:
    """What does not hold when a run meets this fault, and is run again."""
    inject = f"inject={point.call}:{FAULTS[point.fault]}:when={point.number}"
    code, said = nursery.run(trial, ["-o", "/dev/null", *only, "-e", f"trace={point.call}", "-e", inject])
    found = []
    if point.fault == "SIGKILL":
        if code != -signal.SIGKILL:
            found.append(f"missed: the run ended with {code}: {said!r}")
    elif code not in (Exit.OK, Exit.STORE) or len(said.splitlines()) != (code == Exit.STORE):
        found.append(f"untidy: the run ended with {code}, and said {said!r}")
    return found + trial.faults(expected)


def enumerate_points(
    folder: Path, suite: str, faults: Sequence[str], tally: Tally, only: Callable[[Point], bool] = lambda point: True
) -> None:
    """Tries every point of a suite's run that `only` lets through; into the tally goes what doesn't hold."""
    expected = Expected.of(Trial(folder / "model", suite))
    with Nursery() as nursery:
        touched = paths(Trial(folder / "first", suite), nursery)
        again = paths(Trial(folder / "second", suite), nursery)
        if [p.split("/first/")[1] for p in touched] != [p.split("/second/")[1] for p in again]:
            tally.fail("paths", "missed: two runs touched other paths, so that points can't be told by their number")
        shape = Trial(folder / "shape", suite)
        tried = [p for p in points(calls(shape, nursery, moved(touched, "first", shape)), faults) if only(p)]
    lanes = cores()

    def lane(number: int) -> None:
        with Nursery() as nursery:
            for point in tried[number::lanes]:
                trial = Trial(folder / str(point).replace(" ", "-"), suite)
                tally.add(f"{point.fault} at {point.call}")
                tally.judge(str(point), at(point, trial, nursery, moved(touched, "first", trial), expected))
                shutil.rmtree(trial.folder)

    with ThreadPoolExecutor(lanes) as pool:
        list(pool.map(lane, range(lanes)))


def soak(tally: Tally, options: Options) -> None:
    """All points of a run of four records and eight checkpoints."""
    if strace() is None:
        tally.fail("strace", "missed: there is no strace here, without which no crash point can be tried; install it")
        return
    enumerate_points(options.folder, ladders(2, 2), tuple(FAULTS), tally)
