"""What the README shows is so: its suite is valid, its Python runs, what it prints is the tutorial's. The flagship's
tables are those of its export."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rnnbench import api
from rnnbench.analysis import spans
from rnnbench.plan import plan, views
from rnnbench.plan.ladders import Climb
from rnnbench.report import marks, render
from rnnbench.suite import Suite, load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.S)
    assert found, language
    return found[1]


def test_its_suite_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(block("yaml"))
    assert plan(load.load(path)).count == 9 * 7 * 5


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With a small suite in place of quick."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(
        "rnnbench: 1\nname: small\ndefaults: {hidden: 4, steps: 20}\nseeds: 2\n"
        "architectures: {rnn: {cell: rnn}}\ntasks: {adding: {lengths: [3, 5]}}\n"
    )
    exec(block("python").replace('"quick"', '"small.yaml"'), {})
    printed = capsys.readouterr().out
    assert "rnn" in printed
    assert "span" in printed


def exported(suite: Suite) -> list[Climb]:
    """What the committed export has of a suite."""
    return api.shown(plan(suite), api.exported(ROOT / "docs" / "data" / f"{suite.name}.jsonl.gz"))


def test_what_it_prints_is_what_the_tutorial_prints() -> None:
    """Where a test runs it."""
    assert block("text") in (ROOT / "docs" / "tutorial.md").read_text()


def test_the_flagships_document_says_what_its_export_says() -> None:
    suite = api.load("long_deps_full")
    climbs = exported(suite)
    told = render(suite, climbs, "table", width=118).splitlines()
    document = (ROOT / "docs" / "long_deps.md").read_text()
    assert told[told.index("span") + 1].startswith("what was trained to span the gap")
    headlines = told[told.index("span") : told.index("effects")]
    rows = [line for line in headlines if line.startswith(("lstm", "rnn", "gru", "bilstm", "transformer"))]
    assert len(rows) > 27
    assert all(row in document for row in rows)
    effects = [line.removesuffix("differs").rstrip() for line in told if line.endswith("  differs")]
    assert len(effects) > 27
    table = document[document.index("## Which part") :].split("```\n")[1]
    assert [line.rstrip() for line in table.splitlines()[2:]] == effects
    verdicts = json.loads(render(suite, climbs, "json"))["claims"]
    for number, claim in enumerate(verdicts, 1):
        assert f"| {number} | {claim['says']} | **{claim['verdict']}** | {claim['why']} |" in document


@pytest.mark.parametrize(("name", "title"), [("transformer", "Without a recurrence"), ("matched", "The part, or its")])
def test_the_flagships_document_says_what_the_suites_beside_it_came_to(name: str, title: str) -> None:
    section = (ROOT / "docs" / "long_deps.md").read_text().partition(f"## {title}")[2].partition("\n## ")[0]
    rows = {line.split()[0]: " ".join(line.split()) for line in section.split("```")[1].splitlines()[3:]}
    climbs = views.at(exported(api.load(name)))
    assert {climb.ladder.variant.name for climb in climbs} == set(rows)
    for climb in climbs:
        told = " ".join(marks.span(spans.span(climb), True).text.split())
        assert told in rows[climb.ladder.variant.name]


def test_no_tick_of_the_export_stands_beside_more_steps_than_its_budget() -> None:
    """What solves, and after how many steps half of the seeds do, are told of the same runs."""
    every = [step for climb in views.at(exported(api.load("long_deps_full"))) for step in climb.steps]
    steps = [step for step in every if all(step.records)]  # where a search left none out
    contradictory = [step.rung for step in steps if (marks.steps(step).parts[0] == ">") != (step.passed is False)
                     and step.state != "pruned"]  # fmt: skip
    assert len(steps) > 200
    assert not contradictory
