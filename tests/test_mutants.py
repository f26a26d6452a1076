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


EFFECTS, CLAIMS, STORE = "test_effects.py", "test_claims.py", "test_store.py"
SPANS, FLIPS = "test_spans.py", "test_flips.py"
NET = "test_net.py -k told"
CHECK = "test_check.py -k not(command_line)and(not(ships))"

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
        "0.5 * (0.5 * x).tanh() + 0.5",
        "0.5 * x.tanh() + 0.5",
        "lstm and adding",
    ),
    Mutant("starts from rows, not columns", "cells/__init__.py", "columns**-0.5", "rows**-0.5", "rnn and adding"),
    Mutant(
        "a fused sigmoid off its middle",
        "kernels/maths.py",
        "return x * p / q + 0.5",
        "return x * p / q + 0.51",
        "lstm and adding and not peepholes and not coupled",
    ),
    Mutant(
        "a state that no gradient comes back through",
        "kernels/adjoint.py",
        'body.store("dstate", k, states.get(k, 0.0))',
        'body.store("dstate", k, 0.0)',
        "lstm and adding and not peepholes and not coupled",
    ),
    Mutant(
        "rows that learn from one step alone",
        "kernels/adjoint.py",
        'body.store(*place, body.let("add", body.load(*place), slope))',
        "body.store(*place, slope)",
        "peepholes and adding",
    ),
    Mutant(
        "a difference that pulls both ways alike",
        "kernels/adjoint.py",
        'self.give(b, let("mul", -1.0, e))',
        "self.give(b, e)",
        "coupled and adding",
    ),
    Mutant(
        "a gradient of the logistic without its other half",
        "kernels/adjoint.py",
        'let("mul", let("mul", e, y), let("sub", 1.0, y))',
        'let("mul", e, y)',
        "gru and adding and not v3 and not chrono",
    ),
    Mutant(
        "a fused gradient of tanh",
        "kernels/adjoint.py",
        'let("sub", 1.0, let("mul", y, y))',
        'let("sub", 1.0, y)',
        "gru and adding and not v3 and not chrono",
    ),
    Mutant(
        "a kernel off in relu alone",
        "kernels/adjoint.py",
        'let("where_ge", 0.0, value(node), 0.0, e)',
        "e",
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
    Mutant("a seed ignored", "rng.py", 'f"{part}/{purpose}"', 'f"0/{purpose}"', "rnn and copy"),
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
        "kernels/descent.py",
        "scale = largest / (np.sqrt(square) + SMALL)",
        "scale = ONE",
        "rnn and copy",
    ),
    Mutant(
        "a compiled Adam that forgets at once",
        "kernels/descent.py",
        "v = second[k] * keep_second",
        "v = second[k] * new_second",
        "rnn and copy",
    ),
    Mutant(
        "a read-out that learns from one answer too few",
        "kernels/readout.py",
        "add_products(dW, 0, H, M, row, h, k * stride, width, slopes, at, B)",
        "add_products(dW, 0, H, M, row, h, k * stride, width, slopes, at, B - 1)",
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
        "kernels/readout.py",
        "h, k * stride, width, slopes, at, B)",
        "h, max(k - 1, 0) * stride, width, slopes, at, B)",
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
    Mutant(
        "half a slope of squares",
        "kernels/readout.py",
        "np.float32(2) * error * share",
        "error * share",
        "rnn and adding",
    ),
    Mutant(
        "a slope that leans",
        "kernels/readout.py",
        "(sigmoid(a) - right)",
        "(sigmoid(a) - 0.9 * right)",
        "rnn and counting",
    ),
    Mutant(
        "a neighbour's examples",
        "training/cohort.py",
        "return [drawn[seed] for seed in self.seeds]",
        "return [drawn[self.seeds[0]] for _ in self.seeds]",
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
    Mutant(
        "a compiled transformer that looks ahead",
        "kernels/selfattention.py",
        "return max(0, min(count, t + 1 - s)) if causal else count",
        "return count",
        "transformer and counting",
    ),
]

LATE = [
    Mutant(
        "training on one batch after a while",
        "training/cohort.py",
        'stream(seed, "train", self.step)',
        'stream(seed, "train", min(self.step, 25))',
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

# What decides what is told of records: found by the tests that `where` names, not by `check`.
LOGIC = [
    Mutant("further below the ladder", "analysis/ladder.py", "(x[0] - below, *x", "(x[0] - 2 * below, *x", SPANS),
    Mutant("a ladder that ends at its last rung", "analysis/ladder.py", "x[-1] + above)", "x[-1])", SPANS),
    Mutant("the longest solved is no end", "analysis/spans.py", "math.inf if most[-1] else high", "high", SPANS),
    Mutant("pairs are parts", "analysis/effects.py", "if not climb.ladder.variant.pair]", "if True]", EFFECTS),
    Mutant("a bound the other way", "analysis/effects.py", "any(a.top > b.top", "any(a.top < b.top", EFFECTS),
    Mutant("unknown spans count", "analysis/effects.py", "a.provisional or b.", "a.provisional and b.", EFFECTS),
    Mutant("what broke is paired", "analysis/effects.py", "x.finished and y.finished", "x.finished", "test_steps.py"),
    Mutant("a family that isn't monotone", "analysis/flips.py", "np.maximum.accumulate(counts / ", "(counts / ", FLIPS),
    Mutant("apart", "analysis/flips.py", "np.maximum.accumulate(each[:, ::-1], axis=1)", "each[:, ::-1]", FLIPS),
    Mutant("no gate", "analysis/flips.py", "np.maximum(others, gate)", "others", FLIPS),
    Mutant("Jeffreys without his halves", "analysis/stats.py", "hits + 0.5", "hits + 0.6", "test_stats.py"),
    Mutant(
        "what is unknown outweighs what is false", "analysis/decisions.py",
        "return False if False in truths else None if None in truths else True",
        "return None if None in truths else False not in truths", "test_claims.py rnnbench/analysis/decisions.py",
    ),
    Mutant("nothing is false", "analysis/decisions.py", ">= needed or no >= needed", ">= needed", CLAIMS),
    Mutant("one side alone", "analysis/decisions.py", "(1 - stats.LEVEL) / 2", "(1 - stats.LEVEL)", CLAIMS),
    Mutant("attempts from the last", "store/__init__.py", "ORDER BY rowid\"", "ORDER BY rowid DESC\"", STORE),
    Mutant("the first suite is the last", "store/__init__.py", "ORDER BY number DESC", "ORDER BY number", STORE),
    Mutant("a newer schema is read", "store/schema.py", "found > VERSION", "found > VERSION + 9", STORE),
    Mutant("a lock that is shared", "store/lock.py", "fcntl.LOCK_EX", "fcntl.LOCK_SH", STORE),
    Mutant("checkpoints that stay", "store/__init__.py", "self.checkpoints.drop(record.id)", "pass", STORE),
    Mutant("a row that nobody looks at", "store/rows.py", "digest(row) == row[16]", "True", STORE),
    Mutant("rows that nobody counts", "store/schema.py", "if found.rows != asked.rows:", "if False:", STORE),
    Mutant("fine by its mean", "check/compare.py", "if change.low > -margin:", "if change.value > -margin:", CHECK),
    Mutant("worse without evidence", "check/compare.py", "if change.high < 0 and", "if", CHECK),
    Mutant("one may diverge", "check/compare.py", "if more > 0:", "if more > 1:", CHECK),
    Mutant("few seeds are enough", "check/compare.py", "len(before) < MINIMUM", "len(before) < 2", CHECK),
    Mutant("nothing found is green", "check/compare.py", " or not outcomes else", " else", CHECK),
    Mutant("seeds that the baseline lacks", "check/compare.py", "if s not in was.seeds]", "if s < 0]", CHECK),
    Mutant("a baseline of what broke", "check/baseline.py", "if absent or broken:", "if absent:", CHECK),
    Mutant("one number that fits is enough", "check/probes.py", "if all(abs(a - b)", "if any(abs(a - b)", CHECK),
    Mutant("steps aren't compared", "check/ends.py", '("status", "steps", "solved_at")', '("status",)',
           NET),
    Mutant("any two seeds are alike", "check/seeds.py", "if hashes[a] == hashes[b]", "if a == b", NET),
]  # fmt: skip

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
        shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
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
        """`check`, with a break planted."""
        return self.planted(mutant, "-m", "rnnbench", "check", *arguments)

    def planted(self, mutant: Mutant, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / "rnnbench" / mutant.file
        whole, stat = path.read_text(), path.stat()
        assert mutant.old in whole, f"{mutant.file} has no {mutant.old!r}: plant it anew"
        path.write_text(whole.replace(mutant.old, mutant.new, 1))
        try:
            return self.python(*arguments)
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
    assert len({m[1:4] for m in EXACT + LATE + LOGIC}) == len(EXACT + LATE + LOGIC)
    assert len(LOGIC) >= 20


@pytest.mark.parametrize("mutant", EXACT + LATE + LOGIC, ids=lambda m: m.name)
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


@pytest.mark.mutants
@pytest.mark.parametrize("mutant", LOGIC, ids=lambda m: m.name)
def test_the_tests_see_what_check_cannot(lab: Lab, mutant: Mutant) -> None:
    where, *chosen = mutant.where.split(" -k ")
    files = [name if "/" in name else f"tests/{name}" for name in where.split()]
    options = ["-q", "-x", "-p", "no:cacheprovider", *(["-k", *chosen] if chosen else [])]
    done = lab.planted(mutant, "-m", "pytest", *options, *files)
    assert done.returncode == 1, done.stdout + done.stderr
