"""What a trained model does with time: probes of a run that was trained again to the same bits, which say *why* a part
matters where its effect says that it does.

Everything is computed in float64 by a cell's own equations, no fused scan, over a few sequences of the test split.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rnnbench import strict
from rnnbench.records import Record, Run

END = -1  # in place of a number of steps: where training ended
VERSION = 1  # of what a probe says; another one is made anew

Of = Literal["answer", "loss"]


def after(at: Iterable[int | str]) -> tuple[int, ...]:
    """Numbers of steps, where a text, `end`, is END.

    >>> after([0, "end"])
    (0, -1)
    """
    return tuple(END if isinstance(each, str) else each for each in at)


@dataclass(frozen=True)
class Asked:
    """What is probed of a run: after how many training steps, the gradient of what, over how many test sequences."""

    at: tuple[int, ...] = (0, END)
    of: Of = "answer"
    sequences: int = 128

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"at": list(self.at)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Asked:
        return cls(tuple(value["at"]), value["of"], value["sequences"])


@dataclass(frozen=True)
class Probe:
    """A run after so many steps, `end` if they were its last. `score` on the test split; the rest is as the modules of
    this package make it, plain JSON, empty where the model or the task has none of it; `why` says so in a line."""

    step: int
    end: bool
    score: float | None
    gradients: tuple[dict[str, Any], ...] = ()
    inputs: tuple[dict[str, Any], ...] = ()
    gates: tuple[dict[str, Any], ...] = ()
    carries: tuple[dict[str, Any], ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()
    readouts: tuple[dict[str, Any], ...] = ()
    swaps: tuple[dict[str, Any], ...] = ()
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, value: object) -> Probe:
        """The probe of plain JSON; ValueError where it is none."""
        found = strict.keys("probe", value, cls.__dataclass_fields__)
        strict.plain("probe", found)
        values: dict[str, Any] = {n: tuple(each) if isinstance(each, list) else each for n, each in found.items()}
        return cls(**values)


@dataclass(frozen=True)
class Probed:
    """A run of a suite by its names, the record that the store has of it, if it has one, and what came of training it
    again: a record, which is equal to the bit where the same code and numerics made both, and its probes."""

    variant: str
    base: str | None
    task: str
    run: Run
    stored: Record | None = None
    record: Record | None = None
    probes: tuple[Probe, ...] = ()

    def having(self, record: Record | None, probes: tuple[Probe, ...]) -> Probed:
        return replace(self, record=record, probes=probes)
