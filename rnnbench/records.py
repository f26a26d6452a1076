"""Runs and records, their canonical JSON and their ids.

A run is one training. Its id is the hash of what is asked for and of nothing else: not its suite, its name, its
cohort or its machine. How it was computed is provenance and stands in its record.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

from rnnbench import seeds, strict
from rnnbench.lengthwise import FIELDS, of_lengths
from rnnbench.seeds import Seed

Status = Literal["solved", "unsolved", "diverged", "failed", "crashed", "timeout"]
FINISHED: tuple[Status, ...] = ("solved", "unsolved", "diverged")
BROKEN: tuple[Status, ...] = ("failed", "crashed", "timeout")
MOST_SECONDS = 1e10  # of a run: three centuries
MOST_ATTEMPTS = 1_000_000

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN.

    >>> canonical({"b": 1, "a": [1e-3, True]})
    '{"a":[0.001,true],"b":1}'
    """
    return _ENCODER.encode(value)


def id_of(text: str) -> str:
    """The id of a run from its canonical JSON."""
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def given(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults: what identifies it, so that a field added later
    changes no id (that the code changed is the fingerprint's business)."""
    pairs = ((f, getattr(instance, f.name)) for f in dataclasses.fields(instance))
    return {f.name: value for f, value in pairs if not _same(value, f.default)}


def _same(a: object, b: object) -> bool:
    return type(a) is type(b) and a == b


@dataclass(frozen=True)
class Rung:
    """Everything that a run is, its seed aside; each mapping holds only what differs from the defaults.

    `model` is `{"cell": NAME, switches...}`, the same with `"layer"`, or `{"module": DOTTED.NAME, "args": {...}}`,
    `task` `{"task": NAME, difficulty...}`, `settings` as in settings.py. `train` is empty where a run trains on fresh
    examples of its length alone, and is tested there; `{"examples": n}` where it has n of them (finite.py); else it is
    as in curriculum.py, and `length` the longest that is trained on.
    """

    model: dict[str, Any]
    task: dict[str, Any]
    length: int
    settings: dict[str, Any]
    train: dict[str, Any] = field(default_factory=dict)

    @property
    def tested(self) -> tuple[int, ...]:
        """The lengths at which a run is tested that trains on several, ascending; () of one that trains on its own."""
        return tuple(self.train.get("tested", ()))

    def as_dict(self) -> dict[str, Any]:
        plain = {"length": self.length, "model": self.model, "settings": self.settings, "task": self.task}
        return plain | ({"train": self.train} if self.train else {})

    @classmethod
    def from_dict(cls, value: object) -> Rung:
        """The rung of plain JSON, checked; ValueError where it is none."""
        found = strict.keys("rung", value, ("length", "model", "settings", "task"), ("train",))
        for name in ("model", "settings", "task"):
            if type(found[name]) is not dict:
                strict.refuse(name, found[name], "an object")
            strict.plain(name, found[name])
        kinds = [kind for kind in ("cell", "layer", "module") if kind in found["model"]]
        if len(kinds) != 1:
            raise ValueError(f"model: got {' and '.join(kinds) or 'neither'}, expected one of cell, layer, module")
        strict.text(kinds[0], found["model"][kinds[0]])
        strict.text("task", found["task"].get("task"))
        strict.whole("length", found["length"], 1)
        train = _training(found["train"], found["length"]) if "train" in found else {}
        return cls(found["model"], found["task"], found["length"], found["settings"], train)

    @cached_property
    def _hash(self) -> Any:
        return hashlib.blake2b(f'{{"rung":{canonical(self.as_dict())},"seed":'.encode(), digest_size=12)

    @cached_property
    def key(self) -> str:
        """What tells it from every other rung."""
        return str(self._hash.hexdigest())

    @cached_property
    def shape(self) -> str:
        """Runs of equal shape can train side by side: all is equal but the learning rate and the seed."""
        return canonical(self.as_dict() | {"settings": {k: v for k, v in self.settings.items() if k != "lr"}})

    @cached_property
    def model_text(self) -> str:
        """The model as canonical JSON."""
        return canonical(self.model)

    def id(self, seed: Seed) -> str:
        """The id of this rung's run with a seed: the hash of the run's canonical JSON, 24 hexadecimal digits."""
        h = self._hash.copy()
        h.update(b"%d}" % seed if type(seed) is int else f"{canonical(seeds.plain(seed))}}}".encode())
        return str(h.hexdigest())


def _training(value: object, length: int) -> dict[str, Any]:
    """What a rung of plain JSON trains on besides its length, checked: `{"examples": NUMBER}`, or `{"tested": lengths,
    "from": LENGTH, "over": STEPS}`, the last two together or neither."""
    if type(value) is dict and "examples" in value:
        strict.whole("train: examples", strict.keys("train", value, ("examples",))["examples"], 1)
        return value
    found = strict.keys("train", value, ("tested",), ("from", "over"))
    tested = found["tested"]
    if type(tested) is not list or not tested:
        strict.refuse("train: tested", tested, "a list of lengths")
    least = 1
    for each in tested:
        least = strict.whole("train: tested", each, least) + 1
    if tested[0] > length:
        strict.refuse("train: tested", tested[0], f"a length of at most {length}, the longest trained on, first")
    if ("from" in found) != ("over" in found):
        raise ValueError("train: got one of from and over, expected both or neither")
    if "from" in found:
        strict.whole("train: from", found["from"], 1, length)
        strict.whole("train: over", found["over"], 1)
    return found


@dataclass(frozen=True, slots=True)
class Run:
    """One training: a rung and a seed."""

    rung: Rung
    seed: Seed

    @property
    def id(self) -> str:
        return self.rung.id(self.seed)

    def as_dict(self) -> dict[str, Any]:
        return {"rung": self.rung.as_dict(), "seed": seeds.plain(self.seed)}

    @classmethod
    def from_dict(cls, value: object) -> Run:
        """The run of plain JSON, checked; ValueError where it is none."""
        found = strict.keys("run", value, ("rung", "seed"))
        return cls(Rung.from_dict(found["rung"]), seeds.from_plain(found["seed"]))


@dataclass(frozen=True, slots=True)
class Point:
    """One look at a run under way: mean training loss (nats, or the task's own unit) and score of the steps since
    the look before; `select` where the selection split was scored."""

    step: int
    loss: float | None
    score: float | None
    select: float | None = None

    def as_row(self) -> list[float | None]:
        """Its fields in their order, as plain JSON."""
        return [self.step, self.loss, self.score, self.select]

    @classmethod
    def of_row(cls, row: object) -> Point:
        """The look of plain JSON, checked; ValueError where it is none."""
        if type(row) is not list or len(row) != 4:
            strict.refuse("look", row, "a list of step, loss, score, select")
        step, loss, score, select = row
        return cls(
            strict.whole("step", step, 1),
            None if loss is None else strict.number("loss", loss),
            None if score is None else strict.number("score", score, 0, 1),
            None if select is None else strict.number("select", select, 0, 1),
        )


@dataclass(frozen=True, slots=True)
class Record:
    """What a run produced.

    `score` is the `test` score in [0, 1] (0 for a diverged run, None for one that broke), `steps` how many were
    trained, `seconds` of training. *Solved* is a score at the task's bar; `solved_at` is the look by which it was: the
    first of two in a row whose validation is at the same bar, or the last (None: not solved, or only the test says so).

    Of a run that is tested at several lengths `scores` has (length, score) of each, ascending; `score` is the least of
    those that are no longer than it trained on. `positions`: at the longest of them, how many answers were right, by
    their position in an example, in equal parts; empty where there is one answer.
    """

    run: Run
    status: Status
    score: float | None = None
    loss: float | None = None
    steps: int = 0
    solved_at: int | None = None
    parameters: int = 0
    seconds: float = 0.0
    curve: tuple[Point, ...] = ()
    error: str | None = None
    numerics: str = ""
    fingerprint: str = ""
    host: str = ""
    started: str = ""
    attempt: int = 1
    scores: tuple[tuple[int, float], ...] = ()
    positions: tuple[float, ...] = ()

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    def results(self) -> dict[str, Any]:
        """The results alone: no times, hosts or versions. Equal for equal runs, to the bit."""
        return {
            "id": self.id,
            "run": self.run.as_dict(),
            "status": self.status,
            "score": self.score,
            "loss": self.loss,
            "steps": self.steps,
            "solved_at": self.solved_at,
            "parameters": self.parameters,
            "curve": [p.as_row() for p in self.curve],
        } | self.by_length()

    def by_length(self) -> dict[str, Any]:
        """What is told of several tested lengths, as plain JSON; nothing of a run that has none."""
        found = {"scores": [list(each) for each in self.scores], "positions": list(self.positions)}
        return {name: rows for name, rows in found.items() if rows}

    def as_dict(self) -> dict[str, Any]:
        return self.results() | {name: getattr(self, name) for name in PROVENANCE}

    @classmethod
    def from_dict(cls, value: object) -> Record:
        """The record of plain JSON, as `as_dict` or `results` made it, wholly checked: types, ranges, and that its id
        is its run's. ValueError, with the key and what was expected, where it is none."""
        found = strict.keys("", value, RESULTS, (*FIELDS, *PROVENANCE))
        run = Run.from_dict(found["run"])
        if found["id"] != run.id:
            strict.refuse("id", found["id"], f"'{run.id}', which is its run's")
        if type(found["curve"]) is not list:
            strict.refuse("curve", found["curve"], "a list of looks")
        curve = tuple(map(Point.of_row, found["curve"]))
        own = {name: each for name, each in found.items() if name != "id"}
        own |= {"run": run, "curve": curve} | of_lengths({name: own[name] for name in FIELDS if name in own})
        return cls(**own).checked()

    def checked(self) -> Record:
        """The record itself, with numbers as floats, where its values are of the types and in the ranges that a record
        has, and agree with each other; ValueError where they don't."""
        strict.whole("parameters", self.parameters)
        strict.whole("attempt", self.attempt, 1, MOST_ATTEMPTS)
        strict.whole("steps", self.steps)
        if self.solved_at is not None:
            strict.whole("solved_at", self.solved_at)
        for name in ("status", "numerics", "fingerprint", "host", "started"):
            strict.text(name, getattr(self, name))
        if self.error is not None:
            strict.text("error", self.error)
        found = dataclasses.replace(
            self,
            score=None if self.score is None else strict.number("score", self.score),
            loss=None if self.loss is None else strict.number("loss", self.loss),
            seconds=strict.number("seconds", self.seconds, 0, MOST_SECONDS),
            **of_lengths(self.by_length()),
        )
        return found.agreed()

    def agreed(self) -> Record:
        """The record itself, where its values, which are of the right types, agree with its status and each other;
        ValueError where they don't."""
        status, score, solved_at = self.status, self.score, self.solved_at
        if status in FINISHED:
            if score is None or not 0 <= score <= 1:
                strict.refuse("score", score, f"a number from 0 to 1 beside status {status}")
            if status == "diverged" and score:
                strict.refuse("score", score, "0 beside status diverged")
        elif status not in BROKEN:
            strict.refuse("status", status, f"one of {', '.join(get_args(Status))}")
        elif score is not None or solved_at is not None:
            strict.refuse("score and solved_at", [score, solved_at], f"null beside status {status}")
        if self.steps < 0:
            strict.refuse("steps", self.steps, "at least 0")
        if solved_at is not None and not 1 <= solved_at <= self.steps:
            strict.refuse("solved_at", solved_at, f"null or a step from 1 to {self.steps}")
        self._agreed_scores()
        last = 0
        for point in self.curve:
            if not last < point.step <= self.steps:
                strict.refuse("curve: step", point.step, f"an integer from {last + 1} to {self.steps}")
            last = point.step
        return self

    def _agreed_scores(self) -> None:
        """ValueError where the scores by length aren't those that such a run has."""
        rung = self.run.rung
        tested = rung.tested if self.status in ("solved", "unsolved") else ()
        if tuple(length for length, _ in self.scores) != tested:
            expected = f"those of the lengths {', '.join(map(str, tested))}" if tested else "none"
            strict.refuse("scores", list(self.scores), f"{expected} beside status {self.status}")
        if self.positions and not tested:
            strict.refuse("positions", list(self.positions), "none beside no scores")
        if tested and self.score != min(score for length, score in self.scores if length <= rung.length):
            strict.refuse("score", self.score, f"the least of its scores at lengths up to {rung.length}")


PROVENANCE = ("seconds", "error", "numerics", "fingerprint", "host", "started", "attempt")
RESULTS = ("id", "run", "status", "score", "loss", "steps", "solved_at", "parameters", "curve")


def dump_canonical(records: Iterable[Record]) -> str:
    """The canonical export: one line of results a record, sorted by id, byte-stable."""
    return "".join(f"{canonical(r.results())}\n" for r in sorted(records, key=lambda record: record.id))
