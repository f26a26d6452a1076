"""Kills at random: of the driver, of a worker, of both, by every signal that ends a process; then the run goes on, and
is killed again, until it comes to its end.

Half of the kills aim at a commit: they wait for the journal of the store to appear. The others are uniform over the
time that the run takes.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from rnnbench.api import cores
from rnnbench.errors import Exit

from .tally import Options, Tally
from .trial import Expected, Trial, ladders

SIGNALS = {  # how often each is drawn, and what a run that was asked to stop may end with
    signal.SIGKILL: (0.7, ()),
    signal.SIGTERM: (0.1, (Exit.TERMINATED,)),
    signal.SIGINT: (0.1, (Exit.INTERRUPTED,)),
    signal.SIGHUP: (0.1, (128 + signal.SIGHUP,)),
}
REAL = 0.1  # the share of kills that real workers get: a run's start takes seconds
LEFT_SECONDS = 5.0  # after which nothing of a killed run may be left
HUNG_SECONDS = 120.0
MOST = 60  # kills of one run; then it is let go to its end


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    found, parents = [], [pid]
    while parents:
        with suppress(OSError, IndexError):
            children = Path(f"/proc/{parents[0]}/task/{parents[0]}/children").read_text().split()
            found += [int(child) for child in children]
            parents += [int(child) for child in children]
        parents.pop(0)
    return found


def marked(mark: str) -> list[int]:
    """The processes, zombies aside, whose environment holds this text: whatever a run has started, wherever it went."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            alive = path.joinpath("stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
            if alive and mark.encode() in path.joinpath("environ").read_bytes():
                found.append(int(path.name))
    return found


def wait(process: subprocess.Popen[str], trial: Trial, rng: random.Random, seconds: float, tally: Tally) -> None:
    """Until it is time to kill, or the process has ended."""
    if rng.random() < 0.5:
        limit = time.monotonic() + rng.random() * seconds
        while process.poll() is None and time.monotonic() < limit:
            time.sleep(0.005)
        return
    tally.add("kills aimed at a commit")
    journal, skipped = trial.results / "records.sqlite-journal", rng.randrange(4)
    while process.poll() is None:
        if journal.exists():
            if not skipped:
                break
            skipped -= 1
            while journal.exists():
                time.sleep(0)
        time.sleep(0.0002)
    time.sleep(rng.random() * 0.004)


def kill(process: subprocess.Popen[str], rng: random.Random, tally: Tally) -> signal.Signals | None:
    """Sends one of the signals to one of the processes, or to all; which, unless it was a worker that was killed."""
    number = rng.choices(list(SIGNALS), [share for share, _ in SIGNALS.values()])[0]
    workers = descendants(process.pid)
    whom = rng.choice(("driver", "worker", "all")) if workers else "driver"
    tally.add(f"{number.name} to the {whom}" if whom != "all" else f"{number.name} to all")
    with suppress(ProcessLookupError):
        if whom == "worker":
            os.kill(rng.choice(workers), signal.SIGKILL if number is signal.SIGINT else number)
            return None
        for pid in (process.pid, *(workers if whom == "all" else ())):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
    return number


def ended(code: int, said: str, sent: signal.Signals | None) -> Iterator[str]:
    """What is wrong with how a run ended after a signal."""
    after = f"after {sent.name}" if sent else "after a worker was killed"
    allowed: set[int] = {Exit.OK, -sent if sent else Exit.OK} | set(SIGNALS[sent][1] if sent else ())
    if code not in allowed:
        yield f"untidy: ended with {code} {after}, and said {said[-300:]!r}"
    if "Traceback (most recent call last)" in said and code != -signal.SIGINT:  # that one is of the imports before main
        yield f"untidy: a traceback {after}: {said[-300:]!r}"


def through(trial: Trial, expected: Expected, rng: random.Random, seconds: float, tally: Tally) -> list[str]:
    """Kills a run and lets it go on, over and over, until it is done; what does not hold."""
    found: list[str] = []
    kind = "real workers" if trial.real else "instant workers"
    for attempt in range(MOST + 1):
        process = trial.start()
        sent = None
        if attempt < MOST:
            wait(process, trial, rng, seconds, tally)
            if process.poll() is None:
                sent = kill(process, rng, tally)
                tally.add("kills")
                tally.add(f"kills with {kind}")
        try:
            _, said = process.communicate(timeout=HUNG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            found.append(f"hung: not ended {HUNG_SECONDS:g} s after {sent!r}, try {attempt}")
            continue
        where = f"try {attempt}"
        found += [f"{what} ({where})" for what in (*ended(process.returncode, said, sent), *gone(trial))]
        tally.add("kills that left a journal", (trial.results / "records.sqlite-journal").exists())
        if process.returncode == Exit.OK:
            break
        found += [f"{what} ({where})" for what in trial.after_fault()]
    tally.add("records compared", expected.export.count("\n"))
    return found + trial.at_the_end(expected)


def gone(trial: Trial) -> list[str]:
    """What is left of a run's processes after a while."""
    limit = time.monotonic() + LEFT_SECONDS
    while (left := marked(f"SOAK_LOG={trial.log}\0")) and time.monotonic() < limit:
        time.sleep(0.05)
    return [f"left: process {pid}" for pid in left]


def soak(tally: Tally, options: Options) -> None:
    """So many kills, in as many runs as it takes; two runs at a time."""
    kinds = {
        False: (ladders(3, 4, ("rnn", "gru")), 0.02),
        True: (ladders(2, 2).replace("steps: 30", "steps: 2000"), 0.0),
    }
    models = {}
    for real, (suite, pause) in kinds.items():
        began = time.monotonic()
        models[real] = (
            Expected.of(Trial(options.folder / f"model-{real}", suite, real, pause)),
            time.monotonic() - began,
        )

    def lane(number: int) -> None:
        rng = random.Random(f"{options.seed} {number}")
        tried = 0
        while options.more(tally.counts["kills"]):
            tried += 1
            real = tally.counts["kills with real workers"] < REAL * tally.counts["kills"]
            suite, pause = kinds[real]
            expected, seconds = models[real]
            trial = Trial(options.folder / f"{number}-{tried}", suite, real, pause)
            tally.judge(
                f"seed {options.seed}, lane {number}, run {tried}", through(trial, expected, rng, seconds, tally)
            )
            shutil.rmtree(trial.folder)

    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(lane, range(cores())))
    tally.notes.append(f"with {tally.counts['kills']} kills and nothing lost, at most 3/N = "
                       f"{3 / max(1, tally.counts['kills']):.2%} of kills lose something (95 %)")  # fmt: skip
