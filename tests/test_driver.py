"""The driver with an executor that trains nothing: what is asked of workers, in which order, and what is told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fakes import Decide, Fake, at_most, run_through

from rnnbench.api import Forecast
from rnnbench.check import probes
from rnnbench.cli import main
from rnnbench.errors import Exit
from rnnbench.plan import cost, ladders, plan
from rnnbench.plan.ladders import view
from rnnbench.records import Point, Record, Run
from rnnbench.running import executors
from rnnbench.running.driver import Driver, Outcome
from rnnbench.running.listeners import Label, Silent
from rnnbench.store import Store
from rnnbench.suite import Suite, TaskEntry, Variant
from rnnbench.training.trainer import Trainer


class Told(Silent):
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.steps: set[int] = set()
        self.totals: list[float] = []

    def recorded(self, record: Record, label: Label) -> None:
        self.labels.append(f"{label} {record.run.rung.length}")

    def looked(self, worker: int, label: Label, run: Run, point: Point) -> None:
        self.steps.add(point.step)

    def work(self, done: float, total: float) -> None:
        self.totals.append(total)
        assert done <= total * (1 + 1e-9)


SUITE = Suite(
    "s",
    (Variant("lstm", {"cell": "lstm"}),),
    (TaskEntry("adding", {"task": "adding"}, (10, 20, 40, 80), {"steps": 300}),),
    (0, 1, 2),
)


def drive(
    where: Path, decide: Decide, most: int = 10**6, suite: Suite = SUITE, retries: int = 1
) -> tuple[Outcome, Fake, Told]:
    store, asked, fake, told = Store(where), plan(suite), Fake(decide, most), Told()
    with store.writing():
        driver = Driver(asked, store.records(asked.runs()), store, fake, told, retries)
        return driver.drive(), fake, told


def test_a_ladder_is_climbed(tmp_path: Path) -> None:
    outcome, fake, told = drive(tmp_path, at_most(20))
    assert outcome == Outcome(trained=12, broken=0, exit=Exit.OK)
    assert fake.asked == [(length, 300, seed) for length in (10, 20, 40, 80) for seed in (0, 1, 2)]
    assert told.labels.count("lstm adding 40") == 3
    assert told.steps == {300}
    assert told.totals == sorted(told.totals, reverse=True)
    assert drive(tmp_path, at_most(20))[0] == Outcome(trained=0, broken=0, exit=Exit.OK)


def test_a_ladder_that_is_pruned_is_left(tmp_path: Path) -> None:
    _, fake, _ = drive(tmp_path, at_most(0))
    assert {length for length, _, _ in fake.asked} == {10, 20}


def test_wherever_it_is_cut_it_goes_on(tmp_path: Path) -> None:
    for cut in range(1, 12):
        where = tmp_path / str(cut)
        first, fake, _ = drive(where, at_most(20), most=cut)
        second, rest, _ = drive(where, at_most(20))
        assert (first.trained, second.trained) == (cut, 12 - cut)
        assert not set(fake.asked) & set(rest.asked)
        asked, known = plan(SUITE), Store(where).records()
        assert Forecast.of(view(asked, known)) == Forecast(known=12, derived=0, pruned=0, missing=0, seconds=0.0)
        (found,) = view(asked, known)
        assert len(found.records) == 12


def test_one_that_breaks_is_retried_and_told(tmp_path: Path) -> None:
    broken: Decide = lambda run: "crashed" if (run.rung.length, run.seed) == (40, 1) else at_most(20)(run)  # noqa: E731
    outcome, fake, _ = drive(tmp_path, broken)
    assert outcome == Outcome(trained=11, broken=1, exit=Exit.FAILED)
    assert fake.asked.count((40, 300, 1)) == 2


def test_the_longest_ladder_is_begun_first() -> None:
    long, short = TaskEntry("long", {"task": "copy"}, (10, 20, 30)), TaskEntry("short", {"task": "copy"}, (25,))
    variants = (Variant("lstm", {"cell": "lstm"}),)
    both = plan(Suite("s", variants, (short, long), (0,)))
    climbs = view(both, {})
    short_of, long_of = (cost.priority(climb, climb.steps[0]) for climb in climbs)
    assert cost.estimate(climbs[0].steps[0].rung) > cost.estimate(climbs[1].steps[0].rung)
    assert long_of > short_of
    first = climbs[1].steps[0].rung
    climb = view(both, {first.id(0): Record(Run(first, 0), "unsolved", 0.1)})[1]
    assert climb.open == 1
    assert cost.priority(climb, climb.steps[1]) == sum(cost.estimate(s.rung) for s in climb.steps[1:])
    assert cost.priority(climb, climb.steps[1]) < short_of  # the first rung of each ladder goes before


def seeds_of(model: dict[str, object], seeds: int, lengths: tuple[int, ...] = (10,)) -> Suite:
    return Suite("s", (Variant("x", model),), (TaskEntry("adding", {"task": "adding"}, lengths),), tuple(range(seeds)))


@pytest.mark.parametrize(
    ("model", "device", "kernels", "together"),
    [
        ({"cell": "lstm"}, "cpu", "auto", False),
        ({"cell": "lstm"}, "cpu", "reference", True),
        ({"cell": "lstm"}, "cuda:0", "auto", True),
        ({"cell": "rnn"}, "cuda:0", "reference", True),
        ({"cell": "lstm", "gate_recurrence": True}, "cpu", "auto", False),
        ({"cell": "lstm", "gate_recurrence": True}, "cpu", "reference", True),
        ({"cell": "mlstm", "heads": 2}, "cpu", "auto", False),
        ({"cell": "mlstm", "heads": 2}, "cpu", "reference", True),
        ({"layer": "transformer"}, "cpu", "auto", False),
        ({"layer": "transformer"}, "cuda:0", "auto", True),
        ({"module": "torch.nn.GRU"}, "cuda:0", "auto", False),
    ],
)
def test_what_a_worker_trains_side_by_side_it_is_sent_together(
    model: dict[str, object], device: str, kernels: str, together: bool, tmp_path: Path
) -> None:
    fake = Fake(at_most(80), device=device, kernels=kernels)
    run_through(tmp_path, seeds_of(model, 8), fake)
    assert [len(job.runs) for _, job in fake.sent] == ([8] if together else [1] * 8)
    first = fake.sent[0][1].runs[0]
    assert (Trainer(device, kernels).solo(first) is None) == together
    if device == "cpu":
        assert (kernels in probes.paths(first.rung)) == (together == (kernels == "reference"))


def test_the_records_of_a_store_are_read_once_and_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: Counter[str] = Counter()

    def counted(owner: object, name: str) -> None:
        whole = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            counts[name] += 1
            return whole(*given, **named)

        monkeypatch.setattr(owner, name, call)

    counted(Store, "records")
    counted(ladders, "climb")
    monkeypatch.setattr(executors, "named", lambda name, options=None: lambda *given: Fake(at_most(20)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["rnnbench", "run", "s.yaml", "-q"])
    (tmp_path / "s.yaml").write_text(
        "rnnbench: 1\nname: s\nseeds: 2\ndefaults: {steps: 300}\narchitectures: {rnn: {cell: rnn}}\n"
        "tasks: {adding: {lengths: [10, 20, 40]}}\n"
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert counts == {"records": 1, "climb": 1}
