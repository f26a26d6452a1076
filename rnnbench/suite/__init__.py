"""A suite: what to train and what is claimed of it. Frozen, wholly validated; `load.py` reads it from YAML."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from rnnbench import registry
from rnnbench.records import given
from rnnbench.settings import Settings
from rnnbench.suite.crossing import Crossing
from rnnbench.suite.points import suffix
from rnnbench.suite.probing import Probes
from rnnbench.suite.tuning import Tuning

_SETTINGS = frozenset(f.name for f in fields(Settings))
_LATER = ("factors", "start", "rivals", "match", "fitted")  # what a variant has had since the store's first version


@dataclass(frozen=True)
class Variant:
    """An architecture, or a difference from one (then `base` names it and `part` says what was changed:
    `-forget_gate`, `+peepholes`, `layers: 2`). Where two parts were changed together, `pair` has the names of the two
    variants that differ by one of them each. Where a part only starts otherwise, `start` says how, `{"forget_bias":
    3.0}`, and `rivals` has the names of the variants that change the part itself.

    `factors` is its point of a grid, which ends its name; of a difference also what its base has. `match` says what is
    as near as can be to the base's, and what is chosen for that, `{"parameters": "hidden"}`; `fitted` what was chosen,
    or is inherited so, task by task: `{"copy": {"hidden": 37}}`.

    `model` is `{"cell": NAME, switches that differ from the cell's defaults}`, likewise with `"layer"`, or
    `{"module": DOTTED.NAME, "args": {...}}`; `settings` what the variant itself gives (and inherits from its base).
    """

    name: str
    model: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    base: str | None = None
    part: str | None = None
    pair: tuple[str, ...] = ()
    factors: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)
    rivals: tuple[str, ...] = ()
    match: dict[str, str] = field(default_factory=dict)
    fitted: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The name that all points of its grid share; its own where there is no grid."""
        return self.name.removesuffix(suffix(self.factors))

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
    """A task of a suite: `task` is `{"task": KIND, difficulty that differs from the defaults}`; `lengths` ascend. Each
    is trained by itself, or, where `train` says up to which length, tested after one training. `search`: how far a seed
    spans them is found by climbing them all from the shortest, or by bisecting. `primary` are the variants whose
    effects on it were declared to be looked at first. `examples`: of how many, drawn once, a training has all that it
    sees; none: of fresh ones at each step. Where there are several numbers, most first, they are the rungs of its
    ladder, at its one length."""

    name: str
    task: dict[str, Any]
    lengths: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    search: Literal["climb", "bisect"] = "climb"
    train: dict[str, int] = field(default_factory=dict)
    primary: tuple[str, ...] = ()
    examples: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> TaskEntry:
        few = value.get("examples", ())
        several = {name: tuple(value.get(name, ())) for name in ("lengths", "primary")}
        return cls(**value | several | {"examples": (few,) if isinstance(few, int) else tuple(few)})

    @property
    def headline(self) -> str:
        """What is said first of a variant on it: `span`, `reach` where it is tested beyond what it trains on, or `need`
        where its rungs are numbers of examples."""
        return "need" if len(self.examples) > 1 else "reach" if self.train else "span"

    @property
    def places(self) -> tuple[int, ...]:
        """Where its rungs are, the one that is climbed first first: its lengths, or its numbers of examples."""
        return self.examples if self.headline == "need" else self.lengths

    @property
    def trained(self) -> tuple[int, ...]:
        """The (longest) length of each training that it asks for, of a variant and a seed."""
        return (self.train["upto"],) if self.train else self.lengths

    @property
    def beyond(self) -> tuple[int, ...]:
        """The lengths that are tested and longer than all that is trained on."""
        return tuple(length for length in self.lengths if length > self.trained[-1])


@dataclass(frozen=True)
class Claim:
    """A sentence about the results and the expression that decides it; `where` is FILE:LINE:COLUMN, `number` which of
    its suite's claims it is, from 1."""

    says: str
    that: str
    where: str = ""
    number: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Budgets:
    """With how many times the stated steps whole ladders are trained, the stated ones, 1, first; those with more on the
    first `seeds` of the suite's seeds (None: on all), and of `tasks` alone (none named: of all)."""

    times: tuple[int, ...] = (1,)
    seeds: int | None = None
    tasks: tuple[str, ...] = ()

    def first(self, times: int) -> int | None:
        """On how many of the suite's seeds, the first so many, ladders with so many times the steps are trained; None:
        on all."""
        return None if times == 1 else self.seeds

    def of(self, task: str) -> tuple[int, ...]:
        """How many times its steps a task's ladders are trained with."""
        return self.times if task in self.tasks or not self.tasks else self.times[:1]

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Budgets:
        """Those of a suite as plain JSON; older ones have `more_steps` or nothing."""
        if found := value.get("budgets"):
            return cls(tuple(found["times"]), found["seeds"], tuple(found.get("tasks", ())))
        older = value.get("more_steps")
        return cls((1, older["times"]), older["seeds"]) if older else cls()


@dataclass(frozen=True)
class Suite:
    """A validated suite. `text` is the file's own, so that a store can remember it; `foreign` what it names of other
    people's code, `cell ./mine.py`, and the file that each is (of a package's nothing is said). `crossing`: which pairs
    of initialisation and data are trained besides `seeds`."""

    name: str
    variants: tuple[Variant, ...]
    tasks: tuple[TaskEntry, ...]
    seeds: tuple[int, ...]
    about: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    prune: bool = True
    budgets: Budgets = Budgets()
    tuning: Tuning | None = None
    path: str = ""
    text: str = ""
    foreign: dict[str, str] = field(default_factory=dict)
    probe: Probes | None = None
    crossing: Crossing | None = None

    def settings(self, variant: Variant, task: TaskEntry) -> Settings:
        """The settings of one variant on one task: the variant's, else the task's, else the defaults; `--set`
        (the overrides) beats all but what was chosen to match, which goes by what its base is then."""
        fitted = {k: v for k, v in variant.fitted.get(task.name, {}).items() if k in _SETTINGS}
        return Settings(**(self.defaults | task.settings | variant.settings | self.overrides | fitted))

    def model(self, variant: Variant, task: TaskEntry) -> dict[str, Any]:
        """The model of one variant on one task: with the switch that was chosen there to match, where it is one."""
        fitted = {k: v for k, v in variant.fitted.get(task.name, {}).items() if k not in _SETTINGS}
        if not fitted:
            return variant.model
        kind = registry.kind(variant.model)
        return {kind: variant.model[kind]} | given(registry.switched(variant.model | fitted))

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
        for claim in plain["claims"]:
            del claim["number"]
        for task in plain["tasks"]:
            if task["search"] == "climb":
                del task["search"]
            if not task["primary"]:
                del task["primary"]
            if not task["train"]:
                del task["train"]
            if not task["examples"]:
                del task["examples"]
            elif len(task["examples"]) == 1:
                (task["examples"],) = task["examples"]
        plain["variants"] = [{k: v for k, v in each.items() if v or k not in _LATER} for each in plain["variants"]]
        if not self.budgets.tasks:
            del plain["budgets"]["tasks"]
        unused = {
            "foreign": not self.foreign,
            "budgets": self.budgets == Budgets(),
            "tuning": self.tuning is None,
            "probe": self.probe is None,
            "crossing": self.crossing is None,
        }
        return {key: value for key, value in plain.items() if not unused.get(key)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Suite:
        return cls(
            **{key: each for key, each in value.items() if key != "more_steps"}
            | {
                "variants": tuple(
                    Variant(**v | {name: tuple(v.get(name, ())) for name in ("pair", "rivals")})
                    for v in value["variants"]
                ),
                "tasks": tuple(map(TaskEntry.from_dict, value["tasks"])),
                "seeds": tuple(value["seeds"]),
                "claims": tuple(Claim(**c, number=k) for k, c in enumerate(value["claims"], 1)),
                "budgets": Budgets.from_dict(value),
                "tuning": Tuning.from_dict(value["tuning"]) if value.get("tuning") else None,
                "probe": Probes.from_dict(value.get("probe")),
                "crossing": Crossing(**found) if (found := value.get("crossing")) else None,
            }
        )
