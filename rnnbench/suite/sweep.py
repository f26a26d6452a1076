"""`tune:` of a suite -> how it tunes. Values are held to what each setting may be, and counted before they combine.

A list is a grid's axis, or with `draw` what is drawn from; `{from: LOW, to: HIGH}` is a range, of which `draw` draws
log-uniformly (Bergstra & Bengio, 2012), to three digits and by a hash of setting and trial: no machine draws others.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rnnbench import registry
from rnnbench.records import canonical
from rnnbench.settings import MOST_STEPS, Settings
from rnnbench.suite import Suite, TaskEntry, Variant
from rnnbench.suite.faults import Path, Place, printable, shown
from rnnbench.suite.reader import Reader
from rnnbench.suite.seeds import seeds
from rnnbench.suite.tuning import Tuning

# What may be tuned: how a model is trained. `steps` and `stop` are the budget, which is the same for all; the others
# are the model, of which a variant is made.
TUNABLE = ("lr", "batch", "optimizer", "momentum", "weight_decay", "warmup", "schedule", "clip", "dropout")
OTHERS = ("draw", "seeds", "lengths", "steps", "compare")
SEEDS = range(9000, 9002)  # where a suite doesn't say
MOST = 1000  # candidates
MOST_RUNS = 1_000_000  # pilots


def tuning(reader: Reader, tasks: Sequence[TaskEntry]) -> Tuning | None:
    """What stands at `tune`; None where that is `false`, which takes back what an included suite says, or a fault."""
    path: Path = ("tune",)
    before = len(reader.faults)
    if reader.document.get(path) is False:
        return None
    want = "{SETTING: [VALUE, ...], seeds: {from: SEED, count: NUMBER}} or false"
    entry = reader.mapping(path, want, (*TUNABLE, *OTHERS), of=f"a setting that can be tuned, or {_or(OTHERS)}")
    if entry is None:
        return None
    axes = {name: _axis(reader, (*path, name), name) for name in entry if name in TUNABLE}
    if not axes and len(reader.faults) == before:
        reader.missing((*path, "lr"), f"at least one of {', '.join(TUNABLE)}")
    draw = reader.whole((*path, "draw"), 1, MOST, "a number of candidates") if "draw" in entry else None
    if "draw" not in entry:
        for name, axis in axes.items():
            if isinstance(axis, tuple):
                reader.got((*path, name), "a list of values; of a range, `draw: NUMBER` says how many to draw")
    steps = reader.whole((*path, "steps"), 1, MOST_STEPS, "the steps of a pilot") if "steps" in entry else None
    compare = entry.get("compare", "both")
    if compare not in ("own", "base", "both"):
        reader.got((*path, "compare"), "one of 'own', 'base', 'both'")
    own = seeds(reader, (*path, "seeds")) if "seeds" in entry else SEEDS
    lengths = _lengths(reader, tasks) if "lengths" in entry else {t.name: middle(t.lengths) for t in tasks}
    if len(reader.faults) != before:
        return None
    candidates = _drawn(reader, axes, draw) if draw else _grid(reader, axes)
    return Tuning(tuple(candidates), own, lengths, steps, compare, bool(draw))  # type: ignore[arg-type]


def counted(reader: Reader, tuning: Tuning, variants: int, asked: Reader, seeds: Sequence[int]) -> Tuning:
    """The same with its seeds written out, which are of the pilots alone: a fault for one that is among the suite's,
    which are `asked` for in the file or by an option, and for more pilots than anybody means."""
    path: Path = ("tune", "seeds") if "seeds" in reader.document.get(("tune",)) else ("tune",)
    lengths = sum(map(len, tuning.lengths.values()))
    count = variants * len(tuning.candidates) * lengths * len(tuning.seeds)
    if count > MOST_RUNS:
        factors = f"{variants} variants x {len(tuning.candidates)} candidates x {lengths} lengths x {len(tuning.seeds)}"
        reader.fault(path, f"got {count} pilots ({factors} seeds), expected at most {MOST_RUNS}")
        return replace(tuning, seeds=())
    both = next((seed for seed in tuning.seeds if seed in seeds), None)
    if both is not None:
        own = " to ".join(map(str, dict.fromkeys((tuning.seeds[0], tuning.seeds[-1]))))
        what = f"got seed {both}, expected none of the pilots' ({own}), which only choose"
        asked.fault(("seeds",), f"{what}; next: other `seeds` in `tune`, or here")
    return replace(tuning, seeds=tuple(tuning.seeds))


def middle(lengths: Sequence[int]) -> tuple[int, ...]:
    """The lengths that pilots have where a suite doesn't say: the shortest, and the one in the middle (of two the
    longer). At the shortest a candidate can't hide that it learns nothing, at the longest most would learn nothing.

    >>> middle([10, 20, 40, 80, 160]), middle([5, 10]), middle([7])
    ((10, 40), (5, 10), (7,))
    """
    return tuple(dict.fromkeys((lengths[0], lengths[len(lengths) // 2])))


def _or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _axis(reader: Reader, path: Path, name: str) -> list[Any] | tuple[Any, Any]:
    """The values of one setting, or the two ends of a range of them; empty where that is a fault."""
    value = reader.document.get(path)
    if isinstance(value, dict):
        return _range(reader, path, name)
    if not isinstance(value, list):
        reader.got(path, "a list of values, or {from: LOW, to: HIGH} with `draw`")
        return []
    found: list[Any] = []
    for i, _ in enumerate(reader.items(path, "a list of values")):
        for each in reader.field(Settings, (*path, i), name).values():
            if each in found:
                reader.fault((*path, i), f"got a second {shown(each)}, expected it once")
            else:
                found.append(each)
    return found


def _range(reader: Reader, path: Path, name: str) -> tuple[Any, Any] | list[Any]:
    if type(getattr(Settings, name)) not in (int, float):
        reader.got(path, "a list of values: it is no number")
        return []
    entry = reader.mapping(path, "{from: LOW, to: HIGH}", ("from", "to"), of="from or to") or {}
    for key in ("from", "to"):
        if key not in entry:
            reader.missing((*path, key), "an end of the range")
    ends = [value for key in entry for value in reader.field(Settings, (*path, key), name).values()]
    if len(ends) < 2:
        return []
    low, high = ends if list(entry) == ["from", "to"] else reversed(ends)
    if not 0 < low < high:
        reader.got(path, "a range from over 0 to more than that, of which logarithms are drawn")
        return []
    return low, high


def _grid(reader: Reader, axes: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every combination, the last setting's values changing fastest."""
    count = math.prod(map(len, axes.values()))
    if count > MOST:
        factors = " x ".join(str(len(axis)) for axis in axes.values())
        reader.fault(("tune",), f"got a grid of {count} candidates ({factors}), expected at most {MOST}", key=True)
        return iter(())
    return (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))


def _drawn(reader: Reader, axes: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    """So many different candidates."""
    found: dict[str, dict[str, Any]] = {}
    for trial in range(100 * count):
        candidate = {name: _draw(name, axis, trial) for name, axis in axes.items()}
        found.setdefault(canonical(candidate), candidate)
        if len(found) == count:
            return list(found.values())
    reader.got(("tune", "draw"), f"no more than the {len(found)} different candidates that there are")
    return []


def _draw(name: str, axis: list[Any] | tuple[Any, Any], trial: int) -> Any:
    digest = hashlib.blake2b(f"tune/{name}/{trial}".encode(), digest_size=8).digest()
    u = int.from_bytes(digest, "big") / 2**64  # uniform in [0, 1)
    if isinstance(axis, list):
        return axis[int(u * len(axis))]
    low, high = axis
    value = min(max(float(f"{low * (high / low) ** u:.3g}"), low), high)
    return round(value) if type(low) is int else value


def _lengths(reader: Reader, tasks: Sequence[TaskEntry]) -> dict[str, tuple[int, ...]]:
    """The pilots' lengths by task: a list, of which each task takes those that it has, or a list a task."""
    path: Path = ("tune", "lengths")
    value, entries = reader.document.get(path), reader.document.value.get("tasks")
    known = {task.name: task.lengths for task in tasks}
    names = tuple(entries) if isinstance(entries, dict) else ()  # those with a fault of their own, too
    longest = max((own[-1] for own in known.values()), default=1)
    if isinstance(value, dict):
        found = {name: middle(own) for name, own in known.items()}
        for name in reader.mapping(path, "a list of lengths a task", names, of="a task of the suite") or {}:
            own = known.get(name, ())
            found[name] = tuple(sorted(reader.distinct((*path, name), "a list of lengths", "a length", 1, longest)))
            for i, length in enumerate(value[name] if isinstance(value[name], list) else ()):
                if own and length in found[name] and length not in own:
                    told = ", ".join(map(str, own))
                    reader.fault((*path, name, i), f"got {length}, expected a length of {name}: {told}")
        return found
    wanted = reader.distinct(path, "a list of lengths, or one for each task by name", "a length", 1, longest)
    if len(known) == len(names):
        for i, length in enumerate(value if isinstance(value, list) else ()):
            if length in wanted and not any(length in own for own in known.values()):
                reader.fault((*path, i), f"got {length}, expected a length that some task has")
        if lacking := [name for name, own in known.items() if wanted and not {*own} & {*wanted}]:
            told = ", ".join(map(str, known[lacking[0]]))
            reader.got(path, f"at least one length of each task; {lacking[0]} has {told}")
    return {name: tuple(length for length in own if length in wanted) for name, own in known.items()}


def check(reader: Reader, suite: Suite, options: Sequence[str]) -> None:
    """Faults of what a suite tunes beside what else it says: a tuned setting that `--set` gives too or that a variant
    differs by, candidates that can't be trained."""
    tuning = suite.tuning
    if tuning is None:
        return
    for name in tuning.settings:
        if name in suite.overrides:
            place = Place(printable(f"--set {next(o for o in options if o.startswith(f'{name}='))}"))
            reader.faults.add(place, (name,), f"got {shown(suite.overrides[name])}, expected none: the suite tunes it")
    variants = {v.name: v for v in suite.variants}
    for variant in suite.variants:
        base = variants.get(variant.base or "")
        for name in tuning.settings:
            if base is not None and variant.settings.get(name) != base.settings.get(name):
                what = f"got {variant.name}, which differs from {base.name} by it, expected a setting that is no part"
                reader.fault(("tune", name), what, key=True)
    _check_candidates(reader, suite, tuning)


def _check_candidates(reader: Reader, suite: Suite, tuning: Tuning) -> None:
    """A fault for the first candidate with which some variant can't be trained on some task."""
    stated: dict[tuple[str, Settings], Variant] = {}
    for variant in suite.variants:
        for task in suite.tasks:
            stated.setdefault((canonical(variant.model), suite.settings(variant, task)), variant)
    own: dict[str, Any] = {} if tuning.steps is None else {"steps": tuning.steps}
    for (_, settings), variant in stated.items():
        incompatible: Callable[[Settings], str] = registry.layer(variant.model).incompatible
        for more in ({}, own) if own else ({},):
            for candidate in tuning.candidates:
                made = Settings(**vars(settings) | more | candidate)
                if why := made.impossible or incompatible(made):
                    what = f"got an impossible combination for {variant.name}: {why.replace(': ', ' ', 1)}"
                    reader.fault(("tune", next(iter(candidate))), what, key=True)
                    return
