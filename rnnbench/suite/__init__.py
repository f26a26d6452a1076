"""A suite: what to train and what is claimed of it. Frozen, wholly validated; `load.py` reads it from YAML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from rnnbench.settings import Settings


@dataclass(frozen=True)
class Variant:
    """An architecture, or a difference from one (then `base` names it and `part` says what was changed:
    `-forget_gate`, `+peepholes`, `layers: 2`). Where two parts were changed together, `pair` has the names of the two
    variants that differ by one of them each.

    `model` is `{"cell": NAME, switches that differ from the cell's defaults}`, likewise with `"layer"`, or
    `{"module": DOTTED.NAME, "args": {...}}`; `settings` what the variant itself gives (and inherits from its base).
    """

    name: str
    model: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    base: str | None = None
    part: str | None = None
    pair: tuple[str, ...] = ()

    @property
    def paired(self) -> bool:
        """Whether it starts from the same bits as its base where they share a part: not so of a foreign module, which
        draws its parameters one after another."""
        return "module" not in self.model


def parts(variants: Iterable[Variant]) -> dict[str, list[str]]:
    """What an effect can be asked of -> the variants that are meant: a variant that differs from a base by its own
    name, and a part by its name alone.

    >>> parts([Variant("lstm", {}), Variant("lstm-forget_gate", {}, base="lstm", part="-forget_gate")])
    {'lstm-forget_gate': ['lstm-forget_gate'], 'forget_gate': ['lstm-forget_gate']}
    """
    found: dict[str, list[str]] = {}
    for variant in variants:
        if variant.base is not None:
            for name in dict.fromkeys((variant.name, (variant.part or variant.name).lstrip("+-"))):
                found.setdefault(name, []).append(variant.name)
    return found


@dataclass(frozen=True)
class TaskEntry:
    """A task of a suite: `task` is `{"task": KIND, difficulty that differs from the defaults}`; `lengths` ascend;
    `primary` are the variants whose effects on it were declared to be looked at first."""

    name: str
    task: dict[str, Any]
    lengths: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    primary: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> TaskEntry:
        return cls(**value | {"lengths": tuple(value["lengths"]), "primary": tuple(value.get("primary", ()))})


@dataclass(frozen=True)
class Claim:
    """A sentence about the results and the expression that decides it; `where` is FILE:LINE:COLUMN."""

    says: str
    that: str
    where: str = ""


@dataclass(frozen=True)
class ExtendedBudget:
    """Train each ladder's first unsolved rung again, with `times` its steps, on the first `seeds` seeds (None: all)."""

    times: int
    seeds: int | None = None


@dataclass(frozen=True)
class Suite:
    """A validated suite. `text` is the file's own, so that a store can remember it; `foreign` what it names of other
    people's code, `cell ./mine.py`, and the file that each is (of a package's nothing is said)."""

    name: str
    variants: tuple[Variant, ...]
    tasks: tuple[TaskEntry, ...]
    seeds: tuple[int, ...]
    about: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    prune: bool = True
    more_steps: ExtendedBudget | None = None
    path: str = ""
    text: str = ""
    foreign: dict[str, str] = field(default_factory=dict)

    def settings(self, variant: Variant, task: TaskEntry) -> Settings:
        """The settings of one variant on one task: the variant's, else the task's, else the defaults; `--set`
        (the overrides) beats all."""
        return Settings(**(self.defaults | task.settings | variant.settings | self.overrides))

    @property
    def unverified(self) -> tuple[str, ...]:
        """What only importing it can verify: what is named of other people's code."""
        modules = (f"module {v.model['module']}" for v in self.variants if "module" in v.model)
        return (*self.foreign, *dict.fromkeys(modules))

    @property
    def files(self) -> dict[str, str]:
        """The users' own files that it names, by the names that they have in it."""
        return {name.partition(" ")[2]: file for name, file in self.foreign.items() if file}

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, from which `from_dict` makes an equal suite. What older versions don't know is left out where a
        suite doesn't use it, so that they can read it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for task in plain["tasks"]:
            if not task["primary"]:
                del task["primary"]
        return {key: value for key, value in plain.items() if key not in ("more_steps", "foreign") or value}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Suite:
        more = value.get("more_steps")
        return cls(
            **value
            | {
                "variants": tuple(Variant(**v | {"pair": tuple(v.get("pair", ()))}) for v in value["variants"]),
                "tasks": tuple(map(TaskEntry.from_dict, value["tasks"])),
                "seeds": tuple(value["seeds"]),
                "claims": tuple(Claim(**c) for c in value["claims"]),
                "more_steps": ExtendedBudget(**more) if more else None,
            }
        )
