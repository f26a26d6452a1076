"""`rnnbench probe`: runs trained again, probed, kept, shown; `probe:` in a suite, and the report that shows it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import typer

from rnnbench import api
from rnnbench.cli import probe, report
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.probing import END, Asked, Probe, Probed
from rnnbench.probing.kept import Kept
from rnnbench.records import Record, Run, Rung
from rnnbench.report import probed
from rnnbench.running.executors import Job, RecordEvent, wire
from rnnbench.store import Store
from rnnbench.suite import Suite
from rnnbench.suite.load import load, loads
from rnnbench.suite.probing import AFTER

Cli = Callable[..., "CompletedProcess[str]"]
SUITE = """\
rnnbench: 1
name: tiny
defaults: {hidden: 8, batch: 4, steps: 100, stop: never}
seeds: 2
probe: {at: [0, 50, end]}
architectures: {lstm: {cell: lstm}}
ablate: [{base: lstm, without: [forget_gate]}]
tasks: {adding: {lengths: [6]}}
"""
RUN = Run(Rung({"cell": "lstm"}, {"task": "adding"}, 6, {"steps": 100}), 0)


def test_runs_are_trained_again_and_probed_side_by_side(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(SUITE)
    assert cli("run", "tiny.yaml", "-q", "-j", "1").returncode == 0
    first = cli("probe", "tiny.yaml", "-j", "1", env={"COLUMNS": "160"})
    assert first.returncode == 0, first.stderr
    assert "4 runs trained again: 4 of the 4 that the store has equal bit for bit" in first.stderr
    lines = first.stdout.splitlines()
    start = lines.index("adding 6: gradient")
    rows = [line.split()[:3] for line in lines[start + 1 :] if line.startswith("lstm")][:6]
    assert rows == [[name, after, "2"] for name in ("lstm", "lstm-forget_gate") for after in ("0", "50", "end")]
    assert "adding 6: paired" in lines
    again = cli("probe", "tiny.yaml", "-o", "found.json")
    assert "to train again" not in again.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert [len(run["probes"]) for run in found["runs"]] == [3] * 4
    assert len(found["runs"][0]["probes"][2]["gradients"][0]["mean"]) == 6
    asked, store = plan(load(tmp_path / "tiny.yaml")), Store(tmp_path / "results")
    shown = report._below(report._probed(asked, store).report, "table", 100, False)
    assert shown.startswith("tiny: probes")
    for file in (store.directory / "probes").iterdir():
        file.unlink()
    assert report._below(report._probed(asked, store).report, "table", 100, False) == (
        "note: 4 of 4 runs are not probed yet; next: rnnbench probe SUITE\n"
    )


def wanted(stored: Record | None, record: Record | None) -> Probed:
    return Probed("lstm", None, "adding", RUN, stored, record, (made(),))


def test_what_a_store_holds_otherwise_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    record = Record(RUN, "solved", 0.99, 0.1, 100, 100, 50, numerics="fused", fingerprint="f")
    probe._tell([wanted(record, record)])
    assert capsys.readouterr().err == "1 run trained again: 1 of the 1 that the store has equal bit for bit\n"
    with pytest.raises(typer.Exit) as promised:
        probe._tell([wanted(replace(record, score=0.98), record)])
    assert promised.value.exit_code == 1
    assert "score was 0.98, is 0.99" in capsys.readouterr().err
    probe._tell([wanted(replace(record, score=0.98, fingerprint="g"), record)])  # no promise
    assert "0 of the 1" in capsys.readouterr().err
    probe._tell([wanted(None, record)])
    assert "the store has none of them" in capsys.readouterr().err
    with pytest.raises(typer.Exit):
        probe._tell([wanted(None, Record(RUN, "crashed", error="gone"))])


@pytest.mark.parametrize(("at", "told"), [
    ("soon", "--at: got 'soon', expected a number of steps from 0 to 10000000, or end, as in 0,400,end"),
    ("0,-1", "--at: got '-1'"), ("0,,end", "--at: got ''"), ("10000001", "--at: got '10000001'"),
    ("0, 400,end,400", (0, 400, END)), (None, (0, 50, END)),
])  # fmt: skip
def test_steps_are_numbers_or_the_end(at: str | None, told: Any) -> None:
    suite = loads(SUITE.encode(), "tiny.yaml")
    if isinstance(told, tuple):
        assert probe._asked(suite, at, "answer", 128) == Asked(told)
    else:
        with pytest.raises(UserError) as found:
            probe._asked(suite, at, "answer", 128)
        assert found.value.lines[0].startswith(told)


def test_other_words_that_cannot_be_meant() -> None:
    with pytest.raises(UserError, match="--of: got 'all', expected answer or loss"):
        probe._of("all")
    with pytest.raises(UserError, match="--format: got 'pdf', expected one of csv, json, markdown, table"):
        probe._format("pdf", None)
    assert probe._format(None, None) == "table"
    forms = [probe._format(None, Path(name)) for name in ("a.csv", "a.json", "a.md", "a.txt")]
    assert forms == ["csv", "json", "markdown", "table"]
    assert probe._format("table", Path("a.csv")) == "table"
    with pytest.raises(UserError, match=r"--output: got 'a\.parquet', expected a name that ends in \.csv, \.json, "):
        probe._format(None, Path("a.parquet"))


@pytest.mark.parametrize(("value", "at", "seeds"), [
    ("true", (0, "end"), None), ("{at: [0, 400, end]}", (0, 400, "end"), None), ("{seeds: 1}", (0, "end"), 1),
])  # fmt: skip
def test_a_suite_says_what_its_report_shows(value: str, at: Any, seeds: Any) -> None:
    suite = loads(SUITE.replace("{at: [0, 50, end]}", value).encode(), "tiny.yaml")
    assert suite.probe is not None
    assert (suite.probe.at, suite.probe.seeds) == (at, seeds)
    assert Suite.from_dict(json.loads(json.dumps(suite.as_dict()))) == suite
    without = loads(SUITE.replace("{at: [0, 50, end]}", "false").encode(), "tiny.yaml")
    assert without.probe is None
    assert "probe" not in without.as_dict()


@pytest.mark.parametrize(("value", "told"), [
    ("yes", "5:8: probe: got 'yes', expected true, false or {at: [STEPS, ..., end], seeds: NUMBER}"),
    ("{at: [0, soon]}", "5:17: probe.at[1]: got 'soon', expected a number of steps from 0 to 10000000, or end"),
    ("{at: []}", f"5:13: probe.at: got an empty list, expected a list, each {AFTER}"),
    ("{seeds: 3}", "5:16: probe.seeds: got 3, expected a number of the suite's seeds from 1 to 2"),
    ("{sed: 1}", "5:9: probe.sed: got an unknown key, expected at or seeds; did you mean 'seeds'?"),
])  # fmt: skip
def test_a_suite_with_a_fault_in_it_says_where(value: str, told: str) -> None:
    with pytest.raises(UserError) as found:
        loads(SUITE.replace("{at: [0, 50, end]}", value).encode(), "tiny.yaml")
    assert list(found.value.lines) == [f"tiny.yaml:{told}"]


def made(score: float = 0.5, decay: float = 0.1, r2: float = 0.9) -> Probe:
    curve = [2.0 * 0.9**k for k in range(8)]
    kinds = dict.fromkeys(("mean", "median", "low", "high"), curve)
    place: dict[str, Any] = {"place": "0/forward"}
    means = {"mean": 0.72, "needed": 0.66, "other": 0.73}
    return Probe(
        100,
        True,
        score,
        gradients=({"direction": "forward", "n": [8] * 8, "decay": decay} | kinds,),
        inputs=({"needed": 0, "mean": 0.97, "n": 8}, {"needed": None, "mean": 0.006, "n": 8}),
        gates=(place | {"gate": "f", "open": 0.0, "shut": 0.1} | means,),
        carries=(place | {"state": 1, "rates": [0.0, 0.2, 0.25, 0.5, 1.0]} | means | {"needed": None},),
        outputs=(place | {"saturated": 0.1},),
        readouts=({"needed": 0, "lags": [0, 4, 7], "r2": [0.1, r2, 0.8], "control": [-0.1, 0.0, 0.1]},),
    )


def runs(*probes: Probe, variant: str = "lstm", base: str | None = None) -> list[Probed]:
    return [
        Probed(variant, base, "adding", Run(RUN.rung, seed), None, Record(Run(RUN.rung, seed), "solved", 0.99), (p,))
        for seed, p in enumerate(probes)
    ]


def test_tables_hold_what_the_probes_say() -> None:
    text = probed.render("s", runs(made(), made(0.7, 0.001)), Asked(), "table", width=200)
    lines = {line.split(":")[1].strip(): k for k, line in enumerate(text.splitlines()) if line.startswith("adding 6:")}
    gradient = text.splitlines()[lines["gradient"] + 5]
    assert gradient.split()[:3] == ["lstm", "end", "2"]
    assert ".60 (.50 to .70)" in gradient
    assert "10, flat" in gradient
    assert ".97" in gradient
    gates = [line for line in text.splitlines() if "gate f" in line or "state 2 kept" in line]
    assert [word for word in gates[0].split() if word.startswith(".")][:3] == [".72", ".66", ".73"]
    assert gates[1].split()[-2:] == ["4", "∞"]


def test_csv_has_every_number_of_the_json() -> None:
    rows = list(csv.DictReader(io.StringIO(probed.render("s", runs(made()), Asked(), "csv"))))
    wanted = {"variant": "lstm", "seed": "0", "step": "100", "probe": "gradients", "of": "forward", "what": "mean"}
    curve = [(int(row["at"]), float(row["value"])) for row in rows if wanted.items() <= row.items()]
    assert curve == list(enumerate(made().gradients[0]["mean"]))
    r2 = [(row["of"], row["at"], row["value"]) for row in rows if row["what"] == "r2"]
    assert r2 == [("0", "0", "0.1"), ("0", "4", "0.9"), ("0", "7", "0.8")]
    assert {row["of"] for row in rows if row["probe"] == "gates"} == {"0/forward/f"}
    found = json.loads(probed.render("s", runs(made()), Asked(), "json"))
    assert Probe.from_dict(found["runs"][0]["probes"][0]) == made()


def test_runs_that_a_ladder_left_out_are_not_probed(tmp_path: Path) -> None:
    suite = loads(SUITE.replace("[6]", "[4, 5, 6, 7]").replace("seeds: 2", "seeds: 1").encode(), "tiny.yaml")
    asked, store = plan(suite), Store(tmp_path)
    with store.writing():
        for run in list(asked.runs())[:2]:
            store.add(Record(run, "unsolved", 0.1, 0.1, 100, None, 50))
    found = api.to_probe(asked, store)
    assert [(each.variant, each.run.rung.length, each.stored is not None) for each in found] == [
        ("lstm", 4, True), ("lstm", 5, True), *(("lstm-forget_gate", n, False) for n in (4, 5, 6, 7)),
    ]  # fmt: skip


def test_a_variant_is_held_against_its_base_seed_by_seed() -> None:
    both = runs(made(r2=0.9), made(r2=0.9)) + runs(made(), made(), variant="lstm-x", base="lstm")
    (table,) = (t for t in probed.report("s", both, Asked()).tables if t.title.endswith("paired"))
    ((name, against, after, n, decades, *_),) = table.rows
    assert [c.text for c in (name, against, after, n)] == ["lstm-x", "lstm", "end", "2"]
    assert decades.value == 0


def test_probes_that_were_kept_are_found_by_what_they_depend_on(tmp_path: Path) -> None:
    kept, asked = Kept(tmp_path / "probes"), Asked()
    record = Record(RUN, "solved", 0.99, 0.1, 100, 100, 50)
    assert kept.load(RUN, asked) is None
    kept.save(RUN, asked, (record, (made(),)))
    assert kept.load(RUN, asked) == (record, (made(),))
    assert kept.load(RUN, Asked(sequences=64)) is None
    assert kept.load(Run(RUN.rung, 1), asked) is None
    (file,) = (tmp_path / "probes").iterdir()
    file.write_text(file.read_text()[:-20])
    assert kept.load(RUN, asked) is None


def test_probes_are_believed_of_a_job_that_asks_for_them() -> None:
    record = Record(RUN, "solved", 0.99, 0.1, 100, 100, 50, numerics="fused", fingerprint="f")
    said = {key: value for key, value in record.as_dict().items() if key != "run"} | {"is": "record"}
    text = json.dumps(said | {"probes": [made().as_dict()]}).encode()
    assert wire.read(0, Job((RUN,), probe=Asked()), text, b"") == RecordEvent(0, record, (made(),))
    with pytest.raises(wire.Unsound, match="probes"):
        wire.read(0, Job((RUN,)), text, b"")
    with pytest.raises(wire.Unsound, match="probe"):
        wire.read(0, Job((RUN,), probe=Asked()), json.dumps(said | {"probes": [{"step": 1}]}).encode(), b"")
