"""Runs to their end: what shows only late, or in how a run is judged. One cheap run of each family of cells, each on
another task in turn, as the suite asks for it and again with its whole budget of steps spent.

Rounding grows while a run trains, so a run is taken whose curve a millionth of its learning rate doesn't move. Where
the same code trained it with the same numerics, which promise equal bits on every machine, the record's hash is held
to that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from rnnbench import registry
from rnnbench.check.probes import paths, rounded
from rnnbench.plan import Ladder, cost
from rnnbench.records import Record, Run, canonical
from rnnbench.settings import LOOK, Settings
from rnnbench.training.trainer import Trainer

TOLERANCE = {"loss": 1e-2, "score": 0.02}  # of one machine to another, relative and absolute; halved rates move more
FLOOR = 1e-3  # of the first loss: a smaller one is held to that
NUDGE = 1e-6  # of the learning rate
STEADY = 0.25  # of the tolerance is what a nudge may move

End = dict[str, Any]


def family(ladder: Ladder) -> str:
    """What a variant's layers are made of, switches aside: `cell lstm`."""
    model = ladder.variant.model
    kind = registry.kind(model)
    return f"{kind} {model[kind]}"


def chosen(ladders: Iterable[Ladder]) -> Iterator[tuple[Ladder, dict[str, End]]]:
    """For each family a ladder, and the ends of its shortest rung's run: of its cheapest variants the first that is
    steady, and solved if one is."""
    families: dict[str, dict[str, list[Ladder]]] = {}
    for ladder in ladders:
        if ladder.rungs:
            families.setdefault(family(ladder), {}).setdefault(ladder.task.name, []).append(ladder)
    tasks = list(dict.fromkeys(task for by_task in families.values() for task in by_task))
    for k, by_task in enumerate(families.values()):
        turn = [task for task in tasks[k % len(tasks) :] + tasks[: k % len(tasks)] if task in by_task]
        found = [x for task in turn for x in sorted(by_task[task], key=lambda x: cost.estimate(x.rungs[0]))]
        kept: tuple[Ladder, dict[str, End]] | None = None
        for ladder in found:
            now = of(ladder)
            if not differences(now, of(ladder, NUDGE), STEADY):
                kept = kept or (ladder, now)
                if now["asked"]["solved_at"] is not None:
                    kept = ladder, now
                    break
        if kept:
            yield kept


def of(ladder: Ladder, nudge: float = 0.0) -> dict[str, End]:
    """How the run of a ladder's shortest rung ends: `asked`, as it is asked for, and `spent`, with all its steps."""
    rung = ladder.rungs[0]
    rate = Settings.of(rung).lr * (1 + nudge)
    settings = rung.settings | ({"lr": rate} if nudge else {})
    trainer = Trainer("cpu", next(paths(rung)))
    found = {}
    for name, changed in (("asked", settings), ("spent", settings | {"stop": "never"})):
        events = trainer.train([Run(replace(rung, settings=changed), 0)])
        (found[name],) = (_end(event) for event in events if isinstance(event, Record))
    return found


def _end(record: Record) -> End:
    score = None if record.score is None else rounded(record.score)
    curve = {str(p.step): [x and rounded(x) for x in (p.loss, p.score, p.select)] for p in record.curve}
    at = {"steps": record.steps, "solved_at": record.solved_at, "status": record.status}
    bits = hashlib.sha256(canonical(record.results()).encode()).hexdigest()[:16]
    made = f"{record.fingerprint}, {record.numerics}"  # records of one making have equal bits
    return at | {"score": score, "curve": curve, "bits": bits, "made": made}


def differences(was: dict[str, End], now: dict[str, End], share: float = 1.0) -> list[str]:
    """What differs by more than that share of the tolerance, in words."""
    found = []
    for name, words in (("asked", "to its end"), ("spent", "through all its steps")):
        before, after = was[name], now[name]
        for what in ("status", "steps", "solved_at"):
            if before[what] != after[what]:
                found.append(f"trained {words}: {what} {after[what]}, was {before[what]}")
        if not _near(before["score"], after["score"], TOLERANCE["score"] * share):
            found.append(f"trained {words}: score {after['score']}, was {before['score']}")
        first = before["curve"].get(str(LOOK)) or [0.0]
        for step, old in sorted(before["curve"].items(), key=lambda item: int(item[0])):
            new, (loss, *_) = after["curve"].get(step, [None] * 3), old
            reach = TOLERANCE["loss"] * max(FLOOR * abs(first[0] or 0.0), abs(loss or 0.0))
            if not all(map(_near, old, new, (reach * share, *[TOLERANCE["score"] * share] * 2))):
                shown = (" ".join("none" if x is None else f"{x:g}" for x in look) for look in (new, old))
                found.append(f"trained {words}: at step {step} {', was '.join(shown)}")
                break
        if not found and share == 1.0 and before["made"] == after["made"] and before["bits"] != after["bits"]:
            found.append(
                f"trained {words}: other bits by the same code and numerics, {after['bits']}, was {before['bits']}"
            )
    return found


def _near(was: float | None, now: float | None, tolerance: float) -> bool:
    if was is None or now is None:
        return was is now
    return abs(was - now) <= tolerance
