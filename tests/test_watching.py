"""`report --watch`: drawn again when the store changed, on a screen of its own, until the run is done or Ctrl-C."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path

import pytest
import typer
from fakes import Fake, run_through

from rnnbench.cli import watching
from rnnbench.cli.watching import FIRST, OTHER, Drawn
from rnnbench.errors import Exit, UserError
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
SUITE = Suite("s", (Variant("lstm", {"cell": "lstm"}),), (TaskEntry("adding", {"task": "adding"}, (10, 20)),), (0, 1))
SIZE = os.terminal_size((40, 5))


class Terminal(io.StringIO):
    """What is written, and in how many writes."""

    writes = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    found = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: SIZE)
    monkeypatch.setattr(watching, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(watching, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(watching, "SHARE", 0)
    return found


def watch(terminal: Terminal, draw: Callable[[int, bool], Drawn], store: Store) -> None:
    with redirect_stdout(terminal):
        watching.watch(draw, store)


def test_it_is_drawn_until_nothing_is_left(tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    store, asked = Store(tmp_path), list[tuple[int, bool]]()
    script: list[Drawn | UserError] = [
        UserError("no suite ran here yet\x1b[2J", code=Exit.NOTHING_SELECTED),
        Drawn("one\ntwo\nthree\nfour\nfive", 2, 0),
        UserError("locked", code=Exit.STORE),
        Drawn("all\n", 0, 0),
    ]

    def draw(width: int, color: bool) -> Drawn:
        asked.append((width, color))
        found = script.pop(0)
        if isinstance(found, UserError):
            raise found
        return found

    monkeypatch.setattr(time, "sleep", lambda _: store.path.write_text("x" * len(asked)))  # something changes
    watch(terminal, draw, store)
    assert not script
    assert {width for width, _ in asked} == {40}
    text = terminal.getvalue()
    assert text.startswith(OTHER)
    assert text.endswith(FIRST + "all\n")
    frames = text.removeprefix(OTHER).split(FIRST)[0].split(watching.BEGIN)[1:]
    assert len(frames) == 4
    assert terminal.writes == 2 + len(frames) + 1  # a frame is one write
    shown = [frame.replace(watching.ERASE, "").replace(watching.BELOW, "") for frame in frames]
    assert "waiting: no suite ran here yet\\x1b[2J" in shown[0]
    assert "one\r\ntwo\r\nthree\r\nfour\r\n" in shown[1]
    assert "five" not in shown[1]
    assert "one\r\ntwo" in shown[2]  # the last that there was, and why there is no other
    assert "waiting: locked" in shown[2]


def test_nothing_is_drawn_again_that_did_not_change(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 50:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(time, "sleep", sleep)
    drawings: list[int] = []

    def draw(width: int, color: bool) -> Drawn:
        drawings.append(width)
        return Drawn("some", 3, 0)

    with pytest.raises(typer.Exit) as ended:
        watch(terminal, draw, Store(tmp_path))
    assert ended.value.exit_code == Exit.INTERRUPTED
    assert drawings == [40]
    assert terminal.getvalue().endswith(FIRST + "some\n")


def test_what_broke_may_be_tried_again_while_a_run_is_under_way(tmp_path: Path, terminal: Terminal) -> None:
    store, held = Store(tmp_path), list[bool]()

    def draw(width: int, color: bool) -> Drawn:
        return Drawn("x", 0, 1)

    class Holding(Store):
        def held(self) -> bool:
            held.append(super().held())
            if len(held) == 3:
                writing.__exit__(None, None, None)
            return held[-1]

    writing = store.writing()
    writing.__enter__()
    watch(terminal, draw, Holding(tmp_path))
    assert held == [True, True, True, False]


def test_who_holds_a_store_is_read_off_its_lock(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert not store.held()
    with store.writing():
        assert store.held()
    assert not store.held()
    for text in (
        f"process 999999999 on {os.uname().nodename}\n",
        f"process {os.getpid()} on elsewhere\n",
        "process",
        "\0",
    ):
        (tmp_path / "lock").write_text(text)
        assert not store.held()
    (tmp_path / "lock").write_text(f"process 1 on {os.uname().nodename}\n")
    assert store.held()
    (tmp_path / "lock").unlink()
    os.mkfifo(tmp_path / "lock")
    assert not store.held()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "--watch: stdout is no terminal that can be drawn on again; next: "),
        (["-o", "x.html"], "--watch: got it beside -o, expected a table for a terminal"),
        (["--format", "csv"], "--watch: got it beside --format csv, expected"),
        (["--from", "x.jsonl"], "--watch: got it beside --from, expected"),
    ],
)
def test_where_it_makes_no_sense(cli: Cli, options: list[str], told: str) -> None:
    done = cli("report", "--watch", *options)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1


def test_in_a_terminal(tmp_path: Path) -> None:
    """The real command: it waits for a suite, is told of a store that comes, goes and comes again, and ends with it."""
    outside, inside = pty.openpty()  # which says that it has no lines and no columns, as some do
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("RNNBENCH_", "COLUMNS"))} | {"TERM": "xterm"}
    command = [sys.executable, "-m", "rnnbench", "report", "--watch"]
    heard = b""

    def until(text: bytes) -> None:
        nonlocal heard
        deadline = time.monotonic() + 100
        while text not in heard:
            assert time.monotonic() < deadline, heard
            if select.select([outside], [], [], 0.2)[0]:
                heard += os.read(outside, 1 << 16)

    started = subprocess.Popen(command, cwd=tmp_path, env=clean, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    try:
        until(b"waiting: results: no suite ran here yet")
        drive(tmp_path, most=2)
        until(b"2 solved, 2 to do")
        (tmp_path / "results" / "records.sqlite").unlink()
        heard = b""
        until(b"waiting: results: no suite ran here yet")
        drive(tmp_path, most=4)
        until(FIRST.encode())
        with suppress(OSError):  # the end of it
            while True:
                heard += os.read(outside, 1 << 16)
        assert started.wait(60) == 0
    finally:
        started.kill()
        started.wait()
        os.close(outside)
    assert b"4 solved" in heard.split(FIRST.encode())[1]
    assert b"Traceback" not in heard


def drive(where: Path, most: int) -> None:
    """Trains so many runs of a suite that the store then knows."""
    store = Store(where / "results")
    with store.writing():
        store.remember(SUITE.as_dict())
    run_through(where / "results", SUITE, Fake(lambda run: "solved", most=most))
