"""A suite against the plain script that most people write, and two workers against one.

The plain script trains one run after another, every rung of every variant, for its whole budget: torch.nn where it has
the cell, a hand-written loop over time with autograd where it does not, torch.optim.Adam, clip_grad_norm_, torch's own
choice of threads. Its time is estimated from a sample: STEPS training steps of every rung after WARM unmeasured ones,
times the rung's steps and the suite's seeds. It is given its data for free, and pays for no test. rnnbench's side is
measured whole, from the shell, on an empty store, data, tests, start-up and all. Both sides: of the variants those that
the plain script can be written for in a line (cells, stacked or read both ways; no attention, no transformer).

`overhead` is what one worker's wall time holds besides training and tests, of these: starting up, the runner itself.

    python -m benchmarks.suites [quick] [long_deps]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rnnbench import registry
from rnnbench.plan import plan
from rnnbench.plan.filter import select
from rnnbench.records import Rung
from rnnbench.rng import stream
from rnnbench.settings import Settings
from rnnbench.store import Store
from rnnbench.suite import load

STEPS, WARM = 12, 3


class HandWritten(nn.Module):
    """The LSTM step that people write when torch.nn has not the variant they want."""

    def __init__(self, inputs: int, hidden: int, model: dict[str, Any]) -> None:
        super().__init__()
        self.model, self.hidden = model, hidden
        self.x = nn.Linear(inputs, 4 * hidden)
        self.h = nn.Linear(hidden, 4 * hidden)
        self.peep = nn.Parameter(torch.zeros(3, hidden))

    def forward(self, xs: Tensor) -> tuple[Tensor, None]:
        h = c = xs.new_zeros(xs.shape[1], self.hidden)
        ys = []
        for x in xs:
            i, f, g, o = (self.x(x) + self.h(h)).chunk(4, -1)
            if self.model.get("peepholes"):
                i, f = i + c * self.peep[0], f + c * self.peep[1]
            f = torch.sigmoid(f) if self.model.get("forget_gate", True) else torch.ones_like(f)
            i = 1 - f if self.model.get("coupled_gates") else torch.sigmoid(i)
            i = i if self.model.get("input_gate", True) else torch.ones_like(i)
            c = f * c + i * torch.tanh(g)
            o = o + c * self.peep[2] if self.model.get("peepholes") else o
            h = (torch.sigmoid(o) if self.model.get("output_gate", True) else 1.0) * torch.tanh(c)
            ys.append(h)
        return torch.stack(ys), None


class Plain(nn.Module):
    """A recurrent core and a read-out, as in any tutorial."""

    def __init__(self, rung: Rung, inputs: int, outputs: int) -> None:
        super().__init__()
        s = Settings(**rung.settings)
        switches = {k: v for k, v in rung.model.items() if k not in ("cell", "chrono", "forget_bias")}
        kinds = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
        if not switches and rung.model.get("cell") in kinds:
            kind: Any = kinds[rung.model["cell"]]
            self.core = kind(inputs, s.hidden, s.layers, bidirectional=s.bidirectional)
        else:
            self.core = HandWritten(inputs, s.hidden, rung.model)
        self.out = nn.Linear(s.hidden * (1 + s.bidirectional), outputs)

    def forward(self, xs: Tensor, at: slice) -> Tensor:
        ys, _ = self.core(xs)
        answers: Tensor = self.out(ys[at])
        return answers


def plain_seconds(rung: Rung) -> float:
    """Seconds that the plain script needs for one run of this rung, from STEPS of its steps."""
    task, s = registry.task(rung.task), Settings(**rung.settings)
    model = Plain(rung, task.inputs, task.outputs)
    optimiser = torch.optim.Adam(model.parameters(), lr=s.lr)
    seconds = 0.0
    for step in range(WARM + STEPS):
        batch = task.batch(s.batch, rung.length, stream(0, "train", step))
        xs = torch.from_numpy(batch.xs)
        ys = torch.from_numpy(batch.ys)
        weights = None if batch.weights is None else torch.from_numpy(batch.weights)
        began = time.perf_counter()
        encoded = nn.functional.one_hot(xs, task.inputs).float() if task.tokens else xs
        optimiser.zero_grad()
        loss = task.loss(model(encoded, batch.at), ys, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), s.clip)
        optimiser.step()
        if step >= WARM:
            seconds += time.perf_counter() - began
    return seconds / STEPS * s.steps


FILTER = "not attention and not transformer"


def ours(suite: str, jobs: int, *more: str) -> tuple[float, float]:
    """Seconds of `rnnbench run` on an empty store, start-up and all; and those of its runs alone, added up."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        command = [sys.executable, "-m", "rnnbench", "run", suite, "-q", "-j", str(jobs), "-r", place]
        command += ["-k", FILTER, *more]
        subprocess.run(command, check=True)
        seconds = time.perf_counter() - began
        return seconds, sum(record.seconds for record in Store(Path(place)).records().values())


def main() -> None:
    for name in sys.argv[1:] or ["quick", "long_deps"]:
        suite = load.load(name)
        planned = select(plan(suite), FILTER)
        rungs = [r for ladder in planned.ladders for r in ladder.rungs]
        ours(name, 2, "--seeds", "1", "--set", "steps=1")  # scans are compiled once a machine, not once a suite
        (two, _), (one, training) = ours(name, 2), ours(name, 1)
        plain = sum(plain_seconds(r) for r in rungs) * len(suite.seeds)
        told = {
            "suite": name,
            "rungs sampled": len(rungs),
            "seeds": len(suite.seeds),
            "two workers / plain script": round(two / plain, 3),
            "two workers / one": round(two / one, 3),
            "overhead": round(one / training - 1, 3),
            "seconds": {"two workers": round(two, 1), "one": round(one, 1), "plain script": round(plain, 1)},
        }
        print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
