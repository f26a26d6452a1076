"""What a store of many records costs: its making, a plan over it, a report on it, its export.

    python -m benchmarks.scale [RECORDS ...] [--folder DIR] [--shape seeds|variants]

For 100,000 and 1,000,000 records, or as many as are named: seconds, those of the CPU alone, and the most megabytes that
the process of each command had (its peak resident set). The records are made up: no run is trained. `seeds` is
long_deps with as many seeds as it takes; `variants` has ten seeds of as many learning rates of an LSTM. In a folder
that is named, stores are kept and used again.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.tables import table
from rnnbench.plan import Plan, plan
from rnnbench.plan.filter import select
from rnnbench.records import Point, Record, Run
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.store.bulk import changing
from rnnbench.suite.load import load
from rnnbench.training.fingerprint import fingerprint

LOOKS = 10  # of a curve
COMMANDS = {
    "plan": ("plan",),
    "report": ("report",),
    "report csv": ("report", "--format", "csv"),
    "export": ("export",),
    "export canonical": ("export", "--canonical"),
    "gc": ("gc", "orphans"),
}
NUMERICS = "fused, numba 0.68.1 llvmlite 0.50.0, numpy 2.4.6 x86_64"


def suite(shape: str, records: int, folder: Path) -> Path:
    """A file with a suite of about so many runs."""
    path = folder / "scale.yaml"
    if shape == "variants":
        count = max(2, records // 50)
        made = {f"lstm-{k}": {"cell": "lstm", "lr": 1e-2 * (k + 1) / count} for k in range(count)}
        text = {
            "rnnbench": 1,
            "seeds": 10,
            "architectures": made,
            "tasks": {"adding": {"lengths": [5, 10, 20, 40, 80]}},
        }
        path.write_text(yaml.safe_dump(text, sort_keys=False))
    else:
        one = load("long_deps", seeds="1")
        grid = len(one.variants) * sum(len(task.lengths) for task in one.tasks)  # with what can't be done
        path.write_text(one.text.replace("\nseeds: ", f"\nseeds: {records // grid or 1} #"))
    return path


def made_up(asked: Plan) -> Iterator[Record]:
    """A record of every run: the longer, the less likely solved."""
    draw = random.Random(0)
    for ladder in asked.ladders:
        for rung in ladder.rungs:
            steps, code = Settings.of(rung).steps, fingerprint(rung, True)
            ends = [steps * k // LOOKS for k in range(1, LOOKS + 1)]
            curves = [tuple(Point(end, draw.random(), draw.random()) for end in ends) for _ in range(10)]
            place = ladder.rungs.index(rung) / max(1, len(ladder.rungs) - 1)
            for seed in asked.suite.seeds:
                solved = draw.random() > 0.8 * place
                at = draw.randrange(1, max(2, steps // 100)) * 100 if solved else None
                curve = curves[draw.randrange(len(curves))]
                yield Record(
                    Run(rung, seed), "solved" if solved else "unsolved", draw.random(), draw.random(), steps, at, 4000,
                    draw.random(), curve, None, NUMERICS, code, "here", f"2026-01-01T00:00:{draw.random():09.6f}+00:00",
                )  # fmt: skip


def make(folder: Path, shape: str, records: int) -> float:
    """Writes the store and says how many seconds it took."""
    began = time.perf_counter()
    asked = select(plan(load(suite(shape, records, folder))), None)
    with Store(folder / "results").writing() as store:
        store.remember(asked.suite.as_dict())
        with changing(store) as change:
            for record in made_up(asked):
                change.put(record)
    return time.perf_counter() - began


def measured(arguments: tuple[str, ...], folder: Path) -> tuple[float, float, float]:
    """Seconds, those of the CPU alone, and the most megabytes of a command, whose data goes nowhere."""
    began = time.perf_counter()
    named = [] if arguments[0] == "gc" else ["scale.yaml"]
    command = [sys.executable, "-m", "rnnbench", arguments[0], *arguments[1:], *named]
    with open(os.devnull, "wb") as nowhere:
        process = subprocess.Popen(command, cwd=folder, stdout=nowhere)
        _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--shape", choices=("seeds", "variants"), default="seeds")
    parser.add_argument("--only", choices=COMMANDS, action="append")
    given = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as temporary:
        for records in given.records:
            folder = (given.folder or Path(temporary)) / f"{given.shape}-{records}"
            if not (folder / "results").is_dir():
                folder.mkdir(parents=True, exist_ok=True)
                rows[f"{records:,} made"] = [f"{make(folder, given.shape, records):.1f}", "", ""]
            size = (folder / "results" / "records.sqlite").stat().st_size
            rows[f"{records:,} on the disk"] = ["", "", f"{size / 1e6:.0f}"]
            for name in given.only or COMMANDS:
                seconds, busy, most = measured(COMMANDS[name], folder)
                rows[f"{records:,} {name}"] = [f"{seconds:.1f}", f"{busy:.1f}", f"{most:.0f}"]
    print(table(("records", "seconds", "of the CPU", "MB"), rows))


if __name__ == "__main__":
    main()
