"""What a suite names of other people's code, made and tried in each way in which the suite uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnbench.suite import Suite

Tell = Callable[..., None]


def modules(suite: Suite, skip: set[str], tell: Tell) -> None:
    """Makes each module once for each way in which the suite uses it, and tries what it does."""
    from rnnbench.errors import UserError
    from rnnbench.plan import plan
    from rnnbench.training.model import Model

    seen: set[str] = set()
    for ladder in plan(suite).ladders:
        name = f"module {ladder.variant.model.get('module')}"
        if "module" not in ladder.variant.model or name in skip or not ladder.rungs:
            continue
        rung = ladder.rungs[0]
        model = Model.of(rung)
        task, s = model.task, model.settings
        way = f"{rung.model_text} {task.inputs} {task.causal} {task.last} {s.hidden} {s.layers} {s.bidirectional}"
        if way in seen:
            continue
        seen.add(way)
        tell(at=name)
        why = ""
        try:
            assert model.layout.size
        except UserError as error:
            why = str(error)
        except BaseException as error:
            why = " ".join(f"{name}: {type(error).__name__}: {error}".split())
        where = f"{suite.path}: {ladder.variant.name}"
        if why and f"{where} {why}" not in seen:  # once, and not on each task
            seen.add(f"{where} {why}")
            tell(lines=[f"{where} on {ladder.task.name}: {why}"])


def layers(suite: Suite, skip: set[str], tell: Tell) -> None:
    """Tries each cell and layer of other people's with the switches and the widths that the suite gives it."""
    from rnnbench.plan import plan
    from rnnbench.training.model import Model
    from rnnbench.training.trial import trial

    seen: set[str] = set()
    for ladder in plan(suite).ladders:
        model = ladder.variant.model
        names = [f"{kind} {model[kind]}" for kind in ("cell", "layer") if kind in model]
        if not set(names) & set(suite.foreign) - skip or not ladder.rungs:
            continue
        made = Model.of(ladder.rungs[0])
        way = f"{ladder.variant.name} {made.settings.hidden} {made.task.causal}"
        if way in seen:
            continue
        seen.add(way)
        tell(at=names[0])
        why = trial(made.layer, made.settings.hidden, made.task.causal)
        line = f"{suite.path}: {ladder.variant.name}: {names[0]}: {why}"
        if why and line not in seen:  # once, and not at each width
            seen.add(line)
            tell(lines=[line])


def tasks(suite: Suite, skip: set[str], tell: Tell) -> None:
    """Asks each task of other people's for a batch of its shortest length."""
    from rnnbench import registry
    from rnnbench.training.trial import trial_of_task

    for entry in suite.tasks:
        name = f"task {entry.task['task']}"
        if name in suite.foreign and name not in skip:
            tell(at=name)
            if why := trial_of_task(registry.task(entry.task), entry.lengths[0]):
                tell(lines=[f"{suite.path}: {entry.name}: {name}: {why}"])
