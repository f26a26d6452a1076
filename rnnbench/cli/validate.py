"""`rnnbench validate`: whether a suite can be run, other people's code included.

What a suite names of other people's code is imported, and its modules, cells, layers and tasks are made and tried, in
a process of its own: code that hangs, ends its process or breaks it costs a line.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.suite import Suite

WHOLE = "the suite"
START_SECONDS = 30.0  # that the process may take besides, before it imports anything of other people's


@app.command()
def validate(
    suite: options.Suite,
    set: options.Set = None,
    seeds: options.Seeds = None,
    no_import: Annotated[
        bool, typer.Option("--no-import", help="Import nothing that the suite names of other people's code.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="Seconds that importing one of these may take.")
    ] = 60.0,
) -> None:
    """Check a suite wholly, with what it names of other people's code, and run nothing."""
    from rnnbench.suite.load import load

    loaded = load(suite, overrides=set or (), seeds=seeds, imports=False)
    if no_import or not loaded.unverified:
        common.say(_told(loaded.name, _counts(loaded), bool(loaded.foreign)))
        for name in loaded.unverified:
            common.say(f"unverified: {name}")
        return
    request = {"source": suite, "overrides": list(set or ()), "seeds": seeds}
    lines, counts = _imported(request, loaded.path, timeout)
    if lines or counts is None:
        raise UserError(*dict.fromkeys(lines))
    common.say(_told(loaded.name, counts, partly=False))


def _counts(suite: Suite) -> dict[str, int]:
    from rnnbench.plan import plan

    counts = {"variants": len(suite.variants), "tasks": len(suite.tasks), "seeds": len(suite.seeds)}
    return counts | {"runs": plan(suite).count}


def _told(name: str, counts: dict[str, int], partly: bool) -> str:
    if partly:
        return f"{name}: valid, as far as that shows without importing anything"
    return f"{name}: valid; " + ", ".join(
        f"{count:,} {what[: len(what) - (count == 1)]}" for what, count in counts.items()
    )


def _imported(request: dict[str, Any], file: str, seconds: float) -> tuple[list[str], dict[str, int] | None]:
    """What is wrong with what a suite names of other people's code, a line each, and how much the suite comes to; where
    the process was lost, another one goes on without what it was lost to."""
    lines: list[str] = []
    skip: list[str] = []
    while True:
        at, lost = "", ""
        for message in _child(request | {"skip": skip}, seconds):
            at, lost = message.get("at", at), message.get("lost", "")
            lines += message.get("lines", [])
            if "counts" in message:
                return lines, message["counts"]
        lines.append(f"{file}: {at}: importing it {lost}")
        if at in ("", WHOLE):
            return lines, None
        skip.append(at)


def _child(request: dict[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
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
                lost = f"took more than {seconds:g} s; next: --timeout SECONDS, or --no-import"
    except (ValueError, RecursionError):  # wire.Unsound among them
        lost = "wrote to what only rnnbench writes to"
    finally:
        process.end()
        process.wait()
    yield {"lost": lost}


def _sound(message: Any) -> dict[str, Any]:
    """A message, if it is one of `child`; ValueError if not."""
    kinds = {"at": str, "lines": list, "counts": dict}
    if not isinstance(message, dict) or any(type(value) is not kinds.get(name) for name, value in message.items()):
        raise ValueError("not a message")
    if not all(isinstance(line, str) for line in message.get("lines", ())):
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
    from rnnbench import registry
    from rnnbench.suite.load import load

    def read(imports: bool) -> Suite:
        return load(request["source"], overrides=request["overrides"], seeds=request["seeds"], imports=imports)

    suite, skip = read(imports=False), set(request["skip"])
    for name in suite.foreign:
        if name not in skip:
            tell(at=name)
            kind, _, text = name.partition(" ")
            try:
                registry.find(f"{kind}s", text)
            except UserError as error:
                if skip:
                    tell(lines=[f"{suite.path}: {line}" for line in error.lines])
    if not skip & set(suite.foreign):
        tell(at=WHOLE)
        try:
            suite = read(imports=True)
        except UserError as error:
            tell(lines=error.lines)
    _try_modules(suite, skip, tell)
    _try_layers(suite, skip, tell)
    _try_tasks(suite, skip, tell)
    tell(counts=_counts(suite))


def _try_modules(suite: Suite, skip: set[str], tell: Callable[..., None]) -> None:
    """Makes each module once for each way in which the suite uses it, and tries what it does."""
    from rnnbench.plan import plan
    from rnnbench.training.model import Model

    seen: set[str] = set()
    for ladder in plan(suite).ladders:
        name = f"module {ladder.variant.model.get('module')}"
        if "module" not in ladder.variant.model or name in skip or not ladder.rungs:
            continue
        rung = ladder.rungs[0]
        model = Model.of(rung)
        task, s = model.task, model.settings
        way = f"{rung.model_text} {task.inputs} {task.causal} {task.last} {s.hidden} {s.layers} {s.bidirectional}"
        if way in seen:
            continue
        seen.add(way)
        tell(at=name)
        why = ""
        try:
            assert model.layout.size
        except UserError as error:
            why = str(error)
        except BaseException as error:
            why = " ".join(f"{name}: {type(error).__name__}: {error}".split())
        where = f"{suite.path}: {ladder.variant.name}"
        if why and f"{where} {why}" not in seen:  # once, and not on each task
            seen.add(f"{where} {why}")
            tell(lines=[f"{where} on {ladder.task.name}: {why}"])


def _try_layers(suite: Suite, skip: set[str], tell: Callable[..., None]) -> None:
    """Tries each cell and layer of other people's with the switches and the widths that the suite gives it."""
    from rnnbench.plan import plan
    from rnnbench.training.model import Model
    from rnnbench.training.trial import trial

    seen: set[str] = set()
    for ladder in plan(suite).ladders:
        model = ladder.variant.model
        names = [f"{kind} {model[kind]}" for kind in ("cell", "layer") if kind in model]
        if not set(names) & set(suite.foreign) - skip or not ladder.rungs:
            continue
        made = Model.of(ladder.rungs[0])
        way = f"{ladder.variant.name} {made.settings.hidden} {made.task.causal}"
        if way in seen:
            continue
        seen.add(way)
        tell(at=names[0])
        why = trial(made.layer, made.settings.hidden, made.task.causal)
        line = f"{suite.path}: {ladder.variant.name}: {names[0]}: {why}"
        if why and line not in seen:  # once, and not at each width
            seen.add(line)
            tell(lines=[line])


def _try_tasks(suite: Suite, skip: set[str], tell: Callable[..., None]) -> None:
    """Asks each task of other people's for a batch of its shortest length."""
    from rnnbench import registry
    from rnnbench.training.trial import trial_of_task

    for entry in suite.tasks:
        name = f"task {entry.task['task']}"
        if name in suite.foreign and name not in skip:
            tell(at=name)
            if why := trial_of_task(registry.task(entry.task), entry.lengths[0]):
                tell(lines=[f"{suite.path}: {entry.name}: {name}: {why}"])
