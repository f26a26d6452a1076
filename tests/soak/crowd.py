"""Twenty at once on one store: one trains, the others are told who holds it, and nothing runs twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rnnbench.errors import Exit

from .tally import Options, Tally
from .trial import Expected, Trial, ladders

MANY = 20


def at_once(trial: Trial, expected: Expected, tally: Tally) -> Iterator[str]:
    """What does not hold when so many start together."""
    processes = [trial.start() for _ in range(MANY)]
    said = {process.pid: process.communicate(timeout=600)[1] for process in processes}
    codes = Counter(process.returncode for process in processes)
    winners = [process.pid for process in processes if process.returncode == Exit.OK]
    tally.add("runs that won", codes[Exit.OK])
    tally.add("runs that were told who holds the store", codes[Exit.LOCKED])
    if codes != {Exit.OK: 1, Exit.LOCKED: MANY - 1}:
        yield f"crowd: they ended with {dict(codes)}"
    for process in processes:
        text = said[process.pid]
        if process.returncode == Exit.LOCKED and not named(text, winners):
            yield f"untidy: {text!r} names none of {winners}"
    yield from trial.at_the_end(expected)


def named(text: str, pids: list[int]) -> bool:
    """Whether it is one line that names one of these processes."""
    return len(text.splitlines()) == 1 and any(f"process {pid} " in text for pid in pids)


def soak(tally: Tally, options: Options) -> None:
    """Rounds of twenty."""
    suite = ladders(1, 2)
    expected = Expected.of(Trial(options.folder / "model", suite))
    for number in range(max(1, options.count // 200)):
        trial = Trial(options.folder / str(number), suite, pause=3.0)
        tally.judge(f"round {number}", at_once(trial, expected, tally))
