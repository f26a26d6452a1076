"""Workers on a Ray cluster: the records of local ones, whatever is killed, and nothing left behind.

Here is one of our own, `--address local`. RNNBENCH_SOAK=1 tries two nodes, one of which is removed, the loss of the
head, and thousands of cohorts.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import Notes, run_through

from rnnbench.errors import Exit, UserError
from rnnbench.records import Record, dump_canonical
from rnnbench.running import executors
from rnnbench.running.driver import Outcome
from rnnbench.running.executors.local import Local
from rnnbench.running.executors.ray import Ray
from rnnbench.running.listeners import Label
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
MARK = "RNNBENCH_TEST_MARK"  # in the environment of all that a test starts, however far down
GONE_SECONDS = 5.0
soak = pytest.mark.skipif(not os.environ.get("RNNBENCH_SOAK"), reason="minutes of it: RNNBENCH_SOAK=1")


def suite(**settings: Any) -> Suite:
    small = {"hidden": 4, "batch": 2, "steps": 400, "stop": "never"}
    task = TaskEntry("adding", {"task": "adding"}, (2, 3))
    return Suite("s", (Variant("rnn", {"cell": "rnn"}),), (task,), (0, 1, 2), defaults=small | settings)


def text(seeds: int = 3, steps: int = 400, cells: str = "rnn: {cell: rnn}") -> str:
    return (
        f"rnnbench: 1\nname: s\nseeds: {seeds}\ndefaults: {{hidden: 4, batch: 2, steps: {steps}, stop: never}}\n"
        f"architectures: {{{cells}}}\ntasks: {{adding: {{lengths: [2, 3]}}}}\n"
    )


def marked(mark: str) -> dict[int, str]:
    """The processes that a test has started and that still run, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}\0".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended meanwhile, or is another's
    return {pid: command for pid, command in found.items() if pid != os.getpid() and command}


def folders() -> set[Path]:
    """What clusters of our own keep on disk."""
    return set(Path(tempfile.gettempdir()).glob("rnnbench-*"))


def soon_none(mark: str, seconds: float = GONE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while (left := marked(mark)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left


def eventually(what: Callable[[], Any], seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)
    return found


def export(where: Path) -> str:
    return dump_canonical(Store(where).records(curves=True).values())


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """All that a test starts carries it, and is ended with it."""
    name = os.urandom(8).hex()
    monkeypatch.setenv(MARK, name)
    monkeypatch.setenv("HOME", tempfile.gettempdir())  # Ray looks there for a token
    for variable in ("RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    yield name
    for pid in marked(name):
        os.kill(pid, signal.SIGKILL)


class Killing(Notes):
    """Kills whatever stands for a worker on its node, the first time that there is something to go on from."""

    def __init__(self, mark: str, where: Path) -> None:
        super().__init__()
        self.mark, self.where, self.killed = mark, where, 0

    def looked(self, *told: Any) -> None:
        seats = [pid for pid, command in marked(self.mark).items() if command.startswith("ray::Seat")]
        if not self.killed and seats and any((self.where / "checkpoints").glob("*.checkpoint")):
            for seat in seats:
                os.kill(seat, signal.SIGKILL)
            self.killed = len(seats)


@pytest.mark.thorough
def test_records_are_those_of_local_workers_though_these_are_killed(tmp_path: Path, mark: str) -> None:
    before = folders()
    killing = Killing(mark, tmp_path / "far")
    ray = Ray(2, "cpu", "reference", None, 0.0, address="local")
    assert run_through(tmp_path / "far", suite(), ray, killing, retries=0) == Outcome(6, 0, Exit.OK)
    soon_none(mark)
    assert not folders() - before
    assert not Path(tempfile.gettempdir(), ".ray").exists()  # no token is left in anybody's home
    assert killing.killed >= 1
    assert 1 <= sum("a worker is lost" in message for message in killing.messages) <= killing.killed
    run_through(tmp_path / "near", suite(), Local(2, kernels="reference"))
    assert export(tmp_path / "far") == export(tmp_path / "near")
    assert {record.attempt for record in Store(tmp_path / "far").records().values()} == {1}


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "rnnbench", "run", "s.yaml", "--kernels", "reference", *arguments]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)


def test_five_seconds_after_a_driver_was_killed_nothing_of_it_runs(tmp_path: Path, mark: str) -> None:
    before = folders()
    (tmp_path / "s.yaml").write_text(text(steps=10**6))
    driver = start(tmp_path, "--executor", "ray", "--address", "local", "-j", "2")
    eventually(lambda: "ray::Seat" in " ".join(marked(mark).values()))
    driver.kill()
    driver.wait()
    soon_none(mark)
    assert not folders() - before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"addres": "x"}, "--addres: the executor ray has no such option; it has --address, --cpus-per-cohort, "),
        ({"address": "ray://x:1"}, "--address: got 'ray://x:1', Ray's client; next: on a machine of the cluster"),
        ({"cpus_per_cohort": "many"}, "--cpus-per-cohort: got 'many', expected a value such as 1.0"),
        ({"cpus_per_cohort": 0}, "--cpus-per-cohort: got 0, expected more where a worker takes no GPU"),
        ({"gpus_per_cohort": 1.5}, "--gpus-per-cohort: got 1.5, expected a fraction of 1 or a whole number"),
        ({"gpus_per_cohort": float("nan")}, "--gpus-per-cohort: got nan, expected 0 or more"),
    ],
)
def test_options_that_are_wrong_are_one_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as refused:
        executors.device("ray", "auto", options)
    assert str(refused.value).startswith(told)
    assert len(refused.value.lines) == 1


def test_a_gpu_is_for_ray_to_choose() -> None:
    assert executors.device("ray", "auto") == "cpu"
    assert executors.device("ray", "auto", {"gpus_per_cohort": 0.25}) == "cuda:0"
    for device, options, told in (
        ("cuda", {}, "--device: cuda takes --gpus-per-cohort, such as 1, or 0.25 where four workers share a GPU"),
        ("cuda:1", {"gpus_per_cohort": 1}, "--device: got 'cuda:1', expected auto, cpu or cuda: which GPU is for Ray"),
        ("cpu", {"gpus_per_cohort": 1}, "--gpus-per-cohort: got 1, but --device cpu uses none"),
    ):
        with pytest.raises(UserError, match=f"^{told}"):
            executors.device("ray", device, options)


def test_without_ray_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else found(name))
    with pytest.raises(UserError, match=r"^--executor: ray isn't installed here; next: pip install 'rnnbench\[ray\]'$"):
        executors.named("ray")


def test_a_cluster_that_is_not_there_is_one_line(tmp_path: Path, cli: Cli, mark: str) -> None:
    (tmp_path / "s.yaml").write_text(text())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = cli("run", "s.yaml", "-q", "--executor", "ray", "--address", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"--address: '127.0.0.1:{port}' can't be reached: [Errno 111] Connection refused\n"


# What takes minutes


@pytest.fixture
def cluster(mark: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a cluster of two nodes on this machine, and the command that adds another."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", os.urandom(32).hex())
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    folder = tempfile.mkdtemp(prefix="rb-")
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--node-ip-address=127.0.0.1", "--num-cpus=1"]
    ray.append("--num-gpus=1")
    port = address.partition(":")[2]
    head = [*ray, "--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false"]
    node = [*ray, f"--address={address}"]
    try:
        for command in (head, node):
            subprocess.run(command, check=True, capture_output=True, timeout=120)
        yield address, node
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
        soon_none(mark)
        shutil.rmtree(folder, ignore_errors=True)


def of(mark: str, words: str) -> list[int]:
    return [pid for pid, command in marked(mark).items() if words in command]


def records(folder: Path) -> dict[str, Record]:
    return dict(Store(folder / "results").records())


@soak
def test_a_node_that_is_removed_costs_time_only_and_a_lost_head_3(
    tmp_path: Path, mark: str, cli: Cli, cluster: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, node = cluster
    monkeypatch.setenv("RNNBENCH_CHECKPOINT_SECONDS", "0.2")
    (tmp_path / "s.yaml").write_text(text(4, 4000, "rnn: {cell: rnn}, gru: {cell: gru}"))
    driver = start(tmp_path, "--executor", "ray", "--address", address)
    eventually(lambda: len([*(tmp_path / "results" / "checkpoints").glob("*.checkpoint")]) == 8)  # both are at work
    (second,) = of(mark, "sockets/raylet.1 ")  # the node that was added
    os.kill(second, signal.SIGKILL)
    eventually(lambda: b"a worker is lost" in (tmp_path / "log").read_bytes())
    subprocess.run(node, check=True, capture_output=True, timeout=120)  # one that joins later is used too
    eventually(lambda: len(of(mark, "ray::Seat")) == 2)
    eventually(lambda: records(tmp_path))
    (head,) = of(mark, "gcs/gcs_server ")
    os.kill(head, signal.SIGKILL)
    assert driver.wait(120) == Exit.STORE
    last = (tmp_path / "log").read_text().splitlines()[-1]
    assert last.startswith(f"ray at {address}: lost: ")
    assert last.endswith("nothing that was stored is lost: another run, here or there, goes on from it")
    eventually(lambda: not of(mark, "ray::Seat"), 90)  # nobody was left to end them
    known = len(records(tmp_path))
    assert 0 < known < 16
    done = cli("run", "s.yaml", "--kernels", "reference", timeout=600)
    assert done.returncode == 0
    assert f"{16 - known} runs trained, {known} known before" in done.stderr
    assert {record.attempt for record in records(tmp_path).values()} == {1}
    cli("run", "s.yaml", "--kernels", "reference", "-r", "whole", timeout=600)
    dumps = [cli("export", "s.yaml", "--canonical", "-r", results).stdout for results in ("results", "whole")]
    assert dumps[0] == dumps[1] != ""


@soak
def test_a_killed_driver_leaves_a_foreign_cluster_and_nothing_of_its_own_on_it(
    tmp_path: Path, mark: str, cluster: tuple[str, list[str]]
) -> None:
    address, _ = cluster
    (tmp_path / "s.yaml").write_text(text(steps=10**6))
    driver = start(tmp_path, "--executor", "ray", "--address", address)
    eventually(lambda: of(mark, "ray::Seat") and of(mark, "executors"))
    driver.kill()
    driver.wait()
    time.sleep(GONE_SECONDS)
    assert not of(mark, "ray::Seat")
    assert not of(mark, "rnnbench.running")
    assert of(mark, "gcs/gcs_server ")


@soak
def test_another_token_is_told(tmp_path: Path, cli: Cli, cluster: tuple[str, list[str]]) -> None:
    address, _ = cluster
    (tmp_path / "s.yaml").write_text(text())
    run = ("run", "s.yaml", "-q", "--executor", "ray", "--address", address)
    for env in ({"RAY_AUTH_TOKEN": "x" * 64}, {"RAY_AUTH_MODE": "disabled"}):
        done = cli(*run, env=env)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "next: RAY_AUTH_MODE and RAY_AUTH_TOKEN here as there" in done.stderr


@soak
def test_workers_share_a_gpu_by_what_they_ask_for(tmp_path: Path, cluster: tuple[str, list[str]]) -> None:
    """Each node says that it has one, which is enough for Ray; nothing is computed on it."""
    address, _ = cluster
    share = Ray(0, "cpu", "reference", None, 60.0, address=address, cpus_per_cohort=0.1, gpus_per_cohort=0.5)
    seen: set[int] = set()

    class Seeing(Notes):
        def recorded(self, record: Record, label: Label) -> None:
            super().recorded(record, label)
            seen.update(share.waiting, share.jobs)

    assert run_through(tmp_path, suite(steps=2000), share, Seeing()).exit == Exit.OK
    assert seen == {0, 1, 2, 3}
    large = Ray(0, "cpu", "reference", None, 60.0, address=address, cpus_per_cohort=2, gpus_per_cohort=1)
    with pytest.raises(UserError, match="no node has 2 CPU and 1 GPU; next: --cpus-per-cohort, --gpus-per-cohort"):
        run_through(tmp_path / "none", suite(), large)


NOTHING = """
import sys
if any("executors" in a and "worker" in a for a in sys.orig_argv):
    from rnnbench.records import Record
    from rnnbench.training import trainer
    trainer.Trainer.warm = lambda self, run: None
    trainer.Trainer.train = lambda self, runs, *rest, **more: (Record(r, "solved", 1.0, steps=1) for r in runs)
"""


@soak
@pytest.mark.parametrize("executor", ["local", "ray"])
def test_thousands_of_cohorts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In which nothing is trained: what is measured and printed is the way there and back."""
    (tmp_path / "sitecustomize.py").write_text(NOTHING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    task = TaskEntry("adding", {"task": "adding"}, tuple(range(2, 12)))
    variants = tuple(Variant(f"rnn-{n}", {"cell": "rnn"}, {"hidden": n}) for n in range(1, 1001))
    many = Suite("many", variants, (task,), (0,), prune=False)
    made: Any = Local(2, kernels="reference")
    if executor == "ray":
        made = Ray(2, "cpu", "reference", None, 60.0, address="local")
    began = time.monotonic()
    outcome = run_through(tmp_path / "results", many, made)
    seconds = time.monotonic() - began
    driver = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    with capsys.disabled():
        print(f"\n{executor}: {outcome.trained} runs, {1000 * seconds / outcome.trained:.1f} s per 1,000; {driver} MiB")
    assert outcome.trained == 10_000
