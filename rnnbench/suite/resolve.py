"""A merged document -> a Suite: every part checked, all faults found, the grid counted before it is expanded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rnnbench import registry
from rnnbench.records import given
from rnnbench.settings import Settings
from rnnbench.suite import (
    Budgets,
    Claim,
    Suite,
    TaskEntry,
    Variant,
    budgets,
    examples,
    families,
    grids,
    lengths,
    matching,
    probing,
    sweep,
    training,
)
from rnnbench.suite.ablations import Named, ablations, impossible_pair
from rnnbench.suite.architectures import architectures, impossible
from rnnbench.suite.claims import claims
from rnnbench.suite.crossing import Crossing
from rnnbench.suite.document import Document, scalar
from rnnbench.suite.faults import Enough, Faults, Path, Place, printable, shown
from rnnbench.suite.names import named as named_class
from rnnbench.suite.points import label
from rnnbench.suite.primary import primary
from rnnbench.suite.reader import Imports, Reader, everything, hints
from rnnbench.suite.seeds import LARGEST_SEED
from rnnbench.suite.seeds import grid as seeds_of
from rnnbench.suite.seeds import option as seeds_option

TOP = (
    "rnnbench", "name", "about", "include", "defaults", "seeds", "architectures", "ablate", "tasks", "claims", "prune",
    "more_steps", "budgets", "search", "tune", "probe",
)  # fmt: skip
OF_TASK = (
    "task",
    "lengths",
    "search",
    "primary",
    training.KEY,
    examples.KEY,
)  # keys of a task that are neither its difficulty nor settings
# Of these an entry with a fault is left out, and the rest is judged without it.
ENTRIES = ("architectures", "ablate", "tasks", "claims")
MOST_RUNS = 1_000_000
SEEDS = 3  # where a suite doesn't say

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_NAMES = "a letter or digit, then up to 99 letters, digits and any of _ . + -"


def resolve(
    document: Document,
    faults: Faults,
    overrides: Sequence[str] = (),
    seeds: str | None = None,
    imports: Imports = everything,
) -> Suite:
    """The suite of a document, with `--set` and `--seeds` over it. What has a fault is left out of it, and what is made
    of other people's code that `imports` says no to."""
    reader = Reader(document, faults, imports)
    top = reader.mapping((), "a suite", TOP, of="a key of a suite") or {}
    for key in ("architectures", "tasks"):
        if key not in top:
            reader.missing((key,), f"{key} by name")
    defaults = {}
    if "defaults" in top:
        given_defaults = reader.mapping(("defaults",), "settings", hints(Settings), of="a setting") or {}
        defaults = reader.fields(Settings, ("defaults",), given_defaults)
    grid, crossed = seeds_of(reader) if "seeds" in top else (range(SEEDS), None)
    trained = budgets.read(reader, top, len(grid) or LARGEST_SEED)  # no seeds have a fault of their own
    asked = reader
    if seeds is not None:
        asked = seeds_option(seeds, faults)
        grid, crossed = seeds_of(asked)
    _count(asked, *grids.count(top), grid, crossed, trained)
    known = architectures(reader) if "architectures" in top else {}
    named: list[Named] = [(v.name, ("architectures", name), v) for name, found in known.items() for v in found]
    named += [(name, ("architectures", name), None) for name, found in known.items() if not found]
    named += ablations(reader, known, defaults) if "ablate" in top else ()
    _check_names(reader, [(name, path) for name, path, _ in named])
    variants = tuple(variant for _, _, variant in named if variant)
    whole = not reader.unread
    complete = variants if whole and len(variants) == len(named) else None
    tasks = tuple(_tasks(reader, lengths.search(reader, (), top), complete)) if "tasks" in top else ()
    _count(asked, len(variants), sum(len(task.places) for task in tasks), grid, crossed, trained)
    tuning = sweep.tuning(reader, tasks) if "tune" in top else None
    if tuning is not None:
        tuning = sweep.counted(reader, tuning, len(variants), asked, crossed.numbers if crossed else grid)
    suite = Suite(
        name=_name(reader, top),
        variants=variants,
        tasks=tasks,
        seeds=() if len(faults) else tuple(grid),
        about=(reader.text(("about",)) or "") if "about" in top else "",
        defaults=defaults,
        overrides=_overrides(overrides, faults, variants),
        claims=tuple(_claims(reader, named, tasks)) if "claims" in top and whole else (),
        prune=_prune(reader) if "prune" in top else True,
        budgets=trained,
        tuning=tuning,
        path=document.file,
        text=document.text,
        foreign=reader.foreign,
        probe=probing.read(reader, len(grid) or LARGEST_SEED) if "probe" in top else None,
        crossing=crossed,
    )
    if faults.within(*ENTRIES):
        suite = matching.fit(reader, suite, {name: path for name, path, _ in named})
        _check_settings(reader, suite, named)
        budgets.check(reader, suite)
        examples.check(reader, suite)
        sweep.check(reader, suite, overrides)
    return suite


def _check_settings(reader: Reader, suite: Suite, named: Iterable[Named]) -> None:
    """A fault for each variant whose settings can't go together on a task, or whose layers can't do what they come to;
    for a pair, where neither of its two parts has that fault already."""
    refused: set[str] = set()
    variants = {v.name: v for v in suite.variants}
    for name, path, _ in named:
        variant = variants.get(name)
        if variant is not None and not refused & {*variant.pair}:
            chosen = [(suite.settings(variant, task), suite.model(variant, task)) for task in suite.tasks]
            wrong = (settings.impossible or registry.layer(model).incompatible(settings) for settings, model in chosen)
            if why := next(filter(None, wrong), ""):
                refused.add(variant.name)
                if variant.pair:
                    impossible_pair(reader, path, variant.name, variant.pair, why)
                else:
                    impossible(reader, path, variant.factors, why)


def _name(reader: Reader, top: Mapping[str, Any]) -> str:
    """The suite's name: its own, else the file's."""
    name = top.get("name", os.path.basename(reader.document.file).rpartition(".")[0])
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    if "name" in top:
        reader.got(("name",), _NAMES)
    else:
        reader.missing(("name",), f"{_NAMES} (the file's name won't do)")
    return ""


def _prune(reader: Reader) -> bool:
    value = reader.document.get(("prune",))
    if not isinstance(value, bool):
        reader.got(("prune",), "true or false")
    return value is not False


def _check_names(reader: Reader, names: Iterable[tuple[str, Path]]) -> None:
    """Names are plain, and differ by more than case: they become names of files and columns."""
    first: dict[str, tuple[str, Path]] = {}
    for name, path in names:
        if not _NAME.fullmatch(name):
            reader.fault(path, f"got the name {shown(name)}, expected {_NAMES}", key=True)
        earlier, where = first.setdefault(name.casefold(), (name, path))
        if where != path:
            place = reader.document.place(where, key=True)
            what = f"got the name {shown(name)}, expected names that differ by more than case"
            reader.fault(path, f"{what}; {shown(earlier)} is at {place}", key=True)


def _tasks(reader: Reader, search: lengths.Search, variants: Sequence[Variant] | None) -> Iterator[TaskEntry]:
    entries = reader.entries(("tasks",), "tasks by name")
    _check_names(reader, [(name, ("tasks", name)) for name in entries])
    for name in entries:
        path: Path = ("tasks", name)
        entry = reader.mapping(path, "a task such as {lengths: [5, 10]}")
        if entry is None:
            continue
        before = len(reader.faults)
        kind = _kind(reader, path, entry)
        if kind is None:
            continue
        task = registry.task_class(kind)
        keys = (*OF_TASK, *hints(task), *hints(Settings))
        for key in entry:
            if key not in keys:
                reader.unknown((*path, key), f"a field of {kind} or a setting", keys)
        its: tuple[int, ...] = ()
        if "lengths" in entry:
            its = lengths.lengths(reader, (*path, "lengths"), task.shortest)
        else:
            reader.missing((*path, "lengths"), "a list of lengths")
        train, rest = training.taken(reader, path, task, entry, its)
        few = examples.taken(reader, path, task, entry, train, its)
        difficulty = reader.fields(task, path, rest) | (dict(task.drawn) if train else {})
        settings = reader.fields(Settings, path, rest)
        first = tuple(primary(reader, (*path, "primary"), variants)) if "primary" in entry else ()
        if len(reader.faults) == before and (instance := reader.build(task, difficulty, path)) is not None:
            how = training.searched(reader, path, entry, train, few, search)
            yield TaskEntry(name, {"task": kind} | given(instance), its, settings, how, train, first, few)


def _kind(reader: Reader, path: Path, entry: Mapping[str, Any]) -> str | None:
    """The name of the task that an entry is; None where there is none, or it isn't to be imported."""
    if "task" in entry:
        text = reader.text((*path, "task"), "the name of a task")
        return named_class(reader, (*path, "task"), "tasks", text) if text is not None else None
    name = str(path[-1])
    if name in registry.names("tasks"):
        return name
    what = "got no name of a task, expected one, or `task: KIND` under a name of your own"
    reader.fault(path, what, name, registry.names("tasks"), key=True)
    return None


def _overrides(options: Sequence[str], faults: Faults, variants: Sequence[Variant]) -> dict[str, Any]:
    """`--set key=value`, each checked as a setting of the file would be; one that a grid has values of can't be set, as
    all its points would be the same."""
    found: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        document = _option(f"--set {option}", key, scalar(text))
        reader = Reader(document, faults)
        if not equals:
            faults.add(document.place(()), (), f"got {shown(option)}, expected KEY=VALUE")
        elif key in found:
            reader.fault((key,), "got a second value, expected one `--set` a key")
        elif gridded := next((v for v in variants if key in v.factors), None):
            one = f"-k {key}-{label(gridded.factors[key])}"
            what = f"got one value, expected none where {gridded.family} has a grid of them"
            reader.fault((key,), f"{what}; {one} selects what has that one")
        elif reader.mapping((), "settings", hints(Settings), of="a setting"):
            found |= reader.field(Settings, (key,))
    return found


def _option(option: str, key: str, value: Any) -> Document:
    place = Place(printable(option))
    return Document(place.file, {key: value}, values={(): place, (key,): place})


def _claims(reader: Reader, named: Sequence[Named], tasks: Sequence[TaskEntry]) -> Iterator[Claim]:
    """The claims, held to the names that there are, those with a fault of their own included."""
    entries = reader.document.value.get("tasks")
    known_lengths: dict[str, tuple[int, ...] | None] = dict.fromkeys(entries if isinstance(entries, dict) else ())
    known_lengths |= {task.name: task.places for task in tasks}
    variants = [variant for _, _, variant in named if variant]
    known = list(dict.fromkeys([*(name for name, _, _ in named), *families.names(variants)]))
    headlines = {task.name: task.headline for task in tasks}
    return claims(reader, known, known_lengths, variants if len(variants) == len(named) else None, headlines)


def _count(
    reader: Reader, variants: int, rungs: int, seeds: Sequence[int], crossed: Crossing | None, trained: Budgets
) -> None:
    """A fault for more runs than anybody means, told from the numbers alone; then nothing else is looked at."""
    trainings = sum(min(len(seeds), trained.first(times) or len(seeds)) for times in trained.times)
    trainings += len(crossed.pairs) if crossed else 0
    count = max(1, variants) * max(1, rungs) * max(1, trainings)
    if count > MOST_RUNS:
        many = f"{variants}{' or more' * (variants == grids.MANY)} variants"
        factors = f"{many} x {rungs} lengths x {crossed or f'{len(seeds)} seeds'}"
        factors += f" x {len(trained.times)} budgets" * (len(trained.times) > 1)
        reader.fault(("seeds",), f"got a grid of {count} runs ({factors}), expected at most {MOST_RUNS}")
        raise Enough
