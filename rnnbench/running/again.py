"""Runs trained again, for the sake of their records alone: no plan, no store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from rnnbench.records import Record, Run
from rnnbench.running.executors import EndEvent, Executor, Job, RecordEvent, broken


def train(runs: Sequence[Run], executor: Executor) -> Iterator[Record]:
    """The record of each run, in the order in which they end; one that broke has a status of its own and its error."""
    waiting = deque(runs)
    try:
        while waiting or executor.busy():
            for number in executor.idle():
                if waiting:
                    executor.submit(number, Job((waiting.popleft(),)))
            for event in executor.poll(0.2):
                if isinstance(event, RecordEvent):
                    yield event.record
                elif isinstance(event, EndEvent) and event.status != "done":
                    yield from (broken(run, event) for run in event.job.runs)
    finally:
        executor.close()
