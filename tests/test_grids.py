"""Grids of a suite: what they expand to, what is refused, claims about all their points, reports by a factor."""

from __future__ import annotations

import csv
import io
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import ladders
import pytest

from rnnbench import report
from rnnbench.analysis.verdicts import verdicts
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.filter import select
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run
from rnnbench.suite import Suite
from rnnbench.suite.grids import MANY, count
from rnnbench.suite.load import load, loads

HEAD = "rnnbench: 1\nname: s\n"
TASKS = "tasks: {copy: {lengths: [5]}}\n"
GRID = f"""{HEAD}architectures:
  lstm: {{cell: lstm, grid: {{hidden: [32, 64, 128], layers: [1, 2]}}, skip: [{{hidden: 128, layers: 2}}]}}
  bilstm: {{base: lstm, bidirectional: true}}
  rnn: {{cell: rnn}}
ablate:
  - {{base: lstm, without: [forget_gate, input_gate], pairs: true}}
tasks: {{copy: {{lengths: [5, 10]}}}}
"""


def suite(text: str, **options: object) -> Suite:
    return loads(text.encode(), "s.yaml", **options)  # type: ignore[arg-type]


def faults(text: str, **options: object) -> list[str]:
    with pytest.raises(UserError) as caught:
        suite(text, **options)
    return [line.removeprefix("s.yaml:") for line in caught.value.lines]


def ids(made: Suite) -> dict[str, list[str]]:
    """The ids of each variant's runs."""
    return {x.variant.name: [run.id for run in x.runs(made.seeds)] for x in plan(made).ladders}


def test_a_variant_a_point_and_a_difference_at_each() -> None:
    made = suite(GRID)
    by_name = {v.name: v for v in made.variants}
    points = [f"hidden-{hidden}.layers-{layers}" for hidden in (32, 64, 128) for layers in (1, 2)][:-1]
    families = ["lstm", "bilstm", "lstm-forget_gate", "lstm-input_gate", "lstm-forget_gate-input_gate"]
    assert sorted(by_name) == sorted([*(f"{f}.{p}" for f in families for p in points), "rnn"])
    one = by_name["lstm.hidden-64.layers-2"]
    assert (one.family, one.factors, one.settings) == ("lstm", {"hidden": 64, "layers": 2}, {"hidden": 64, "layers": 2})
    for family in families[1:]:
        for point in points:
            variant = by_name[f"{family}.{point}"]
            assert (variant.base, variant.family) == (f"lstm.{point}", family)
            assert variant.factors == by_name[f"lstm.{point}"].factors
    both = by_name["lstm-forget_gate-input_gate.hidden-32.layers-1"]
    assert both.pair == ("lstm-forget_gate.hidden-32.layers-1", "lstm-input_gate.hidden-32.layers-1")
    assert by_name["rnn"].factors == {}
    assert Suite.from_dict(json.loads(json.dumps(made.as_dict()))) == made
    assert "factors" not in suite(HEAD + "architectures: {rnn: {cell: rnn}}\n" + TASKS).as_dict()["variants"][0]


def test_a_point_has_the_ids_of_the_same_settings_written_out() -> None:
    written = suite(f"""{HEAD}architectures:
  a: {{cell: lstm, hidden: 64, layers: 2}}
  b: {{base: a, bidirectional: true}}
  c: {{cell: lstm, hidden: 32}}
ablate: [{{base: a, without: [forget_gate]}}]
tasks: {{copy: {{lengths: [5, 10]}}}}
""")
    found, alone = ids(suite(GRID)), ids(written)
    for point, same in (
        ("lstm.hidden-64.layers-2", "a"),
        ("bilstm.hidden-64.layers-2", "b"),
        ("lstm-forget_gate.hidden-64.layers-2", "a-forget_gate"),
        ("lstm.hidden-32.layers-1", "c"),
    ):
        assert found[point] == alone[same]


def test_grids_of_switches_of_differences_and_of_single_points() -> None:
    made = suite(f"""{HEAD}architectures:
  lstm: {{cell: lstm, grid: {{forget_bias: [1, 3], candidate_activation: [tanh, identity]}}}}
  deep:
    base: lstm
    grid: {{layers: [2, 3]}}
    skip: [{{forget_bias: 3, candidate_activation: identity}}, {{layers: 3, forget_bias: 3}}]
  one: {{base: lstm.forget_bias-3.candidate_activation-tanh, lr: 1e-3, grid: {{hidden: [8, 16]}}}}
ablate: [{{base: lstm.forget_bias-3.candidate_activation-tanh, without: [output_gate]}}]
{TASKS}""")
    by_name = {v.name: v for v in made.variants}
    deep = [name.removeprefix("deep.forget_bias-") for name in by_name if name.startswith("deep")]
    act = "candidate_activation"
    assert deep == [f"1.{act}-tanh.layers-2", f"1.{act}-tanh.layers-3", f"1.{act}-identity.layers-2",
                    f"1.{act}-identity.layers-3", f"3.{act}-tanh.layers-2"]  # fmt: skip
    assert by_name[f"deep.forget_bias-1.{act}-tanh.layers-3"].base == f"lstm.forget_bias-1.{act}-tanh"
    assert by_name["one.hidden-8"].base == f"lstm.forget_bias-3.{act}-tanh"
    assert by_name["one.hidden-8"].model == {"cell": "lstm", "forget_bias": 3.0}
    assert f"lstm-output_gate.forget_bias-3.{act}-tanh" in by_name


def test_set_cannot_set_what_has_a_grid() -> None:
    (line,) = faults(GRID, overrides=["hidden=8"])
    assert line == ("--set hidden=8: hidden: got one value, expected none where lstm has a grid of them; -k hidden-32 "
                    "selects what has that one")  # fmt: skip
    assert suite(GRID, overrides=["lr=1e-3"]).overrides == {"lr": 1e-3}
    chosen = select(plan(suite(GRID)), "hidden-64 and not bi")
    assert {v.name.partition(".")[2] for v in chosen.suite.variants} == {"hidden-64.layers-1", "hidden-64.layers-2"}


def test_an_entry_that_replaces_an_included_one_replaces_its_grid(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GRID)
    (tmp_path / "b.yaml").write_text("rnnbench: 1\nname: b\ninclude: a.yaml\narchitectures: {lstm: {cell: lstm}}\n")
    names = [v.name for v in load(tmp_path / "b.yaml").variants]
    assert names == ["lstm", "bilstm", "rnn", "lstm-forget_gate", "lstm-input_gate", "lstm-forget_gate-input_gate"]


def test_a_grid_is_counted_before_it_is_expanded() -> None:
    assert count(
        {"architectures": {"a": {"grid": {"hidden": [1, 2]}}, "b": {"base": "a", "grid": {"lr": [1, 2, 3]}}}}
    ) == (8, 0)
    values = ", ".join(map(str, range(1, 101)))
    grid = f"{{hidden: [{values}], batch: [{values}], steps: [{values}]}}"
    start = time.process_time()
    (line,) = faults(
        f"{HEAD}architectures: {{lstm: {{cell: lstm, grid: {grid}}}}}\n"
        f"ablate: [{{base: lstm, without: [forget_gate]}}]\n{TASKS}"
    )
    factors = "2000000 variants x 1 lengths x 3 seeds"
    assert line == f"1:1: seeds: got a grid of 6000000 runs ({factors}), expected at most 1000000"
    chain = "".join(f", a{i}: {{base: a{i - 1}, grid: {{x{i}: [1, 2]}}}}" for i in range(1, 2000))
    (line,) = faults(f"{HEAD}architectures: {{a0: {{cell: lstm}}{chain}}}\n{TASKS}")
    assert f"({MANY} or more variants x 1 lengths x 3 seeds)" in line
    assert time.process_time() - start < 2


@pytest.mark.parametrize("odd", [{}, {"architectures": 3}, {"architectures": {"a": {"base": "a", "grid": 3}}},
                                 {"ablate": [{"base": "x", "without": 3, "starts": [1]}, 4]}])  # fmt: skip
def test_what_is_no_suite_is_counted_too(odd: Mapping[str, object]) -> None:
    assert count(odd) in ((0, 0), (1, 0))


# Claims about all points


WIDE = f"""{HEAD}seeds: 6
architectures:
  lstm: {{cell: lstm, grid: {{hidden: [16, 32], layers: [1, 2]}}}}
  gru: {{cell: gru, grid: {{hidden: [16, 32]}}}}
  rnn: {{cell: rnn}}
ablate:
  - {{base: lstm, without: [output_gate]}}
tasks: {{adding: {{lengths: [10, 20, 40]}}}}
"""


def record(run: Run, letter: str) -> Record:
    return replace(ladders.record(run, letter), steps=300)


def climbs(made: Suite, words: Callable[[str], str]) -> list[Climb]:
    asked = plan(made)
    records: dict[str, Record] = {}
    for each in asked.ladders:
        records |= ladders.records(each.rungs, words(each.variant.name), record)
    return view(asked, records)


def reached(rungs: int, n: int = 6) -> str:
    return " ".join("s" * n if k < rungs else "u" * n for k in range(3))


def words(name: str) -> str:
    """The LSTM reaches two rungs at 16 and three at 32, one less without its output gate; the GRU two, the RNN one."""
    if name.startswith("lstm"):
        return reached(2 + ("hidden-32" in name) - ("output_gate" in name))
    return reached(2 if name.startswith("gru") else 1)


def test_a_claim_about_a_grid_holds_if_it_holds_at_every_point() -> None:
    claims = {
        "span(lstm, adding) > span(rnn, adding)": (
            "holds",
            "at all 4 points: true for 6 of 6 seeds",
        ),
        "span(lstm, adding) > span(gru, adding)": ("undecided", "at 2 of 4 points: true for 0 of 6 seeds"),
        "parameters(lstm) > 2 * parameters(lstm-output_gate)": (
            "fails",
            "at all 4 points: exact: not on 1 of 1 tasks",
        ),
        "effect(output_gate, adding) < 0": ("holds", "at "),
        "effect(lstm-output_gate, adding) < 0": ("holds", "at "),
        "effect(lstm-output_gate.hidden-32.layers-1, adding) < 0": ("holds", "the difference is "),
        "span(lstm.hidden-16.layers-1, adding) < 2 * span(gru, adding)": (
            "holds",
            "at all 2 points: true for 6 of 6",
        ),
    }
    text = WIDE + "claims:\n" + "".join(f'  - {{says: x, that: "{that}"}}\n' for that in claims)
    made = suite(text)
    for verdict, (that, (outcome, why)) in zip(verdicts(made, climbs(made, words)), claims.items(), strict=True):
        assert verdict.claim.that == that
        assert (verdict.outcome, verdict.why[: len(why)]) == (outcome, why), that
    chosen = select(plan(made), "(lstm and hidden-16) or (gru and hidden-32)")
    assert [claim.number for claim in chosen.suite.claims] == [7]  # the others name what has no point in common there


# Reports


@pytest.mark.parametrize("width", [40, 60, 100])
def test_spans_and_effects_by_a_factor(width: int) -> None:
    made = suite(WIDE)
    text = report.render(made, climbs(made, words), "table", width=width, by="hidden")
    assert max(map(len, text.splitlines())) <= width
    flat = " ".join(text.split())
    assert "s, by hidden" in flat
    assert "adding: span by hidden" in flat
    assert "adding: effects by hidden" in flat
    rows = [line.split() for line in text.splitlines()]
    if width == 100:
        assert ["16", "32"] in rows
        for row in ("lstm.layers-1 28 (20 to 40) ≥ 40", "lstm.layers-2 28 (20 to 40) ≥ 40",
                    "gru 28 (20 to 40) 28 (20 to 40)", "lstm-output_gate.layers-2 14 (10 to 20) 28 (20 to 40)",
                    "rnn 14 (10 to 20)", "lstm-output_gate.layers-1 lstm.layers-1 −1.0 ≤ −1.0"):  # fmt: skip
            assert row.split() in rows, text
    markdown = report.render(made, climbs(made, words), "markdown", by="layers")
    assert "## adding: span by layers" in markdown
    assert "| lstm.hidden-16 " in markdown


def test_a_factor_that_is_none_is_told_with_those_that_are() -> None:
    made = suite(WIDE)
    with pytest.raises(UserError, match=r"^--by: got 'hiden', expected a factor of s; did you mean 'hidden'\?$"):
        report.render(made, climbs(made, words), "table", by="hiden")
    plain = suite(HEAD + "architectures: {rnn: {cell: rnn}}\n" + TASKS)
    with pytest.raises(UserError, match=r"it has no grid and no `starts`$"):
        report.render(plain, climbs(plain, words), "table", by="hidden")
    with pytest.raises(UserError, match=r"^--by: got it beside --format csv, expected table or markdown; csv"):
        report.render(made, climbs(made, words), "csv", by="hidden")


def test_csv_and_json_carry_the_factors() -> None:
    made = suite(WIDE)
    rows = list(csv.DictReader(io.StringIO(report.render(made, climbs(made, words), "csv"))))
    points = {row["variant"]: (row["hidden"], row["layers"]) for row in rows}
    assert points["lstm-output_gate.hidden-16.layers-2"] == ("16", "2")
    assert points["gru.hidden-32"] == ("32", "1")  # what it is not gridded over it has all the same
    assert points["rnn"] == ("32", "1")
    found = json.loads(report.render(made, climbs(made, words), "json"))["results"]
    assert {each["variant"]: each["factors"] for each in found}["gru.hidden-16"] == {"hidden": 16, "layers": 1}
    plain = suite(HEAD + "architectures: {rnn: {cell: rnn}}\n" + TASKS)
    head = report.render(plain, climbs(plain, words), "csv").splitlines()[0]
    assert head == "variant,task,length,score,low,high,n,solved,failed,share_low,share_high"


def test_every_difference_is_held_against_its_base_at_the_same_point() -> None:
    from rnnbench.analysis.effects import effects

    made = suite(WIDE)
    found = effects(climbs(made, words))
    pairs = {(e.variant, e.base) for e in found}
    points = [f"hidden-{h}.layers-{n}" for h, n in itertools.product((16, 32), (1, 2))]
    assert pairs == {(f"lstm-output_gate.{p}", f"lstm.{p}") for p in points}
