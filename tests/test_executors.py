"""Executors are found by their names, and `run --executor` takes one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnbench import api
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.running import executors
from rnnbench.running.executors.local import Local
from rnnbench.running.listeners import Silent
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant

SUITE = Suite("s", (Variant("rnn", {"cell": "rnn"}),), (TaskEntry("adding", {"task": "adding"}, (2,)),), (0,))


def test_an_executor_is_found_by_its_name() -> None:
    assert executors.named("local") is Local
    with pytest.raises(UserError, match=r"^--executor: got 'loca', expected an executor; did you mean 'local'\?$"):
        executors.named("loca")


def test_a_run_takes_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Reached(Exception):
        """Ends the drive."""

    class Nowhere:
        def __init__(self, *given: object) -> None:
            raise Reached(*given[:3])

    monkeypatch.setattr(executors, "named", lambda name, options=None: {"nowhere": Nowhere}[name])
    with pytest.raises(Reached) as reached:
        api.run_plan(plan(SUITE), Store(tmp_path), Silent(), 3, device="cpu", kernels="auto", executor="nowhere")
    assert reached.value.args == (3, "cpu", "auto")


def test_a_wrong_name_is_told_before_anything_is_trained(
    cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "s.yaml").write_text(
        "rnnbench: 1\nname: s\nseeds: 1\narchitectures: {rnn: {cell: rnn}}\ntasks: {adding: {lengths: [2]}}\n"
    )
    ended = cli("run", "s.yaml", "--executor", "loca")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "--executor: got 'loca', expected an executor; did you mean 'local'?\n"
