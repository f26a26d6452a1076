"""Breaks planted in a copy of the package, one at a time, in what decides rather than computes: the plan, the driver,
the store, effects, decisions, the logic of `check`. The tests named beside each must see it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    seen_by: str  # the file of tests


MUTANTS = [
    Mutant("patience one rung short", "plan/ladders.py", "failures >= PATIENCE", "failures >= PATIENCE - 1", "plan"),
    Mutant("failures that add up", "plan/ladders.py", "0 if rung.solved else failures + 1",
           "failures if rung.solved else failures + 1", "plan"),
    Mutant("a half that isn't enough", "plan/ladders.py", "if 2 * solved >= self.asked:",
           "if 2 * solved > self.asked:", "effects"),
    Mutant("no barrier", "plan/ladders.py", "(k for k, s in enumerate(self.steps) if s.state == \"open\"), None)",
           "(k for k, s in reversed(list(enumerate(self.steps))) if s.state == \"open\"), None)", "plan"),
    Mutant("told by a run that spent its steps", "plan/budgets.py", "record.steps < steps(record.run.rung)",
           "record.steps <= steps(record.run.rung)", "budgets"),
    Mutant("told by a run whose rate was another", "plan/budgets.py", "return constant and", "return", "budgets"),
    Mutant("told by what diverged", "plan/budgets.py", "(\"solved\", \"unsolved\")",
           "(\"solved\", \"unsolved\", \"diverged\")", "budgets"),
    Mutant("what is told comes before its own", "plan/budgets.py", "(own is None or not own.finished) else own",
           "True else own", "budgets"),
    Mutant("more steps don't wait for fewer", "plan/ladders.py",
           "or any(shorter.steps[k].state == \"open\" for shorter in fewer)", "", "budgets"),
    Mutant("a search that goes up too fast", "plan/bisect.py", "2 * low + 1)", "3 * low + 3)", "bisect"),
    Mutant("a search that takes failed for solved", "plan/bisect.py",
           "(k + 1, high) if record.status == \"solved\"",
           "(k + 1, high) if record.status != \"solved\"", "bisect"),
    Mutant("a search that goes on after a break", "plan/bisect.py", "if not record.finished:", "if False:", "bisect"),
    Mutant("a rung between taken for implied", "plan/bisect.py", "self.low <= rung < self.high", "False", "bisect"),
    Mutant("what is told counts as work", "plan/cost.py", "rung.asked - rung.tally.derived", "rung.asked", "budgets"),
    Mutant("pruned work that is counted", "plan/cost.py", "if rung.state != \"pruned\":", "if True:", "plan"),
    Mutant("a way to the top without its rungs", "plan/cost.py",
           "dropwhile(lambda s: s.rung.key != rung.rung.key, climb.steps)", "[rung]", "driver"),
    Mutant("every run sent alone", "running/driver.py", "return min(STACK, same if", "return min(1, same if",
           "orchestration"),
    Mutant("nothing is shared out", "running/driver.py", "same if self.ready.shapes() >= idle else -(-same // idle)",
           "same", "orchestration"),
    Mutant("all is shared out", "running/driver.py", "same if self.ready.shapes() >= idle else -(-same // idle)",
           "-(-same // idle)", "orchestration"),
    Mutant("a cohort without a limit", "running/driver.py", "return min(STACK, same", "return min(10**6, same",
           "orchestration"),
    Mutant("what a worker will do misjudged", "running/driver.py", "self.executor.device, self.executor.kernels",
           "\"cpu\", \"auto\"", "driver"),
    Mutant("in company again after a break", "running/driver.py", "running.priority, solo)", "running.priority)",
           "orchestration"),
    Mutant("a neighbour's break is an attempt", "running/driver.py", "if len(event.job.runs) > 1:",
           "if len(event.job.runs) > 10**6:", "orchestration"),
    Mutant("one retry too many", "running/driver.py", "self.attempts[run.id] <= self.retries",
           "self.attempts[run.id] <= self.retries + 1", "orchestration"),
    Mutant("late words that count", "running/driver.py", "if running is None or running.worker != event.worker:",
           "if running is None:", "orchestration"),
    Mutant("tried again though asked to stop", "running/driver.py", "if not unfinished or self.asked.signal:",
           "if not unfinished:", "orchestration"),
    Mutant("a second signal that is not heard", "interrupts.py", "raise KeyboardInterrupt", "pass",
           "orchestration"),
    Mutant("fail-fast that goes on", "running/driver.py", "self.gave_up |= not record.finished",
           "self.gave_up |= False", "orchestration"),
    Mutant("broken runs that end well", "running/driver.py", "Exit.FAILED if self._broken() else Exit.OK",
           "Exit.OK", "orchestration"),
    Mutant("the shortest way first", "running/ready.py", "= -priority, next", "= priority, next", "ready"),
    Mutant("a run that waits twice", "running/ready.py", "if id not in self._runs:", "if True:", "ready"),
    Mutant("the first attempt counts", "store/__init__.py", "ORDER BY rowid", "ORDER BY rowid DESC", "store"),
    Mutant("an attempt that overwrites", "store/__init__.py", "attempt=attempt + 1", "attempt=1", "store"),
    Mutant("a checkpoint that stays", "store/__init__.py", "self.checkpoints.drop(record.id)", "pass", "orchestration"),
    Mutant("two that write", "store/lock.py", "fcntl.LOCK_EX", "fcntl.LOCK_SH", "store"),
    Mutant("an effect upside down", "analysis/effects.py", "pair[0].octaves - pair[1].octaves",
           "pair[1].octaves - pair[0].octaves", "effects"),
    Mutant("spans so far taken as known", "analysis/effects.py", "None if a.provisional or b.provisional else", "",
           "effects"),
    Mutant("bounds the wrong way", "analysis/effects.py", "\"≥\" if least else \"≤\" if most",
           "\"≤\" if least else \"≥\" if most", "effects"),
    Mutant("pairs in the family of parts", "analysis/effects.py", "if not climb.ladder.variant.pair]", "if True]",
           "interactions"),
    Mutant("unknown is true", "analysis/decisions.py", "None if None in truths else True", "True", "claims"),
    Mutant("a coin that is too easily unfair", "analysis/decisions.py", "<= (1 - stats.LEVEL) / 2",
           "<= (1 - stats.LEVEL)", "claims"),
    Mutant("a verdict one seed early", "analysis/decisions.py", "if yes >= needed or no >= needed:",
           "if yes >= needed - 1 or no >= needed:", "claims"),
    Mutant("worse is as good", "check/compare.py", "return Exit.FAILED\n    return Exit.INC",
           "return Exit.OK\n    return Exit.INC", "compare"),
    Mutant("no findings are good", "check/compare.py", " or not outcomes else", " else", "compare"),
    Mutant("a margin on the wrong side", "check/compare.py", "if change.low > -margin:", "if change.high > -margin:",
           "compare"),
    Mutant("seeds beside their own", "check/compare.py", "was.seeds.index(seed) for", "0 for", "check"),
    Mutant("broken runs that don't count", "check/compare.py", "    if broken:\n", "    if False:\n", "check"),
]  # fmt: skip


def test_there_are_enough_and_each_is_another() -> None:
    assert len(MUTANTS) >= 20
    assert len({mutant[1:4] for mutant in MUTANTS}) == len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_can_still_be_planted(mutant: Mutant) -> None:
    assert mutant.old in (ROOT / "rnnbench" / mutant.file).read_text()
    assert (ROOT / "tests" / f"test_{mutant.seen_by}.py").exists()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its tests."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("rnnbench", "tests", "suites", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for name in ("pyproject.toml", "action.yml"):
        shutil.copy(ROOT / name, folder)
    return folder


def ran(lab: Path, name: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")}
    own = {"PYTHONPATH": str(lab), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/test_{name}.py"]
    return subprocess.run(command, cwd=lab, env=clean | own, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.mutants
@pytest.mark.parametrize("name", sorted({mutant.seen_by for mutant in MUTANTS}))
def test_unbroken_all_pass(lab: Path, name: str) -> None:
    done = ran(lab, name)
    assert done.returncode == 0, done.stdout


@pytest.mark.mutants
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_the_tests_see(lab: Path, mutant: Mutant) -> None:
    path = lab / "rnnbench" / mutant.file
    whole = path.read_text()
    assert mutant.old in whole, f"{mutant.file} has no {mutant.old!r}: plant it anew"
    path.write_text(whole.replace(mutant.old, mutant.new, 1))
    try:
        done = ran(lab, mutant.seen_by)
    finally:
        path.write_text(whole)
    assert done.returncode == 1, done.stdout
    assert " failed" in done.stdout, done.stdout
