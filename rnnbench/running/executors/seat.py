"""A seat on a cluster: one worker on the node where it was placed, which is `local`'s in every respect.

It runs in a process of the cluster's own (an actor of Ray), computes nothing there, and passes on what its worker says.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from rnnbench import environment
from rnnbench.running.executors import EndEvent, Event, sides
from rnnbench.running.executors.local import Local
from rnnbench.running.executors.relay import job_of, told, unpack

ALONE_SECONDS = 30.0  # unheard of for so long, the driver is taken for dead
BATCH_BYTES = 1 << 23  # of what happened, told at once


class SeatActor:
    """One worker. `folder` is the driver's, from which paths in a suite start; `settings` are the driver's variables of
    the environment that mean something to rnnbench."""

    def __init__(self, number: int, made: dict[str, Any], folder: str, settings: dict[str, str]) -> None:
        self.number = number
        if Path(folder).is_dir():
            os.chdir(folder)
        ours = {name: value for name, value in environment.everything().items() if not name.startswith("RNNBENCH_")}
        for name in FROM_RAY:
            ours.pop(name, None)
        ours = {name: value for name, value in ours.items() if not name.startswith("RAY_")}
        self.local = Local(1, **made, environment=ours | settings)
        self.heard = time.monotonic()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        """Without a driver nobody hears what happens here, and nobody may be left to end it."""
        while time.monotonic() - self.heard < ALONE_SECONDS:
            time.sleep(1.0)
        os._exit(1)  # the worker ends with its parent

    def hello(self) -> dict[str, Any]:
        """What this side is."""
        self.heard = time.monotonic()
        return {"sides": sides.here(), "host": os.uname().nodename}

    def train(self, data: bytes, seconds: float) -> tuple[list[bytes], bool]:
        """Takes a job, then as `more`. UserError where what it needs isn't here."""
        self.local.submit(0, job_of(*unpack(data)))
        return self.more(seconds)

    def more(self, seconds: float) -> tuple[list[bytes], bool]:
        """What has happened, as messages, after waiting for at most so long; and whether the job has ended with it."""
        self.heard = time.monotonic()
        events = list(self.local.poll(seconds))
        told_bytes = [told(event, self.number) for event in events]
        while events and not _over(events) and sum(map(len, told_bytes)) < BATCH_BYTES:
            events = list(self.local.poll(0))
            told_bytes += [told(event, self.number) for event in events]
        self.heard = time.monotonic()
        return told_bytes, _over(events)

    def stop(self) -> None:
        self.local.stop()

    def close(self) -> None:
        """Ends the worker and whatever it has started."""
        self.local.close()


# What Ray sets for its own processes.
FROM_RAY = ("SPT_NOENV", "PYTHONBREAKPOINT")


def _over(events: list[Event]) -> bool:
    return any(isinstance(event, EndEvent) for event in events)
