"""Strict YAML: what is refused, in what words, where; and what words mean."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from rnnbench.errors import UserError
from rnnbench.suite.document import DEEPEST, LARGEST, Document, read, scalar
from rnnbench.suite.faults import MOST, Enough, Faults, Place, dotted, printable, shown


def lines(data: bytes) -> list[str]:
    """The faults of a file, as lines."""
    faults = Faults()
    with suppress(Enough):
        read(data, "s.yaml", faults)
    with pytest.raises(UserError) as caught:
        raise faults.error(["s.yaml"])
    assert caught.value.code == 2
    return list(caught.value.lines)


def good(data: bytes) -> Document:
    faults = Faults()
    document = read(data, "s.yaml", faults)
    assert len(faults) == 0
    assert document is not None
    return document


WORDS: list[tuple[str, Any]] = [
    ("1e-3", 0.001), ("1E5", 100000.0), (".5", 0.5), ("1.", 1.0), ("10", 10), ("-3", -3), ("+4", 4), ("0", 0),
    ("-0.0", 0.0), ("true", True), ("false", False), ("null", None), ("~", None), ("", None),
    ("True", "True"), ("yes", "yes"), ("no", "no"), ("NO", "NO"), ("on", "on"), ("Null", "Null"),
    ("010", "010"), ("0x10", "0x10"), ("0o7", "0o7"), ("1:30", "1:30"), ("1_000", "1_000"),
    ("2020-01-01", "2020-01-01"), ("٣", "٣"), ("9" * 101, "9" * 101), ("1" + "0" * 23, 10**23),
    (".nan", ".nan"), (".inf", ".inf"), ("-.inf", "-.inf"), ("nan", "nan"), ("1e999", "1e999"), ("1e", "1e"),
    (".", "."),
]  # fmt: skip


@pytest.mark.parametrize(("word", "value"), WORDS)
def test_words(word: str, value: object) -> None:
    assert scalar(word) == value
    assert type(scalar(word)) is type(value)
    document = good(f"a: {word}".encode())
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_quoted_is_text() -> None:
    assert good(b"{a: '1', b: \"true\", c: ''}").value == {"a": "1", "b": "true", "c": ""}
    assert good(b"a: |\n  10\nb: >-\n  true\n").value == {"a": "10\n", "b": "true"}
    assert good(b"no: {NO: {010: 1}}").value == {"no": {"NO": {"010": 1}}}


def test_places_of_keys_and_values() -> None:
    document = good(b"# comment\na: 1\nb:\n  - x\n  - {c: 'y',\n     d: [1, 2]}\n")
    assert {dotted(p): (v.line, v.column) for p, v in document.values.items()} == {
        "": (2, 1), "a": (2, 4), "b": (4, 3), "b[0]": (4, 5), "b[1]": (5, 5), "b[1].c": (5, 9), "b[1].d": (6, 9),
        "b[1].d[0]": (6, 10), "b[1].d[1]": (6, 13),
    }  # fmt: skip
    assert {dotted(p): (v.line, v.column) for p, v in document.keys.items()} == {
        "a": (2, 1), "b": (3, 1), "b[1].c": (5, 6), "b[1].d": (6, 6)
    }  # fmt: skip
    assert document.place(("b", 1, "d", 7)) == Place("s.yaml", 6, 6)  # what isn't there: its parent's key


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbfa: 1\nb: {c: 2}\n", b"a: 1\r\nb: {c: 2}\r\n", b"---\na: 1\nb: {c: 2}\n..."]
)
def test_byte_order_mark_and_line_ends_move_nothing(data: bytes) -> None:
    document = good(data)
    assert document.value == {"a": 1, "b": {"c": 2}}
    shift = data.startswith(b"---")
    assert document.values["b", "c"] == Place("s.yaml", 2 + shift, 8)
    assert document.keys["a",] == Place("s.yaml", 1 + shift, 1)


def test_columns_are_characters() -> None:
    assert good("{é😀: 1, b: 2}".encode()).keys["b",] == Place("s.yaml", 1, 9)


INVALID = "got invalid YAML: "
REFUSED: list[tuple[bytes, list[str]]] = [
    (b"", ["1:1: got an empty file, expected a suite"]),
    (b"# nothing\n\n", ["1:1: got an empty file, expected a suite"]),
    (b"---\n...\n", ["1:1: got an empty file, expected a suite"]),
    (b"a: 1\n---\nb: 2\n", ["2:1: got a second document, expected one a file"]),
    ("a: 1".encode("utf-16"), ["1:1: got UTF-16 or UTF-32, expected UTF-8"]),
    ("a: 1".encode("utf-16-be"), ["1:1: got the character U+0000, expected printable text"]),
    (b"a: 1\nb: \xe9\xff\n", ["2:4: got the byte 0xe9, expected UTF-8"]),
    (b"a: \xc3\xa9\xff", ["1:5: got the byte 0xff, expected UTF-8"]),
    (b"a: 1\nb: x\0y\n", ["2:5: got the character U+0000, expected printable text"]),
    (b"a: \x1b[31mred\n", ["1:4: got the character U+001B, expected printable text"]),
    ("a: \u202egnp\n".encode(), ["1:4: got the character U+202E, expected printable text"]),
    ("a: x\ufeff\n".encode(), ["1:5: got the character U+FEFF, expected printable text"]),
    (b"a: 1\rb: 2", ["1:5: got the character U+000D, expected printable text"]),
    (b'a: "\\e[31m"\nb: "\\0"\n', ["1:4: a: got the character U+001B, expected printable text",
                                  "2:4: b: got the character U+0000, expected printable text"]),
    (b'a: "\\ud800"\n', ["1:4: a: got the character U+D800, expected printable text"]),
    (b'"\\e": 1\n', ["1:1: got the character U+001B, expected printable text"]),
    (b"a:\n\tb: 1\n", ["2:1: got a tab, expected spaces"]),
    (b"a:\tx\nb: 1\nb: 2\n", ["1:3: got a tab, expected spaces",
                                "3:1: got a second 'b', expected one; the first is at s.yaml:2:1"]),
    (b"a: 1\nb: 2\na: 3\n", ["3:1: got a second 'a', expected one; the first is at s.yaml:1:1"]),
    (b"x:\n  a: {c: 1, c: 2, c: 3}\n", ["2:13: x.a: got a second 'c', expected one; the first is at s.yaml:2:7",
                                       "2:19: x.a: got a second 'c', expected one; the first is at s.yaml:2:7"]),
    (b"a: &x 1\nb: *x\n", ["1:4: a: got the anchor '&x', expected none",
                          "2:4: b: got the alias '*x', expected a value: write it out"]),
    (b"a: &x {b: 1}\n<<: *x\n", ["1:4: a: got the anchor '&x', expected none",
                                "2:5: <<: got the alias '*x', expected a value: write it out"]),
    (b"a: !!python/object/apply:os.system [x]\n",
     ["1:4: a: got the tag 'tag:yaml.org,2002:python/object/apply:os.system', expected none"]),
    (b"a: !!str 1\nb: ! 2\nc: !x {}\n", ["1:4: a: got the tag 'tag:yaml.org,2002:str', expected none",
                                       "2:4: b: got the tag '!', expected none",
                                       "3:4: c: got the tag '!x', expected none"]),
    (b"1: a\ntrue: b\n~: c\n1e-3: d\n", [
        "1:1: got 1 as a key, expected text: quote it, '1'", "2:1: got true as a key, expected text: quote it, 'true'",
        "3:1: got nothing as a key, expected text", "4:1: got 0.001 as a key, expected text: quote it, '0.001'"]),
    (b"? [a, b]\n: {c: 1}\n? {d: 1}\n: 2\n", ["1:3: got a list as a key, expected text",
                                             "3:3: got a mapping as a key, expected text"]),
    (b"a: b: c\n", [f"1:5: {INVALID}mapping values are not allowed here"]),
    (b"a: [1, 2\n", [f"2:1: {INVALID}while parsing a flow sequence, expected ',' or ']', but got '<stream end>'"]),
    (b"a: 1\n b: 2\n", [f"2:3: {INVALID}mapping values are not allowed here"]),
    (b'a: "\\q"\n', [f"1:6: {INVALID}while scanning a double-quoted scalar, found unknown escape character 'q'"]),
    (b'a: "\\UFFFFFFFF"\n', [f"1:7: {INVALID}an escape that is no character"]),
    (b"a: 1\na: 2\nb: ]\n", ["2:1: got a second 'a', expected one; the first is at s.yaml:1:1",
                            f"3:4: {INVALID}while parsing a block node, expected the node content, but found ']'"]),
    (b"a" * (LARGEST + 1), [f"1:1: got more than {LARGEST} bytes, expected at most that"]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), REFUSED, ids=lambda x: repr(x)[:30])
def test_refused(data: bytes, expected: list[str]) -> None:
    assert lines(data) == [f"s.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    "data", [b"[" * 1000 + b"]" * 1000, b"- " * 1000, b"\n".join(b" " * i + b"a:" for i in range(1000))]
)
def test_deep_nesting_is_refused_without_recursion(data: bytes) -> None:
    start = time.process_time()
    (line,) = lines(data)
    assert line.endswith(f": got more than {DEEPEST} levels of nesting, expected at most that")
    assert time.process_time() - start < 1


def test_fifty_levels_are_read() -> None:
    assert good(b"[" * DEEPEST + b"]" * DEEPEST).value is not None


def test_alias_bombs_are_refused_at_once() -> None:
    bomb = b"a0: &a0 [x, x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 9)
    )
    start = time.process_time()
    assert lines(bomb)[1] == "s.yaml:2:5: a1: got the anchor '&a1', expected none"
    assert time.process_time() - start < 1


def test_twenty_faults_are_told_and_the_rest_counted() -> None:
    found = lines(b"a: 1\n" * 71)
    assert len(found) == MOST + 1
    assert found[-1] == "s.yaml:22:1: and 50 more faults from here on"


def test_a_thousand_faults_are_looked_for_and_no_more() -> None:
    assert lines(b"a: 1\n" * 20_000)[-1] == "s.yaml:22:1: and at least 980 more faults from here on"


def test_values_are_shown_short_and_harmless() -> None:
    assert shown("x" * 100) == "'" + "x" * 55 + "...'"
    assert len(shown("\x1b" * 100)) == len(shown(10**99)) == 60
    assert shown("it's \u202e\n") == '"it\'s \\u202e\\n"'
    assert [shown(v) for v in ({}, [], {"a": 1}, [1], False)] == [
        "an empty mapping",
        "an empty list",
        "a mapping",
        "a list",
        "false",
    ]
    assert printable("\u200bé😀\x9b") == "\\u200bé😀\\x9b"
    assert len(dotted(("k" * 10**5,) * 9)) == 200
