"""A file of a user's own that does things when it is imported: what trains is not harmed by reading a suite."""

from __future__ import annotations

import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from rnnbench import process
from rnnbench.cli import apart
from rnnbench.errors import UserError
from rnnbench.store import Store

CELL = """
from dataclasses import dataclass
from rnnbench import cells

@dataclass(frozen=True)
class Cell(cells.Cell):
    def shapes(self, I, H):
        return {"W": (I, H)}

    def step(self, p, x, state):
        (h,) = state
        h = x @ p["W"] + 0.5 * h
        return h, (h,)
"""
SUITE = (
    "rnnbench: 1\nname: s\nseeds: 1\ndefaults: {hidden: 2, batch: 2, steps: 2}\n"
    "architectures: {own: {cell: ./mine.py}, rnn: {cell: rnn}}\ntasks: {adding: {lengths: [3]}}\n"
)
EVERYTHING = """
import atexit, locale, os, signal, sys, threading, time, warnings
import numpy as np
os.write(1, b"no data\\n")
print("no data either")
os.chdir("/")
os.umask(0)
os.environ.update(OMP_NUM_THREADS="7", NUMBA_CPU_NAME="generic", RNNBENCH_CHECKPOINT_SECONDS="garbage", HOME="/nowhere")
np.seterr(all="raise")
warnings.simplefilter("error")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
sys.setrecursionlimit(900)
sys.excepthook, sys.stdout = print, None
os.close(1)
os.close(2)
threading.Thread(target=time.sleep, args=(4242,)).start()
atexit.register(time.sleep, 4242)
"""


def suite(where: Path, code: str) -> str:
    (where / "mine.py").write_text(CELL + code)
    (where / "s.yaml").write_text(SUITE)
    return str(where / "s.yaml")


def test_what_an_import_changes_of_the_process_changes_nothing_of_a_run(
    cli: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    suite(tmp_path, EVERYTHING)
    ended = cli("run", "s.yaml", "-j", "1", "--kernels", "reference")  # which compiles nothing
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    assert "Traceback" not in ended.stderr
    found = Store(tmp_path / "results").records().values()
    assert sorted(r.status for r in found) == ["unsolved", "unsolved"]
    assert (tmp_path / "results" / "lock").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os\nos._exit(0)\n", "lost its process, which ended with exit code 0"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "lost its process, which was killed by signal"),
        ("raise KeyboardInterrupt\n", "lost its process, which was killed by signal SIGINT"),
        ("import time\ntime.sleep(4242)\n", "took more than 0.5 s; next: rnnbench validate SUITE, which takes --time"),
    ],
    ids=("exits", "killed", "interrupts", "hangs"),
)
def test_what_ends_its_process_costs_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    monkeypatch.setattr(apart, "IMPORT_SECONDS", 0.5)
    path = suite(tmp_path, code)
    with pytest.raises(UserError) as refused:
        apart.load(path, (), None)
    (line,) = refused.value.lines
    assert line.startswith(f"{path}: cell ./mine.py: importing it {told}")


def test_what_cannot_be_imported_is_told_where_it_is_named(tmp_path: Path) -> None:
    path = suite(tmp_path, "import nosuch\n")
    with pytest.raises(UserError) as refused:
        apart.load(path, (), None)
    (line,) = refused.value.lines
    assert line.startswith(f"{path}:5:29: architectures.own.cell: got './mine.py': can't be imported: ModuleNotFound")


def test_all_of_it_is_put_back(tmp_path: Path) -> None:
    def asked() -> list[object]:
        numbers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
        mask = os.umask(0o077)
        os.umask(mask)
        return [
            os.getcwd(), mask, dict(os.environ), numbers, np.geterr(), list(warnings.filters), warnings.showwarning,
            sys.getrecursionlimit(), sys.excepthook, sys.stdout, threading.excepthook, locale.setlocale(locale.LC_ALL),
            signal.getitimer(signal.ITIMER_REAL)[1], [os.fstat(n).st_ino for n in range(3)],
            signal.pthread_sigmask(signal.SIG_BLOCK, ()), len(os.listdir("/proc/self/fd")),
        ]  # fmt: skip

    before = asked()
    with process.unchanged():
        os.chdir(tmp_path)
        os.umask(0)
        os.environ["NUMBA_CPU_NAME"] = "generic"
        np.seterr(all="raise")
        warnings.simplefilter("error")
        warnings.showwarning = print  # type: ignore[assignment]
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 1000, 1000)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        sys.setrecursionlimit(sys.getrecursionlimit() + 1)
        sys.excepthook, sys.stdout = print, sys.stderr
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.close(1)
    after = asked()
    after[-1] = int(str(after[-1])) - 1  # the one that was opened above
    assert after == before


def test_it_is_put_back_where_the_import_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()

    def importing() -> None:
        with process.unchanged():
            os.chdir("sub")
            raise KeyError

    with pytest.raises(KeyError):
        importing()
    assert Path.cwd() == tmp_path
