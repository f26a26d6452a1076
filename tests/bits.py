"""What tests of bits share: the results of runs as texts, and splits that are quick to score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rnnbench.records import Record, Run, canonical
from rnnbench.tasks import SIZES
from rnnbench.training.trainer import Trainer


def results(trainer: Trainer, runs: list[Run], **options: Any) -> dict[str, str]:
    """The canonical results of each run, by id."""
    found = (e for e in trainer.train(runs, **options) if isinstance(e, Record))
    return {r.id: canonical(r.results()) for r in found}


@pytest.fixture(autouse=True, scope="module")
def small_splits() -> Iterator[None]:
    """Fewer held-out examples, in each module that imports this: what is compared there is bits, not scores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SIZES, "select", 100)
        patch.setitem(SIZES, "test", 300)
        yield
