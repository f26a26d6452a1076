"""How a suite tunes: the settings that are tried, and the pilots that try them, which are a suite themselves.

Every variant on every task gets the same candidates, on the same pilot seeds and lengths and with the same steps,
differences too. Pilots are runs like any other: the suite of the pilots is one that somebody could have written by
hand, each variant once a candidate, nothing pruned. What they chose is told from their records (`plan/tuning.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rnnbench.suite import Suite, Variant

Compare = Literal["own", "base", "both"]


@dataclass(frozen=True)
class Tuning:
    """The candidates, each a value of every tuned setting, in the order in which equals are preferred; the pilots'
    seeds and, by task, lengths; their steps, where they aren't those of the suite.

    `compare`: whether effects are shown with each variant at its own choice, all at the base's, or both. `drawn`: the
    candidates are drawn from ranges, and no grid.
    """

    candidates: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    lengths: Mapping[str, tuple[int, ...]]
    steps: int | None = None
    compare: Compare = "both"
    drawn: bool = False

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of those that are tuned."""
        return tuple(self.candidates[0])

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Tuning:
        """That of plain JSON."""
        lists = {name: tuple(value[name]) for name in ("candidates", "seeds")}
        lengths = {task: tuple(some) for task, some in value["lengths"].items()}
        return cls(**{**value, **lists, "lengths": lengths})


def label(candidate: Mapping[str, Any]) -> str:
    """A candidate in words.

    >>> label({"lr": 1e-3, "schedule": "cosine"})
    'lr 0.001, schedule cosine'
    """
    return ", ".join(f"{name} {value}" for name, value in candidate.items())


def root(variants: Mapping[str, Variant], variant: Variant) -> Variant:
    """The architecture that a variant differs from, over however many differences."""
    while variant.base is not None and variant.base in variants:
        variant = variants[variant.base]
    return variant


def pilots(suite: Suite) -> Suite | None:
    """The suite of the pilots: each variant once a candidate, as a difference from the variant that it is; None where
    nothing is tuned."""
    tuning = suite.tuning
    if tuning is None:
        return None
    own = {} if tuning.steps is None else {"steps": tuning.steps}
    variants = tuple(
        replace(
            v,
            name=f"{v.name} {label(c)}",
            settings=v.settings | own | c,
            base=v.name,
            part=label(c),
            pair=(),
            rivals=(),
            start={},
        )
        for v in suite.variants
        for c in tuning.candidates
    )
    tasks = tuple(replace(t, lengths=tuning.lengths[t.name], search="climb") for t in suite.tasks)
    return replace(suite, variants=variants, tasks=tasks, seeds=tuning.seeds, claims=(), prune=False,
                   budgets=type(suite.budgets)(), tuning=None, crossing=None)  # fmt: skip
