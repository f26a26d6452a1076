"""Whatever the strict parser takes for a record can be reported in every format, compared, kept as a baseline, merged,
exported and read back: nothing downstream trips over a value that was let in."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench import api, exports, registry, report
from rnnbench.analysis import comparison
from rnnbench.check import baseline, compare, recalled
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.report import compared, formats, frame
from rnnbench.store import Store, bulk
from rnnbench.suite.load import loads
from rnnbench.upkeep import gc, health
from rnnbench.upkeep.merge import Source, merge

EXAMPLES = 500 if os.environ.get("RNNBENCH_SOAK") else 6
SUITE = loads(
    b"""\
rnnbench: 1
name: s
seeds: 6
defaults: {hidden: 4, steps: 300}
architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}
ablate: [{base: lstm, without: [forget_gate, input_gate]}]
tasks: {adding: {lengths: [5, 10]}}
claims:
  - {says: a, that: "span(lstm, adding) >= 2 * span(rnn, adding)"}
  - {says: b, that: "steps(lstm, adding, 5) < steps(rnn, adding, 5)"}
  - {says: c, that: "about(score(lstm, adding, 10), score(rnn, adding, 10), 0.1)"}
  - {says: d, that: "solved(lstm, adding, 5) > 0.5"}
  - {says: e, that: "effect(forget_gate, adding) < 0"}
  - {says: f, that: "2 * steps(lstm, adding, 5) / steps(rnn, adding, 10) > 1"}
""",
    "s.yaml",
)
PLAN = plan(SUITE)
RUNS = list(PLAN.runs())
LARGEST = 2**63 - 1
LOOK: Any = [None, None, None]

# Values at the ends of what a record may hold, and beyond some of them.
STATUSES = ("solved", "unsolved", "diverged", "failed", "crashed", "timeout")
SCORES: tuple[float | None, ...] = (0.0, 1.0, 0.5, 5e-324, 1 - 2**-53, -0.0, None)
STEPS = (0, 1, 99, 100, 300, 10**6, LARGEST)
SECONDS = (0.0, 5e-324, 1.0, 1e9, 1e300)
LOSSES = (None, 0.0, -1.7e308, 1.7e308, 5e-324)
TEXTS = ("", "x", "fused\x1b[31m", "\u202e" * 3, "=1+1", "|" * 2000, "\n\n")


class Drawn(dict[str, Record]):
    """Records by their ids, told by their number: hypothesis warns of a text as long as all that is in them."""

    def __repr__(self) -> str:
        return f"<{len(self)} records: {', '.join(sorted({record.status for record in self.values()}))}>"


@st.composite
def records(draw: st.DrawFn) -> Drawn:
    """A record, or none, of each run of the suite: those that the strict parser takes of what is drawn."""
    drawn = Drawn()
    kinds = draw(st.lists(values(), min_size=1, max_size=8))
    for run, found in zip(draw(st.permutations(RUNS)), cycle(kinds), strict=False):
        try:
            drawn[run.id] = Record.from_dict(found | {"id": run.id, "run": run.as_dict()})
        except ValueError:
            continue
    return drawn


def values() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        _value,
        status=st.sampled_from(STATUSES), score=st.sampled_from(SCORES), loss=st.sampled_from(LOSSES),
        steps=st.sampled_from(STEPS), solved_at=st.sampled_from((None, *STEPS)), looks=st.sampled_from((0, 1, 2, 50)),
        parameters=st.sampled_from(STEPS), seconds=st.sampled_from(SECONDS), text=st.sampled_from(TEXTS),
        attempt=st.sampled_from((1, 2, 10**6, LARGEST)),
    )  # fmt: skip


def _value(status: str, score: float | None, steps: int, solved_at: int | None, looks: int, text: str,
           **rest: Any) -> dict[str, Any]:  # fmt: skip
    """Mostly of values that agree with each other, so that the parser takes more of them than none."""
    broke = status in STATUSES[3:]
    curve = [[k + 1, rest["loss"], score, score] for k in range(min(looks, steps))]
    names = dict.fromkeys(("numerics", "fingerprint", "host", "started"), text)
    return {
        "status": status,
        "score": None if broke else 0.0 if status == "diverged" else score,
        "steps": steps,
        "solved_at": None if broke or solved_at is None else min(solved_at, steps),
        "curve": curve,
        "error": text if broke else None,
        **names,
        **rest,
    }


def kept(climbs: list[Climb]) -> baseline.Baseline:
    """A baseline with these spans, without the exact numbers, which no record has a part in."""
    cells = {
        c.ladder.variant.name: {
            "adding": baseline.Cell(
                baseline.asked(c.ladder),
                baseline.rungs(c),
                [s.solved for s in c.steps],
                baseline.diverged(c),
                cast(Any, None),
            )
        }
        for c in climbs
    }
    return baseline.Baseline(2, "s", list(SUITE.seeds), {c.that: "holds" for c in SUITE.claims}, {}, cells)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(records(), records())
def test_whatever_is_taken_for_a_record_can_be_shown_compared_and_kept(
    tmp_path_factory: pytest.TempPathFactory, mine: dict[str, Record], theirs: dict[str, Record]
) -> None:
    climbs, others = view(PLAN, mine), view(PLAN, theirs)
    for format in set(formats.names()) - {"pdf", "png"}:  # which draw the very charts of svg
        made = report.files(SUITE, climbs, format)
        if made is None:
            assert report.render(SUITE, climbs, format, width=80, notes=api.warnings(mine.values()))
        else:
            assert all(dict(made).values())  # nothing, where there is nothing to draw
    api.Forecast.of(climbs)
    assert len(frame.frame(climbs)) == len(mine)
    assert len(list(csv.reader(io.StringIO("\n".join(frame.csv(climbs)))))) == 1 + len(mine)
    was = kept(climbs)
    sides = [
        comparison.Side("a", SUITE.seeds, tuple(climbs)),
        comparison.Side("b", SUITE.seeds, tuple(others)),
        comparison.Side("c", SUITE.seeds, tuple(recalled.climbs(was, PLAN, Path("c"))), bits=False),
    ]
    for a, b in ((0, 1), (1, 2)):
        found = comparison.compare(sides[a], sides[b])
        for format in compared.FORMATS:
            assert compared.render(found, format, width=80)
    assert list(compare.statistically(PLAN, others, was))
    assert list(compare.claimed(PLAN, others, was, whole=True))
    _through_a_store(tmp_path_factory.mktemp("store"), mine, theirs)


def _through_a_store(folder: Path, mine: dict[str, Record], theirs: dict[str, Record]) -> None:
    store = Store(folder)
    with store.writing():
        for record in mine.values():
            store.add(record)
        done = merge(store, [Source("theirs", ([r] for r in theirs.values()))], keep="theirs", canonical=True)
    assert not done.refused
    found = store.records(RUNS, curves=True)
    assert set(found) == set(mine) | set(theirs)
    path = folder / "x.jsonl"
    path.write_text("".join(canonical(r.as_dict()) + "\n" for r in bulk.by_id(store, found, curves=True)))
    if found:
        again = exports.read(path)
        assert {id: replace(r, attempt=1) for id, r in again.items()} == {
            id: replace(r, attempt=1) for id, r in found.items()
        }


# Runs that the strict parser takes, and that no code can make.
NOBODY_S = [
    Rung({"cell": "gru", "nosuch": 1}, {"task": "adding"}, 5, {}),
    Rung({"cell": "nosuch"}, {"task": "adding"}, 5, {}),
    Rung({"cell": "lstm", "forget_gate": [1]}, {"task": "adding"}, 5, {}),
    Rung({"layer": "transformer", "heads": 0}, {"task": "adding"}, 5, {}),
    Rung({"module": "..."}, {"task": "adding"}, 5, {}),
    Rung({"module": "nosuch.Name", "args": 5}, {"task": "adding"}, 5, {}),
    Rung({"cell": "gru"}, {"task": "nosuch"}, 5, {}),
    Rung({"cell": "gru"}, {"task": "copy", "items": "many"}, LARGEST, {}),
    Rung({"cell": "gru"}, {"task": "adding"}, 5, {"hidden": -1, "nosuch": None}),
    Rung({"cell": "gru"}, {"task": "adding"}, 5, {"steps": 0, "attention": 3}),
    Rung({"cell": "./nosuch.py"}, {"task": "../x/y.py"}, 5, {}),
    Rung({"cell": "a/b/c"}, {"task": "/"}, 5, {}),
]


def lines(rungs: list[Rung]) -> Iterator[str]:
    for rung in rungs:
        made = Record(Run(rung, LARGEST), "unsolved", 0.5, steps=1, numerics="fused", fingerprint="x")
        yield canonical(made.as_dict()) + "\n"


def test_runs_that_nobody_can_make_are_kept_and_told_and_stop_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(lines(NOBODY_S)))
    store = Store(tmp_path / "m")
    with store.writing():
        done = merge(store, [Source("x", ([record] for _, record in exports.records(path)))])
        assert (done.runs, done.refused) == (len(NOBODY_S), False)
    told = {finding.part: finding for finding in health.look(store)}
    assert told["store"].level == "fine"
    assert told["stale"].what.startswith("can't be told: cell ")
    assert [waste.count for waste in gc.find(store, ("orphans", "stale", "attempts"))] == [0, 0, 0]
    ours = [r for r in store.records().values() if not registry.is_foreign(r.run.rung.model)]
    assert len(list(api.stale(ours))) == len(ours) == len(NOBODY_S) - 2  # code of their own is nobody's to tell
    assert view(PLAN, store.records())[0].steps[0].missing == len(SUITE.seeds)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"solved_at": 0}, "solved_at: got 0, expected null or a step from 1 to 300"),
        ({"seconds": 1e300}, "seconds: got 1e+300, expected a number from 0 to 1e+10"),
        ({"attempt": LARGEST}, "attempt: got 9223372036854775807, expected an integer from 1 to 1000000"),
    ],
)
def test_what_no_run_comes_to_is_refused(change: dict[str, Any], told: str) -> None:
    made = Record(RUNS[0], "solved", 1.0, 0.1, 300, 200, 100, 1.0).as_dict()
    assert Record.from_dict(made).solved_at == 200
    with pytest.raises(ValueError, match="expected") as refused:
        Record.from_dict(json.loads(canonical(made | change)))
    assert str(refused.value) == told
