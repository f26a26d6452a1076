"""Whatever is done to a suite and its stores, in whatever order: they hold what a model in memory says they hold."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from soak.program import Chain, Chains
from soak.trial import rows

from rnnbench import api
from rnnbench.api import Forecast
from rnnbench.errors import Exit
from rnnbench.plan import Plan, plan
from rnnbench.plan.filter import select
from rnnbench.plan.orphans import unnamed
from rnnbench.records import Record, Run, dump_canonical
from rnnbench.running import executors
from rnnbench.running.executors import EndEvent, Event, Executor, Job, Maker, RecordEvent
from rnnbench.running.listeners import Silent
from rnnbench.seeds import data
from rnnbench.store import Store, bulk
from rnnbench.upkeep import gc
from rnnbench.upkeep.merge import Source, merge

SOAK = os.environ.get("RNNBENCH_SOAK") == "1"
NAMES = ("v0", "v1", "v2", "v3")
RATES = (0.1, 0.2, 0.3)
BREAKS = 1  # the seed whose runs break, while they do


class Killed(BaseException):
    """Ends the driver wherever it is; no handler of errors stops it."""


class Faulty(Chains):
    """Instant workers, and a fault: at the `at`th event the driver is killed, or asked to stop. Runs of one seed break
    while `breaking`. `known` grows by each run that was acknowledged: whether it finished."""

    def __init__(self, known: dict[str, bool], breaking: bool, fault: str, at: int) -> None:
        super().__init__()
        self.known, self.breaking, self.fault, self.left = known, breaking, fault, at
        self.begun: list[str] = []
        self.asked_to_stop = False

    def submit(self, number: int, job: Job) -> None:
        self.begun += [run.id for run in job.runs]
        super().submit(number, job)

    def poll(self, seconds: float) -> Iterator[Event]:
        self.left -= 1
        if self.left == 0 and self.fault == "kill":
            raise Killed
        if self.left == 0 and self.fault == "stop":
            self.asked_to_stop = True  # what breaks from now on is left to the next run
            os.kill(os.getpid(), signal.SIGTERM)
        for event in super().poll(seconds):
            yield event
            if isinstance(event, RecordEvent):
                self.known[event.record.id] = True
            elif isinstance(event, EndEvent) and event.status == "failed" and not self.asked_to_stop:
                self.known |= {run.id: False for run in event.job.runs}

    def _train(self, number: int, job: Job) -> Iterator[Event]:
        if self.breaking and job.runs[0].seed == BREAKS:
            yield EndEvent(number, job, "failed", "ValueError: an error")
        else:
            yield from super()._train(number, job)


def outcome(run: Run, finished: bool) -> Record:
    """What a run comes to, whatever became of the drivers that trained it."""
    if not finished:
        return Record(run, "failed")
    chain = Chain(run, None)
    while chain.step < 3:
        chain.look()
    return chain.record()


class Machine(RuleBasedStateMachine):
    """A suite that is edited, stores that it is run in, and what each holds: by id, whether the run finished."""

    stores: ClassVar[Sequence[str]] = ("here", "there")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rnnbench-machine-"))
        self.variants: dict[str, float] = {"v0": 0.1}
        self.lengths: tuple[int, ...] = (3, 5)
        self.seeds = 2
        self.known: dict[str, dict[str, bool]] = {name: {} for name in self.stores}
        self.runs: dict[str, Run] = {}
        self.ids: dict[tuple[float, int, int], str] = {}
        self.latest: dict[str, set[str]] = {}  # the ids that the text which ran last in a store names
        self.breaking = False

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def asked(self, filter: str | None = None) -> Plan:
        """The plan of the suite as it is now; a run is known by its rate, length and seed alone, whatever its name."""
        variants = ", ".join(f"{name}: {{cell: rnn, lr: {rate}}}" for name, rate in self.variants.items())
        (self.folder / "suite.yaml").write_text(
            "rnnbench: 1\nname: machine\ndefaults: {hidden: 4, batch: 2, steps: 30, stop: never}\nprune: false\n"
            f"seeds: {self.seeds}\narchitectures: {{{variants}}}\n"
            f"tasks: {{adding: {{lengths: {list(self.lengths)}}}}}\n"
        )
        whole = plan(api.load(self.folder / "suite.yaml"))
        for run in whole.runs():
            self.runs[run.id] = run
            key = (run.rung.settings["lr"], run.rung.length, data(run.seed))
            assert self.ids.setdefault(key, run.id) == run.id
        return select(whole, filter)

    @rule(name=st.sampled_from(NAMES), rate=st.sampled_from(RATES))
    def add_or_change(self, name: str, rate: float) -> None:
        if rate not in {r for n, r in self.variants.items() if n != name}:
            self.variants[name] = rate

    @precondition(lambda self: len(self.variants) > 1)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        del self.variants[data.draw(st.sampled_from(sorted(self.variants)))]

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    def rename(self, data: st.DataObject, name: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.variants)))
        if name not in self.variants:
            self.variants[name] = self.variants.pop(old)

    @rule(lengths=st.sets(st.sampled_from((3, 5, 7)), min_size=1), seeds=st.integers(1, 3))
    def resize(self, lengths: set[int], seeds: int) -> None:
        self.lengths, self.seeds = tuple(sorted(lengths)), seeds

    @rule()
    def break_or_mend(self) -> None:
        self.breaking = not self.breaking

    @rule(
        where=st.sampled_from(("here", "here", "there")),
        only=st.none() | st.sampled_from(NAMES),
        fault=st.sampled_from(("none", "kill", "stop")),
        at=st.integers(1, 40),
        failed=st.booleans(),
    )
    def run(self, where: str, only: str | None, fault: str, at: int, failed: bool) -> None:
        if only is not None and only not in self.variants:
            return
        asked, known = self.asked(only), self.known[where]
        self.latest[where] = {run.id for run in self.asked().runs()}
        wanted = {run.id for run in asked.runs()}
        missing = {id for id in wanted if not (known.get(id) if failed else id in known)}
        worker = Faulty(known, self.breaking, fault, at)
        ended = self.drive(asked, where, worker, failed)
        assert set(worker.begun) <= missing
        done = {id for id in worker.begun if known.get(id)}
        assert sum(id in done for id in worker.begun) == len(done), "trained again after it had finished"
        if ended in (Exit.OK, Exit.FAILED):
            assert set(worker.begun) == missing
            assert wanted <= set(known)
            assert (ended == Exit.FAILED) == (not all(known[id] for id in wanted))
        else:
            assert ended == (Exit.TERMINATED if fault == "stop" else None)

    def drive(self, asked: Plan, where: str, worker: Executor, failed: bool) -> Exit | None:
        """How it ended; None if the driver was killed, which may leave a checkpoint half written."""

        def named(name: str, options: Mapping[str, Any] | None = None) -> Maker:
            return lambda *given: worker

        before, executors.named = executors.named, named
        store = Store(self.folder / where)
        try:
            return api.run_plan(asked, store, Silent(), rerun="failed" if failed else None).exit
        except Killed:
            (store.directory / "checkpoints" / f"{next(asked.runs()).id}.part").write_bytes(b"half")
            return None
        finally:
            executors.named = before

    @rule(where=st.sampled_from(("here", "there")))
    def report(self, where: str) -> None:
        asked, known = self.asked(), self.known[where]
        wanted = [run.id for run in asked.runs()]
        store = Store(self.folder / where)
        assert unnamed(known, gc.suites(store), asked.suite) == set(known) - set(wanted)
        seen = Forecast.of(api.climbs(asked, store))
        assert (seen.known, seen.missing) == (sum(id in known for id in wanted), sum(id not in known for id in wanted))

    @rule(where=st.sampled_from(("here", "there")), kinds=st.sampled_from((("orphans", "parts"), ("attempts",))))
    def collect(self, where: str, kinds: tuple[str, ...]) -> None:
        store = Store(self.folder / where)
        with store.writing():
            gc.clear(store, kinds)
        if "orphans" in kinds and where in self.latest:
            self.known[where] = {id: how for id, how in self.known[where].items() if id in self.latest[where]}
        if kinds == ("attempts",):
            assert len(list(store.attempts())) == len(self.known[where])

    @rule()
    def merge(self) -> None:
        here, there = (Store(self.folder / name) for name in self.stores)
        with here.writing():
            done = merge(here, [Source("there", bulk.by_run(there), there.suites())])
        assert not done.refused
        assert done.runs == len(self.known["there"].keys() - self.known["here"].keys())
        for id, finished in self.known["there"].items():
            self.known["here"][id] = finished or self.known["here"].get(id, False)
        if "there" in self.latest:
            self.latest.setdefault("here", self.latest["there"])

    @invariant()
    def holds_what_it_should(self) -> None:
        for name, known in self.known.items():
            store = Store(self.folder / name)
            records = store.records(curves=True)
            expected = dump_canonical(outcome(self.runs[id], finished) for id, finished in known.items())
            assert dump_canonical(records.values()) == expected
            assert rows(store.path) == {id: 1 for id, finished in known.items() if finished}

    @invariant()
    def keeps_no_checkpoint_of_what_finished(self) -> None:
        for name, known in self.known.items():
            for path in (self.folder / name / "checkpoints").glob("*.checkpoint"):
                assert not known.get(path.stem)


Machine.TestCase.settings = settings(
    max_examples=300 if SOAK else 12,
    stateful_step_count=40 if SOAK else 15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not SOAK,
)
TestMachine = Machine.TestCase


def test_a_model_that_forgets_is_found_out(tmp_path: Path) -> None:
    """The machine can fail."""
    machine = Machine()
    machine.begin()
    machine.run("here", None, "none", 1, False)
    machine.holds_what_it_should()
    machine.known["here"].popitem()
    try:
        machine.holds_what_it_should()
    except AssertionError:
        return
    finally:
        machine.teardown()
    raise AssertionError("it did not notice")
