"""What a suite names of other people's code, made and tried in each way in which the suite uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    wrong: dict[str, dict[str, str]] = {}  # why -> the variants, and where each is so first
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
        if why:
            name = ladder.variant.name
            wrong.setdefault(why, {}).setdefault(name, f"{name} on {ladder.task.name}")
    _told(suite, wrong, tell)


def layers(suite: Suite, skip: set[str], tell: Tell) -> None:
    """Tries each cell and layer of other people's with the switches and the widths that the suite gives it."""
    from rnnbench.plan import plan
    from rnnbench.training.model import Model
    from rnnbench.training.trial import trial

    seen: set[str] = set()
    wrong: dict[str, dict[str, str]] = {}  # why -> the variants, and where each is so first
    for ladder in plan(suite).ladders:
        model = ladder.variant.model
        names = [f"{kind} {model[kind]}" for kind in ("cell", "layer") if kind in model]
        if not set(names) & set(suite.foreign) - skip or not ladder.rungs:
            continue
        made = Model.of(ladder.rungs[0])
        if made.layer.incompatible(made.settings):  # which the suite is told of
            continue
        way = f"{ladder.variant.name} {made.settings.hidden} {made.task.causal}"
        if way in seen:
            continue
        seen.add(way)
        tell(at=names[0])
        if why := trial(made.layer, made.settings.hidden, made.task.causal):
            name = ladder.variant.name
            wrong.setdefault(f"{names[0]}: {why}", {})[name] = name
    _told(suite, wrong, tell)


def _told(suite: Suite, wrong: Mapping[str, Mapping[str, str]], tell: Tell) -> None:
    """A line for each thing that is wrong, however many variants have it. A process that is lost before loses none: the
    next one tries all of them again."""
    for why, where in wrong.items():
        first, *others = where.values()
        more = f" and {len(others)} more" if others else ""
        tell(lines=[f"{suite.path}: {first}{more}: {why}"])


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
