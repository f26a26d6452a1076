"""Runs trained again and probed in worker processes: no plan, no store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from rnnbench.probing import Asked, Probe
from rnnbench.records import Record, Run
from rnnbench.running.executors import EndEvent, Executor, Job, RecordEvent, broken


def probe(runs: Sequence[Run], asked: Asked, executor: Executor) -> Iterator[tuple[Record, tuple[Probe, ...]]]:
    """The record and the probes of each run, in the order in which they end; of one that broke there are none, and its
    record says why."""
    waiting = deque(runs)
    try:
        while waiting or executor.busy():
            for number in executor.idle():
                if waiting:
                    executor.submit(number, Job((waiting.popleft(),), probe=asked))
            for event in executor.poll(0.2):
                if isinstance(event, RecordEvent):
                    yield event.record, event.probes
                elif isinstance(event, EndEvent) and event.status != "done":
                    yield from ((broken(run, event), ()) for run in event.job.runs)
    finally:
        executor.close()
