"""Files of a task that are no such files: told in one line, at once, before anything runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rnnbench import report
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.tasks import _files, babi

STORY = "1 {who} went {place}.\n2 Where is {who}?\t{place}\t1\n"
STORIES = "".join(STORY.format(who=w, place=p) for w in ("Ann", "Bob") for p in ("home", "away", "out", "up", "back"))
ARCHITECTURES = (
    "lstm: {cell: lstm}, both: {base: lstm, bidirectional: true}, seen: {base: lstm, attention: additive}, "
    "transformer: {layer: transformer}"
)


def suite(path: str) -> Suite:
    tasks = f"tasks: {{babi: {{path: '{path}', lengths: [20]}}}}\n"
    text = f"rnnbench: 1\nname: s\narchitectures: {{{ARCHITECTURES}}}\n{tasks}"
    return loads(text.encode("utf-8", "surrogateescape"), "s.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.txt").write_text(STORIES)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize(
    "path", ["nosuch.txt", "folder", "pipe", "loop", "/dev/zero", "/dev/null", "good.txt/x", "x" * 5000, "../nosuch"]
)
def test_what_is_no_file_is_told_where_it_stands(path: str) -> None:
    with pytest.raises(UserError) as refused:
        suite(path)
    (line,) = refused.value.lines
    assert line.startswith("s.yaml:4:")
    assert "there is no file '" in line
    assert line.isprintable()
    assert len(line) < 1000


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (STORIES.encode("utf-16"), "good.txt: got UTF-16, expected text in UTF-8"),
        (b"\x1f\x8b\x08\x00" + bytes(50), "good.txt: got a file packed by gzip, expected text in UTF-8"),
        (STORIES.encode() + "1 caf\xe9.\n".encode("latin-1"), "good.txt: got the byte 0xe9 at"),
        (STORIES.replace("\t", "    ").encode(), "good.txt:2: a '?' is followed by text but no tab, expected a tab"),
        (STORIES.replace("\t", " ").encode(), "good.txt:2: a '?' is followed by text but no tab, expected a tab"),
        (b"", "good.txt: got no story to train with"),
        (b"\x00" * 100, "good.txt:1: got "),
        (b"1 \x1b[31m\xe2\x80\xae.\n1 \x1b\n", "good.txt:1: got the control character U+001B, expected none"),
        (STORIES.replace("?\taway\t1", "?").encode(), "good.txt:4: got a question without an answer"),
    ],
)
def test_what_is_no_babi_is_told_with_its_line(here: Path, data: bytes, fault: str) -> None:
    (here / "good.txt").write_bytes(data)
    with pytest.raises(UserError) as refused:
        babi.Task("good.txt")
    (line,) = refused.value.lines
    assert line.startswith(fault)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text, lambda text: text.replace("\n", "\r\n"), lambda text: text.replace("\n", "\r"),
        lambda text: text.replace(" ", "\N{NO-BREAK SPACE}"), lambda text: text.rstrip(),
        lambda text: text.replace("\n", "\n\n"), lambda text: text.replace("\n", "  \n"), str.upper,
    ],
    ids=("mark", "windows", "mac", "no-break", "no end", "blank lines", "blanks", "capitals"),
)  # fmt: skip
def test_what_an_editor_does_to_a_file_changes_no_example(here: Path, change: Any) -> None:
    before = babi.Task("good.txt")
    (here / "changed.txt").write_bytes(change(STORIES).encode())
    after = babi.Task("changed.txt")
    assert (after.words, after.answers) == (before.words, before.answers)


def test_a_file_that_is_too_large_is_not_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "LARGEST", 50)
    with pytest.raises(UserError, match=r"^good\.txt: got more than 50 bytes, expected at most that$"):
        babi.Task("good.txt")


def test_who_sees_the_padding_is_told_under_the_table() -> None:
    asked = suite("good.txt")
    text = " ".join(report.render(asked, view(plan(asked), {}), "table", width=100).split())
    assert "nothing hides the padding from attention or from a backward direction: both, seen, transformer" in text
    copy = loads(
        b"rnnbench: 1\nname: s\narchitectures: {t: {layer: transformer}}\ntasks: {copy: {lengths: [5]}}\n", "s"
    )
    assert "padding" not in report.render(copy, view(plan(copy), {}), "table")
