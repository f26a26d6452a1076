from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.records import given
from rnnbench.rng import Stream, stream
from rnnbench.suite.load import load
from rnnbench.tasks import above_chance
from rnnbench.tasks.babi import Task, words

NAMES = ("Anna", "Boris", "Clara", "Dmitri")
PLACES = ("cellar", "attic", "barn", "mill", "forge", "quay")


def text(stories: int, rng: Stream) -> str:
    """Stories of our own in that format: who moved where, then where somebody is, after every third move."""
    lines = []
    for _ in range(stories):
        number, at = 0, {}
        for who, where in zip(rng.integers(4, 9), rng.integers(6, 9), strict=True):
            number += 1
            lines.append(f"{number} {NAMES[who]} wandered to the {PLACES[where]}.")
            at[int(who)] = (PLACES[where], number)
            if len(at) and sum(line.endswith(".") for line in lines[-number:]) % 3 == 0:
                asked = sorted(at)[int(rng.integers(len(at), 1)[0])]
                number += 1
                lines.append(f"{number} Where is {NAMES[asked]}? \t{at[asked][0]}\t{at[asked][1]}")
    return "\n".join(lines) + "\n"


FOLDER = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
(FOLDER / "qa1_own_train.txt").write_text(text(300, stream(0, "sample/train")))
(FOLDER / "qa1_own_test.txt").write_text(text(700, stream(0, "sample/test")))
(FOLDER / "all.txt").write_text(text(900, stream(0, "sample/all")))
EXAMPLES = [(Task(str(FOLDER / "qa1_own_train.txt")), 40), (Task(str(FOLDER / "all.txt"), tested=0.7), 50)]


def write(folder: Path, *lines: str) -> str:
    path = folder / "own.txt"
    path.write_text("\n".join(lines))
    return str(path)


def at(*places: str, who: str = "Anna") -> tuple[str, ...]:
    """A story for each place: somebody ran there, and is there."""
    told = (f"1 {who} ran to the {{0}}.", f"2 Where is {who}?\t{{0}}\t1")
    return tuple(line.format(place) for place in places for line in told)


def test_a_question_follows_the_statements_so_far_and_no_other_question(tmp_path: Path) -> None:
    story = (
        "1 Anna ran to the mill.",
        "2 Boris ran to the barn.",
        "3 Where is Anna?\tmill\t1",
        "4 Anna took the key, too.",
        "5 Where is Boris? \tbarn\t2",
    )
    others = [line.replace("mill", "barn") for line in story]  # so that the question alone doesn't tell
    task = Task(write(tmp_path, *others * 4, *story))
    b = task.held_out("test", 30, partial(stream, 0))
    read = [[task.words[w] for w in column if w] for column in b.xs.T]
    first = ["anna", "ran", "to", "the", "mill", ".", "boris", "ran", "to", "the", "barn", "."]
    assert read == [
        [*first, *["where", "is", "anna", "?"]],
        [*first, *["anna", "took", "the", "key", ",", "too", ".", "where", "is", "boris", "?"]],
    ]
    assert [task.answers[y] for y in b.ys[0]] == ["mill", "barn"]
    assert (b.xs[-1] > 0).all()
    assert task.lag(30) == (15, (15 + 16) / 2, 16)
    assert task.lag(20) == (15, 15, 15)


def test_the_splits_share_no_story(tmp_path: Path) -> None:
    stories = [(f"1 Anna ran to place{i}.", f"2 Where is Anna?\tplace{i}\t1") for i in range(40)]
    task = Task(write(tmp_path, *(line for story in stories for line in story)))
    splits = [task.held_out("test", 20, partial(stream, 0)), task.held_out("select", 20, partial(stream, 0))]
    splits.append(task.batch(1000, 20, stream(0, "train")))
    test, select, train = ({task.answers[y] for y in b.ys[0]} for b in splits)
    assert test == {f"place{i}" for i in range(32, 40)}
    assert select == {f"place{i}" for i in range(29, 32)}
    assert train == {f"place{i}" for i in range(29)}


def test_the_test_file_beside_a_training_file_is_what_is_tested() -> None:
    tested = EXAMPLES[0][0].held_out("test", 1000, partial(stream, 0))
    assert tested.xs.shape[1] == 3 * 700
    assert EXAMPLES[1][0].held_out("test", 1000, partial(stream, 0)).xs.shape[1] == 3 * round(0.7 * 900)


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path, *at("mill", "mill", "quay"))
    assert Task(path).answers == ("mill", "quay")
    write(tmp_path, *at("barn", "barn", "quay"))
    assert Task(path).answers == ("barn", "quay")


def test_a_task_is_known_by_what_its_files_hold(tmp_path: Path) -> None:
    path = write(tmp_path, *at("mill", "mill", "quay"))
    planned = given(Task(path))
    assert Task(**planned) == Task(path)
    write(tmp_path, *at("barn", "barn", "quay"))
    assert given(Task(path))["digest"] != planned["digest"]
    write(tmp_path, *at("mill", "mill", "quay"))
    assert given(Task(path)) == planned
    (tmp_path / "own.txt").write_bytes((tmp_path / "own.txt").read_bytes().replace(b"\n", b"\r\n"))
    assert given(Task(path)) == planned  # another system's ends of lines are the same data


def test_the_test_file_is_part_of_what_is_asked_for(tmp_path: Path) -> None:
    train, test = tmp_path / "a_train.txt", tmp_path / "a_test.txt"
    train.write_text("\n".join(at("mill", "mill", "quay")))
    alone = Task(str(train)).digest
    test.write_text("\n".join(at("quay")))
    beside = Task(str(train)).digest
    test.write_text("\n".join(at("quay", "mill")))
    assert len({alone, beside, Task(str(train)).digest}) == 3


def test_a_run_whose_file_changed_since_it_was_planned_is_refused_in_a_line(tmp_path: Path) -> None:
    task = Task(write(tmp_path, *at("mill", "mill", "quay")))
    changed = write(tmp_path, *at("barn", "barn", "quay"))
    for read in (lambda: Task(**given(task)), lambda: task.batch(2, 20, stream(0, "train"))):
        with pytest.raises(UserError, match=rf"own\.txt: the file changed: got .*, expected {task.digest}") as caught:
            read()
        assert len(caught.value.lines) == 1
    assert Task(changed).answers == ("barn", "quay")


def test_a_suite_s_runs_have_other_ids_once_the_file_changed(tmp_path: Path) -> None:
    path = write(tmp_path, *at("mill", "mill", "quay"))
    suite = tmp_path / "own.yaml"
    suite.write_text(
        "rnnbench: 1\narchitectures: {gru: {cell: gru, chrono: true}}\nseeds: 1\n"
        f"tasks: {{babi: {{path: '{path}', lengths: [20]}}}}\n"
    )

    def ids() -> list[str]:
        return [run.id for run in plan(load(suite)).runs()]

    before = ids()
    assert ids() == before
    write(tmp_path, *at("barn", "barn", "quay"))
    assert not set(ids()) & set(before)


@pytest.mark.parametrize("stories", [at("mill") * 5, (*at("mill", "mill"), *at("quay", who="Boris") * 3) * 4])
def test_a_file_whose_questions_tell_their_answers_is_refused(stories: tuple[str, ...], tmp_path: Path) -> None:
    path = write(tmp_path, *stories)
    with pytest.raises(UserError) as caught:
        Task(path)
    assert str(caught.value) == f"{path}: the question alone tells every answer: nothing is left to score"


def test_no_score_is_no_number() -> None:
    accuracy = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    assert above_chance(accuracy, 1.0).tolist() == [0, 0, 0]
    assert above_chance(accuracy, 0.5).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("मरियम घर गई।", ("मरियम", "घर", "गई", "।")),
        ("മേരി എവിടെ?", ("മേരി", "എവിടെ", "?")),
        ("Zoe\u0301 ran.", ("zo\u00e9", "ran", ".")),
        ("Zo\u00e9 ran.", ("zo\u00e9", "ran", ".")),
        ("\u0645\u06cc\u200c\u0631\u0648\u062f", ("\u0645\u06cc\u200c\u0631\u0648\u062f",)),
        ("It's \u2764\ufe0f, no?", ("it", "'", "s", "\u2764\ufe0f", ",", "no", "?")),
    ],
)
def test_what_combines_with_a_letter_is_part_of_its_word(sentence: str, expected: tuple[str, ...]) -> None:
    assert words(sentence) == expected


def test_a_byte_order_mark_and_no_break_spaces_are_no_words(tmp_path: Path) -> None:
    lines = at("mill", "mill", "quay")
    expected = Task(write(tmp_path, *lines))
    assert expected.words
    known, data = expected.words, "\n".join(lines).replace(" ", "\u00a0")
    (tmp_path / "own.txt").write_bytes(b"\xef\xbb\xbf" + data.encode())
    assert Task(str(tmp_path / "own.txt")).words == known


def test_a_statement_may_quote_a_question(tmp_path: Path) -> None:
    quoted = tuple(line.replace("Anna ran", 'Anna said "where?" and ran') for line in at("mill", "mill", "quay"))
    assert '"' in Task(write(tmp_path, *quoted)).words


def test_without_support_the_whole_story_is_needed(tmp_path: Path) -> None:
    story = ("1 Anna ran.", "2 Boris ran.", "3 Who ran?\tAnna,Boris")
    other = [line.replace("Anna", "Clara") for line in story]
    task = Task(write(tmp_path, *other * 2, *story))
    assert task.answers == ("anna,boris", "clara,boris")
    assert task.lag(99) == (8, 8, 8)


STATEMENT, QUESTION = "1 Anna ran.", "2 Who ran?\tAnna\t1"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (("Anna ran.",), "1: got 'Anna ran.', expected a number, a space and a sentence"),
        (("1",), "1: got '1', expected a number, a space and a sentence"),
        (("2 Anna ran.",), "1: got the number 2, expected 1"),
        ((STATEMENT, "", "3 Anna ran."), "3: got the number 3, expected 2, or 1 where a story begins"),
        ((STATEMENT, "2 Who ran?"), "2: got a question without an answer, expected a tab and its answer after it"),
        ((STATEMENT, "2 Who ran?\t"), "2: got an empty answer, expected a tab, the answer, a tab, the support"),
        ((STATEMENT, f"{QUESTION}\t1"), "2: got 3 tabs, expected a tab, the answer, a tab, the support"),
        ((STATEMENT, "2 Who ran?\tAnna\t2"), "2: got '2' as support, expected numbers of statements before it"),
        ((STATEMENT, "2 Who ran?\tAnna\tx"), "2: got 'x' as support, expected numbers of statements before it"),
        ((STATEMENT, "2 Who ran?  Anna 1"), "2: a '?' is followed by text but no tab"),
        ((STATEMENT, "2 Who ran?Anna,Boris    1"), "2: a '?' is followed by text but no tab"),
        ((STATEMENT, "2 Who ran?\\tAnna\\t1"), "2: a '?' is followed by text but no tab"),
        (("1\tAnna ran.",), "1: got '1 Anna ran.', expected a number, a space and a sentence; it has a tab after its"),
        ((STATEMENT, "2 Who\0 ran?\tAnna"), "2: got the control character U+0000, expected none"),
        ((STATEMENT, QUESTION), " got no story to train with, expected three stories with a question or more"),
        ((STATEMENT,), " got no story to train with, expected three stories with a question or more"),
    ],
)
def test_a_bad_file_is_told_by_line(lines: tuple[str, ...], fault: str, tmp_path: Path) -> None:
    path = write(tmp_path, *lines)
    with pytest.raises(UserError) as caught:
        Task(path)
    assert str(caught.value).startswith(f"{path}:{fault}")


def test_what_is_not_seen_is_part_of_no_word_and_spaces_of_no_answer(tmp_path: Path) -> None:
    lines = at("mill,barn", "mill,barn", "quay")
    expected = Task(write(tmp_path, *lines))
    known = expected.words, expected.answers
    other = [line.replace("Anna", "An\u200bna\u00ad").replace("?\tmill,barn", "?\tmill,  barn") for line in lines]
    task = Task(write(tmp_path, *other[:2], *lines[2:], "\ufeff"))
    assert (task.words, task.answers) == known


@pytest.mark.parametrize(
    ("raw", "got"), [(b"\x1f\x8b\x08", "a file packed by gzip"), ("1 A b.".encode("utf-16"), "UTF-16")]
)
def test_a_file_of_another_kind_is_told(raw: bytes, got: str, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(raw)
    with pytest.raises(UserError, match=rf"own\.txt: got {got}, expected text in UTF-8"):
        Task(str(tmp_path / "own.txt"))


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(b"1 \xff\xfe")
    with pytest.raises(UserError, match=r"own\.txt: got the byte 0xff at 2, expected UTF-8"):
        Task(str(tmp_path / "own.txt"))


def test_a_length_that_no_story_fits_is_told_with_the_shortest() -> None:
    task, _ = EXAMPLES[0]
    with pytest.raises(UserError, match=r"no story to train with fits 5 words, the shortest has \d+"):
        task.batch(2, 5, stream(0, "train"))


@pytest.mark.parametrize(("path", "fault"), [("", "path: got none"), ("no.txt", "path: there is no file 'no.txt'")])
def test_a_path_is_needed(path: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Task(path)


def test_support_names_the_lag() -> None:
    task, length = EXAMPLES[0]
    b = task.batch(2000, length, stream(0, "train"))
    lag = task.lag(length)
    assert 0 < lag.least < lag.mean < lag.most < length
    word = {w: i for i, w in enumerate(task.words)}
    held = []
    for column in b.xs.T:  # the last time that who is asked for moved
        moves = np.flatnonzero(column[:-4] == column[-2])
        held.append(len(column) - 1 - int(moves[-1]))
        assert column[-4] == word["where"]
    assert (min(held), max(held)) == (lag.least, lag.most)
