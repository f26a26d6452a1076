"""Records found by the runs that are asked for, and how little of each is kept."""

from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from rnnbench.errors import UserError
from rnnbench.records import Point, Record, Run, Rung
from rnnbench.store import Store, bulk, rows
from rnnbench.store.faults import Damage
from rnnbench.store.lookup import Found

RUNGS = [Rung({"cell": "gru"}, {"task": "adding"}, length, {}) for length in range(1, 21)]


def record(run: Run, attempt: int = 1) -> Record:
    draw = random.Random(f"{run.id} {attempt}")
    curve = tuple(Point(100 * k, draw.random(), draw.random()) for k in range(1, 11))
    score, loss, seconds = draw.random(), draw.random(), draw.random()
    made = Record(
        run, "solved", score, loss, 1000, 500, 4000, seconds, curve, None, "fused " * 9, "code", "here", "now"
    )
    return replace(made, attempt=attempt)


def runs(seeds: int) -> list[Run]:
    return [Run(rung, seed) for rung in RUNGS for seed in range(seeds)]


def test_what_is_asked_for_is_found_the_last_attempt_of_it_and_nothing_else() -> None:
    every = runs(50)
    asked = random.Random(1).sample(every, 300)
    found = Found(asked)
    for attempt in (1, 2):
        for run in every[::attempt]:
            found.take(rows.of(record(run, attempt)), curves=True)
    last = {run.id: record(run, 1 + (k % 2 == 0)) for k, run in enumerate(every)}
    assert found == {run.id: last[run.id] for run in asked}
    assert len(found) == 300
    assert set(found) == {run.id for run in asked}
    other = next(run.id for run in every if run not in asked)
    assert (found.get(other), other in found) == (None, False)


def test_attempts_that_are_out_of_order_are_damage() -> None:
    run = Run(RUNGS[0], 0)
    found = Found([run])
    found.take(rows.of(record(run, 2)), curves=False)
    with pytest.raises(Damage, match="aren't in their order"):
        found.take(rows.of(record(run, 2)), curves=False)


def test_a_record_takes_few_bytes(tmp_path: Path) -> None:
    """So that a report on a million stays below 500 MB: 400 bytes each leave 100 MB for all else."""
    every = runs(250)
    store = Store(tmp_path)
    with store.writing(), bulk.changing(store) as change:
        for run in every:
            change.put(record(run))
    del every
    tracemalloc.start()
    try:
        found = store.records(Run(rung, seed) for rung in RUNGS for seed in range(250))
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    fixed = 600_000  # the table of where ids begin
    assert len(found) == 5000
    assert (now - fixed) / 5000 < 400


def half_a_change(store: Store, gone: Run, fresh: Run) -> None:
    with bulk.changing(store) as change:
        change.forget(gone.id, 1)
        change.put(record(fresh))
        raise UserError("stop")


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second, *_ = runs(2)
    with store.writing():
        store.add(record(first))
        with pytest.raises(UserError, match="stop"):
            half_a_change(store, first, second)
        assert set(store.records()) == {first.id}
        bulk.forget(store, list(bulk.sizes(store)))
        assert store.records() == {}
