"""What each seed starts from and sees: n is n only where no two seeds share their parameters or their data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from rnnbench.check.probes import TOLERANCE, Numbers, batch_hash, differs, summary
from rnnbench.plan import Ladder
from rnnbench.records import Run
from rnnbench.training import ways
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

if TYPE_CHECKING:
    from rnnbench.seeds import Seed


def look(ladder: Ladder, path: str, seeds: Sequence[int]) -> tuple[dict[str, Any], list[str]]:
    """Of a variant on a task at its shortest length, as a trainer has it: each seed's parameters at the start as
    numbers, its first batch and held-out examples hashed; and, in words, what seeds have in common that must differ."""
    trainer, runs = Trainer("cpu", path), [Run(ladder.rungs[0], seed) for seed in seeds]
    layer = trainer.solo(runs[0])
    model, solo = Model.of(ladder.rungs[0], layer), layer is not None
    starts: dict[str, Numbers] = {}
    data: dict[str, str] = {}
    flats: dict[Seed, str] = {}
    firsts: dict[Seed, str] = {}
    faults = []
    enough = not model.task.all_seen(ladder.rungs[0].length)  # so few inputs may well be the same
    for group in [runs] if ways.together(ladder.rungs[0], "cpu", path) else [[run] for run in runs]:
        cohort = Cohort(model, group, solo, "cpu", step=0)
        cohort.step = 1
        batches = cohort.batches()
        for row, run in enumerate(group):
            flat = cohort.row(row)["flat"]
            flats[run.seed] = hashlib.blake2b(flat.tobytes()).hexdigest()
            firsts[run.seed] = batch_hash(batches[row])
            select, test = (batch_hash(cohort.held_out(row, split)) for split in ("select", "test"))
            if enough and select == test:
                faults.append(f"seed {run.seed} is tested on what decides when it stops")
            starts[str(run.seed)] = summary("start", flat)
            data[str(run.seed)] = hashlib.blake2b(
                f"{firsts[run.seed]} {select} {test}".encode(), digest_size=8
            ).hexdigest()
    faults += _alike("start from the same parameters", flats)
    if enough:
        faults += _alike("see the same first batch", firsts)
    return {"starts": starts, "data": data}, faults


def _alike(what: str, hashes: dict[Seed, str]) -> list[str]:
    return [f"seeds {a} and {b} {what}" for a, b in combinations(hashes, 2) if hashes[a] == hashes[b]]


def differences(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between the numbers of seeds, in words."""
    found: list[str] = []
    for seed, start in now["starts"].items():
        found += differs(f"start of seed {seed}", was["starts"][seed], start, TOLERANCE["start"])
    return found + [f"seed {seed} sees other examples" for seed, h in now["data"].items() if was["data"][seed] != h]
