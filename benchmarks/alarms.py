"""What `check` says of unchanged code on another machine, and of spans that lost something: the part of
`python -m benchmarks.calibration` that is about gates.

Exactly, where each seed's span moves a rung up or down with probability q each, in the baseline and now; and of drawn
suites, where the latent spans stay and each run has noise of its own, so that spans near a rung move and others don't.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, product

import numpy as np

from benchmarks.simulated import asked, climbed, ladder, seen
from benchmarks.tables import share, table
from rnnbench.check import baseline, compare
from rnnbench.check.baseline import Baseline, Cell, TaskNumbers, VariantNumbers
from rnnbench.plan import Plan
from rnnbench.plan.ladders import Climb
from rnnbench.rng import stream

SEEDS = (5, 6, 10)
CELLS = 12  # of a suite: four variants on three tasks
MOVES = (0.0, 0.02, 0.05, 0.1)  # q
NOISES = (0.02, 0.05, 0.1)  # octaves: the standard deviation of runs

NOTHING = VariantNumbers(0, {}, {}, {}, {})  # exact numbers, which the statistical tier doesn't look at


def changes(q: float, lost: int) -> dict[int, float]:
    """The distribution of a seed's change in rungs, where both sides move."""
    moves = {-1: q, 0: 1 - 2 * q, 1: q}
    out: dict[int, float] = defaultdict(float)
    for (then, a), (now, b) in product(moves.items(), repeat=2):
        out[now - then - lost] += a * b
    return {change: chance for change, chance in out.items() if chance}


def exactly(n: int, q: float, lost: int, margin: float = compare.MARGIN) -> dict[str, float]:
    """How likely each outcome of one cell is: a sum over all changes that n seeds can show."""
    each = changes(q, lost)
    before = [4] * n
    out = {"fine": 0.0, "worse": 0.0, "unclear": 0.0}
    for found in combinations_with_replacement(sorted(each), n):
        counts = Counter(found)
        ways = math.factorial(n) / math.prod(math.factorial(k) for k in counts.values())
        chance = ways * math.prod(each[change] ** k for change, k in counts.items())
        out[compare.compare(before, [4 + change for change in found], margin)[0]] += chance
    return out


def any_of(chance: float) -> float:
    """The chance that it happens in one cell or more of a suite."""
    return 1 - (1 - chance) ** CELLS


def drawn(plan: Plan, lengths: tuple[int, ...], noise: float, draw: int) -> tuple[list[Climb], ...]:
    """Views of one suite on ladders of these lengths: then, now, and now with an octave less in every cell."""
    n = len(plan.suite.seeds)
    rng = stream(n, f"alarms/{lengths}/{noise}", draw)
    truths = {
        (planned.variant.name, planned.task.name): 6 + rng.uniform(1).astype(np.float64) + 0.2 * rng.normal(n)
        for planned in plan.ladders
    }
    return tuple(
        seen(plan, {name: climbed(rng, truth - lost, lengths, noise) for name, truth in truths.items()})
        for lost in (0, 0, 1)
    )


def recorded(plan: Plan, climbs: Sequence[Climb]) -> Baseline:
    """The baseline of a view, without exact numbers."""
    variants: dict[str, dict[str, Cell]] = {}
    for climb in climbs:
        cell = Cell("", baseline.rungs(climb), [], 0, NOTHING)
        variants.setdefault(climb.ladder.variant.name, {})[climb.ladder.task.name] = cell
    tasks = {entry.name: TaskNumbers({}, 0.0, 0.0) for entry in plan.suite.tasks}
    return Baseline(baseline.VERSION, plan.suite.name, list(plan.suite.seeds), {}, tasks, variants)


def suites(n: int, an_octave: int, noise: float, draws: int) -> dict[str, float]:
    """Of drawn suites: the shares of spans that moved, of cells and of suites that are worse, unclear or not green, and
    of cells that lost an octave and are told to be worse, or at least not green."""
    lengths = ladder(4, 8, an_octave)
    planned = asked(("a", "b", "c"), dict.fromkeys(("x", "y", "z"), lengths), n)
    out: Counter[str] = Counter()
    for draw in range(draws):
        then, now, lost = drawn(planned, lengths, noise, draw)
        was = recorded(planned, then)
        spans = [(baseline.rungs(a), baseline.rungs(b)) for a, b in zip(then, now, strict=True)]
        outcomes = [f.outcome for f in compare.statistically(planned, now, was)]
        shorter = [f.outcome for f in compare.statistically(planned, lost, was)]
        out["moved"] += sum(x != y for a, b in spans for x, y in zip(a, b, strict=True))
        out["worse"] += outcomes.count("worse")
        out["unclear"] += outcomes.count("unclear")
        out["suite worse"] += "worse" in outcomes
        out["suite not green"] += set(outcomes) != {"fine"}
        out["told"] += shorter.count("worse")
        out["caught"] += CELLS - shorter.count("fine")
    sizes = {"moved": CELLS * n, "worse": CELLS, "unclear": CELLS, "told": CELLS, "caught": CELLS}
    return {name: out[name] / draws / sizes.get(name, 1) for name in (*sizes, "suite worse", "suite not green")}


def tables(draws: int) -> Iterator[str]:
    """The tables of `check`, each with its heading."""
    unchanged = ["spans that moved", "a cell unchanged: worse / unclear", f"{CELLS} cells unchanged: worse / not green"]
    for margin, lost in ((compare.MARGIN, 1), (compare.MARGIN, 2), (2.0, 2)):
        rows = {}
        for n, q in product(SEEDS, MOVES):
            same, less = exactly(n, q, 0, margin), exactly(n, q, lost, margin)
            rows[f"{n}, {q:g}"] = [
                share(1 - changes(q, 0)[0]),
                f"{share(same['worse'], 4)} / {share(same['unclear'])}",
                f"{share(any_of(same['worse']))} / {share(any_of(same['worse'] + same['unclear']))}",
                f"{share(less['worse'])} / {share(1 - less['fine'])}",
            ]
        header = ["n, q", *unchanged, f"rungs lost, {lost}: worse / not green"]
        yield f"check, margin {margin:g}, exact\n\n{table(header, rows)}"
    rows = {}
    for an_octave, noise, n in product((1, 2), NOISES, SEEDS):
        found = {name: share(x) for name, x in suites(n, an_octave, noise, draws).items()}
        rows[f"{an_octave}, {noise:g}, {n}"] = [
            found["moved"],
            f"{found['worse']} / {found['unclear']}",
            f"{found['suite worse']} / {found['suite not green']}",
            f"{found['told']} / {found['caught']}",
        ]
    header = ["rungs an octave, noise, n", *unchanged, "an octave lost: worse / not green"]
    yield f"check, margin {compare.MARGIN:g}, drawn suites\n\n{table(header, rows)}"
