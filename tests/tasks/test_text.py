from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from rnnbench.errors import UserError
from rnnbench.records import given
from rnnbench.rng import stream
from rnnbench.tasks import Batch
from rnnbench.tasks.text import Task

WORDS = ("alba", "belt", "carol", "delta", "ebb", "fable", "gale")
FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def prose(count: int, seed: int = 0) -> str:
    """Words of our own in a random order."""
    return " ".join(WORDS[w] for w in stream(seed, "prose").integers(len(WORDS), count))


(FOLDER / "own.txt").write_text(prose(9000))
EXAMPLES = [(Task(str(FOLDER / "own.txt")), 12), (Task(str(FOLDER / "own.txt"), alphabet=5, tested=0.3), 3)]


def write(folder: Path, text: str | bytes) -> str:
    path = folder / "here.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def said(task: Task, batch: Batch, column: int) -> str:
    """What a passage and its last answer say."""
    return "".join(task.characters[t] for t in (*batch.xs[:, column], batch.ys[-1, column]))


def test_what_is_held_out_is_the_end_of_the_file_once(tmp_path: Path) -> None:
    text = prose(600)
    task = Task(write(tmp_path, text), tested=0.2)
    cut = len(text) - round(0.2 * len(text))
    stop = cut - round(0.1 * cut)
    for split, part in (("test", text[cut:]), ("select", text[stop:cut])):
        b = task.held_out(split, 7, partial(stream, 0))  # type: ignore[arg-type]
        passages = [said(task, b, n) for n in range(b.xs.shape[1])]
        assert passages == [part[n : n + 8] for n in range(0, len(part) - 7, 7)]
    trained = task.batch(500, 7, stream(0, "train"))
    assert all(said(task, trained, n) in text[:stop] for n in range(500))
    assert (trained.xs[1:] == trained.ys[:-1]).all()


def test_of_a_long_text_as_many_passages_as_are_needed_are_held_out_from_all_of_it() -> None:
    task = EXAMPLES[0][0]
    b = task.held_out("test", 1, partial(stream, 0))
    text = (FOLDER / "own.txt").read_text()
    tested = text[-round(0.1 * len(text)) :]
    assert b.xs.shape == (1, 2048)
    assert len(tested) > 4000
    assert said(task, b, 0) == tested[:2]
    assert said(task, b, 1024) == tested[(len(tested) - 1) // 2 :][:2]


def test_chance_is_what_mostly_follows_a_character_in_training(tmp_path: Path) -> None:
    text = prose(800)
    task = Task(write(tmp_path, text), tested=0.25)
    cut = len(text) - round(0.25 * len(text))
    train, test = text[: cut - round(0.1 * cut)], text[cut:]
    follows = {c: Counter(b for a, b in itertools.pairwise(train) if a == c) for c in set(train)}
    best = {c: min(counts, key=lambda b: (-counts[b], b)) for c, counts in follows.items()}
    right = [best[a] == b for a, b in itertools.pairwise(test)]
    assert task.chance == pytest.approx(sum(right) / len(right))


def test_rare_characters_and_those_that_training_has_not_are_one(tmp_path: Path) -> None:
    task = Task(write(tmp_path, "ababac" * 40 + "xyzzy" * 10), alphabet=2, tested=0.2)
    assert task.characters == ("\ufffd", "a", "b")
    b = task.held_out("test", 10, partial(stream, 0))
    assert set(np.unique(b.xs)) == {0, 1, 2}
    assert (b.ys[:, -1] == 0).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: unicodedata.normalize("NFD", text).encode(),
        lambda text: text.replace(" ", "\N{NO-BREAK SPACE}").encode(),
    ],
    ids=["mark", "windows", "mac", "combining marks", "no-break"],
)
def test_what_an_editor_does_to_a_file_changes_nothing(tmp_path: Path, change: object) -> None:
    text = "Ein Kätzchen läuft über die Straße.\nÉté à la plage ; où ?\n" * 20
    before = Task(write(tmp_path, text))
    after = Task(write(tmp_path, change(text)))  # type: ignore[operator]
    assert given(after) == given(before)
    assert after.characters == before.characters
    assert "ä" in before.characters
    assert "\r" not in before.characters


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "got 0 characters, expected 100 at least"),
        (b"\xef\xbb\xbf", "got 0 characters, expected 100 at least"),
        (b"a few words", "got 11 characters, expected 100 at least"),
        (prose(99).encode("utf-16"), "got UTF-16, expected text in UTF-8"),
        (b"caf\xe9 " * 99, "got the byte 0xe9 at 3, expected UTF-8"),
        (b"\x1f\x8b\x08\x00" + bytes(200), "got a file packed by gzip, expected text in UTF-8"),
        (b"a" * 500, "each character tells the next one: nothing is left to score"),
        (b"ab" * 500, "each character tells the next one: nothing is left to score"),
    ],
    ids=["empty", "mark alone", "tiny", "utf-16", "latin-1", "gzip", "one character", "two in turn"],
)
def test_what_is_no_text_is_told_in_a_line(tmp_path: Path, data: bytes, fault: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(UserError) as refused:
        Task(path)
    assert refused.value.lines == (f"{path}: {fault}",)


def test_a_length_beyond_a_part_is_told_in_a_line(tmp_path: Path) -> None:
    task = Task(write(tmp_path, prose(60)))
    with pytest.raises(
        UserError, match=r"here\.txt: got 3\d characters to test with, expected more than the length, 40"
    ):
        task.held_out("test", 40, partial(stream, 0))
    with pytest.raises(UserError, match=r"to train with, expected more than the length, 1,000$"):
        task.batch(2, 1000, stream(0, "train"))
    with pytest.raises(UserError, match=r"got 0 characters to train with, expected some: tested is 0\.999"):
        Task(write(tmp_path, prose(60)), tested=0.999)


def test_a_run_whose_file_changed_since_it_was_planned_is_refused(tmp_path: Path) -> None:
    planned = given(Task(write(tmp_path, prose(100))))
    write(tmp_path, prose(100, seed=1))
    with pytest.raises(UserError, match=rf"the file changed: got the digest .*, expected {planned['digest']}"):
        Task(**planned)


def test_a_text_without_a_path_is_told() -> None:
    with pytest.raises(ValueError, match="path: got none, expected a text file"):
        Task()
    with pytest.raises(ValueError, match=r"path: there is no file 'none\.txt' from the current folder on"):
        Task("none.txt")
