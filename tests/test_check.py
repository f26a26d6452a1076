"""`check`: never green for the wrong reason; every way to be red, and its exit code."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import ladders
import pytest
import scipy.stats
import typer
import yaml

from rnnbench.check import baseline, compare, probes
from rnnbench.check.baseline import Baseline, dump
from rnnbench.check.compare import Finding
from rnnbench.cli import app, main
from rnnbench.errors import Exit, UserError
from rnnbench.foreign import normalised
from rnnbench.plan import Plan, plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record
from rnnbench.report import findings
from rnnbench.suite import Claim, Suite, TaskEntry, Variant
from rnnbench.suite.load import load
from rnnbench.training import fingerprint

Called = tuple[int | str | None, str, str]
Cli = Callable[..., "subprocess.CompletedProcess[str]"]

SEEDS = 6
SUITE = Suite(
    "small",
    (Variant("rnn", {"cell": "rnn"}, {"hidden": 4}), Variant("gru", {"cell": "gru"}, {"hidden": 4})),
    (TaskEntry("adding", {"task": "adding"}, (4, 8, 16)),),
    tuple(range(SEEDS)),
    claims=(Claim("the GRU outlasts", "span(gru, adding) > span(rnn, adding)"),),
)
GOOD = {"rnn": "ssssss uuuuuu uuuuuu", "gru": "ssssss ssssss ssssuu"}


def seen(results: dict[str, str], suite: Suite = SUITE) -> tuple[Plan, list[Climb]]:
    """A view of ladders written as in ladders.py, by variant."""
    asked = plan(suite)
    records: dict[str, Record] = {}
    for ladder in asked.ladders:
        records |= ladders.records(ladder.rungs, results[ladder.variant.name], seeds=suite.seeds)
    return asked, view(asked, records)


@pytest.fixture(scope="module")
def was() -> Baseline:
    return baseline.make(*seen(GOOD))


def found(results: dict[str, str], was: Baseline, margin: float = 1.0) -> dict[str, Finding]:
    asked, climbs = seen(results)
    checked = [*compare.statistically(asked, climbs, was, margin), *compare.claimed(asked, climbs, was, True)]
    return {f.name: f for f in checked}


def test_what_is_as_it_was_is_fine(was: Baseline) -> None:
    same = found(GOOD, was)
    assert {f.outcome for f in same.values()} == {"fine"}
    assert compare.verdict(list(same.values())) == Exit.OK
    assert len(same) == 3
    assert {f.outcome for f in compare.exactly(plan(SUITE), was)} == {"fine"}


WORSE = [
    ("ssssss ssssss uuuuuu", "worse", "-0.67 (-1.1 to -0.24) rungs, margin 1; spans 8 8 8 8 8 8, were 16 16 16 16 8 8"),
    ("ssssss uuuuuu uuuuuu", "worse", "-1.7 (-2.1 to -1.2) rungs, margin 1; spans 4 4 4 4 4 4, were 16 16 16 16 8 8"),
    ("ssssss ssssss sssuuu", "fine", "-0.17 (-0.5 to +0.17) rungs; spans 16 16 16 8 8 8, were 16 16 16 16 8 8"),
    ("ssssss ssssss ssssss", "fine", "+0.33 (-0.091 to +0.76) rungs; spans 16 16 16 16 16 16, were 16 16 16 16 8 8"),
    ("ssssss ssuuss uuuuss", "unclear",
     "-0.67 (-1.8 to +0.46) rungs, margin 1; spans 8 8 4 4 16 16, were 16 16 16 16 8 8"),
    ("ssssss ssssss ssssud", "worse", "1 more run diverged than in the baseline"),
    ("ssssss ssssss ssssux", "worse", "1 run broke"),
    ("ssssss ssssss sss.u.", "unclear", "2 runs are missing"),
    ("...... ...... ......", "unclear", "18 runs are missing"),
]  # fmt: skip


@pytest.mark.parametrize(("gru", "outcome", "text"), WORSE)
def test_rungs_lost(was: Baseline, gru: str, outcome: str, text: str) -> None:
    cell = found(GOOD | {"gru": gru}, was)["gru on adding"]
    assert (cell.outcome, cell.text) == (outcome, text)


def test_a_claim_that_held_must_hold(was: Baseline) -> None:
    name = "the GRU outlasts"
    assert found(GOOD, was)[name].text == "holds still: true for 6 of 6 seeds"
    swapped = found({"rnn": GOOD["gru"], "gru": GOOD["rnn"]}, was)[name]
    assert (swapped.outcome, swapped.text) == ("worse", "held, and fails: false for 6 of 6 seeds")
    alike = found(GOOD | {"gru": GOOD["rnn"]}, was)[name]
    assert (alike.outcome, alike.text.split(":")[0]) == ("unclear", "held, and can't be decided")
    failed = replace(was, claims=dict.fromkeys(was.claims, "fails"))
    assert name not in found(GOOD, failed)


def test_too_few_seeds_are_never_green(was: Baseline) -> None:
    for count in range(1, SEEDS + 1):
        suite = replace(SUITE, seeds=SUITE.seeds[-count:])
        asked, climbs = seen({k: " ".join(w[-count:] for w in v.split()) for k, v in GOOD.items()}, suite)
        outcomes = {f.outcome for f in compare.statistically(asked, climbs, was)}
        assert outcomes == ({"fine"} if count >= compare.MINIMUM else {"unclear"})


def test_nothing_to_lose_is_never_green() -> None:
    bad = {"rnn": "uuuuuu uuuuuu uuuuuu", "gru": "uuuuuu uuuuuu uuuuuu"}
    was = baseline.make(*seen(bad))
    first = next(iter(compare.statistically(*seen(bad), was)))
    assert (first.outcome, first.text) == ("unclear", "no rung was solved then: nothing can get worse")
    assert compare.verdict([]) == Exit.INCONCLUSIVE


def test_the_bounds_are_scipys() -> None:
    before, after = [3, 3, 2, 3, 1, 3], [3, 2, 2, 1, 1, 3]
    outcome, change = compare.compare(before, after, 1.0)
    low, high = scipy.stats.ttest_rel(after, before).confidence_interval(0.9)
    assert (change.low, change.high) == pytest.approx((low, high))
    assert outcome == "unclear" or change.low > -1


@pytest.mark.parametrize(
    ("lost", "kept", "margin", "outcome"),
    [
        (2, 3, 1.0, "fine"),
        (3, 2, 1.0, "unclear"),  # not shown to be fine; three of five are no two thirds of a rung
        (4, 1, 1.0, "worse"),
        (4, 2, 1.0, "worse"),
        (3, 3, 1.0, "fine"),
        (17, 3, 1.0, "fine"),
        (18, 2, 1.0, "worse"),
        (5, 0, 1.5, "fine"),
        (5, 0, 0.5, "worse"),
    ],
)
def test_worse_has_lost_most_of_the_margin(lost: int, kept: int, margin: float, outcome: str) -> None:
    before = [3] * (lost + kept)
    assert compare.compare(before, [2] * lost + [3] * kept, margin)[0] == outcome


FITS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda b: b.update(suite="other"), "it is of the suite 'other'"),
    (lambda b: b["seeds"].pop(), "it has no seed 5; its spans of rnn on adding are none"),
    (lambda b: b["variants"].pop("gru"), "it lacks gru on adding"),
    (lambda b: b["tasks"].pop("adding"), "it lacks rnn on adding; it lacks gru on adding"),
    (lambda b: b["claims"].clear(), "it lacks the claim 'span(gru, adding) > span(rnn, adding)'"),
    (lambda b: b["variants"].update(x=b["variants"]["gru"]), "x on adding is gone from the suite"),
    (lambda b: b["variants"]["gru"]["adding"].update(asked="0"), "gru on adding is asked for otherwise than then"),
    (lambda b: b["variants"]["gru"]["adding"]["spans"].__setitem__(0, 9), "its spans of gru on adding are none"),
    (lambda b: b["variants"]["gru"]["adding"]["exact"]["data"].pop("3"), "its exact numbers of gru on adding are none"),
    (
        lambda b: b["variants"]["gru"]["adding"]["exact"]["passes"].update(
            {"x": b["variants"]["gru"]["adding"]["exact"]["passes"]["4/4"]}
        ),
        "its exact numbers of gru on adding are none",
    ),
]


@pytest.mark.parametrize(("change", "message"), FITS)
def test_a_baseline_of_something_else_is_refused(
    was: Baseline, tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    value = json.loads(was.text())
    change(value)
    (tmp_path / "b.json").write_text(json.dumps(value))
    with pytest.raises(UserError) as caught:
        compare.fits(plan(SUITE), baseline.read(tmp_path / "b.json"), whole=True)
    assert caught.value.code == Exit.USAGE
    (line,) = caught.value.lines
    assert line.startswith(f"small: the baseline doesn't fit: {message}")
    assert line.endswith("; next: rnnbench run SUITE, then rnnbench baseline SUITE --update")


BROKEN = [
    ("", "got no JSON (the file is empty)"),
    ("{", "got no JSON ("),
    ("[" * 100_000, "got no JSON ("),
    ('{"rnnbench": NaN}', "got no JSON (NaN is no number)"),
    ("[]", "rnnbench: got no version, expected 2"),
    (
        '{"rnnbench": 1}',
        "rnnbench: got 1, expected 2, the version of baselines; next: rnnbench run SUITE, then rnnbench baseline",
    ),
    ('{"rnnbench": true}', "rnnbench: got True, expected 2"),
    ('{"rnnbench": 2}', "suite: Field required"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_what_is_no_baseline_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        baseline.read(path)
    assert caught.value.lines[0].startswith(f"{path}: {message}")
    assert len(caught.value.lines) == 1
    assert caught.value.code == Exit.USAGE


def test_a_baseline_is_read_as_it_was_written(was: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "b.json"
    baseline.write(path, was.text())
    assert baseline.read(path) == was
    assert baseline.read(path).text() == was.text() == dump(json.loads(was.text())) + "\n"
    assert max(map(len, was.text().splitlines())) <= 118
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_no_baseline_is_made_of_what_is_not_whole() -> None:
    for letter, code in ((".", Exit.INCONCLUSIVE), ("x", Exit.FAILED)):
        with pytest.raises(UserError) as caught:
            baseline.make(*seen(GOOD | {"rnn": f"sssss{letter} uuuuuu uuuuuu"}))
        assert caught.value.code == code


UR = "0/forward/Ur"


@pytest.mark.parametrize(("change", "told"), [(1e-4, True), (1e-6, False)])
def test_no_more_than_rounding_is_let_pass(change: float, told: bool) -> None:
    """Answers and gradients that are off by ten times their tolerance and by a tenth."""
    was: dict[str, Any] = {"parameters": 1, "losses": {}}
    was |= {"passes": {"4/8": {"answers": [1.0, 0.5], "gradients": {"U": [0.1, 0.03]}}}}
    for path in (("answers",), ("gradients", "U")):
        now = copy.deepcopy(was)
        holder: Any = now["passes"]
        for key in ("4/8", *path[:-1]):
            holder = holder[key]
        holder[path[-1]] = [x * (1 + change) for x in holder[path[-1]]]
        assert len(probes.differences(was, now)) == told


@pytest.mark.parametrize(("name", "text"), [("loss", "loss of fixed answers"), ("score", "score of fixed answers")])
def test_a_task_s_numbers_are_held_to_rounding(name: str, text: str) -> None:
    was = {"hashes": {"4": "a"}, "loss": 0.7, "score": 0.5}
    for change, told in ((1e-4, True), (1e-6, False)):
        found = probes.task_differences(was, was | {name: was[name] + change})  # type: ignore[operator]
        assert [each.split(":")[0] for each in found] == [text] * told


@pytest.mark.parametrize(("size", "change", "told"), [(0.05, 1e-5, True), (0.05, 1e-7, False), (1e-9, 1e-8, False)])
def test_a_small_gradient_is_held_to_its_own_size_and_a_zero_to_the_largest(
    size: float, change: float, told: bool
) -> None:
    was, now = (
        {"parameters": 1, "losses": {}, "passes": {"4/8": {"answers": [1.0, 0.5], "gradients": gradients}}}
        for gradients in ({"U": [1.0, 0.3], "b": [size, 0.0]}, {"U": [1.0, 0.3], "b": [size + change, 0.0]})
    )
    assert [text.split(":")[0] for text in probes.differences(was, now)] == [
        "gradient of b at length 4, width 8"
    ] * told


def test_every_number_of_the_exact_tier_can_tell(was: Baseline) -> None:
    """Whatever is changed in the numbers is found, be it a little more than the tolerance, gone, or no number."""
    numbers = asdict(was.variants["gru"]["adding"].exact)
    assert list(numbers["passes"]) == ["4/4", "16/4", "4/32"]
    assert probes.differences(numbers, numbers) == []
    passes = [("passes", name, *rest) for name in numbers["passes"] for rest in (("answers",), ("gradients", UR))]
    for path in (*passes, ("losses", "1")):
        for value in ("more", "nan"):
            changed = copy.deepcopy(numbers)
            holder: Any = changed
            for key in path[:-1]:
                holder = holder[key]
            old = holder[path[-1]]
            holder[path[-1]] = [x * 1.01 for x in old] if value == "more" else [float("nan")] * len(old)
            assert probes.differences(numbers, changed), path
            assert probes.differences(changed, numbers), path
    gone = copy.deepcopy(numbers)
    for each in gone["passes"].values():
        del each["gradients"][UR]
    gone["passes"] = {"4/4": gone["passes"]["4/4"]}
    numbers["passes"] = {"4/4": numbers["passes"]["4/4"]}
    assert probes.differences(numbers, gone) == ["parameter 0/forward/Ur: gone"]
    assert probes.differences(gone, numbers) == ["parameter 0/forward/Ur: new"]
    assert probes.differences(numbers, numbers | {"parameters": 1})[0].startswith("parameters: 1, was ")
    diverged = numbers | {"losses": {"0": [], "1": []}}
    assert probes.differences(numbers, diverged)[0] == "after 20 steps, seed 0: no loss, was one"


SAMPLE = [
    Finding("exact", "lstm on adding", "worse", "answers: 1 2, was 1 3"),
    Finding("statistical", "a|b,c:d", "unclear", "50% <b>\x1b[31m\nx"),
    Finding("statistical", "fine one", "fine", "spans as they were"),
]


def test_junit_is_xml_in_which_nothing_unclear_looks_green() -> None:
    root = ElementTree.fromstring(findings.junit("s", SAMPLE))
    counts = [(s.get("name"), s.get("tests"), s.get("failures"), s.get("errors")) for s in root]
    assert counts == [("exact", "1", "1", "0"), ("statistical", "2", "0", "1")]
    assert [len(case) for case in root.iter("testcase")] == [1, 1, 0]
    assert not list(root.iter("skipped"))


def test_annotations_are_escaped_and_at_most_ten() -> None:
    lines = findings.workflow("s", SAMPLE).splitlines()
    assert lines == [
        "::error title=s%3A lstm on adding::answers: 1 2, was 1 3",
        "::warning title=s%3A a|b%2Cc%3Ad::50%25 <b>\\x1b[31m x",
    ]
    many = findings.workflow("s", SAMPLE[:1] * 30).splitlines()
    assert len(many) == 10
    assert many[-1] == "::error title=s::and 21 more; see the summary"
    assert "| worse | lstm on adding |" in findings.markdown("s", SAMPLE)
    assert "| unclear | a\\|b,c:d |" in findings.markdown("s", SAMPLE)


TINY = """\
rnnbench: 1
name: tiny
defaults: {hidden: 6, batch: 16, steps: 300, lr: 3e-2}
seeds: 5
architectures:
  rnn: {cell: rnn}
tasks:
  copy: {items: 1, alphabet: 2, lengths: [1, 2]}
claims:
  - {says: small, that: parameters(rnn) < 1000}
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Called]:
    """The command line in this process, in an empty folder: (exit code, stdout, stderr). Workers are processes."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Called:
        monkeypatch.setattr("sys.argv", ["rnnbench", *arguments])
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, getattr(sys, name))  # put back what the command line replaces
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code, *capfd.readouterr())

    return run


def test_the_command_line_from_no_baseline_to_every_exit_code(
    call: Callable[..., Called], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    cure = "next: rnnbench run tiny.yaml, then rnnbench baseline tiny.yaml --update"
    none = f"baselines/tiny.json: No such file or directory; expected a baseline; {cure}\n"
    assert call("check", "tiny.yaml") == (2, "", none)
    code, _, told = call("baseline", "tiny.yaml")
    assert code == 6
    assert told.startswith("tiny: 10 runs are missing or stale and 0 broke, expected all to be there; next: ")
    assert call("run", "tiny.yaml", "-q", "-j", "1") == (0, "", "")
    code, made, _ = call("baseline", "tiny.yaml")
    assert code == 0
    written = "tiny: baseline written to baselines/tiny.json\n"
    assert call("baseline", "tiny.yaml", "--update") == (0, "", written)
    assert call("baseline", "tiny.yaml", "--update", "-o", "x")[0] == 2
    place = tmp_path / "baselines" / "tiny.json"
    assert place.read_text() == made
    assert min(json.loads(made)["variants"]["rnn"]["copy"]["spans"]) > 0

    summary = tmp_path / "summary.md"
    options = ("--junit", "j.xml", "--github", "-q")
    green = cli("check", "tiny.yaml", *options, env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert (green.returncode, green.stderr) == (0, "")
    assert green.stdout == "exact: 4 fine\nstatistical: 1 fine\nclaims: 1 fine\ntiny: as good as its baseline\n"
    assert ElementTree.parse(tmp_path / "j.xml").getroot().get("name") == "tiny"
    assert summary.read_text().startswith("## tiny: as good as its baseline\n")
    assert call("check", "tiny.yaml", "-r", "anew", "-q", "-j", "1")[0] == 0

    code, told, _ = call("check", "tiny.yaml", "--no-run", "-r", "nowhere")
    assert code == 6
    assert "UNCLEAR rnn on copy: 10 runs are missing\n" in told
    assert not (tmp_path / "nowhere").exists()
    look = ("check", "tiny.yaml", "--no-run", "--tier", "statistical")
    for more, expected in [
        ((), 0), (("--seeds", "4"), 6), (("--seeds", "7"), 2), (("-k", "lstm"), 5), (("-k", "rnn"), 0),
        (("-k", "2"), 2), (("--margin", "0"), 2),
    ]:  # fmt: skip
        assert call(*look, *more)[0] == expected, more

    settings = normalised((fingerprint.PACKAGE / "settings.py").read_text())
    changed = settings.replace("'adam'", "'sgd'", 2)  # the default
    of_file = fingerprint._of_file
    monkeypatch.setattr(fingerprint, "_of_file", lambda name: changed.encode() if "settings" in name else of_file(name))
    fingerprint._of.cache_clear()
    code, told, _ = call(*look)
    assert (code, "rnn on copy: 10 runs are missing" in told) == (6, True)
    monkeypatch.undo()
    fingerprint._of.cache_clear()
    monkeypatch.chdir(tmp_path)

    other = json.loads(place.read_text())
    other["variants"]["rnn"]["copy"]["exact"]["passes"]["1/6"]["answers"][0] *= 1.001
    place.write_text(dump(other))
    red = cli("check", "tiny.yaml", "--tier", "exact", "--github")
    assert red.returncode == 1
    assert red.stdout.splitlines()[0].startswith("WORSE rnn on copy: answers at length 1, width 6: ")
    assert "::error title=tiny%3A rnn on copy" in red.stdout
    for broken in ("", "{}", dump(other | {"variants": {}})):
        place.write_text(broken)
        code, _, told = call(*look)
        assert (code, told.count("\n")) == (2, 1)


def test_the_suite_that_ships_is_mathematically_as_it_was() -> None:
    """The exact tier of `rnnbench check ci`, as `make test` runs it."""
    asked = plan(load("ci"))
    was = baseline.read(baseline.place(asked.suite))
    compare.fits(asked, was, whole=True)
    assert [f"{f.name}: {f.text}" for f in compare.exactly(asked, was) if f.outcome != "fine"] == []


@pytest.mark.skipif(not os.environ.get("RNNBENCH_SLOW"), reason="two minutes; RNNBENCH_SLOW=1 runs it")
def test_the_suite_that_ships_is_as_good_as_it_was(cli: Cli) -> None:
    done = cli("check", "ci", timeout=900)
    assert done.returncode == 0, done.stdout


def test_the_action_and_the_workflow_in_the_documents_call_what_there_is() -> None:
    root = Path(__file__).parent.parent
    action = yaml.safe_load((root / "action.yml").read_text())
    command = action["runs"]["steps"][-1]
    assert set(command["env"]) == {"SUITE", "TIER", "MARGIN", "JUNIT"}
    assert "${{" not in command["run"]
    text = (root / "docs" / "ci.md").read_text()
    blocks = [yaml.safe_load(block.partition("```")[0]) for block in text.split("```yaml\n")[1:]]
    workflow, *uses = blocks
    for *_, step in uses:  # a project installs itself first
        assert step["uses"] in ("./", "OWNER/rnnbench@COMMIT")
        assert set(step["with"]) <= set(action["inputs"])
    assert len(uses) == 2
    assert "**Replace both words in capitals**" in text
    lines = [step["run"] for step in workflow["jobs"]["check"]["steps"] if "rnnbench" in step.get("run", "")]
    known = {name for p in typer.main.get_command(app).commands["check"].params for name in p.opts}  # type: ignore[attr-defined]
    for line in [*lines, command["run"]]:
        assert {word for word in line.split() if word.startswith("--")} <= known
