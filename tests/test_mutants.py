"""Breaks planted in a copy of the package, one at a time: `check` must see each. The exact tier sees what changes the
mathematics at once; what shows only later in training, or in how a run is judged, it sees in the runs that it takes to
their end, and the statistical tier in the spans.

One copy is mutated in place and mended again, so that kernels which are not concerned stay compiled.
"""

from __future__ import annotations

import json
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
    where: str  # the part of the suite that is looked at, as -k has it


EXACT = [
    Mutant(
        "a forget gate upside down", "cells/lstm.py", "c = f * c + i * g", "c = (1 - f) * c + i * g", "lstm and adding"
    ),
    Mutant("no input gate in the sum", "cells/lstm.py", "c = f * c + i * g", "c = f * c + g", "lstm and adding"),
    Mutant(
        "the output squashed outside",
        "cells/lstm.py",
        "h = o * cells.activation(self.output_activation)(c)",
        "h = cells.activation(self.output_activation)(o * c)",
        "lstm and adding",
    ),
    Mutant("a coupled gate upside down", "cells/lstm.py", "i = 1 - f if", "i = f if", "coupled and adding"),
    Mutant(
        "peepholes that see h",
        "cells/lstm.py",
        'a = a + p[f"p{k}"] * c',
        'a = a + p[f"p{k}"] * h',
        "peepholes and adding",
    ),
    Mutant(
        "an output peephole one step late",
        "cells/lstm.py",
        '        c = f * c + i * g\n        o = gate("o", c)\n',
        '        o = gate("o", c)\n        c = f * c + i * g\n',
        "peepholes and adding",
    ),
    Mutant("a dropped bias", "cells/lstm.py", ' + p[f"b{k}"]', "", "lstm and adding"),
    Mutant(
        "a forget bias of 0",
        "cells/lstm.py",
        'np.full(shapes["bf"], self.forget_bias',
        'np.full(shapes["bf"], 0.0',
        "lstm and adding",
    ),
    Mutant(
        "an update gate swapped", "cells/gru.py", "h = (1 - z) * n + z * h", "h = z * n + (1 - z) * h", "gru and adding"
    ),
    Mutant(
        "a bias outside of the reset",
        "cells/gru.py",
        'r * (h @ p["Un"] + p["cn"])',
        '(r * (h @ p["Un"]) + p["cn"])',
        "gru and adding",
    ),
    Mutant("a reset on the wrong side", "cells/gru.py", '(r * h) @ p["Un"]', 'r * (h @ p["Un"])', "gru-v3 and adding"),
    Mutant("chrono with its sign lost", "cells/gru.py", 'p["bz"] = cells', 'p["bz"] = -cells', "chrono and adding"),
    Mutant("a transposed weight", "cells/rnn.py", 'h @ p["U"]', 'h @ p["U"].transpose(-2, -1)', "rnn and adding"),
    Mutant(
        "a sigmoid twice as steep",
        "cells/__init__.py",
        "0.5 * torch.tanh(0.5 * x) + 0.5",
        "0.5 * torch.tanh(x) + 0.5",
        "lstm and adding",
    ),
    Mutant("starts from rows, not columns", "cells/__init__.py", "columns**-0.5", "rows**-0.5", "rnn and adding"),
    Mutant(
        "a fused forget gate upside down",
        "kernels/lstm.py",
        "    c = f * c + i * g\n",
        "    c = (1.0 - f) * c + i * g\n",
        "lstm and adding and not peepholes and not coupled",
    ),
    Mutant(
        "a fused gradient that forgets nothing",
        "kernels/lstm.py",
        "dc_old = dc * f",
        "dc_old = dc * 1.0",
        "lstm and adding and not peepholes and not coupled",
    ),
    Mutant(
        "a kernel off in peepholes alone",
        "kernels/lstm.py",
        "            o = o + c * load(p, peephole + at_o)\n",
        "            o = o - c * load(p, peephole + at_o)\n",
        "peepholes and adding",
    ),
    Mutant(
        "a kernel off in coupled gates alone",
        "kernels/lstm.py",
        "    if s.coupled:\n        i = 1.0 - f\n    g = load(kept",
        "    if s.coupled:\n        i = f * 1.0\n    g = load(kept",
        "coupled and adding",
    ),
    Mutant(
        "a fused update gate swapped",
        "kernels/gru.py",
        "return n + z * (h - n)",
        "return h + z * (n - h)",
        "gru and adding and not v3 and not chrono",
    ),
    Mutant(
        "a fused gradient of tanh",
        "kernels/gru.py",
        "dn = dn * (1.0 - n * n)",
        "dn = dn * (1.0 - n)",
        "gru and adding and not v3 and not chrono",
    ),
    Mutant(
        "a kernel off in relu alone",
        "kernels/rnn.py",
        "else positive(new)",
        "else positive(new) * 0.5",
        "relu and adding",
    ),
    Mutant(
        "targets shifted by one",
        "tasks/copy.py",
        "xs, symbols, slice(",
        "xs, np.roll(symbols, 1, 0), slice(",
        "rnn and copy",
    ),
    Mutant(
        "one value added twice",
        "tasks/adding.py",
        "ys = (xs[first, column, 0] +",
        "ys = (xs[second, column, 0] +",
        "rnn and adding",
    ),
    Mutant("marks anywhere", "tasks/adding.py", "max(1, length // 10)", "length // 2", "rnn and adding"),
    Mutant(
        "an end that comes early",
        "tasks/_languages.py",
        "np.stack([t == self.letters * n,",
        "np.stack([t == self.letters * n - 1,",
        "rnn and counting",
    ),
    Mutant(
        "a score that forgets chance",
        "tasks/__init__.py",
        "((accuracy - chance) / (1 - chance))",
        "accuracy",
        "rnn and copy",
    ),
    Mutant(
        "a loss of half the examples",
        "tasks/__init__.py",
        "return mean(nats, weights)",
        "return mean(nats[..., ::2], None if weights is None else weights[..., ::2])",
        "rnn and copy",
    ),
    Mutant("a seed ignored", "rng.py", 'f"{seed}/{purpose}"', 'f"0/{purpose}"', "rnn and copy"),
    Mutant("a step ignored", "rng.py", "[0, 0, 0, step]", "[0, 0, 0, 1]", "rnn and copy"),
    Mutant(
        "a clip coupled across runs",
        "training/optimiser.py",
        "vector_norm(gradient, dim=-1, keepdim=True)",
        "vector_norm(gradient)",
        "rnn and copy",
    ),
    Mutant("a clip left out", "training/optimiser.py", "clamp(max=1.0)", "clamp(min=1.0)", "rnn and copy"),
    Mutant(
        "Adam without its correction", "training/optimiser.py", "return 1 - BETA1**step,", "return 1.0,", "rnn and copy"
    ),
    Mutant(
        "a compiled clip left out",
        "kernels/adam.py",
        "scale = largest / (np.sqrt(square) + SMALL)",
        "scale = ONE",
        "rnn and copy",
    ),
    Mutant(
        "a compiled Adam that forgets at once",
        "kernels/adam.py",
        "v = second[k] * keep_second",
        "v = second[k] * new_second",
        "rnn and copy",
    ),
    Mutant(
        "a read-out's gradient without its sign",
        "training/backprop.py",
        "torch.mm(h.t(), flat, out=self.dW)",
        "torch.mm(h.t(), flat.abs(), out=self.dW)",
        "lstm and adding",
    ),
    Mutant(
        "steps without an answer that pull",
        "training/backprop.py",
        "dys[K] = 0\n",
        "dys[K] = 0.01\n",
        "lstm and adding",
    ),
    Mutant(
        "answers back to front",
        "training/backprop.py",
        "found[answering] = np.arange(len(answering))",
        "found[answering] = np.arange(len(answering))[::-1]",
        "lstm and copy",
    ),
    Mutant(
        "gradients a step late",
        "kernels/lstm.py",
        "slot, before = answered[t]",
        "slot, before = answered[max(t - 1, 0)]",
        "lstm and copy",
    ),
    Mutant(
        "a token that is its neighbour",
        "kernels/panels.py",
        "(1 + tokens[first + r]) * row",
        "tokens[first + r] * row",
        "gru and copy",
    ),
    Mutant(
        "a token that teaches another",
        "kernels/panels.py",
        "place = tokens[first + k] * row",
        "place = (I - 1 - tokens[first + k]) * row",
        "gru and copy",
    ),
    Mutant("half a slope of squares", "tasks/adding.py", "errors.mul_(2)", "errors", "rnn and adding"),
    Mutant("a slope that leans", "tasks/counting.py", ".add_(0.5)", ".add_(0.4)", "rnn and counting"),
    Mutant(
        "a neighbour's examples",
        "training/cohort.py",
        "batches = [drawn[seed] for seed in self.seeds]",
        "batches = [drawn[self.seeds[0]] for _ in self.seeds]",
        "rnn and copy",
    ),
    Mutant(
        "a backward direction read at its start",
        "training/model.py",
        "ends = (slice(-1, None), slice(0, 1))",
        "ends = (slice(-1, None), slice(-1, None))",
        "bilstm and adding",
    ),
    Mutant("both directions forward", "training/model.py", "x.flip(-3) if backward else x", "x", "bilstm and adding"),
    Mutant(
        "attention that looks ahead",
        "training/model.py",
        "seen = [t + 1 for t in range(T)[at]]",
        "seen = [T for t in range(T)[at]]",
        "attention and counting",
    ),
    Mutant("no residual", "training/model.py", "y = y + below[i]", "y = y + 0 * below[i]", "deep and adding"),
    Mutant(
        "a transformer that looks ahead",
        "layers/attention.py",
        "is_causal=causal",
        "is_causal=False",
        "transformer and counting",
    ),
]

LATE = [
    Mutant(
        "training on one batch after a while",
        "training/cohort.py",
        'stream(s, "train", self.step)',
        'stream(s, "train", min(self.step, 25))',
        "",
    ),
    Mutant(
        "a bar that nothing passes",
        "training/trainer.py",
        '"solved" if score >= self.task.bar',
        '"solved" if score > 1',
        "",
    ),
    Mutant(
        "learning that ends too soon",
        "training/cohort.py",
        "        self.step += 1\n",
        "        self.step += 1\n        if self.step > 25:\n            return\n",
        "",
    ),
]

SUITE = """\
rnnbench: 1
name: mutants
defaults: {hidden: 8, batch: 16, steps: 20, clip: 0.1, lr: 1e-2}
seeds: 1
architectures:
  rnn: {cell: rnn}
  rnn-relu: {cell: rnn, activation: relu}
  gru: {cell: gru}
  gru-v3: {cell: gru, reset: v3}
  lstm: {cell: lstm}
  bilstm: {base: lstm, bidirectional: true}
  rnn-deep: {base: rnn, layers: 2, residual: true}
  rnn-attention: {base: rnn, attention: additive}
  transformer: {layer: transformer, heads: 2}
ablate:
  - {base: lstm, with: [peepholes, coupled_gates]}
  - {base: gru, with: [chrono]}
tasks:
  copy: {items: 2, alphabet: 4, lengths: [3]}
  adding: {first: early, lengths: [10]}
  counting: {lengths: [4]}
"""

TINY = """\
rnnbench: 1
name: late
defaults: {hidden: 8, batch: 32, steps: 500, lr: 1e-2}
seeds: 5
architectures: {gru: {cell: gru}}
tasks: {copy: {items: 2, alphabet: 4, lengths: [1, 2]}}
"""

# The baseline of a suite whose runs are of no interest: the exact numbers alone.
WRITE = """\
import sys
from pathlib import Path
from rnnbench.check import baseline, probes
from rnnbench.plan import plan
from rnnbench.suite.load import load
asked = plan(load("mutants.yaml"))
variants = {}
for x in asked.ladders:
    if x.rungs:
        numbers = baseline.VariantNumbers.of(x, asked.suite.seeds)
        variants.setdefault(x.variant.name, {})[x.task.name] = baseline.Cell(baseline.asked(x), [0], [0], 0, numbers)
tasks = {e.name: baseline.TaskNumbers(**probes.task(e)) for e in asked.suite.tasks}
made = baseline.Baseline(baseline.VERSION, "mutants", [0], {}, tasks, variants)
baseline.write(Path("baselines/mutants.json"), made.text())
"""


class Lab:
    """A folder with a copy of the package and what it came to before it was touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "rnnbench", folder / "rnnbench", ignore=shutil.ignore_patterns("__pycache__", "shipped"))
        shutil.copytree(ROOT / "suites", folder / "suites")
        (folder / "mutants.yaml").write_text(SUITE)
        (folder / "late.yaml").write_text(TINY)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RNNBENCH_")}
        own = {"PYTHONPATH": str(self.folder), "NUMBA_CACHE_DIR": str(self.folder / "compiled"),
               "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=clean | own, capture_output=True, text=True, timeout=600, check=False
        )

    def check(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "rnnbench", "check", *arguments)

    def broken(self, mutant: Mutant, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "rnnbench" / mutant.file
        whole, stat = path.read_text(), path.stat()
        assert mutant.old in whole, f"{mutant.file} has no {mutant.old!r}: plant it anew"
        path.write_text(whole.replace(mutant.old, mutant.new, 1))
        try:
            return self.check(*arguments)
        finally:
            path.write_text(whole)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    made = Lab(tmp_path_factory.mktemp("lab"))
    written = made.python("-c", WRITE)
    assert written.returncode == 0, written.stderr
    return made


def test_there_are_enough_and_each_is_another() -> None:
    assert len(EXACT) >= 30
    assert len({m[1:4] for m in EXACT + LATE}) == len(EXACT + LATE)


@pytest.mark.parametrize("mutant", EXACT + LATE, ids=lambda m: m.name)
def test_each_can_still_be_planted(mutant: Mutant) -> None:
    assert mutant.old in (ROOT / "rnnbench" / mutant.file).read_text()


@pytest.mark.mutants
def test_unbroken_it_is_as_good_as_it_was(lab: Lab) -> None:
    done = lab.check("mutants.yaml", "--tier", "exact")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((lab.folder / "baselines" / "mutants.json").read_text())["suite"] == "mutants"


@pytest.mark.mutants
@pytest.mark.parametrize("mutant", EXACT, ids=lambda m: m.name)
def test_the_exact_tier_sees(lab: Lab, mutant: Mutant) -> None:
    done = lab.broken(mutant, "mutants.yaml", "--tier", "exact", "-k", mutant.where)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "WORSE " in done.stdout, done.stderr


@pytest.mark.mutants
@pytest.mark.parametrize("mutant", LATE, ids=lambda m: m.name)
def test_both_tiers_see_what_shows_late(lab: Lab, mutant: Mutant) -> None:
    place = lab.folder / "baselines" / "late.json"
    if not place.exists():
        assert lab.python("-m", "rnnbench", "run", "late.yaml", "-q").returncode == 0
        done = lab.python("-m", "rnnbench", "baseline", "late.yaml", "--update")
        assert done.returncode == 0, done.stderr
        assert lab.check("late.yaml", "--no-run").returncode == 0
    assert lab.broken(mutant, "late.yaml", "--tier", "exact").returncode == 1
    done = lab.broken(mutant, "late.yaml", "--tier", "statistical", "-q", "-r", f"results {mutant.name}")
    assert done.returncode == 1, done.stdout + done.stderr
