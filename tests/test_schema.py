"""The schema of suite files: it is current, admits every suite that ships and refuses what the parser refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rnnbench.errors import UserError
from rnnbench.suite.document import read
from rnnbench.suite.faults import Faults
from rnnbench.suite.load import loads, shipped
from rnnbench.suite.schema import schema

ROOT = Path(__file__).parent.parent
PAGE = "suites/schema.json"
GOOD: dict[str, Any] = {
    "rnnbench": 1,
    "name": "s",
    "architectures": {
        "lstm": {"cell": "lstm", "forget_bias": 2, "lr": 1e-3},
        "deep": {"base": "lstm", "layers": 2},
        "block": {"layer": "transformer", "heads": 2},
        "theirs": {"module": "torch.nn.GRU", "args": {"bias": True}},
    },
    "ablate": [{"base": "lstm", "without": ["forget_gate"]}],
    "tasks": {
        "copy": {"items": 1, "lengths": [5, 10], "lr": 1e-3},
        "hard": {"task": "copy", "items": 3, "lengths": [5], "train": {"upto": 5}},
        "even": {"task": "parity", "train": "exactly", "lengths": [5]},
    },
}


def golden_files() -> dict[str, str]:
    return {PAGE: json.dumps(schema(), indent=1) + "\n"}


@pytest.fixture(scope="module")
def validator() -> Any:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def value(data: bytes) -> Any:
    document = read(data, "s.yaml", Faults())
    assert document is not None
    return document.value


def test_the_schema_in_the_tree_is_todays() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == golden_files()[PAGE], f"{PAGE}: python -m tests.golden"


def test_what_many_entries_may_have_is_written_once() -> None:
    assert len(golden_files()[PAGE]) < 100_000


@pytest.mark.parametrize("name", shipped())
def test_every_suite_that_ships_fits_and_says_where_its_schema_is(validator: Any, name: str) -> None:
    data = shipped()[name].read_bytes()
    assert [error.message for error in validator.iter_errors(value(data))] == []
    first = data.decode().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={'..' if '/' in name else '.'}/schema.json"


def test_what_is_right_fits(validator: Any) -> None:
    assert list(validator.iter_errors(GOOD)) == []
    assert loads(json.dumps(GOOD).encode(), "s.yaml").name == "s"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("architecture",), {}),
        (("architectures", "lstm", "forget_gat"), True),
        (("architectures", "lstm", "cell"), "lstn"),
        (("architectures", "lstm", "forget_gate"), "no"),
        (("architectures", "lstm", "base"), "deep"),
        (("architectures", "lstm", "heads"), 2),
        (("architectures", "block", "forget_gate"), True),
        (("architectures", "theirs", "bias"), True),
        (("architectures", "lstm", "lr"), 0),
        (("ablate",), [{"base": "lstm", "without": ["forget_gate"], "pair": True}]),
        (("tasks", "copy", "item"), 1),
        (("tasks", "copy", "items"), 0),
        (("tasks", "copy", "lengths"), []),
        (("tasks", "hard", "sums"), 2),
        (("tasks", "hard", "items"), 0),
        (("tasks", "hard", "train"), {"up": 5}),
        (("tasks", "hard", "train"), 5),
        (("tasks", "even", "train"), True),
        (("tasks", "copy", "task"), "copi"),
        (("tasks", "hard", "lengths"), [0]),
        (("tasks", "mine"), {"lengths": [5]}),
        (("defaults",), {"lrr": 1e-3}),
        (("seeds",), 0),
        (("seeds",), {"from": 1}),
        (("claims",), [{"say": "x", "that": "y"}]),
        (("rnnbench",), 2),
    ],
)
def test_what_is_wrong_does_not_fit_and_is_refused_by_the_parser(
    validator: Any, path: tuple[str, ...], wrong: Any
) -> None:
    suite = json.loads(json.dumps(GOOD))
    *way, last = path
    at = suite
    for key in way:
        at = at[key]
    at[last] = wrong
    assert list(validator.iter_errors(suite))
    with pytest.raises(UserError):
        loads(json.dumps(suite).encode(), "s.yaml")
