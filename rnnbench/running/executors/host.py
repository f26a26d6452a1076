"""An executor in a process of its own, for a driver at the other end of two pipes.

`python -m rnnbench.running.executors.host` hosts `local`, so that the far end of an `ssh` can be driven. Messages come
on standard input and go to standard output, which are taken away first: what anything prints goes to standard error.
The end of the input ends everything, whatever it is busy with.
"""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import Empty, Queue
from typing import Any

from rnnbench.errors import UserError
from rnnbench.running.executors import Executor, named, sides
from rnnbench.running.executors.relay import job_of, pack, told, unpack

BEAT_SECONDS = 1.0  # between two signs of life
WAIT_SECONDS = 0.02  # for events, while a worker waits for a job that may come meanwhile
CLOSE_SECONDS = 9.0  # that closing may take; then all that is left is ended the hard way
GONE_SECONDS = 4.0  # the same, where the driver is gone without a word

Message = tuple[dict[str, Any], bytes]


def streams() -> tuple[Connection, Connection]:
    """Standard input and output, from now on ours alone."""
    ours = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return ours


def listen(source: Connection, inbox: Queue[Message]) -> None:
    """Reads in a thread of its own, so that the end is heard whatever the executor does."""
    patience = GONE_SECONDS
    while True:
        try:
            message, raw = unpack(source.recv_bytes())
        except (EOFError, OSError):
            inbox.put(({"do": "close"}, b""))
            time.sleep(patience)
            os._exit(1)
        if message["do"] == "close":
            patience = CLOSE_SECONDS
        inbox.put((message, raw))


def serve(make: Callable[..., Executor]) -> None:
    """Hosts the executor that `make` makes of what the first message says, until it is told to close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's business
    source, sink = streams()
    inbox: Queue[Message] = Queue()
    threading.Thread(target=listen, args=(source, inbox), daemon=True).start()
    opening, _ = inbox.get()
    if opening["do"] != "open":
        return
    executor = None
    try:
        executor = make(**opening["made"])
        sink.send_bytes(pack({"is": "open", "sides": sides.here()}))
        _relay(executor, inbox, sink)
        executor.close()
        sink.send_bytes(pack({"is": "closed"}))
    except OSError:
        pass  # nobody reads any longer
    except UserError as error:
        sink.send_bytes(pack({"is": "refused", "lines": error.lines, "code": int(error.code)}))
    except BaseException:
        sink.send_bytes(pack({"is": "broke", "error": traceback.format_exc()}))
    finally:
        if executor is not None:
            executor.close()
    os._exit(0)  # no thread of anybody's keeps it


def _relay(executor: Executor, inbox: Queue[Message], sink: Connection) -> None:
    """Passes jobs down and events up, and says who is idle whenever that changes."""
    idle: list[int] = []
    beat = 0.0
    while True:
        while True:
            try:
                message, raw = inbox.get_nowait()
            except Empty:
                break
            if message["do"] == "close":
                return
            if message["do"] == "submit":
                executor.submit(message["worker"], job_of(message, raw))
            elif message["do"] == "stop":
                executor.stop()
        for event in executor.poll(WAIT_SECONDS if idle else 5 * WAIT_SECONDS):
            sink.send_bytes(told(event, event.worker))
        now = sorted(executor.idle())
        if now != idle or time.monotonic() - beat >= BEAT_SECONDS:
            idle, beat = now, time.monotonic()
            sink.send_bytes(pack({"is": "idle", "workers": idle}))


if __name__ == "__main__":
    serve(named("local"))
