"""Baselines from anywhere: none makes a check green for want of what it should compare, none ends in a traceback."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import api
from rnnbench.check import baseline, compare
from rnnbench.errors import Exit, UserError
from rnnbench.plan import Plan, plan

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parent.parent.parent
CURE = "; next: rnnbench run SUITE, then rnnbench baseline SUITE --update"


@cache
def shipped() -> tuple[Plan, str]:
    """The suite that ships with a baseline, and that baseline."""
    return plan(api.load("ci")), (ROOT / "suites" / "baselines" / "ci.json").read_text()


def value() -> Any:
    return json.loads(shipped()[1])


def cell(whole: Any) -> Any:
    """The first cell that has everything."""
    return next(c for cells in whole["variants"].values() for c in cells.values() if c["ends"])


def refusal(path: Path, text: str) -> str:
    """What is said of a baseline, read and held against its suite."""
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        compare.fits(shipped()[0], baseline.read(path), whole=True)
    (told,) = caught.value.lines
    assert caught.value.code == Exit.USAGE
    assert told.isprintable()
    assert told.endswith(CURE)
    assert len(told) < 800
    return told


def passed(cell: Any) -> Any:
    return cell["exact"]["passes"]["4/16"]


CHANGES: list[tuple[Callable[[Any], object], str]] = [
    (lambda c: c["exact"]["passes"].clear(), "exact.passes: Dictionary should have at least 1 item"),
    (lambda c: c["exact"]["passes"].pop("4/16"), "its exact numbers of bigru on adding are none"),
    (lambda c: c["exact"]["passes"].pop("4/24"), "its exact numbers of bigru on adding are none"),
    (lambda c: c["exact"]["passes"].update({"99999/9999": passed(c)}), "its exact numbers of bigru on adding are none"),
    (lambda c: c["exact"]["passes"].update({"4/17": passed(c)}), "its exact numbers of bigru on adding are none"),
    (lambda c: passed(c)["answers"].clear(), "answers: List should have at least 2"),
    (lambda c: passed(c)["gradients"].clear(), "gradients: Dictionary should"),
    (lambda c: passed(c)["answers"].append(1.0), "answers: List should have at most 2"),
    (lambda c: c["exact"]["losses"].clear(), "exact.losses: got 0, expected those of seeds 0 and 1"),
    (lambda c: c["exact"]["losses"]["0"].pop(), "exact.losses: got a list of another length"),
    (lambda c: c["exact"]["losses"].update({"7": [1.0, 1.0, 1.0]}), "exact.losses: got 3, expected those of seeds"),
    (lambda c: c["exact"]["starts"].update({"0": []}), "starts.0: List should have at least 2"),
    (lambda c: c["exact"]["data"].clear(), "exact.data: Dictionary should have at least 1 item"),
    (lambda c: c["exact"].update(parameters=-1), "exact.parameters: Input should be greater than or equal to 0"),
    (lambda c: c["exact"].update(parameters=True), "exact.parameters: Input should be a valid integer"),
    (lambda c: c["solved"].clear(), "solved: List should have at least 1 item"),
    (lambda c: c["solved"].append(1), "its spans of bigru on adding are none"),
    (lambda c: c["solved"].__setitem__(0, 10**6), "its spans of bigru on adding are none"),
    (lambda c: c["spans"].clear(), "spans: List should have at least 1 item"),
    (lambda c: c["spans"].__setitem__(0, -1), "spans.0: Input should be greater than or equal to 0"),
    (lambda c: c["spans"].__setitem__(0, 10**30), "its spans of bigru on adding are none"),
    (lambda c: c.update(diverged=10**6), "its spans of bigru on adding are none"),
    (lambda c: c.update(more=1), "more: Unexpected keyword argument"),
    (lambda c: c["ends"]["asked"]["curve"].clear(), "ends.asked.curve: Dictionary should have at least 1 item"),
    (lambda c: c["ends"]["asked"]["curve"].update(x=[0.1, 0.1, None]), "curve: got a key that is no step"),
    (lambda c: c["ends"]["asked"]["curve"].update({"100": []}), "curve.100: List should have at least 3 items"),
    (lambda c: c["ends"]["asked"].update(steps=1), "ends.asked.curve: got no look at step 1"),
    (lambda c: c["ends"]["spent"].update(score=2.0), "score"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), CHANGES, ids=range(len(CHANGES)))
def test_what_could_not_be_compared_is_refused(tmp_path: Path, change: Callable[[Any], object], told: str) -> None:
    whole = value()
    change(cell(whole))
    assert told in refusal(tmp_path / "b.json", json.dumps(whole))


TEXTS: list[tuple[Callable[[str], str], str]] = [
    (lambda t: t.replace('"rnnbench": 2', '"rnnbench": 2, "rnnbench": 2'), "key 'rnnbench' is given twice"),
    (lambda t: t.replace('"variants": {', '"variants": {}, "variants": {'), "key 'variants' is given twice"),
    (lambda t: t.replace('"loss": ', '"loss": 1e400, "x": ', 1), "1e400 is no number that a computer holds"),
    (lambda t: t.replace('"loss": ', '"loss": 1e308, "loss": ', 1), "key 'loss' is given twice"),
    (lambda t: t.replace('"loss": ', '"loss": -Infinity, "x": ', 1), "-Infinity is no number"),
    (lambda t: t.replace('"suite": "ci"', '"suite": "\\u001b[31mx\\u202e"'), "it is of the suite '\\x1b[31mx\\u202e'"),
    (lambda t: t.replace('"variants": {', '"variants": {"\\u001b[31m": {"\\n": {}}, '), "variants.\\x1b[31m. .asked:"),
    (lambda t: t.replace('"seeds": [', '"seeds": [0, 0, '), "seeds: got one twice, expected each once"),
    (lambda t: t[: len(t) // 2], "got no JSON (no JSON: "),
    (lambda t: t.replace('"suite": "ci"', '"suite": ' + "[" * 10_000), "got no JSON (it is nested too deep)"),
    (lambda t: t.replace('"suite": "ci"', '"suite": 1' + "0" * 5000), "got no JSON (got an integer of 5001 digits)"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_says_two_things_or_none_is_refused(
    tmp_path: Path, change: Callable[[str], str], told: str
) -> None:
    text = change(shipped()[1])
    assert text != shipped()[1]
    assert told in refusal(tmp_path / "b.json", text)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path):
        with pytest.raises(UserError) as caught:
            baseline.read(path)
        assert caught.value.lines == (f"{path}: got no regular file, expected a baseline{CURE}",)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a value another could stand."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in items for place in places(each, (*at, key)))]


OTHERS: list[Any] = [None, True, -1, 0, 10**400, 1.5, "", "\x1b[31m", [], {}, [1.0], {"x": 1}, [[]], "0"]
VALUES: st.SearchStrategy[Any] = st.sampled_from(OTHERS)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), VALUES)
def test_whatever_stands_in_the_place_of_a_value_is_read_or_refused(random: Any, other: object) -> None:
    whole = value()
    place = random.choice(PLACES)
    if place:
        holder = whole
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = copy.deepcopy(other)
    else:
        whole = other
    try:
        baseline._checked(whole, "b.json", CURE) if isinstance(whole, dict) else None
    except UserError as error:
        (line,) = error.lines
        assert line.isprintable()


PLACES = places(value())


def test_the_command_line_refuses_it_and_is_never_green(cli: Cli, tmp_path: Path) -> None:
    whole = value()
    cell(whole)["exact"]["passes"].clear()
    (tmp_path / "b.json").write_text(json.dumps(whole))
    told = cli("check", "ci", "--baseline", "b.json", "--tier", "exact")
    assert (told.returncode, told.stdout, told.stderr.count("\n")) == (2, "", 1)
    assert "exact.passes: Dictionary should have at least 1 item" in told.stderr
