"""`rnnbench validate`: whether a suite can be run, other people's code included.

What a suite names of other people's code is imported, and its modules, cells, layers and tasks are made and tried, in
a process of its own: code that hangs, ends its process or breaks it costs a line.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnbench.cli import app, common, options
from rnnbench.errors import UserError

if TYPE_CHECKING:
    from rnnbench.suite import Suite

CHILD = "from rnnbench.cli.validate import child; child()"
WHOLE = "the suite"


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
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(theirs.fileno())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()
    lost = ""
    try:
        with Connection(ours.detach()) as channel, suppress(EOFError, OSError):
            channel.send_bytes(json.dumps(request).encode())
            while not lost:
                if channel.poll(seconds):
                    yield json.loads(channel.recv_bytes())
                else:
                    lost = f"took more than {seconds:g} s; next: --timeout SECONDS, or --no-import"
    finally:
        with suppress(ProcessLookupError):
            if lost or process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0 if lost else 1)
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    yield {"lost": lost or f"ended its process with {how}"}


def child() -> None:
    """The process of its own: answers one request on the channel whose number is its argument."""
    channel = Connection(int(sys.argv[1]))
    request = json.loads(channel.recv_bytes())

    def tell(**what: Any) -> None:
        channel.send_bytes(json.dumps(what).encode())

    _import(request, tell)
    channel.close()
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
