"""Runs and records, their canonical JSON and their ids.

A run is one training. Its id is the hash of what is asked for and of nothing else: not its suite, its name, its
cohort or its machine. How it was computed is provenance and stands in its record.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Status = Literal["solved", "unsolved", "diverged", "failed", "crashed", "timeout"]
FINISHED: tuple[Status, ...] = ("solved", "unsolved", "diverged")
BROKEN: tuple[Status, ...] = ("failed", "crashed", "timeout")


def canonical(value: object) -> str:
    """The one JSON text of a value: sorted keys, no spaces, no NaN.

    >>> canonical({"b": 1, "a": [1e-3, True]})
    '{"a":[0.001,true],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


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
    `task` `{"task": NAME, difficulty...}`, `settings` as in settings.py.
    """

    model: dict[str, Any]
    task: dict[str, Any]
    length: int
    settings: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return {"length": self.length, "model": self.model, "settings": self.settings, "task": self.task}

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

    @cached_property
    def _ids(self) -> dict[int, str]:
        return {}

    def id(self, seed: int) -> str:
        """The id of this rung's run with a seed: the hash of the run's canonical JSON, 24 hexadecimal digits."""
        found = self._ids.get(seed)
        if found is None:
            h = self._hash.copy()
            h.update(b"%d}" % seed)
            found = self._ids[seed] = str(h.hexdigest())
        return found


@dataclass(frozen=True, slots=True)
class Run:
    """One training: a rung and a seed."""

    rung: Rung
    seed: int

    @property
    def id(self) -> str:
        return self.rung.id(self.seed)

    def as_dict(self) -> dict[str, Any]:
        return {"rung": self.rung.as_dict(), "seed": self.seed}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Run:
        return cls(Rung(**value["rung"]), value["seed"])


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
    def of_row(cls, row: Sequence[Any]) -> Point:
        return cls(*row)


@dataclass(frozen=True, slots=True)
class Record:
    """What a run produced.

    `score` is the `test` score in [0, 1] (0 for a diverged run, None for one that broke), `steps` how many were
    trained, `seconds` of training. *Solved* is a score at the task's bar; `solved_at` is the look by which it was: the
    first of two in a row whose validation is at the same bar, or the last (None: not solved, or only the test says so).
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
        }

    def as_dict(self) -> dict[str, Any]:
        extra = ("seconds", "error", "numerics", "fingerprint", "host", "started", "attempt")
        return self.results() | {name: getattr(self, name) for name in extra}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Record:
        value = {k: v for k, v in value.items() if k != "id"}
        value["run"] = Run.from_dict(value["run"])
        value["curve"] = tuple(map(Point.of_row, value["curve"]))
        return cls(**value)


def dump_canonical(records: Iterable[Record]) -> str:
    """The canonical export: one line of results a record, sorted by id, byte-stable."""
    lines = sorted(canonical(r.results()) for r in records)
    return "".join(f"{line}\n" for line in lines)
