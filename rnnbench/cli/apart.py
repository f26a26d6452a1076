"""Other people's code, tried in a process of its own before this one imports it: code that hangs, ends its process or
breaks it costs a line."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.suite import Suite

WHOLE = "the suite"
START_SECONDS = 30.0  # that the process may take besides, before it imports anything of other people's
IMPORT_SECONDS = 300.0  # that one import may take where nobody says
CURE = "next: rnnbench validate SUITE, which takes --timeout SECONDS"


def load(source: str, overrides: Sequence[str], seeds: str | None) -> Suite:
    """A suite for a command that trains: what it names of other people's code has been imported, and a plan been made
    of it, in a process of its own before."""
    from rnnbench import api

    found, error = unimported(source, overrides, seeds)
    if not found.foreign:
        if error is not None:
            raise error
        return found
    request = {"source": source, "overrides": list(overrides), "seeds": seeds, "try": False}
    imported(request, found.path, IMPORT_SECONDS, CURE)
    return api.load(source, overrides, seeds)


def unimported(source: str, overrides: Sequence[str], seeds: str | None) -> tuple[Suite, UserError | None]:
    """What there is of a suite without what it names of other people's code, and the faults of the rest. UserError
    where nothing of it can be known."""
    from rnnbench.suite.load import attempt
    from rnnbench.suite.reader import nothing

    suite, error = attempt(source, overrides, seeds, nothing)
    if suite is None:
        raise error or AssertionError("no suite without a fault")
    return suite, error


def counts(suite: Suite) -> dict[str, int]:
    """How much a suite comes to."""
    from rnnbench.plan import plan

    found = {"variants": len(suite.variants), "tasks": len(suite.tasks), "seeds": len(suite.seeds)}
    return found | {"runs": plan(suite).count}


def imported(request: dict[str, Any], file: str, seconds: float, cure: str) -> dict[str, int]:
    """How much a suite comes to; UserError with all that is wrong with it and with other people's code that it names, a
    line each. Where the process was lost, another one goes on without what it was lost to."""
    lines: list[str] = []
    below: dict[str, list[str]] = {}
    skip: list[str] = []
    while True:
        at, lost = "", ""
        for message in _child(request | {"skip": skip}, seconds, cure):
            at, lost = message.get("at", at), message.get("lost", "")
            lines += message.get("lines", [])
            below |= message.get("below", {})
            if "counts" in message:
                if lines:
                    raise UserError(*dict.fromkeys(lines), below=below)
                counted: dict[str, int] = message["counts"]
                return counted
        lines.append(f"{file}: {at}: importing it {lost}")
        if at in ("", WHOLE):
            raise UserError(*dict.fromkeys(lines), below=below)
        skip.append(at)


def _child(request: dict[str, Any], seconds: float, cure: str) -> Iterator[dict[str, Any]]:
    """What a process tells that imports; at last how it was lost, where it was."""
    from rnnbench.running.executors import wire
    from rnnbench.running.executors.processes import Process, program

    process, frames, token = Process(program(child)), wire.Frames(), secrets.token_bytes(wire.TOKEN_BYTES)
    lost, ends = "", time.monotonic() + START_SECONDS + seconds
    try:
        process.channel.send(wire.frame(token, request))
        while not lost:
            process.read(max(0.0, ends - time.monotonic()))
            how = process.ended()
            for whose, text, _ in frames.feed(process.heard()):
                if whose == token:
                    ends = time.monotonic() + seconds
                    yield _sound(json.loads(text))
            if how is not None:
                lost = f"lost its process, which {how}"
            elif time.monotonic() >= ends:
                lost = f"took more than {seconds:g} s; {cure}"
    except (ValueError, RecursionError):  # wire.Unsound among them
        lost = "wrote to what only rnnbench writes to"
    finally:
        process.end()
        process.wait()
    yield {"lost": lost}


def _sound(message: Any) -> dict[str, Any]:
    """A message, if it is one of `child`; ValueError if not."""
    kinds = {"at": str, "lines": list, "below": dict, "counts": dict}
    if not isinstance(message, dict) or any(type(value) is not kinds.get(name) for name, value in message.items()):
        raise ValueError("not a message")
    told = [message.get("lines", ()), *message.get("below", {}).values()]
    if not all(isinstance(each, list | tuple) and all(isinstance(line, str) for line in each) for each in told):
        raise ValueError("not a message")
    if not all(type(count) is int for count in message.get("counts", {}).values()):
        raise ValueError("not a message")
    return message


def child(number: int) -> None:
    """The process of its own: answers one request on the channel of that number."""
    from rnnbench.running.executors.worker import Channel

    channel = Channel(number)
    while not (received := channel.receive()):
        pass
    ((request, channel.token, _),) = received
    _import(request, lambda **what: channel.send(what))
    os._exit(0)  # no thread or exit handler of anybody's keeps it


def _import(request: dict[str, Any], tell: Callable[..., None]) -> None:
    from rnnbench import process, registry
    from rnnbench.cli import trying
    from rnnbench.suite.load import Attempt, attempt
    from rnnbench.suite.reader import nothing

    skip = set(request["skip"])

    def read(imports: Callable[[str], bool]) -> Attempt:
        with process.unchanged():  # a folder that an import leaves is where the suite is looked for
            return attempt(request["source"], request["overrides"], request["seeds"], imports)

    suite, error = read(nothing)
    for name in suite.foreign if suite else ():
        if name not in skip:
            tell(at=name)
            kind, _, text = name.partition(" ")
            with process.unchanged(), suppress(UserError):  # which is told below, at the place that names it
                registry.find(f"{kind}s", text)
    tell(at=WHOLE)
    suite, error = read(lambda name: name not in skip)
    if error is not None:
        tell(lines=list(error.lines), below={line: list(each) for line, each in error.below.items()})
    if suite is not None and request["try"]:
        trying.modules(suite, skip, tell)
        trying.layers(suite, skip, tell)
        trying.tasks(suite, skip, tell)
    tell(counts=counts(suite) if suite is not None and error is None else {})
