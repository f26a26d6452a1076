"""Suites that are wrong a great many times, or in ways that could cost more than a line: told soon, and shortly."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.errors import UserError
from rnnbench.plan.filter import matcher
from rnnbench.suite.document import MOST_VALUES
from rnnbench.suite.expression import Wrong
from rnnbench.suite.faults import ENOUGH, MOST
from rnnbench.suite.grammar import parse
from rnnbench.suite.load import load, loads

SOAK = bool(os.environ.get("RNNBENCH_SOAK"))
EXAMPLES = 3000 if SOAK else 60
SECONDS = 1.0  # of an idle machine's core
SLACK = 5.0  # times as slow a machine, or one as busy

HEAD = "rnnbench: 1\nname: s\n"
RNN = "architectures: {rnn: {cell: rnn}}\n"
COPY = "tasks: {copy: {lengths: [5]}}\n"
BASE = HEAD + RNN + COPY


def many(count: int, line: Callable[[int], str]) -> str:
    return "".join(map(line, range(count)))


WRONG = {
    "aliases": BASE + "x: &a 1\ny: [" + "*a, " * 100_000 + "]\n",
    "aliases in lines": BASE + "x: &a 1\ny:\n" + "- *a\n" * 100_000,
    "anchors": BASE + many(50_000, lambda i: f"- &a{i} 1\n"),
    "tags": BASE + "x:\n" + "- !!python/name:os.system 1\n" * 30_000,
    "unknown keys": BASE + many(50_000, lambda i: f"k{i}: {i}\n"),
    "fewer unknown keys": BASE + many(14_000, lambda i: f"k{i}: {i}\n"),
    "cells": HEAD + COPY + "architectures:\n" + many(20_000, lambda i: f"  a{i}: {{cell: lstn{i}}}\n"),
    "fewer cells": HEAD + COPY + "architectures:\n" + many(7_000, lambda i: f"  a{i}: {{cell: lstn{i}}}\n"),
    "bases": HEAD + COPY + "architectures:\n" + many(7_000, lambda i: f"  a{i}: {{base: b{i}}}\n"),
    "a circle of bases": HEAD + COPY + "architectures:\n" + many(7_000, lambda i: f"  a{i}: {{base: a{i + 1}}}\n"),
    "switches": HEAD + COPY + "architectures:\n" + many(4_500, lambda i: f"  a{i}: {{cell: lstm, forget{i}: 1}}\n"),
    "twins": HEAD
    + COPY
    + "architectures:\n"
    + many(3_500, lambda i: f"  a{i}: {{cell: rnn}}\n  A{i}: {{cell: rnn}}\n"),
    "parts": BASE + f"ablate:\n  - {{base: rnn, without: [{', '.join(f'x{i}' for i in range(20_000))}]}}\n",
    "claims": BASE + "claims:\n" + many(5_500, lambda i: f"  - {{says: x, that: 'span(lstn{i}, copy) > 3'}}\n"),
    "nonsense claims": BASE + "claims:\n" + many(5_500, lambda i: "  - {says: x, that: '((((('}\n"),
    "tasks": HEAD + RNN + "tasks:\n" + many(4_000, lambda i: f"  t{i}: {{task: copi, lengths: [5]}}\n"),
    "lengths": HEAD + RNN + f"tasks: {{copy: {{lengths: [{'-1, ' * 100_000}]}}}}\n",
    "seeds": BASE + f"seeds: [{'-1, ' * 25_000}]\n",
    "duplicates": BASE + "seeds: 1\n" * 50_000,
    "tabs": BASE + "x:\ty\n" * 50_000,
    "control characters": BASE + "x: \x01y\n" * 50_000,
    "flow that nests": BASE + "x: " + "[" * 300_000,
    "blocks that nest": BASE + "\n".join(" " * i + "a:" for i in range(1000)),
    "text without an end": BASE + "x: '" + "a" * 900_000,
    "a long key": BASE + "k" * 900_000 + ": 1\n",
    "includes": BASE + f"include: [{', '.join(f'n{i}.yaml' for i in range(20_000))}]\n",
}


QUICK = (
    "aliases", "tags", "unknown keys", "cells", "a circle of bases", "twins", "claims", "duplicates", "tabs",
    "flow that nests", "blocks that nest", "text without an end", "a long key", "includes",
)  # fmt: skip


@pytest.mark.parametrize("what", WRONG if SOAK else QUICK)
def test_what_is_wrong_many_times_is_told_soon_in_a_few_lines(what: str) -> None:
    data = WRONG[what].encode()
    start = time.process_time()
    with pytest.raises(UserError) as refused:
        loads(data, "s.yaml")
    assert time.process_time() - start < SECONDS * SLACK
    assert len(refused.value.lines) <= MOST + 1
    for line in refused.value.lines:
        assert line.isprintable()
        assert len(line) < 1000


def test_the_rest_is_counted_as_far_as_it_is_looked_for() -> None:
    def last(n: int) -> str:
        with pytest.raises(UserError) as refused:
            loads((BASE + many(n, lambda i: f"k{i}: 1\n")).encode(), "s.yaml")
        return refused.value.lines[-1].partition(": ")[2]

    assert last(MOST).startswith("k19: got an unknown key")
    assert last(MOST + 5) == "and 5 more faults from here on"
    assert last(ENOUGH) == f"and at least {ENOUGH - MOST} more faults from here on"
    assert last(MOST_VALUES) == f"got more than {MOST_VALUES} keys and values, expected at most that"


def test_a_large_suite_is_read() -> None:
    """As large as one that somebody wrote a program to write."""
    text = HEAD + COPY + "architectures:\n" + many(2_000, lambda i: f"  a{i}: {{cell: lstm, hidden: {i + 1}}}\n")
    start = time.process_time()
    assert len(loads(text.encode(), "s.yaml").variants) == 2_000
    assert time.process_time() - start < SECONDS * SLACK


# What is no file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "one.yaml").symlink_to("two.yaml")
    (tmp_path / "two.yaml").symlink_to("one.yaml")
    (tmp_path / "real.yaml").write_text(BASE)
    (tmp_path / "linked.yaml").symlink_to("real.yaml")
    return tmp_path


UP = "/".join([".."] * 40)


@pytest.mark.parametrize(
    ("name", "why"),
    [("pipe.yaml", "not a regular file"), (f"{UP}/dev/zero", "not a regular file"), ("folder.yaml", "Is a directory"),
     (f"{UP}/dev/urandom", "not a regular file"), ("one.yaml", "Too many levels of symbolic links"),
     ("x" * 5000, "File name too long"), ("nosuch.yaml", "No such file or directory"), (".", "Is a directory"),
     ("real.yaml/x", "Not a directory")],
)  # fmt: skip
def test_an_include_of_what_is_no_file_is_told_at_once(here: Path, name: str, why: str) -> None:
    (here / "s.yaml").write_text(BASE + f"include: {name}\n")
    with pytest.raises(UserError) as refused:
        load("s.yaml")
    (line,) = refused.value.lines
    assert line.startswith("s.yaml:5:10: include: got '")
    assert line.endswith(f"', expected a suite that can be read: {why}")


def test_a_suite_that_is_no_file_is_told_at_once(here: Path) -> None:
    for name in ("pipe.yaml", "/dev/zero"):
        with pytest.raises(UserError, match=f"^{name}: not a regular file; expected a suite that can be read$"):
            load(name)
    assert load("linked.yaml").name == "s"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp500"])
def test_other_encodings_are_refused_in_lines(encoding: str) -> None:
    with pytest.raises(UserError) as refused:
        loads((BASE + "about: é\n").encode(encoding), "s.yaml")
    assert all(line.startswith("s.yaml:") and line.isprintable() for line in refused.value.lines)


# Seeds, and what else has a range: told with the range

HUGE = "1" + "0" * 23


@pytest.mark.parametrize("seeds", [HUGE, f"[{HUGE}]", f"{{from: 0, count: {HUGE}}}", f"{{from: {HUGE}, count: 1}}",
                                   "{from: 9223372036854775807, count: 2}", "-1", "0", "[-1]"])  # fmt: skip
def test_seeds_out_of_range_are_told_with_the_range(seeds: str) -> None:
    with pytest.raises(UserError, match=r"^s\.yaml:5:[0-9]+: seeds.*9223372036854775807$"):
        loads((BASE + f"seeds: {seeds}\n").encode(), "s.yaml")


@pytest.mark.parametrize("text", [HUGE, f"0..{HUGE}", f"{HUGE}..{HUGE}", "0", "-1", "-3..-1"])
def test_seeds_of_the_command_line_are_told_with_the_range(text: str) -> None:
    with pytest.raises(UserError, match=rf"^--seeds {text[:20]}.*9223372036854775807$"):
        loads(BASE.encode(), "s.yaml", seeds=text)


def test_a_clip_of_0_clips_nothing_and_says_so() -> None:
    assert loads((BASE + "defaults: {clip: 0}\n").encode(), "s.yaml").defaults == {"clip": 0.0}
    documented = (Path(__file__).parents[2] / "docs/suites.md").read_text("utf-8")
    assert "`clip: 0`" in documented


# Fuzz: whatever is typed is understood, or refused in short printable lines.

ODD = st.text(max_size=30) | st.sampled_from(
    [
        "(",
        ")",
        "not ",
        " and ",
        " or ",
        "\0",
        "\x1b[31m",
        "\u202e",
        "span(",
        "rnn",
        ", copy",
        ")",
        ">",
        "3",
        "1e999",
        "-",
    ]
)
LINES = st.lists(ODD, max_size=12).map("".join)


def is_short(error: UserError) -> None:
    assert error.code == 2
    assert 0 < len(error.lines) <= MOST + 1
    assert all(line.isprintable() and len(line) < 1000 for line in error.lines)


@settings(max_examples=EXAMPLES, deadline=None)
@given(LINES)
def test_any_filter_is_read_or_refused_in_a_line(text: str) -> None:
    try:
        matcher(text)(frozenset({"rnn"}))
    except UserError as error:
        is_short(error)


@settings(max_examples=EXAMPLES, deadline=None)
@given(LINES)
def test_any_claim_is_read_or_refused_in_a_line(text: str) -> None:
    with_claim = BASE + f"claims: [{{says: x, that: {json.dumps(text)}}}]\n"
    with suppress(Wrong):
        parse(text)
    try:
        loads(with_claim.encode("utf-8", "surrogatepass"), "s.yaml")
    except UserError as error:
        is_short(error)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(LINES, max_size=3), LINES)
def test_any_options_are_read_or_refused_in_lines(overrides: list[str], seeds: str) -> None:
    try:
        loads(BASE.encode(), "s.yaml", overrides=overrides, seeds=seeds)
    except UserError as error:
        is_short(error)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: BASE.encode() + tail))
def test_any_bytes_are_a_suite_or_refused_in_lines(data: bytes) -> None:
    try:
        loads(data, "s.yaml")
    except UserError as error:
        is_short(error)


@pytest.mark.parametrize("part", ["(", "not ", "((rnn) and ", "1 + ", "span(rnn, copy) > 1 and "])
def test_what_nests_deeply_is_refused_without_recursion(part: str) -> None:
    for count in (200, 20_000):
        text = part * count
        for read in (matcher, parse):
            with pytest.raises((UserError, Wrong)):
                read(text)
        with pytest.raises(UserError) as refused:
            loads((BASE + f"claims: [{{says: x, that: {json.dumps(text)}}}]\n").encode(), "s.yaml")
        is_short(refused.value)
