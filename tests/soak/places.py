"""Places that are full, too small or read-only: what was acknowledged stays, and the run goes on once there is room."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator

from rnnbench.errors import Exit

from .tally import Options, Tally
from .trial import Expected, Trial, ladders

SMALL = """
mount -t tmpfs -o size={size}k none {results} || exit 99
{run}
code=$?
cp -a {results}/. {filled}/
cp {log} {filled}.log 2> /dev/null
mount -o remount,size=64m {results} || exit 99
{run} || exit 98
cp -a {results}/. {done}/
exit $code
"""
READ_ONLY = """
mount --bind {results} {results} && mount -o remount,ro,bind {results} || exit 99
{run}
code=$?
{report} > /dev/null || exit 98
exit $code
"""


def alone(script: str) -> list[str]:
    """A shell with mounts of its own, which runs a script instead of the command behind it."""
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]


def tidy(code: int, said: str) -> Iterator[str]:
    """What is wrong with how a run ended that the disk was too small for, or not."""
    if code not in (Exit.OK, Exit.STORE) or len(said.splitlines()) != (code == Exit.STORE):
        yield f"untidy: the run ended with {code}, and said {said!r}"


def full(trial: Trial, kilobytes: int, expected: Expected, tally: Tally) -> Iterator[str]:
    """What does not hold on a disk of so many kilobytes, and once it is larger."""
    folders = {name: trial.folder / name for name in ("filled", "done")}
    for folder in (trial.results, *folders.values()):
        folder.mkdir()
    named = folders | {"results": trial.results, "log": trial.log}
    places = {name: shlex.quote(str(path)) for name, path in named.items()}
    run = shlex.join(trial.command)
    code, said = trial.run(alone(SMALL.format(size=kilobytes, run=run, **places)))
    if code == 99:
        yield f"missed: no file system could be mounted: {said!r}"
        return
    tally.add("disks that were full", code == Exit.STORE)
    if code == 98:
        yield f"stuck: it does not go on once there is room: {said!r}"
        return
    yield from tidy(code, said)
    noted = trial.log.read_text()
    trial.results.rmdir()
    folders["filled"].rename(trial.results)
    filled = trial.folder / "filled.log"
    trial.log.write_text(filled.read_text() if filled.exists() else "")
    yield from trial.after_fault()
    shutil.rmtree(trial.results)
    folders["done"].rename(trial.results)
    trial.log.write_text(noted)
    yield from trial.at_the_end(expected)


def limited(trial: Trial, blocks: int, expected: Expected) -> Iterator[str]:
    """What does not hold where no file may be longer than so many half kilobytes: the last write is a short one."""
    yield from tidy(*trial.run(["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh"]))
    yield from trial.faults(expected)


def read_only(trial: Trial, expected: Expected) -> Iterator[str]:
    """What does not hold where a store with a part of the records can't be written to."""
    part = trial.file.read_text()
    trial.file.write_text(part.replace("seeds: 2", "seeds: 1"))
    trial.run()
    trial.file.write_text(part)
    begun = trial.noted()
    report = [sys.executable, "-m", "rnnbench", "report", str(trial.file), "-r", str(trial.results)]
    script = READ_ONLY.format(
        results=shlex.quote(str(trial.results)), run=shlex.join(trial.command), report=shlex.join(report)
    )
    code, said = trial.run(alone(script))
    if code != Exit.STORE or len(said.splitlines()) != 1:
        yield f"untidy: ended with {code} where {Exit.STORE} was expected, and said {said!r}"
    if trial.noted() != begun:
        yield "trained: something was begun where nothing could be written"
    yield from trial.faults(expected)


def soak(tally: Tally, options: Options) -> None:
    """Disks from 4 to 120 kB, limits from 2 to 40 kB, and one that is read-only."""
    suite = ladders(2, 2)
    expected = Expected.of(Trial(options.folder / "model", suite))
    for blocks in range(4, 80, 4):
        tally.add("limits on a file's length")
        trial = Trial(options.folder / f"limit-{blocks}", suite)
        tally.judge(f"a limit of {blocks * 512} bytes", limited(trial, blocks, expected))
    if shutil.which("unshare") is None:
        tally.fail("unshare", "missed: without unshare no small or read-only disk can be made")
        return
    for kilobytes in range(4, 124, 8):
        tally.add("disks")
        trial = Trial(options.folder / f"disk-{kilobytes}", suite)
        tally.judge(f"a disk of {kilobytes} kB", full(trial, kilobytes, expected, tally))
    tally.add("read-only places")
    tally.judge("a read-only place", read_only(Trial(options.folder / "read-only", suite), expected))
