"""What the suites that a store remembers still ask for."""

from __future__ import annotations

from rnnbench.plan import plan
from rnnbench.plan.filter import select
from rnnbench.plan.orphans import current, named
from rnnbench.suite import Suite
from rnnbench.suite.load import loads

TEXT = """\
rnnbench: 1
name: mine
seeds: 2
architectures: {rnn: {cell: rnn}, lstm: {cell: lstm}}
tasks: {adding: {lengths: [2, 4]}}
"""


def suite(text: str = TEXT, seeds: str | None = None) -> Suite:
    return loads(text.encode(), "mine.yaml", seeds=seeds)


def ids(suite: Suite) -> set[str]:
    return {run.id for run in plan(suite).runs()}


def test_every_form_of_a_suites_last_text_counts_and_an_edit_ends_the_forms_before_it() -> None:
    seeds, part = suite(seeds="5..6"), select(plan(suite()), "lstm").suite
    assert named([part, seeds]) == ids(suite()) | ids(seeds)
    edited = suite(TEXT.replace("lengths: [2, 4]", "lengths: [2]"))
    assert current([edited, part, seeds]) == [edited]
    assert named([edited, part, seeds]) == ids(edited) < ids(suite())
    assert current([part, edited, seeds]) == [part, seeds]


def test_suites_of_other_names_stand_beside_each_other() -> None:
    other = suite(TEXT.replace("name: mine", "name: other").replace("[2, 4]", "[8]"))
    assert named([other, suite()]) == ids(other) | ids(suite())


def test_what_an_edit_left_out_counts_though_only_a_part_ran_since() -> None:
    edited = suite(TEXT.replace("[2, 4]", "[2, 4, 8]"))
    assert named([select(plan(edited), "lstm").suite, suite()]) == ids(edited)


def test_a_text_that_no_longer_stands_alone_counts_as_it_ran() -> None:
    lost = Suite.from_dict(suite().as_dict() | {"text": "rnnbench: 1\ninclude: gone.yaml\n"})
    assert named([lost]) == ids(suite())
