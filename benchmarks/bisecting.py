"""What `search: bisect` saves, and what noise does to it: `python -m benchmarks.bisecting`.

Runs: what the flagship's export has, searched, against what a climb to the same outcomes would have asked for, up to
two lengths in a row that no seed solves; lengths of runs added up stand for their time. Bias: drawn seeds
(`simulated.py`) whose latent span is known, of which a run solves a length if that lies below it but for noise of its
own; each way's span, half a rung added, less the latent one, in octaves. The tables are those of docs/statistics.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated import climbed, ladder
from benchmarks.tables import table
from rnnbench import api
from rnnbench.plan import bisect, plan, views
from rnnbench.plan.bisect import Search
from rnnbench.plan.ladders import view
from rnnbench.records import Record, Run, Rung
from rnnbench.rng import stream

FLAGSHIP = Path(__file__).parent.parent / "docs" / "data" / "long_deps_full.jsonl.gz"
RUNS = [Run(Rung({}, {}, 1, {}), 0)]
NOISES = (0.0, 0.1, 0.25, 0.5)
FINENESS = (1, 2, 4)  # rungs an octave
TRIALS = 4000  # seeds at each


def searched(verdicts: Sequence[bool | None]) -> Search:
    """The search of a seed that solves these rungs; one whose outcome isn't known broke."""
    run = RUNS[0]
    return bisect.search(
        [Record(run, "crashed" if v is None else "solved" if v else "unsolved", score=0.0) for v in verdicts]
    )


def savings() -> dict[str, list[str]]:
    """By searched task of the flagship: runs that climbing its ladders would have taken and that searching took, and
    the same with each run counted as its length."""
    suite = api.load("long_deps_full")
    climbs = views.at(view(plan(suite), api.exported(FLAGSHIP)))
    rows = {}
    for task in (*(task for task in suite.tasks if task.search == "bisect"), None):
        own = [c for c in climbs if c.steps and c.searches and (task is None or c.ladder.task.name == task.name)]
        counts = np.zeros(4)
        for climb in own:
            lengths = [step.rung.length for step in climb.steps]
            solved = [any(step.verdicts) for step in climb.steps]
            end = next((k for k in range(2, len(solved)) if not any(solved[k - 2 : k])), len(solved))
            counts[:3:2] += len(suite.seeds) * np.array([end, sum(lengths[:end])])
            trained = [step.rung.length for step in climb.steps for r in step.records if r]
            counts[1::2] += len(trained), sum(trained)
        shares = (f"{counts[1] / counts[0]:.2f}", f"{counts[3] / counts[2]:.2f}")
        rows[task.name if task else "all"] = [f"{counts[0]:,.0f}", f"{counts[1]:,.0f}", *shares]
    return rows


def spans(solved: NDArray[np.bool_], spacing: float) -> dict[str, NDArray[np.float64]]:
    """solved (rungs, n) -> by way, each seed's octaves from half a rung below the ladder (n,)."""
    first = np.cumprod(solved, axis=0).sum(axis=0)
    found = np.array([searched(column.tolist()).low for column in solved.T])
    ways = {"first failure": first, "rungs solved": solved.sum(axis=0), "bisect": found}
    return {name: spacing * counts for name, counts in ways.items()}


def biases(trials: int) -> dict[str, list[str]]:
    """By noise and rungs an octave: bias and deviation of each way, and the runs that a search takes."""
    rows = {}
    for an_octave in FINENESS:
        lengths = ladder(3, 11, an_octave)
        for noise in NOISES:
            rng = stream(an_octave, "bisecting", round(100 * noise))
            truth = 6.0 + 2.0 * rng.uniform(trials).astype(np.float64)  # away from the ladder's ends
            solved = climbed(rng, truth, lengths, noise).solved
            start = np.log2(lengths[0]) - 0.5 / an_octave
            errors = {name: start + found - truth for name, found in spans(solved, 1 / an_octave).items()}
            runs = np.mean([len(searched(column.tolist()).visited) for column in solved.T])
            told = [f"{e.mean():+.2f} / {e.std():.2f}" for e in errors.values()]
            rows[f"{an_octave} an octave, noise {noise:g}"] = [*told, f"{runs:.1f} of {len(lengths)}"]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bisecting", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--trials", type=int, default=TRIALS, help=f"seeds at each noise (default {TRIALS})")
    trials = parser.parse_args(arguments).trials
    print(table(("the flagship", "runs climbed", "runs searched", "share", "share by length"), savings()))
    print(f"\n{table(('bias / deviation', 'first failure', 'rungs solved', 'bisect', 'runs'), biases(trials))}")


if __name__ == "__main__":
    main()
