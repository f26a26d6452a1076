"""Seats on a Ray cluster, one actor each: what `ray.py` has hosted in a process of its own (`host.py`), since who is
connected to Ray may end with it.

Ray places actors by what they ask for and says when one is gone; it retries nothing. As many jobs travel as there are
seats, and only configuration does; results come back in the answers to one call a seat, asked again and again.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import socket
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rnnbench import environment
from rnnbench.errors import UserError
from rnnbench.running.executors import EndEvent, Event, Job, WarningEvent, relay, sides
from rnnbench.running.executors.relay import pack, unpack
from rnnbench.running.executors.seat import SeatActor
from rnnbench.text import printable

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # what Ray will set otherwise one day: nothing that is used here
    import ray
    from ray.exceptions import RayError, RayTaskError

ASK_SECONDS = 0.5  # that a seat waits for something to happen before it answers
BEAT_SECONDS = 5.0  # between two signs of life to a seat that has no job
LOOK_SECONDS = 5.0  # between two looks at how large the cluster is
WAIT_SECONDS = 30.0  # without any seat, after which it is said
FETCH_SECONDS = 10.0  # that an answer takes which is there
REACH_SECONDS = 5.0  # that an address has to answer
UNBORN = 4  # seats in a row that may fail to start
CLOSE_SECONDS = 3.0  # that seats have to end their workers


@dataclass
class _Seat:
    number: int
    actor: Any
    job: Job | None = None
    calls: list[Any] = field(default_factory=list)  # those that are not answered yet, in their order
    ready: bool = False  # it has said hello
    node: str = ""
    fit: bool = True  # records made there would count
    asked: float = 0.0


class Cluster:
    """Seats on the cluster at `address` (`auto`: the one that this machine is part of; `local`: one of our own, in
    `folder`). `jobs` seats, or as many as there is room for."""

    def __init__(
        self,
        jobs: int,
        device: str,
        kernels: str,
        seconds_per_run: float | None,
        checkpoint_seconds: float,
        address: str,
        cpus_per_cohort: float,
        gpus_per_cohort: float,
        sides: Mapping[str, str],
        folder: str,
        place: str,
    ) -> None:
        self.jobs, self.device, self.kernels = jobs, device, kernels
        self.made = {
            "device": device,
            "kernels": kernels,
            "seconds_per_run": seconds_per_run,
            "checkpoint_seconds": checkpoint_seconds,
        }
        self.wants = {"num_cpus": cpus_per_cohort, "num_gpus": gpus_per_cohort}
        self.sides, self.folder, self.place = sides, folder, place
        self.seats: dict[int, _Seat] = {}
        self.looked = float("-inf")
        self.begun = self.closed = False
        self.unborn = 0  # seats in a row that were gone before they said anything
        self.bare_since: float | None = time.monotonic()
        self.said: set[str] = set()
        _connect(address, folder, math.ceil(jobs * cpus_per_cohort) if jobs else None)
        once = {"max_restarts": 0, "max_task_retries": 0}  # to try again is the driver's
        self.actor_class: Any = ray.remote(SeatActor).options(**once, **self.wants)

    def idle(self) -> list[int]:
        return [s.number for s in self.seats.values() if s.ready and s.fit and s.job is None]

    def busy(self) -> bool:
        return any(s.job is not None for s in self.seats.values())

    def submit(self, number: int, job: Job) -> None:
        seat = self.seats[number]
        seat.job = job
        message, raw = relay.job_message(job)
        seat.calls.append(seat.actor.train.remote(pack(message, raw), ASK_SECONDS))

    def stop(self) -> None:
        for seat in self.seats.values():
            if seat.job is not None:
                seat.actor.stop.remote()

    def poll(self, seconds: float) -> Iterator[Event]:
        yield from self._look()
        seat_of = {s.calls[0]: s for s in self.seats.values() if s.calls}
        if not seat_of:
            time.sleep(seconds)
            return
        ready, _ = ray.wait(list(seat_of), num_returns=1, timeout=seconds)
        if ready:
            ready, _ = ray.wait(list(seat_of), num_returns=len(seat_of), timeout=0)
        for call in ready:
            yield from self._answered(seat_of[call])

    def _answered(self, seat: _Seat) -> Iterator[Event]:
        """One answer of a seat, and the next question to it."""
        call = seat.calls.pop(0)
        try:
            answer = ray.get(call, timeout=FETCH_SECONDS)
        except RayError as error:  # the seat is gone, what it answered is lost with its node, or it raised
            cause = error.cause if isinstance(error, RayTaskError) else None
            if isinstance(cause, UserError):
                raise UserError(f"{self.place}: {cause}") from None
            yield from self._gone(seat, cause or error)
            return
        if not seat.ready:
            self.unborn = 0
            seat.ready, seat.node = True, printable(answer["host"], 60)
            yield from self._judge(seat, answer["sides"])
        else:
            messages, over = answer
            for data in messages:
                yield relay.heard(*unpack(data), {seat.number: seat.job} if seat.job else {})
            if over:
                seat.job = None
        if seat.job is not None and not seat.calls:
            self._ask(seat, ASK_SECONDS)

    def _ask(self, seat: _Seat, seconds: float) -> None:
        seat.asked = time.monotonic()
        seat.calls.append(seat.actor.more.remote(seconds))

    def _judge(self, seat: _Seat, theirs: Mapping[str, str]) -> Iterator[Event]:
        """Whether what a seat computes would count: the same code there as here. One that isn't fit is kept and given
        nothing, so that no other is placed there."""
        words, seat.fit = sides.differences(self.sides, theirs)
        if words:
            yield from self._once(f"{self.place}: node {seat.node}: {words}" + ("" if seat.fit else "; it is left out"))
        if not any(s.fit for s in self.seats.values()):
            raise UserError(f"{self.place}: no node is fit: {words}; next: install there what is here")

    def _gone(self, seat: _Seat, error: Exception) -> Iterator[Event]:
        """Its process, or its node, is gone; another takes its place once there is room."""
        del self.seats[seat.number]
        with suppress(RayError):
            ray.kill(seat.actor)  # one that can't be reached any longer may live
        why = _why(error)
        if not seat.ready:
            self.unborn += 1
            if self.unborn > UNBORN:
                missing = "No module named" in str(error)
                raise UserError(
                    f"{self.place}: workers can't be started: {why}"
                    + ("; next: install rnnbench on every node" if missing else "")
                )
        if seat.job is not None:
            yield EndEvent(seat.number, seat.job, "lost", f"that on node {seat.node}: {why}")
        self.looked = float("-inf")

    def _look(self) -> Iterator[Event]:
        """Fills the room that there is with seats, lets go of those that asked for room that is no more, and gives
        signs of life."""
        now = time.monotonic()
        if now - self.looked >= LOOK_SECONDS:
            self.looked = now
            nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
            room = sum(self._room(node) for node in nodes)
            wanted = self.jobs or room
            if not wanted and not self.begun:
                ask = " and ".join(f"{v:g} {k[4:-1].upper()}" for k, v in self.wants.items() if v)
                raise UserError(f"{self.place}: no node has {ask}; next: --cpus-per-cohort, --gpus-per-cohort, or -j")
            self.begun = True
            free = (n for n in range(len(self.seats) + wanted) if n not in self.seats)
            for number in [next(free) for _ in range(wanted - len(self.seats))]:
                self._seat(number)
            for seat in [s for s in self.seats.values() if not s.ready][: max(0, len(self.seats) - wanted)]:
                ray.kill(seat.actor)
                del self.seats[seat.number]
        for seat in self.seats.values():
            if seat.ready and not seat.calls and now - seat.asked >= BEAT_SECONDS:
                self._ask(seat, 0.0)
        if any(s.ready and s.fit for s in self.seats.values()):
            self.bare_since = None
        elif self.bare_since is None:
            self.bare_since = now
        elif now - self.bare_since > WAIT_SECONDS:
            self.bare_since = math.inf
            yield WarningEvent(-1, f"{self.place}: waiting for room: nodes are missing, or others use them")

    def _room(self, node: Mapping[str, Any]) -> int:
        """How many seats a node has room for."""
        if not node["Alive"]:
            return 0
        has = node["Resources"]
        asked = ((has.get(name, 0.0), self.wants[f"num_{name.lower()}s"]) for name in ("CPU", "GPU"))
        return min(int(there / each + 1e-9) for there, each in asked if each)

    def _seat(self, number: int) -> None:
        actor = self.actor_class.remote(number, self.made, os.getcwd(), environment.settings())
        self.seats[number] = _Seat(number, actor, calls=[actor.hello.remote()], asked=time.monotonic())

    def _once(self, text: str) -> Iterator[Event]:
        if text not in self.said:
            self.said.add(text)
            yield WarningEvent(-1, text)

    def close(self) -> None:
        """Ends every seat; of a cluster of our own, the cluster."""
        if self.closed:
            return
        self.closed = True
        with suppress(RayError):
            closing = [s.actor.close.remote() for s in self.seats.values() if s.ready]
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=CLOSE_SECONDS)
            for seat in self.seats.values():
                ray.kill(seat.actor)
        ray.shutdown()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def _why(error: Exception) -> str:
    """Why an actor is gone: what Ray says of it, without its ids."""
    text = " ".join(str(error).split())
    found = re.search(r"(?:dead because|unavailable:) (.*?)(?:\. |$)", text)
    return printable(found[1] if found else text, 300)


def _connect(address: str, folder: str, cpus: int | None) -> None:
    """Joins the cluster, or makes one."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address == "local":
        options |= {"_temp_dir": folder, "_node_ip_address": "127.0.0.1", "num_cpus": cpus, "include_dashboard": False}
        options["object_store_memory"] = 100 << 20  # configuration and results: nothing large is ever kept there
    elif address != "auto":
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise UserError(f"--address: got '{printable(address, 100)}', expected auto, local or HOST:PORT")
        try:
            socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise UserError(f"--address: '{printable(address, 100)}' can't be reached: {error}") from None
        if host.startswith("127."):
            options["_node_ip_address"] = host
    try:
        ray.init(address=address, **options)
    except Exception as error:
        raise UserError(told_of(address, error)) from None


def told_of(address: str, error: Exception) -> str:
    """Why a cluster can't be joined, in one line.

    >>> told_of("auto", ConnectionError("Could not find any running Ray instance. Please"))
    "--address: 'auto': no cluster runs here; next: ray start --head, or --address local"
    """
    text = " ".join(str(error).split())
    where = f"--address: '{printable(address, 100)}'"
    if "Could not find any running" in text:
        return f"{where}: no cluster runs here; next: ray start --head, or --address local"
    if "uthenticat" in text or "Failed to connect" in text:
        return (
            f"{where}: the cluster lets nobody in from here: it is gone, or was started with another token or none; "
            "next: RAY_AUTH_MODE and RAY_AUTH_TOKEN here as there"
        )
    if "ersion mismatch" in text:
        return f"{where}: another Python or Ray there than here: {printable(text, 300)}"
    return f"{where}: {type(error).__name__}: {printable(text, 300)}"
