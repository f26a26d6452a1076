"""A worker process: takes cohorts from a private channel, trains them, sends back what happens.

Started as `python -m rnnbench.running.executors.worker CHANNEL` with CHANNEL an inherited file descriptor. Messages are
a line of JSON, then raw bytes; nothing is pickled. Standard output and error are only a log to the driver, so a
plugin that floods or closes them harms nobody.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from multiprocessing.connection import Connection
from queue import Queue
from typing import Any

COMPILE_SECONDS = 0.5  # compiling that took longer is told


def pack(message: dict[str, Any], raw: bytes = b"") -> bytes:
    return json.dumps(message).encode() + b"\n" + raw


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    line, _, raw = data.partition(b"\n")
    return json.loads(line), raw


def die_with_parent() -> None:
    """Asks Linux to kill this process when the driver dies; the channel's end is the second string."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def listen(channel: Connection, jobs: Queue[tuple[dict[str, Any], bytes]], stopping: threading.Event) -> None:
    """Reads the channel in a thread of its own, so that a request to stop is heard while a run trains."""
    while True:
        try:
            message, raw = unpack(channel.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)  # the driver is gone: nobody is left to report to
        if message["do"] == "stop":
            stopping.set()
        jobs.put((message, raw))


def work(channel: Connection, message: dict[str, Any], raw: bytes, stopping: threading.Event) -> None:
    """Trains one cohort and sends what happens."""
    from rnnbench import registry
    from rnnbench.records import Record, Run, canonical
    from rnnbench.training.checkpoint import Checkpoint
    from rnnbench.training.trainer import Progress, Trainer

    runs = [Run.from_dict(r) for r in message["runs"]]
    checkpoints, start = {}, 0
    for id, size in message["checkpoints"]:
        try:
            checkpoints[id] = Checkpoint.from_bytes(raw[start : start + size])
        except ValueError as error:
            channel.send_bytes(pack({"is": "warned", "text": f"checkpoint of run {id}: {error}; it starts again"}))
        start += size
    try:
        registry.place(message["files"])
        trainer = Trainer(message["device"], message["kernels"])
        began = time.perf_counter()
        for run in runs:
            trainer.warm(run)
        if (seconds := time.perf_counter() - began) > COMPILE_SECONDS:
            text = (
                f"compiled what {canonical(runs[0].rung.model)} needs in {seconds:.1f} s; it is kept for the next time"
            )
            channel.send_bytes(pack({"is": "warned", "text": text}))
        channel.send_bytes(pack({"is": "warm"}))
        for event in trainer.train(runs, checkpoints, stopping.is_set, message["checkpoint_seconds"]):
            if isinstance(event, Record):
                channel.send_bytes(pack({"is": "record", "record": event.as_dict()}))
            elif isinstance(event, Progress):
                channel.send_bytes(pack({"is": "look", "id": event.run_id, "point": event.point.as_row()}))
            else:
                channel.send_bytes(pack({"is": "checkpoint", "id": event.run_id}, event.to_bytes()))
    except BaseException:  # whatever a plugin raises, SystemExit and KeyboardInterrupt too, costs only this cohort
        channel.send_bytes(pack({"is": "failed", "error": traceback.format_exc()}))
    else:
        channel.send_bytes(pack({"is": "done"}))


def main() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    channel = Connection(int(sys.argv[1]))
    import torch

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # vanishing gradients would otherwise train ten times slower
    jobs: Queue[tuple[dict[str, Any], bytes]] = Queue()
    stopping = threading.Event()
    threading.Thread(target=listen, args=(channel, jobs, stopping), daemon=True).start()
    while True:
        message, raw = jobs.get()
        if message["do"] == "stop":
            break
        work(channel, message, raw, stopping)
    channel.close()
    os._exit(0)  # no atexit handler of a plugin keeps the driver waiting


if __name__ == "__main__":
    main()
