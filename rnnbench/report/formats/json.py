"""A report as one strict JSON object (no NaN: null): the suite, and per variant and task its span (or reach, or need)
and every rung with its runs. All that the tables show can be had from it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from rnnbench.analysis import bars, factors, spans, verdicts
from rnnbench.analysis.twins import twins
from rnnbench.plan import views
from rnnbench.plan.ladders import Climb, RungState
from rnnbench.records import Record
from rnnbench.report import sections
from rnnbench.seeds import Seed, plain
from rnnbench.settings import Settings
from rnnbench.suite import Suite, rungs

VERSION = 1


def strict(value: Any) -> Any:
    """A value with null for every number that JSON can't write.

    >>> strict({"a": [float("nan"), 1.5]})
    {'a': [None, 1.5]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: strict(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [strict(v) for v in value]
    return value


def _run(seed: Seed, run_id: str, record: Record | None, implied: bool | None = None) -> dict[str, Any]:
    if record is None:
        if implied is not None:
            return {"seed": plain(seed), "id": run_id, "status": "implied", "solved": implied}
        return {"seed": plain(seed), "id": run_id, "status": "missing"}
    wanted = ("status", "score", "loss", "steps", "solved_at", "parameters", "seconds", "error", "numerics", "attempt")
    own = {"seed": plain(seed), "id": record.id} | {name: getattr(record, name) for name in wanted}
    return own if record.id == run_id else own | {"told_for": run_id}  # the same run with fewer steps


def _rung(step: RungState, seeds: Sequence[Seed]) -> dict[str, Any]:
    found = spans.score(step)
    implied = step.implied or (None,) * len(step.records)
    runs = zip(seeds, step.records, implied, strict=False)  # a ladder with more steps may have the first few seeds
    return {
        "length": step.rung.length,
        **{name: n for name, n in step.rung.train.items() if name == "examples"},
        "budget": Settings.of(step.rung).steps,
        "state": step.state,
        "score": found.score.value,
        "low": found.score.low,
        "high": found.score.high,
        "n": found.n,
        "solved": found.solved,
        "share": found.share._asdict(),
        "diverged": found.diverged,
        "failed": found.failed,
        "missing": found.missing,
        "runs": [_run(seed, step.rung.id(seed), record, told) for seed, record, told in runs],
    }


def _climb(climb: Climb, suite: Suite) -> dict[str, Any]:
    found, words = spans.span(climb), rungs.words(climb.ladder.task)
    seeds = climb.ladder.crossing.pairs if climb.ladder.crossing else suite.seeds
    headline = {"span": None} | {climb.ladder.task.headline: _span(found, words.name) if found else None}
    point = {name: factors.value(climb, name, suite.variants) for name in factors.factors(suite.variants)}
    return {
        "variant": climb.ladder.variant.name,
        "task": climb.ladder.task.name,
        "times": climb.ladder.budget,
        "choice": climb.ladder.choice,
        "factors": {name: value for name, value in point.items() if value is not factors.MISSING},
        "not_applicable": climb.ladder.reason or None,
        **headline,
        "seed_spans": [dataclasses.asdict(s) for s in spans.seed_spans(climb)],
        "rungs": [_rung(step, seeds) for step in climb.steps],
    }


def _span(found: spans.VariantSpan, key: str) -> dict[str, Any]:
    """A span and the ends of its interval as lengths (or numbers of examples), null where it has none, and as
    octaves."""
    lengths = {key: found.octaves.value, "low": found.octaves.low, "high": found.octaves.high}
    ends = {name: round(2.0**octaves, 9) for name, octaves in lengths.items()}  # exact where it is a rung
    return ends | dataclasses.asdict(found) | {"octaves": found.octaves._asdict()}


def _verdict(verdict: verdicts.Verdict, others: dict[float, str]) -> dict[str, Any]:
    there = {f"{bar:g}": outcome for bar, outcome in others.items()}
    return dataclasses.asdict(verdict.claim) | {"verdict": verdict.outcome, "why": verdict.why, "other_bars": there}


def render(
    suite: Suite, climbs: Sequence[Climb], *, width: int | None = None, color: bool = False, notes: Sequence[str] = ()
) -> str:
    stated = views.at(climbs)
    report = {
        "rnnbench": VERSION,
        "suite": suite.name,
        "about": suite.about,
        "seeds": list(suite.seeds),
        "crossing": dataclasses.asdict(suite.crossing) if suite.crossing else None,
        "budgets": dataclasses.asdict(suite.budgets),
        "tune": dataclasses.asdict(suite.tuning) if suite.tuning else None,
        "variants": [dataclasses.asdict(v) for v in suite.variants],
        "tasks": [dataclasses.asdict(t) for t in suite.tasks],
        "results": [_climb(climb, suite) for climb in climbs if climb.ladder.choice != "pilot"],
        **sections.values(climbs),
        "same_bits": [{"variants": names, "runs": runs} for names, runs in twins(stated).items()],
        "claims": list(map(_verdict, verdicts.verdicts(suite, climbs), bars.claim_outcomes(suite, climbs))),
        "notes": list(notes),
    }
    # ASCII alone, so that no name can bring a control character along
    return json.dumps(strict(report), indent=2, allow_nan=False) + "\n"
