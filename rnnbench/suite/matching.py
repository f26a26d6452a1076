"""A difference as large as its base: `match: parameters`, or `match: state`.

A part that is taken out takes its parameters along, and a second layer brings its own. With `match` the difference gets
the width at which its count is nearest to the base's: of the numbers that are trained, or of those that are carried
from step to step. What is chosen is `hidden`, or another whole number of the layer, `match: {parameters: feedforward}`.
The count goes by the task, which decides how wide inputs and answers are, so each task has a width of its own; how far
it misses, the report says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, get_args

from annotated_types import Interval

from rnnbench import registry
from rnnbench.records import Rung, given
from rnnbench.settings import Settings
from rnnbench.suite import Suite, TaskEntry, Variant
from rnnbench.suite.faults import Path
from rnnbench.suite.reader import Reader, hints

COUNTS: dict[str, Callable[[Rung], int | None]] = {"parameters": registry.parameters, "state": registry.state}
WANT = "parameters or state, or such as {parameters: feedforward}"
SHAPING = ("hidden", "layers")  # the settings that decide how much there is


def asked(reader: Reader, path: Path, entry: Mapping[str, Any], switches: type) -> dict[str, str]:
    """What an entry wants matched and what is to be chosen for it, `{"parameters": "hidden"}`; empty where it has a
    fault."""
    where: Path = (*path, "match")
    value = reader.document.get(where)
    count, knob, at = value, "hidden", where
    if isinstance(value, dict) and len(value) == 1:
        count = next(iter(value))
        at = (*where, count)
        knob = reader.text(at, "the name of what is chosen") or ""
        if not knob:
            return {}
    if not isinstance(count, str) or count not in COUNTS:
        reader.got(where, WANT, count if isinstance(count, str) else "", tuple(COUNTS))
        return {}
    known = _knobs(switches)
    if knob not in known:
        reader.got(at, "a whole number that decides how large it is", knob, known)
    elif "base" not in entry:
        reader.fault(where, "got it without a base, expected a difference from one", key=True)
    elif knob in entry or (isinstance(entry.get("grid"), dict) and knob in entry["grid"]):
        reader.fault(where, f"got it beside {knob}, which it chooses, expected one of the two", key=True)
    else:
        return {count: knob}
    return {}


def _knobs(switches: type) -> dict[str, range]:
    """What can be chosen, and from what: whole numbers with ends."""
    known = {name: hints(Settings)[name] for name in SHAPING} | hints(switches)
    ends = {name: _ends(hint) for name, hint in known.items()}
    return {name: values for name, values in ends.items() if values is not None}


def _ends(hint: Any) -> range | None:
    kind, *notes = get_args(hint) or (None,)
    found = next((note for note in notes if isinstance(note, Interval)), None)
    if kind is int and found is not None and isinstance(found.ge, int) and isinstance(found.le, int):
        return range(found.ge, found.le + 1)
    return None


def fit(reader: Reader, suite: Suite, paths: Mapping[str, Path]) -> Suite:
    """The suite with what is chosen for every variant that is to match its base; what a difference doesn't change it
    inherits, that of its base included. `paths` are where the variants stand."""
    if not any(v.match for v in suite.variants):
        return suite
    by_name = {v.name: v for v in suite.variants}
    done: dict[str, Variant] = {}
    for variant in suite.variants:
        chain = []
        link: Variant | None = variant
        while link is not None and link.name not in done:
            chain.append(link)
            link = by_name.get(link.base or "")
        for each in reversed(chain):  # a base before what differs from it
            done[each.name] = _fitted(reader, suite, each, done.get(each.base or ""), paths[each.name])
    return replace(suite, variants=tuple(done[v.name] for v in suite.variants))


def _fitted(reader: Reader, suite: Suite, variant: Variant, base: Variant | None, path: Path) -> Variant:
    if base is None:
        return variant
    fitted = {}
    for task in suite.tasks:
        own = {k: n for k, n in base.fitted.get(task.name, {}).items() if _stated(variant, k) == _stated(base, k)}
        for what, knob in variant.match.items():
            found = _chosen(reader, suite, _with(variant, task, own), base, task, what, knob, path)
            if found is None:
                return variant  # one fault a variant is enough
            own[knob] = found
        if own:
            fitted[task.name] = own
    return replace(variant, fitted=fitted)


def _stated(variant: Variant, name: str) -> Any:
    return variant.settings.get(name, variant.model.get(name))


def _with(variant: Variant, task: TaskEntry, chosen: Mapping[str, int]) -> Variant:
    return replace(variant, fitted={task.name: variant.fitted.get(task.name, {}) | dict(chosen)})


def _chosen(
    reader: Reader, suite: Suite, variant: Variant, base: Variant, task: TaskEntry, what: str, knob: str, path: Path
) -> int | None:
    """What makes a variant as large as its base on a task; None and a fault where nothing does."""
    if "module" in variant.model:
        why = "is a module, whose parameters only making it would tell, expected a cell or a layer"
    elif (target := counted(suite, base, task, what)) is None or counted(suite, variant, task, what) is None:
        why = "keeps all that it has read and no state of one size, expected `match: parameters`"
    else:

        def count(value: int) -> int:
            return counted(suite, _with(variant, task, {knob: value}), task, what) or 0

        def fits(value: int) -> bool:
            return _fits(suite, _with(variant, task, {knob: value}), task)

        values = _knobs(type(registry.switched(variant.model)))[knob]
        found = nearest(count, target, values, fits) if knob in SHAPING else best(count, target, filter(fits, values))
        if found is not None and count(values[0]) != count(values[-1]):
            return found
        why = f"has as many of them whatever {knob} is, expected what changes its {what}"
    where = (*path, "match") if (*path, "match") in reader.document.values else path
    reader.fault(where, f"got the {what} of {base.name} to match, which {variant.name} can't: it {why}", key=True)
    return None


def counted(suite: Suite, variant: Variant, task: TaskEntry, what: str) -> int | None:
    """How many parameters, or numbers of state, a variant has on a task."""
    rung = Rung(suite.model(variant, task), task.task, task.lengths[0], given(suite.settings(variant, task)))
    return COUNTS[what](rung)


def _fits(suite: Suite, variant: Variant, task: TaskEntry) -> bool:
    """Whether a variant can be built so: its heads divide its width, for one."""
    try:
        return not registry.layer(suite.model(variant, task)).incompatible(suite.settings(variant, task))
    except ValueError:
        return False


def nearest(count: Callable[[int], int], target: int, values: range, fits: Callable[[int], bool]) -> int | None:
    """The value that fits and whose count, which grows with it, is nearest to a target; the lesser of two that are as
    near, None where none fits.

    >>> nearest(lambda k: k * k, 52, range(1, 100), lambda k: k % 2 == 0)
    8
    """
    low, high = values.start, values.stop - 1
    while low < high:  # to the first whose count is the target or more
        middle = (low + high) // 2
        if count(middle) < target:
            low = middle + 1
        else:
            high = middle
    below = next(filter(fits, range(low - 1, values.start - 1, -1)), None)
    above = next(filter(fits, range(low, values.stop)), None)
    return best(count, target, (value for value in (below, above) if value is not None))


def best(count: Callable[[int], int], target: int, values: Iterable[int]) -> int | None:
    """Of some values the one whose count is nearest to a target, the least of those that are as near."""
    return min(values, key=lambda value: (abs(count(value) - target), value), default=None)
