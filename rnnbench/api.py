"""What the command line and Python users (`scripting.py`) share: load a suite, run its plan, view a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rnnbench import environment, exports, process, registry
from rnnbench.errors import Exit, UserError
from rnnbench.plan import Plan, orphans, reach, views
from rnnbench.plan.forecast import Forecast as Forecast
from rnnbench.plan.ladders import Climb, view
from rnnbench.probing import Asked, Probed
from rnnbench.probing.kept import Kept
from rnnbench.records import BROKEN, Record, Run, Rung
from rnnbench.running import again, executors, probes
from rnnbench.running.cores import cores as cores
from rnnbench.running.driver import Driver, Outcome
from rnnbench.running.listeners import Listener
from rnnbench.store import Store
from rnnbench.store.faults import damaged
from rnnbench.suite import Suite
from rnnbench.suite.load import load as read_suite
from rnnbench.training.fingerprint import fingerprint

Rerun = Literal["stale", "failed", "all"]


def load(source: str | Path, overrides: Sequence[str] = (), seeds: str | None = None) -> Suite:
    """A suite from its path, or by the name of one that ships; UserError with a line per fault. What it names of other
    people's code is imported, and what that changes of this process put back.

    >>> load("quick").name
    'quick'
    """
    with process.unchanged():
        return read_suite(source, overrides=overrides, seeds=seeds)


def is_stale(record: Record) -> bool:
    """Whether the code that made a record is not today's; of one from a canonical export that isn't known."""
    return any(stale([record]))


def stale(records: Iterable[Record]) -> Iterator[Record]:
    """Those that are stale: as `is_stale`, but the code of a rung is looked at once."""
    today: dict[tuple[str, bool], str] = {}
    for record in records:
        if record.finished and record.fingerprint:
            rung, fused = record.run.rung, record.numerics.startswith("fused")
            made = today.get((rung.key, fused))
            if made is None:
                made = today[rung.key, fused] = _today(rung, fused)
            if made != record.fingerprint:
                yield record


def _today(rung: Rung, fused: bool) -> str:
    """The fingerprint of the code that a run would go through today; empty where today's can't make it, as where a cell
    or a switch is gone. UserError where other people's code isn't there, so that nobody knows."""
    try:
        return fingerprint(rung, fused)
    except UserError:
        if registry.is_foreign(rung.model) or registry.is_foreign(rung.task):
            raise
    except (TypeError, ValueError):
        pass
    return ""


def without(records: Mapping[str, Record], rerun: Rerun | None) -> Mapping[str, Record]:
    """The records that still count when these are to be run again."""
    if rerun == "all":
        return {}
    if rerun == "failed":
        return {id: r for id, r in records.items() if r.status not in BROKEN}
    if rerun == "stale":
        old = {record.id for record in stale(records.values())}
        return {id: r for id, r in records.items() if id not in old}
    return records


def run_plan(
    plan: Plan,
    store: Store,
    listener: Listener | Callable[[Forecast], Listener],
    jobs: int = 0,
    rerun: Rerun | None = None,
    retries: int = 1,
    timeout: float | None = None,
    fail_fast: bool = False,
    device: str = "cpu",
    kernels: str = "auto",
    executor: str = "local",
    options: Mapping[str, Any] | None = None,
) -> Outcome:
    """Trains what a plan names and the store lacks. A listener that depends on how much that is may be made of it.
    `jobs` workers (0: as many as there is room for); `options`: of the executor."""
    seconds = environment.checkpoint_seconds()
    registry.place(plan.suite.files)  # another suite may have been read since
    with store.writing():
        found = without(records(plan, store), rerun)
        store.checkpoints.sweep(lambda id: id in found and found[id].finished)
        known = view(plan, found)
        store.remember(plan.suite.as_dict())
        where = executors.named(executor, options)(jobs, device, kernels, timeout, seconds)
        told = listener(Forecast.of(known, stale(found.values()))) if callable(listener) else listener
        return Driver(plan, found, store, where, told, retries, fail_fast, known).drive()


def train_again(runs: Sequence[Run], jobs: int = 0) -> Iterator[Record]:
    """The records of runs, whatever any store holds of them, in the order in which they end."""
    return again.train(runs, executors.named("local")(jobs, "cpu", "auto", None, 10.0))


def to_probe(plan: Plan, store: Store, seeds: int | None = None) -> list[Probed]:
    """The runs of a plan that can be probed, with what the store has of them: all that were not pruned, with the steps
    that the suite states, of the first so many seeds."""
    registry.place(plan.suite.files)
    found = []
    for climb in views.at(climbs(plan, store)):
        variant, task = climb.ladder.variant, climb.ladder.task
        for rung in climb.steps:
            if rung.state != "pruned":
                pairs = list(zip(plan.seeds(climb.ladder), rung.records, strict=True))[:seeds]
                runs = [(Run(rung.rung, seed), record) for seed, record in pairs]
                found += [Probed(variant.name, variant.base, task.name, *pair) for pair in runs]
    return found


def kept_probes(wanted: Iterable[Probed], store: Store, asked: Asked) -> list[Probed]:
    """Those of which probes were made and kept, with them."""
    kept = Kept(store.directory / "probes")
    pairs = [(each, kept.load(each.run, asked)) for each in wanted]
    return [each.having(*found) for each, found in pairs if found]


def probe(wanted: Sequence[Probed], store: Store, asked: Asked, jobs: int = 0) -> Iterator[Probed]:
    """Trains runs again, probes them, keeps the probes and tells of each as it ends; one that broke has a record that
    says why, and no probes."""
    kept = Kept(store.directory / "probes")
    runs = {each.run.id: each.run for each in wanted}
    for record, found in probes.probe(
        list(runs.values()), asked, executors.named("local")(jobs, "cpu", "auto", None, 10.0)
    ):
        if record.finished:
            kept.save(record.run, asked, (record, found))
        yield from (each.having(record, found) for each in wanted if each.run.id == record.id)


def records(plan: Plan, store: Store, curves: bool = False) -> Mapping[str, Record]:
    """What a store has of a plan's runs, by id; of pilots with their looks, which choices are told from, of others
    where `curves` are asked for."""
    found = store.records(plan.runs(), curves)
    if plan.pilots is None:
        return found
    return {**found, **store.records(plan.pilots.runs(), curves=True)}


def climbs(plan: Plan, store: Store, curves: bool = False) -> list[Climb]:
    """The view of a store that a plan is, as it is shown and judged."""
    return shown(plan, records(plan, store, curves))


def shown(plan: Plan, records: Mapping[str, Record]) -> list[Climb]:
    """The view of records that a plan is, as it is shown and judged: a rung for each length that is tested."""
    return reach.unfolded(view(plan, records))


def exported(path: Path, curves: bool = True) -> dict[str, Record]:
    """The records of a file that `export` wrote as JSON, canonical or not, by id; one whose name ends in .gz is
    unpacked. UserError where it can't be read or a line is none of them."""
    return exports.read(path, curves)


def last_suite(store: Store) -> Suite:
    """The suite that ran last on a store."""
    known = store.suites()
    if not known:
        raise UserError(
            f"{store.directory}: no suite ran here yet; next: rnnbench run SUITE", code=Exit.NOTHING_SELECTED
        )
    try:
        suite = Suite.from_dict(known[0])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise damaged(store.path, "the suite that ran last is none") from error
    registry.place(suite.files)
    with process.unchanged():
        for kind, name in (each.split(" ", 1) for each in suite.foreign):
            try:
                registry.find(f"{kind}s", name)
            except UserError as error:  # the user named no suite, so say which one names that
                raise UserError(f"{suite.name}, which ran last: {error}") from error
    return suite


def orphaned(suite: Suite, store: Store) -> list[str]:
    """What to say of the records in a store that earlier versions of a suite named, and that no suite names any
    longer: a line, or none. Until the suite has run as it is now, `gc` goes by the version that ran."""
    remembered = list(map(Suite.from_dict, store.suites()))
    try:
        kept = store.records(orphans.earlier(suite, remembered))
        count = len(orphans.unnamed(kept, remembered, suite)) if kept else 0
    except UserError:  # what another suite names can't be told, so that these may be its own
        count = 0
    finally:
        registry.place(suite.files)  # those of other suites were looked at
    if not count:
        return []
    what = (
        "1 record of an earlier version of this suite is"
        if count == 1
        else (f"{count:,} records of an earlier version of this suite are")
    )
    versions = [orphans.key(each) == orphans.key(suite) for each in remembered]
    if any(own and each.text == suite.text for own, each in zip(versions, remembered, strict=True)):
        return [f"{what} no longer named; rnnbench gc lists them"]
    shown = "rnnbench report, of no suite, shows them as they ran; " if versions[0] else ""
    return [f"{what} no longer named; {shown}rnnbench gc lists them once this one has run"]


def warnings(records: Iterable[Record]) -> list[str]:
    """What a reader of a table must know about its records besides what they say themselves: stale ones."""
    records = list({record.id: record for record in records}.values())  # one may stand for several runs
    notes = []
    old = sum(1 for _ in stale(records))
    if old:
        notes.append(f"{old} of {len(records)} records are stale: made by other code than today's; --rerun stale")
    return notes
