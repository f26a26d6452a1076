"""The parameters of a run after so many steps: the store does not keep them, so the run is trained again, to the same
bits. A trainer's checkpoints say where it stood at each look; from the last one before a step it goes on to it.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from rnnbench.probing import END
from rnnbench.records import Record, Run
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.cohort import Cohort
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

Floats = NDArray[np.float32]
Arrays = dict[str, Floats]


def trained(trainer: Trainer, run: Run, at: Collection[int]) -> tuple[Record, dict[int, tuple[Floats, float]]]:
    """The run's record; and of the steps in `at` that it came to, where END is its last, its parameters then and their
    score on the test split. Raises RuntimeError where those at the end score otherwise than the record says."""
    held: dict[int, Arrays] = {}
    record = None
    wanted = sorted(at)
    for event in trainer.train([run], checkpoint_seconds=0.0):  # at every look
        if isinstance(event, Record):
            record = event
        elif isinstance(event, Checkpoint):
            step = event.state["step"]
            held = {s: a for s, a in held.items() if any(_last(w, [*held, step]) == s for w in wanted)}
            held[step] = {name: array.copy() for name, array in event.arrays.items()}  # the trainer goes on in its own
    assert record is not None
    end = record.steps or 0
    found = {}
    for step in dict.fromkeys(end if s == END else s for s in wanted):
        if step <= end and not (step == end and record.status == "diverged"):
            found[step] = _on(trainer, run, step, held)
    if record.status != "diverged" and end in found and found[end][1] != record.score:
        raise RuntimeError(f"the parameters score {found[end][1]}, where the record says {record.score}")
    return record, found


def _last(step: int, looks: Collection[int]) -> int | None:
    """The last of the looks from which a step is reached; END is reached from the last of all."""
    return max((look for look in looks if step == END or look <= step), default=None)


def _on(trainer: Trainer, run: Run, step: int, held: dict[int, Arrays]) -> tuple[Floats, float]:
    """Parameters after `step` steps, from the last checkpoint before."""
    layer = trainer.solo(run)
    start = _last(step, held)
    arrays = {} if start is None else {run.id: held[start]}
    cohort = Cohort(Model.of(run.rung, layer), [run], layer is not None, trainer.device, start or 0, arrays)
    while cohort.step < step:
        cohort.train(listen=False)
    score, _ = cohort.evaluate([0], "test")[0]
    return cohort.row(0)["flat"].copy(), score
