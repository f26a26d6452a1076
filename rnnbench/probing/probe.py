"""A run trained again and probed: its record, and a `Probe` after each number of steps that was asked for."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnbench.lazy import torch
from rnnbench.probing import END, Asked, Probe
from rnnbench.probing.aims import scored
from rnnbench.probing.gates import carries, gates, outputs
from rnnbench.probing.gradients import gradients, inputs
from rnnbench.probing.parameters import trained
from rnnbench.probing.readouts import readouts
from rnnbench.probing.states import Watched, forward, model_of
from rnnbench.probing.swaps import swaps
from rnnbench.records import Record, Run
from rnnbench.rng import stream
from rnnbench.training.trainer import Trainer

READ = 512  # sequences that a read-out is fitted on and tested with


def probed(trainer: Trainer, run: Run, asked: Asked) -> tuple[Record, list[Probe]]:
    """The record and a probe for each of `asked.at` that the run came to, in the order of steps."""
    record, kept = trained(trainer, run, asked.at)
    found = []
    for step in sorted(kept):
        flat, score = kept[step]
        if not np.isfinite(flat).all():
            found.append(Probe(step, step == record.steps, None, why="its parameters are no numbers: it diverged"))
        else:
            found.append(probe(run, flat, asked, step, step == record.steps, score))
    if END in asked.at and record.status == "diverged":
        found.append(Probe(record.steps or 0, True, record.score, why="it diverged"))
    return record, found


def probe(run: Run, flat: NDArray[np.float32], asked: Asked, step: int, end: bool, score: float) -> Probe:
    """All probes of a run at given parameters."""
    model = model_of(run.rung)
    test = model.task.held_out("test", run.rung.length, partial(stream, run.seed))
    batch, more = (test.part(0, size) for size in (asked.sequences, max(READ, asked.sequences)))
    needed = model.task.needed(batch)
    which = scored(batch, needed)
    why = "" if needed is not None else f"{run.rung.task['task']} does not say which inputs are needed"
    passed = forward(model, flat, batch)
    found: dict[str, Any] = {
        "inputs": tuple(inputs(passed, which)),
        "swaps": tuple(swaps(passed, flat, which, run.seed)),
    }
    if isinstance(model.layer, Watched):
        with torch.no_grad():
            longer = forward(model, flat, more)
        found |= {
            "gradients": tuple(gradients(passed, which, asked.of)),
            "gates": tuple(gates(passed, which)),
            "carries": tuple(carries(passed, which)),
            "outputs": tuple(outputs(passed)),
            "readouts": tuple(readouts(longer, scored(more, model.task.needed(more)), run.seed)),
        }
    return Probe(step, end, score, why=why, **found)
