"""Baselines: what a suite once came to, as a small, sorted JSON file to be committed and compared with.

    {"rnnbench": 2, "suite": NAME, "seeds": [...], "claims": {EXPRESSION: VERDICT},
     "tasks": {TASK: its exact numbers},
     "variants": {VARIANT: {TASK: {"asked": hash, "spans": [rungs of each seed], "solved": [seeds of each rung],
                                   "diverged": runs, "exact": its exact numbers,
                                   "ends": how a run of it ends, of one variant of each family, else null}}}}

`asked` is what the ladder's runs were: a baseline is of no use once the suite asks for others.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval, Len

from rnnbench import strict
from rnnbench.analysis import spans, verdicts
from rnnbench.check import ends, probes
from rnnbench.check import seeds as seeded
from rnnbench.errors import Exit, UserError
from rnnbench.plan import Ladder, Plan, views
from rnnbench.plan.ladders import Climb
from rnnbench.plan.reach import folded
from rnnbench.records import Status, canonical
from rnnbench.suite import Suite
from rnnbench.suite.faults import printable

VERSION: Literal[2] = 2
WIDTH = 118  # of a line
LARGEST = 10_000_000  # bytes


Summary = Annotated[list[float], Len(2, 2)]  # of an array, as `probes.summary` makes it
Count = Annotated[int, Interval(ge=0)]
Look = Annotated[list[float | None], Len(3, 3)]  # training loss, score, score on the selection split


class Strict:
    """What is read from a baseline has these keys and no others."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True)
class TaskNumbers(Strict):
    hashes: Annotated[dict[str, str], Len(1)]
    loss: float
    score: float


@dataclass(frozen=True)
class PassNumbers(Strict):
    """Answers, and gradients by parameter."""

    answers: Summary
    gradients: Annotated[dict[str, Summary], Len(1)]


@dataclass(frozen=True)
class VariantNumbers(Strict):
    """`passes` by LENGTH/WIDTH; `starts`, `data` and `losses` by seed: losses are three numbers, or none of a run that
    diverged."""

    parameters: Count
    passes: Annotated[dict[str, PassNumbers], Len(1)]
    losses: dict[str, Annotated[list[float], Len(0, 3)]]
    starts: Annotated[dict[str, Summary], Len(1)]
    data: Annotated[dict[str, str], Len(1)]

    @classmethod
    def of(cls, ladder: Ladder, seeds: Sequence[int]) -> VariantNumbers:
        """UserError where seeds have in common what must differ."""
        path = next(probes.paths(ladder.rungs[0]))
        found = probes.variant(ladder, path, probes.looks(ladder))
        found["passes"] = {name: PassNumbers(**each) for name, each in found["passes"].items()}
        each, faults = seeded.look(ladder, path, seeds)
        if faults:
            raise UserError(f"{ladder.variant.name} on {ladder.task.name}: {faults[0]}, expected seeds that differ; "
                            "next: look at what draws them", code=Exit.FAILED)  # fmt: skip
        return cls(**found, **each)


@dataclass(frozen=True)
class End(Strict):
    """How a run ended; `curve` by step: training loss, score, score on the selection split; `bits` is a hash of its
    results, `made` says by which code and numerics: records of one making have equal bits."""

    status: Status
    steps: Count
    solved_at: Count | None
    score: Annotated[float, Interval(ge=0, le=1)] | None
    curve: Annotated[dict[Annotated[str, Len(1, 8)], Look], Len(1)]
    bits: str
    made: str


@dataclass(frozen=True)
class Ends(Strict):
    """A run as it is asked for, and the same with all its steps spent."""

    asked: End
    spent: End


@dataclass(frozen=True)
class Cell(Strict):
    """What became of one variant on one task."""

    asked: str
    spans: Annotated[list[Count], Len(1)]
    solved: Annotated[list[Count], Len(1)]
    diverged: Count
    exact: VariantNumbers
    ends: Ends | None = None


@dataclass(frozen=True)
class Baseline(Strict):
    rnnbench: Literal[2]
    suite: str
    seeds: Annotated[list[Count], Len(1)]
    claims: dict[str, Literal["holds", "fails", "undecided"]]
    tasks: dict[str, TaskNumbers]
    variants: dict[str, dict[str, Cell]]

    def text(self) -> str:
        return dump(asdict(self)) + "\n"


def place(suite: Suite) -> Path:
    """Where a suite's baseline lives: beside its file."""
    return Path(suite.path).parent / "baselines" / f"{suite.name}.json"


def asked(ladder: Ladder) -> str:
    """A hash of all that a ladder's runs are, their seeds aside."""
    return hashlib.blake2b(canonical([r.as_dict() for r in ladder.rungs]).encode(), digest_size=8).hexdigest()


def rungs(climb: Climb) -> list[int]:
    """How many rungs each seed solves: its span, counted in rungs."""
    return spans.solved(climb)


def diverged(climb: Climb) -> int:
    """How many runs diverged."""
    steps = [step for step in folded(climb).steps if step.state != "pruned"]
    return sum(r.status == "diverged" for step in steps for r in step.finished)


def missing(climbs: Sequence[Climb]) -> tuple[int, int]:
    """How many runs are missing, and how many broke, of those that aren't pruned."""
    steps = [step for climb in climbs for step in folded(climb).steps if step.state != "pruned"]
    return sum(step.missing for step in steps), sum(len(step.broken) for step in steps)


def make(plan: Plan, climbs: Sequence[Climb], typed: str = "") -> Baseline:
    """The baseline of a suite whose runs are all there, each variant at its own choice of what is tuned; UserError
    where they aren't, with what to type for the suite, if that isn't its name."""
    absent, broken = missing(climbs)
    if absent or broken:
        raise UserError(
            f"{plan.suite.name}: {absent} runs are missing or stale and {broken} broke, expected all to be there; "
            f"next: rnnbench run {typed or plan.suite.name} --rerun stale",
            code=Exit.FAILED if broken else Exit.INCONCLUSIVE,
        )
    variants: dict[str, dict[str, Cell]] = {}
    own = views.at(climbs)
    ended = {
        (x.variant.name, x.task.name): Ends(End(**found["asked"]), End(**found["spent"]))
        for x, found in ends.chosen([climb.ladder for climb in own])
    }
    for climb in own:
        ladder = climb.ladder
        if ladder.rungs:
            solved = [sum(verdict is True for verdict in step.verdicts) for step in climb.steps]
            numbers = VariantNumbers.of(ladder, plan.suite.seeds)
            end = ended.get((ladder.variant.name, ladder.task.name))
            cell = Cell(asked(ladder), rungs(climb), solved, diverged(climb), numbers, end)
            variants.setdefault(ladder.variant.name, {})[ladder.task.name] = cell
    outcomes = {v.claim.that: v.outcome for v in verdicts.verdicts(plan.suite, climbs)}
    tasks = {entry.name: TaskNumbers(**probes.task(entry)) for entry in plan.suite.tasks}
    return Baseline(VERSION, plan.suite.name, list(plan.suite.seeds), outcomes, tasks, variants)


def dump(value: Any, indent: int = 0) -> str:
    """Strict JSON with sorted keys, a line for what fits on one, so that a change shows where it is.

    >>> print(dump({"b": [1, 2], "a": list(range(29))}))
    {
     "a": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28],
     "b": [1, 2]
    }
    """
    line = json.dumps(value, sort_keys=True, allow_nan=False)
    if not isinstance(value, dict) or len(line) + indent <= WIDTH - 10:
        return line
    pad = " " * (indent + 1)
    lines = [f"{pad}{json.dumps(key)}: {dump(value[key], indent + 1)}" for key in sorted(value)]
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"


def cure(suite: str = "SUITE") -> str:
    """What to type where there is no baseline that fits, by what a user types for the suite."""
    return f"next: rnnbench run {suite}, then rnnbench baseline {suite} --update"


def read(path: Path, suite: str = "SUITE") -> Baseline:
    """The baseline of a file; UserError (exit code 2) if it isn't one."""
    told = cure(suite)
    shown = printable(str(path), 1000)
    try:
        with strict.opened(path) as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{shown}: {error.strerror}; expected a baseline; {told}") from None
    except ValueError as error:
        raise UserError(f"{shown}: {error}, expected a baseline; {told}") from None
    if len(data) > LARGEST:
        raise UserError(f"{shown}: got more than {LARGEST} bytes, expected a baseline; {told}")
    try:
        value = strict.loads(data)
    except ValueError as error:
        what = printable(str(error), 200) if data.strip() else "the file is empty"
        raise UserError(f"{shown}: got no JSON ({what}), expected a baseline; {told}") from None
    version = value.get("rnnbench") if isinstance(value, dict) else None
    if version != VERSION or type(version) is not int:
        got = printable(repr(version)) if version is not None else "no version"
        raise UserError(f"{shown}: rnnbench: got {got}, expected {VERSION}, the version of baselines; {told}")
    return _checked(value, shown, told)


def _checked(value: Any, shown: str, told: str) -> Baseline:
    from pydantic import TypeAdapter, ValidationError

    try:
        found: Baseline = TypeAdapter(Baseline).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = printable(".".join(map(str, first["loc"])), 100)
        what = printable(first["msg"], 200)
        raise UserError(f"{shown}: {where}: {what}, expected a baseline; {told}") from None
    if what := _contradiction(found):
        raise UserError(f"{shown}: {printable(what, 300)}; {told}")
    return found


def _contradiction(was: Baseline) -> str:
    """What of a baseline can't be, in words, though each value by itself could; empty if nothing."""
    if len(set(was.seeds)) != len(was.seeds):
        return "seeds: got one twice, expected each once"
    for variant, task, cell in ((v, t, cell) for v, cells in was.variants.items() for t, cell in cells.items()):
        at = f"variants.{variant}.{task}"
        if set(cell.exact.losses) != set(map(str, probes.SEEDS)):
            return f"{at}.exact.losses: got {len(cell.exact.losses)}, expected those of seeds 0 and 1"
        if {len(each) for each in cell.exact.losses.values()} - {0, 3}:
            return f"{at}.exact.losses: got a list of another length, expected 3 numbers, or none"
        for name, end in (("asked", cell.ends.asked), ("spent", cell.ends.spent)) if cell.ends else ():
            if not all(step.isascii() and step.isdigit() for step in end.curve):
                return f"{at}.ends.{name}.curve: got a key that is no step, expected steps"
            if max(map(int, end.curve)) != end.steps:
                return f"{at}.ends.{name}.curve: got no look at step {end.steps}, expected one at its end"
    return ""


def write(path: Path, text: str) -> None:
    """Replaces a baseline at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
