"""A part, or where it starts: what a suite makes of `starts`, and what the report answers."""

from __future__ import annotations

import json
from dataclasses import replace

import ladders
import pytest

from rnnbench import report
from rnnbench.analysis import starts
from rnnbench.plan import plan
from rnnbench.plan.ladders import Climb, view
from rnnbench.records import Record, Run
from rnnbench.suite import Suite
from rnnbench.suite.load import loads

HEAD = "rnnbench: 1\nname: s\n"
LENGTHS = 8
TASKS = "tasks: {qa: {lengths: [2, 4, 8, 16, 32, 64, 128, 256]}}\n"
TEXT = (
    HEAD + "seeds: 8\narchitectures: {lstm: {cell: lstm}}\n"
    "ablate: [{base: lstm, without: [forget_gate], starts: {forget_bias: [1, 3, 5]}}]\n" + TASKS
)


def suite(text: str) -> Suite:
    return loads(text.encode(), "s.yaml")


def record(run: Run, letter: str) -> Record:
    return replace(ladders.record(run, letter), steps=300)


def climbs(reached: dict[str, list[int]], text: str = TEXT) -> list[Climb]:
    """Each variant's ladder, of which each seed solves so many rungs."""
    asked = plan(suite(text))
    records: dict[str, Record] = {}
    for each in asked.ladders:
        rungs = reached[each.variant.name]
        words = ["".join("s" if n > k else "u" for n in rungs) for k in range(LENGTHS)]
        records |= ladders.records(each.rungs, words, record)
    return view(asked, records)


def test_each_other_start_is_a_difference() -> None:
    made = suite(TEXT)
    by_name = {v.name: v for v in made.variants}
    assert list(by_name) == ["lstm", "lstm-forget_gate", "lstm.forget_bias-3", "lstm.forget_bias-5"]
    three = by_name["lstm.forget_bias-3"]
    assert three.model == {"cell": "lstm", "forget_bias": 3.0}
    assert (three.base, three.part, three.start) == ("lstm", "forget_bias: 3.0", {"forget_bias": 3.0})
    assert three.rivals == ("lstm-forget_gate",)
    assert (three.family, three.factors) == ("lstm.forget_bias-3", {})
    assert Suite.from_dict(json.loads(json.dumps(made.as_dict()))) == made


def test_starts_at_each_point_of_a_grid_of_any_cell() -> None:
    made = suite(f"""{HEAD}architectures: {{janet: {{cell: janet, grid: {{hidden: [8, 16]}}}}}}
ablate: [{{base: janet, with: [bidirectional, residual], starts: {{forget_bias: [0, 1], chrono: [40]}}}}]
defaults: {{layers: 2}}
tasks: {{qa: {{lengths: [5]}}}}
""")
    found = [v for v in made.variants if v.start]
    assert [(v.name, v.base) for v in found] == [
        ("janet.forget_bias-0.hidden-8", "janet.hidden-8"), ("janet.forget_bias-0.hidden-16", "janet.hidden-16"),
        ("janet.chrono-40.hidden-8", "janet.hidden-8"), ("janet.chrono-40.hidden-16", "janet.hidden-16"),
    ]  # fmt: skip
    assert found[0].rivals == ("janet+bidirectional.hidden-8", "janet+residual.hidden-8")


WITHOUT = [5, 5, 6, 5, 5, 6, 5, 5]
OWN = [2, 2, 3, 2, 2, 2, 3, 2]


@pytest.mark.parametrize(
    ("three", "five", "answer", "words"),
    [
        ([5, 6, 5, 5, 5, 6, 5, 5], [3, 4, 3, 3, 4, 3, 3, 4], "start",
         "Where it starts: with forget_bias 3 lstm reaches as far as without forget_gate (difference 0.0 ±"),
        ([3, 3, 4, 3, 4, 3, 4, 3], [2, 2, 3, 2, 2, 2, 3, 2], "both", "Both: forget_bias 3 alone makes +1.1 ±"),
        ([2, 2, 2, 3, 2, 3, 2, 2], [2, 2, 3, 2, 2, 2, 3, 2], "part", "The part, wherever it starts: without"),
        ([2, 5, 2, 8, 2, 8, 2, 5], [2, 8, 3, 2, 8, 2, 3, 2], "untold", "These seeds can't tell; without"),
    ],
)  # fmt: skip
def test_the_answer_follows_from_the_paired_effects(three: list[int], five: list[int], answer: str, words: str) -> None:
    reached = {"lstm": OWN, "lstm-forget_gate": WITHOUT, "lstm.forget_bias-3": three, "lstm.forget_bias-5": five}
    found = climbs(reached)
    (question,) = starts.questions(found)
    assert question.answer == answer
    assert [s.start["forget_bias"] for s in question.starts] == [1.0, 3.0, 5.0]
    text = " ".join(report.render(suite(TEXT), found, "table", width=100).split())
    assert f"forget_gate, or where it starts? {words}" in text
    assert "qa: the part, or where it starts" in text
    told = json.loads(report.render(suite(TEXT), found, "json"))["starts"][0]
    assert (told["answer"], told["part"], len(told["starts"])) == (answer, "-forget_gate", 3)


def test_what_changes_nothing_needs_no_answer_and_few_seeds_give_none() -> None:
    same = dict.fromkeys(("lstm", "lstm-forget_gate", "lstm.forget_bias-3", "lstm.forget_bias-5"), OWN)
    assert starts.questions(climbs(same))[0].answer == "nothing"
    few = {name: rungs[:3] for name, rungs in same.items()}
    text = TEXT.replace("seeds: 8", "seeds: 3")
    (question,) = starts.questions(climbs(few, text))
    assert question.answer == "untold"
    flat = " ".join(report.render(suite(text), climbs(few, text), "table", width=100).split())
    assert "Too few seeds (3, 6 needed); without forget_gate it is 0.0 octaves" in flat


def test_what_is_at_the_top_of_the_ladder_is_not_told_apart() -> None:
    top = [8] * 8
    reached = {"lstm": OWN, "lstm-forget_gate": top, "lstm.forget_bias-3": top, "lstm.forget_bias-5": top}
    assert starts.questions(climbs(reached))[0].answer == "untold"


def test_the_report_by_the_start_has_a_column_a_value() -> None:
    reached = {"lstm": OWN, "lstm-forget_gate": WITHOUT, "lstm.forget_bias-3": WITHOUT, "lstm.forget_bias-5": WITHOUT}
    text = report.render(suite(TEXT), climbs(reached), "table", width=100, by="forget_bias")
    rows = [line.split() for line in text.splitlines()]
    assert ["lstm", "6.7", "(3.6", "to", "12)", "54", "(29", "to", "100)", "54", "(29", "to", "100)"] in rows, text
    assert "without a value of forget_bias: lstm-forget_gate" in text


def test_what_the_ladder_hides_on_the_other_side_changes_no_answer() -> None:
    """One seed at the top: of the variant without the part it may hide that more is left, of the start it can't."""
    near = [5, 6, 5, 5, 5, 6, 5, 5]
    for without, three, answer in (
        ([8, *WITHOUT[1:]], [7, *near[1:]], "untold"),
        ([7, *WITHOUT[1:]], [8, *near[1:]], "start"),
    ):
        reached = {"lstm": OWN, "lstm-forget_gate": without, "lstm.forget_bias-3": three, "lstm.forget_bias-5": OWN}
        assert starts.questions(climbs(reached))[0].answer == answer
