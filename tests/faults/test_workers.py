"""What a worker may do: other people's code that misbehaves costs its own runs, whatever it does, and nobody else."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnbench.records import Record
from rnnbench.store import Store
from rnnbench.text import raised

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
HEAD = "rnnbench: 1\nname: evil\nseeds: 1\ndefaults: {hidden: 4, batch: 4, steps: 100, stop: never}\n"
NEIGHBOURS = ["rnn: {cell: rnn}", "mgu: {cell: mgu}", "good: {module: evil.Good}"]
ADDING = "tasks: {adding: {lengths: [3]}}\n"
COPY = "tasks: {copy: {items: 2, lengths: [3]}}\n"
BOTH = "tasks: {adding: {lengths: [3]}, copy: {items: 2, lengths: [3]}}\n"
MARK = b"4242"  # in the command line of what would be left

# What each module comes to, and what is told of it.
FAILED = {
    "Exits": ("failed", "SystemExit: 0"),
    "Interrupts": ("failed", "KeyboardInterrupt"),
    "OsExit": ("crashed", "ended with exit code 0"),
    "Killed": ("crashed", "killed by signal SIGKILL (out of memory?)"),
    "Segfault": ("crashed", "killed by signal SIGSEGV"),
    "Memory": ("failed", "MemoryError"),
    "Surrogate": ("failed", "half \\udc80 and \\x1b[31m red \\u202e back"),
    "HugeError": ("failed", "RuntimeError: xxx"),
    "ManyLines": ("failed", "RuntimeError"),
    "NoText": ("failed", "its text can't be made: SystemExit"),
    "Deep": ("failed", "RecursionError"),
    "ChildHolds": ("crashed", "killed by signal SIGKILL"),
    "ChannelGarbage": ("crashed", "bytes on its channel that are no message"),
    "ChannelJson": ("crashed", "bytes on its channel that are no message"),
    "ChannelForged": (
        "crashed",
        "worker sent what no worker sends: id: got '000000000000000000000000', expected that of one",
    ),
    "Closes": ("crashed", "without a result"),
    "Floods": ("failed", "said enough"),
    "KeeperLeaves": ("crashed", "was lost with its keeper"),
    "GuardLeaves": ("crashed", "was lost with its keeper"),
    "Refused": ("failed", "TypeError: not for anybody"),
}
FINE = ["ForkReturn", "ForkThrough", "ForkInThread", "LibcFork", "Multiprocessing", "Daemon", "ClosesStandard", "Warns",
        "Torch", "Settings", "Patches"]  # fmt: skip
HANGING = {"Hangs": "timeout", "Stops": "timeout", "StopsKeeper": "timeout", "ChannelShut": "crashed"}


def environment(**more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")}
    return clean | {"PYTHONPATH": f"{ROOT}:{HERE}"} | more


def suite(where: Path, names: list[str], tasks: str = ADDING) -> Path:
    """A suite of misbehaving modules, each before sound neighbours."""
    where.mkdir(parents=True, exist_ok=True)
    entries = [*(f"{name}: {{module: evil.{name}}}" for name in names), *NEIGHBOURS]
    path = where / "evil.yaml"
    path.write_text(HEAD + "architectures:\n" + "".join(f"  {entry}\n" for entry in entries) + tasks)
    return path


def run(path: Path, *options: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rnnbench", "run", path.name, "-j", "2", "--retries", "0", *options]
    return subprocess.run(
        command, cwd=path.parent, env=environment(), capture_output=True, text=True, timeout=seconds, check=False
    )


def records(where: Path) -> dict[str, Record]:
    """By the name of the module or the cell, and the task."""
    found = Store(where / "results").records(curves=True).values()
    return {f"{_name(r.run.rung.model)} {r.run.rung.task['task']}": r for r in found}


def _name(model: dict[str, str]) -> str:
    return (model.get("module") or model["cell"]).removeprefix("evil.")


def sound(found: dict[str, Record]) -> dict[str, str]:
    """The results of the neighbours."""
    return {name: json.dumps(r.results()) for name, r in found.items() if name.split()[0] in ("rnn", "mgu", "Good")}


def left() -> list[bytes]:
    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if os.access(p, os.R_OK)]
    return [c for c in commands if MARK in c]


def none_left(seconds: float = 5) -> bool:
    ends = time.monotonic() + seconds
    while left() and time.monotonic() < ends:
        time.sleep(0.1)
    return not left()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The neighbours' results where nobody misbehaves."""
    path = suite(tmp_path_factory.mktemp("alone"), [], BOTH)
    ended = run(path)
    assert ended.returncode == 0, ended.stderr
    return sound(records(path.parent))


def test_what_breaks_breaks_alone(tmp_path: Path, alone: dict[str, str]) -> None:
    path = suite(tmp_path, list(FAILED))
    ended = run(path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Traceback" not in ended.stderr
    assert not set(ended.stderr) & {"\x1b", "\u202e", "\udc80"}
    found = records(tmp_path)
    for name, (status, told) in FAILED.items():
        record = found[f"{name} adding"]
        assert (name, record.status) == (name, status)
        assert told in (record.error or ""), name
        assert len(record.error or "") < 50_000
        assert ended.stderr.count(f"{name} adding 3 seed 0") == 1  # told once
    assert sound(found) == {name: result for name, result in alone.items() if "adding" in name}
    assert none_left()


@pytest.mark.thorough
def test_what_changes_the_whole_process_changes_no_neighbour(tmp_path: Path, alone: dict[str, str]) -> None:
    path = suite(tmp_path, FINE, COPY)
    ended = run(path)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    found = records(tmp_path)
    broken = {name: raised(r.error or "").partition(" (")[0] for name, r in found.items() if not r.finished}
    assert broken == {"Patches copy": "RuntimeError: patched"}
    assert len(found) == len(FINE) + len(NEIGHBOURS)
    assert all(r.attempt == 1 for r in found.values())
    assert sound(found) == {name: result for name, result in alone.items() if "copy" in name}
    told = [line for line in ended.stderr.splitlines() if " of its whole process" in line]
    changed = {re.findall(r"{module: ([\w.]+)", line)[0]: line for line in told}  # as a suite has it
    for name, what in {
        "Settings": ("the current directory", "the umask", "the environment", "numpy's settings", "warnings' filters",
                     "Python's limits", "sys.path", "signal handlers", "resource limits", "threads that are left"),
        "Patches": ("functions of modules",),
        "Daemon": ("processes that are left",),
        "ClosesStandard": ("standard streams",),
    }.items():  # fmt: skip
        assert all(each in changed[f"evil.{name}"] for each in what), name
    assert len(changed) == len(told)  # each once
    assert "evil.Multiprocessing" not in changed
    assert 1 <= ended.stderr.count("UserWarning: number") <= 40
    assert none_left()


@pytest.mark.thorough
def test_what_hangs_is_ended(tmp_path: Path) -> None:
    path = suite(tmp_path, list(HANGING))
    ended = run(path, "--timeout", "5", "-k", " or ".join(HANGING))
    assert ended.returncode == 1
    found = records(tmp_path)
    assert {name.split()[0]: r.status for name, r in found.items()} == HANGING
    assert none_left()


def test_a_driver_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    path = suite(tmp_path, ["DaemonHangs"])
    command = [sys.executable, "-m", "rnnbench", "run", path.name, "-j", "2", "-k", "DaemonHangs"]
    driver = subprocess.Popen(command, cwd=tmp_path, env=environment(EVIL="4242"), stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + 100
        while not left() and time.monotonic() < ends:
            time.sleep(0.1)
        assert len(marked(b"EVIL=4242")) == 5  # the driver, a guard, a keeper, its worker and the daemon
    finally:
        driver.kill()
        driver.wait()
    ends = time.monotonic() + 5
    while marked(b"EVIL=4242") and time.monotonic() < ends:
        time.sleep(0.1)
    assert not marked(b"EVIL=4242")
    assert none_left(0)


def marked(variable: bytes) -> list[str]:
    """The processes that have a variable in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if variable in place.read_bytes().split(b"\0"):
                found.append(place.parent.name)
        except OSError:
            continue  # gone, or another user's
    return found


def test_a_mistake_is_told_once_and_not_tried_again(tmp_path: Path) -> None:
    path = suite(tmp_path, [], "tasks: {adding: {lengths: [2, 3, 4]}, copy: {items: 2, lengths: [2, 3]}}\n")
    path.write_text(path.read_text().replace("evil.Good", "evil.Absent").replace("seeds: 1", "seeds: 6"))
    command = [sys.executable, "-m", "rnnbench", "run", path.name, "-j", "1", "-k", "good", "--retries", "3"]
    for options in ([], ["-q", "--rerun", "failed"]):
        ended = subprocess.run([*command, *options], cwd=tmp_path, env=environment(), capture_output=True, text=True,
                               timeout=200, check=False)  # fmt: skip
        assert ended.returncode == 1
        assert ended.stderr.count("has no attribute 'Absent'") in (1, 2)  # the first, and at the end how often
        assert "Traceback" not in ended.stderr
        assert "nothing to do" not in ended.stderr
        assert len(ended.stderr.splitlines()) < 8
    assert {r.attempt for r in records(tmp_path).values()} == {2}


def test_files_of_the_library_s_names_in_the_current_directory_harm_nothing(tmp_path: Path) -> None:
    for name in ("copy", "queue", "json", "typing_extensions", "torch", "numpy", "typer", "select", "signal"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not meant')\n")
    (tmp_path / "mine.py").write_text("from evil import Good\n")
    path = suite(tmp_path, [])
    path.write_text(path.read_text().replace("evil.Good", "mine.Good"))
    ended = run(path)
    assert ended.returncode == 0, ended.stderr


def test_a_current_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; {sys.executable} -m rnnbench run quick"
    ended = subprocess.run(["sh", "-c", script], env=environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "the current directory: No such file or directory; next: cd to one that exists\n"


SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_while_the_command_is_imported_ends_it_without_a_word(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    (tmp_path / "typer.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-P", "-m", "rnnbench", "list"]
    process = subprocess.Popen(
        command, env=environment(PYTHONPATH=f"{tmp_path}:{ROOT}"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"importing\n"
    process.send_signal(number)
    assert process.communicate(timeout=30) == (b"", b"")
    assert process.returncode == code


@pytest.mark.parametrize(("ignored", "code"), [("", 129), ("HUP", 143)])
def test_a_hang_up_is_heeded_unless_it_is_ignored(ignored: str, code: int, tmp_path: Path) -> None:
    path = suite(tmp_path, ["Hangs"])
    path.write_text(path.read_text().replace("evil.Hangs", "evil.Good").replace("steps: 100", "steps: 1000000"))
    trap = f"trap '' {ignored}; " if ignored else ""
    script = f"{trap}exec {sys.executable} -m rnnbench run {path.name} -j 1 -k Hangs"
    process = subprocess.Popen(
        ["sh", "-c", script], cwd=tmp_path, env=environment(RNNBENCH_CHECKPOINT_SECONDS="0"), stderr=subprocess.PIPE
    )
    ends = time.monotonic() + 100
    while not list(tmp_path.glob("results/checkpoints/*.checkpoint")) and time.monotonic() < ends:
        time.sleep(0.1)
    process.send_signal(signal.SIGHUP)
    if ignored:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in told
    assert list(tmp_path.glob("results/checkpoints/*.checkpoint"))


Shell = Callable[..., subprocess.CompletedProcess[str]]


def test_from_any_thread_of_a_program_that_has_children_of_its_own(tmp_path: Path) -> None:
    suite(tmp_path, [])
    (tmp_path / "host.py").write_text(
        "import subprocess, threading, rnnbench\n"
        "own = subprocess.Popen(['sh', '-c', 'sleep 1; exit 7'])\n"
        "found = []\n"
        "thread = threading.Thread(target=lambda: found.append(rnnbench.run('evil.yaml', filter='good').runs()))\n"
        "thread.start(); thread.join()\n"
        "print(len(found[0]), set(found[0]['status']) <= {'solved', 'unsolved'}, own.wait())\n"
    )
    ended = subprocess.run([sys.executable, "host.py"], cwd=tmp_path, env=environment(), capture_output=True, text=True,
                           timeout=200, check=False)  # fmt: skip
    assert ended.stdout == "1 True 7\n", ended.stderr
