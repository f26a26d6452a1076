"""Exports from anywhere: read as records or refused in one line with the file and the line, whatever they hold."""

from __future__ import annotations

import gzip
import json
import math
import os
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench import exports, strict
from rnnbench.errors import Exit, UserError
from rnnbench.records import Point, Record, Run, Rung, canonical

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

RUNG = Rung({"cell": "gru"}, {"task": "adding"}, 10, {"lr": 0.003})
RECORD = Record(
    Run(RUNG, 4), "solved", 0.99, 0.001, 300, 200, 3425, 1.25, (Point(100, 0.2, 0.1), Point(300, 0.01, 0.98, 0.99)),
    None, "fused, torch 2", "abc", "here", "2026-01-01T00:00:00+00:00",
)  # fmt: skip
LINE = canonical(RECORD.as_dict())
ENDS = "; next: rnnbench export SUITE -o FILE"


def line(seed: int = 4, **changed: Any) -> str:
    """The record of a seed as a line, its id its own, with other values."""
    run = Run(RUNG, seed)
    return json.dumps(json.loads(LINE) | {"id": run.id, "run": run.as_dict()} | changed)


def refusal(path: Path, code: Exit = Exit.USAGE) -> str:
    """What is said of a file, after its name."""
    with pytest.raises(UserError) as caught:
        exports.read(path)
    (told,) = caught.value.lines
    assert caught.value.code == code
    assert told.isprintable()
    assert told.startswith(f"{path}:")
    assert told.endswith(ENDS)
    return told.removeprefix(f"{path}:").removesuffix(ENDS)


def with_rung(**changed: Any) -> str:
    """A line whose rung is another and whose id is that one's, if it has one."""
    run = {"rung": RUNG.as_dict() | changed, "seed": 4}
    try:
        id = Run(Rung(**run["rung"]), 4).id  # type: ignore[arg-type]
    except (TypeError, ValueError):
        id = "0" * 24
    return json.dumps(json.loads(LINE) | {"id": id, "run": run})


WRONG = [
    ("{", "no JSON: "),
    ("[" * 100_000, "it is nested too deep"),
    ("[]", "got a list, expected an object"),
    ('"\\ud800"', "got '\\ud800', expected an object"),
    ("null", "got null, expected an object"),
    ("{}", "got no 'id', expected one"),
    (line(more=1), "got key 'more', expected one of id, run, "),
    (line(**{"\x1b[31m": 1}), "got key '\\x1b[31m', expected one of"),
    (line().replace('"score": 0.99', '"score": 0.99, "score": 0.5'), "key 'score' is given twice"),
    (line().replace("0.99,", "NaN,", 1), "NaN is no number"),
    (line().replace("0.99,", "Infinity,", 1), "Infinity is no number"),
    (line().replace("0.99,", "1e400,", 1), "1e400 is no number that a computer holds"),
    (line().replace("0.99,", "1" + "0" * 400 + ",", 1), "score: got an integer of 1329 bits, expected a finite"),
    (line().replace("0.99,", "1" + "0" * 5000 + ",", 1), "got an integer of 5001 digits"),
    (line(score="abc"), "score: got 'abc', expected a finite number"),
    (line(score=[1]), "score: got a list, expected a finite number"),
    (line(score=True), "score: got true, expected a finite number"),
    (line(score=1.01), "score: got 1.01, expected a number from 0 to 1 beside status solved"),
    (line(score=-0.01), "score: got -0.01, expected a number from 0 to 1"),
    (line(score=None), "score: got null, expected a number from 0 to 1"),
    (line(status="failed"), "score and solved_at: got a list, expected null beside status failed"),
    (line(status="diverged"), "score: got 0.99, expected 0 beside status diverged"),
    (line(status="won"), "status: got 'won', expected one of solved, unsolved, "),
    (line(status=None), "status: got null, expected a text"),
    (line(steps=-1), "steps: got -1, expected an integer of at least 0"),
    (line(steps=1.0), "steps: got 1.0, expected an integer of at least 0"),
    (line(steps=2**63), "steps: got an integer of 64 bits, expected an integer of at least 0"),
    (line(solved_at=301), "solved_at: got 301, expected null or a step from 1 to 300"),
    (line(parameters="1"), "parameters: got '1', expected an integer"),
    (line(seconds=-1.0), "seconds: got -1.0, expected a number from 0 to 1e+10"),
    (line(numerics=None), "numerics: got null, expected a text"),
    (line(numerics=["a"]), "numerics: got a list, expected a text"),
    (line(host="\ud800"), "host: got '\\ud800', expected a text of whole characters"),
    (line(error=5), "error: got 5, expected a text"),
    (line(attempt=0), "attempt: got 0, expected an integer from 1 to 1000000"),
    (line(id="0" * 24), "id: got '000000000000000000000000', expected '"),
    (line(run=5), "run: got 5, expected an object"),
    (line(curve=5), "curve: got 5, expected a list of looks"),
    (line(curve=[5]), "look: got 5, expected a list of step, loss, score, select"),
    (line(curve=[[100, 0.1, 0.1]]), "look: got a list, expected a list of step, loss, score, select"),
    (line(curve=[[100, 0.1, 2, None]]), "score: got 2, expected a number from 0 to 1"),
    (line(curve=[[100, 0.1, 0.1, None]] * 2), "curve: step: got 100, expected an integer from 101 to 300"),
    (line(curve=[[400, 0.1, 0.1, None]]), "curve: step: got 400, expected an integer from 1 to 300"),
    (with_rung(model={}), "model: got neither, expected one of cell, layer, module"),
    (with_rung(model={"cell": "gru", "layer": "x"}), "model: got cell and layer, expected one of"),
    (with_rung(model={"cell": 5}), "cell: got 5, expected a text"),
    (with_rung(model=5), "model: got 5, expected an object"),
    (with_rung(length=0), "length: got 0, expected an integer of at least 1"),
    (with_rung(task={}), "task: got null, expected a text"),
    (with_rung(settings={"lr": 10**400}), "lr: got an integer of 1329 bits, expected an integer"),
    (with_rung(more=1), "rung: got key 'more', expected one of length, model, settings, task"),
]


@pytest.mark.parametrize(("text", "told"), WRONG, ids=range(len(WRONG)))
def test_a_line_that_is_no_record_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f"{line(5)}\n{text}\n")
    found = refusal(path)
    assert found.startswith(f"2: {told}")
    assert found.endswith("; expected a record as JSON")
    assert len(found) < 400


def test_a_value_nested_a_thousand_deep_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    value: Any = 1
    for _ in range(200):
        value = [value]
    for text in (with_rung(model={"module": "x", "args": {"a": value}}), line(curve=value)):
        path.write_text(text)
        assert refusal(path).startswith("1: ")


def test_what_is_no_text_in_utf_8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for data, told in (
        (LINE.encode().replace(b"here", b"h\xffre"), "1: byte "),
        (LINE.encode("utf-16"), "1: byte 1 is no UTF-8"),
        (b"\0" * 100, "1: no JSON"),
    ):
        path.write_bytes(data)
        assert refusal(path).startswith(told)


def test_one_run_with_two_results_is_refused_and_both_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f"{line()}\n{line(5)}\n{line(score=0.98)}\n")
    told = f"3: run {RECORD.id} has another result on line 1: score 0.99, here 0.98; expected one result of a run"
    assert refusal(path) == told
    path.write_text(f"{line()}\n{line(curve=[[100, 0.2, 0.1, None], [300, 0.02, 0.98, 0.99]])}\n")
    assert "other looks" in refusal(path)
    with pytest.raises(UserError, match="other looks"):
        exports.read(path, curves=False)
    path.write_text(f"{line()}\n{line(seconds=9.0, host='there')}\n")  # another training that came to the same
    assert exports.read(path) == {RECORD.id: RECORD}


def test_what_export_writes_is_read_as_it_was(tmp_path: Path) -> None:
    records = [RECORD, Record(Run(RUNG, 5), "crashed", error="Überlauf"), Record(Run(RUNG, 6), "diverged", 0.0)]
    whole = "".join(canonical(r.as_dict()) + "\n" for r in records)
    (tmp_path / "x.jsonl").write_text(whole)
    (tmp_path / "y.jsonl").write_bytes(b"\xef\xbb\xbf" + whole.replace("\n", "\r\n\r\n").encode())
    (tmp_path / "z.jsonl.gz").write_bytes(gzip.compress(whole.encode()))
    for path in tmp_path.iterdir():
        found = exports.read(path)
        assert list(found.values()) == records
        assert len({id(r.run.rung) for r in found.values()}) == 1
        assert [r.curve for r in exports.read(path, curves=False).values()] == [()] * 3


def test_a_file_without_a_record_is_no_export(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for text in ("", "\n", "  \r\n\n"):
        path.write_text(text)
        assert refusal(path, Exit.NOTHING_SELECTED) == " got no record, expected an export"


def test_what_is_no_file_is_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert refusal(tmp_path / "fifo") == " got no regular file, expected an export"
    assert refusal(tmp_path) == " got no regular file, expected an export"
    assert refusal(tmp_path / "none") == " can't be read as an export: No such file or directory"


def packed(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(data)
    return path


def test_a_damaged_archive_is_told_and_never_read_as_less(tmp_path: Path) -> None:
    text = "".join(line(seed) + "\n" for seed in range(50)).encode()
    whole = gzip.compress(text, mtime=0)
    for length in range(0, len(whole), 29):
        refusal(packed(tmp_path, whole[:length]), Exit.USAGE if length else Exit.NOTHING_SELECTED)
    for place in range(0, len(whole), 13):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        try:
            found = exports.read(packed(tmp_path, bytes(flipped)))
        except UserError as error:
            assert len(error.lines) == 1  # noqa: PT017
        else:  # its date, or what else tells nothing of the text
            assert len(found) == 50
    refusal(packed(tmp_path, text))


# A text that is repeated, and how often; the last as packed as it can be.
BOMBS = [
    (b"\0", 2**27), (b"\n", 2**26), (b" ", 2**26), (b"[", 2**26), (b'{"id": "', 2**24),
    (LINE.encode() + b"\n", 2**17),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BOMBS)))
def test_an_archive_that_unpacks_without_end_is_refused_at_once(tmp_path: Path, number: int) -> None:
    text, times = BOMBS[number]
    path = packed(tmp_path, gzip.compress(text * times, 9 if len(text) > 100 else 1))
    began = time.process_time()
    refusal(path)
    assert time.process_time() - began < 1


def test_an_archive_that_unpacks_without_end_takes_little_room(tmp_path: Path) -> None:
    path = packed(tmp_path, gzip.compress(bytes(2**28), 1))
    tracemalloc.start()
    try:
        refusal(path)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * exports.LONGEST


def test_an_endless_line_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.write(line(5).encode() + b"\n")
        file.truncate(2**33)  # zeros that take no room
    assert refusal(path) == f"2: got more than {exports.LONGEST} bytes, expected a record"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
PATHS = [(key,) for key in json.loads(LINE)] + [
    ("run", "rung"), ("run", "seed"), *[("run", "rung", key) for key in RUNG.as_dict()],
    ("run", "rung", "model", "cell"), ("run", "rung", "task", "task"), ("run", "rung", "settings", "lr"),
    ("curve", 0), ("curve", 1, 0), ("curve", 1, 1), ("curve", 1, 2), ("curve", 1, 3),
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_whatever_stands_in_the_place_of_a_value_is_read_or_refused(path: tuple[Any, ...], value: object) -> None:
    whole = json.loads(LINE)
    holder = whole
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    try:
        found = Record.from_dict(whole)
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017
        assert "expected" in str(error)  # noqa: PT017
        return
    for number in (found.score, found.loss, found.seconds):
        assert number is None or (type(number) is float and math.isfinite(number))
    assert Record.from_dict(strict.loads(canonical(found.as_dict()))) == found


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda s: s.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_value_or_a_line_that_says_why_not(data: bytes) -> None:
    try:
        strict.loads(data)
    except ValueError as error:
        assert str(error).isprintable()  # noqa: PT017


def test_the_command_line_on_an_export_of_two_minds(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text(f"{line()}\n{line(status=[1])}\n")
    told = cli("report", "quick", "--from", "x.jsonl")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == f"x.jsonl:2: status: got a list, expected a text; expected a record as JSON{ENDS}\n"
