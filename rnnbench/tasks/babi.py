"""bAbI (Weston et al., 2015): question answering from files in its text format.

    1 Mary moved to the bathroom.
    2 John went to the hallway.
    3 Where is Mary?<tab>bathroom<tab>1

A line is a number, which is 1 where a story begins and grows by 1, and a sentence; a question is followed by a tab, its
answer (one class, also where it is a list) and, if known, a tab and the numbers of the supporting statements. Each
question is one example: the story's statements so far, then the question, padded in front to the longest that fits. The
padding is a token like others: a forward direction reads it first and has done with it, attention and a backward
direction see it beside the story. Score 0 is what the question alone tells: the answer that it mostly has in training.
A file where it tells every answer is refused.
"""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.errors import UserError
from rnnbench.rng import Stream
from rnnbench.tasks import _files
from rnnbench.tasks._words import Words
from rnnbench.text import printable

SELECT = 0.1  # of the training stories decide when to stop
# What is written and not seen, and part of no word: soft hyphens, spaces of no width, byte order marks, directions.
UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


class Example(NamedTuple):
    """A question after its story, as words; `held`: from the first supporting statement's first word to the last."""

    words: tuple[str, ...]
    question: tuple[str, ...]
    answer: str
    held: int


@cache
def _word() -> re.Pattern[str]:
    """A word, or a mark; `\\w` leaves out what combines with a letter (categories Mn, Mc, Me, and the joiners)."""
    combining = (chr(c) for c in range(0x300, sys.maxunicode + 1) if unicodedata.category(chr(c))[0] == "M")
    joined = "".join(combining) + "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
    return re.compile(rf"[\w{joined}]+|[^\w\s][{joined}]*")


def plain(text: str) -> str:
    """In lower case, and composed, so that what looks alike is one word."""
    return unicodedata.normalize("NFC", text.lower())


def _answer(text: str) -> str:
    """One class, a list too; how it is spaced doesn't matter.

    >>> _answer("Milk,  the   Apple")
    'milk,the apple'
    """
    return re.sub(r"\s*,\s*", ",", " ".join(plain(text).split()))


def words(sentence: str) -> tuple[str, ...]:
    """Words and marks, in lower case.

    >>> words("Where is Mary?")
    ('where', 'is', 'mary', '?')
    """
    return tuple(_word().findall(plain(sentence)))


def stories(path: Path, text: str) -> Iterator[list[Example]]:
    """The questions of each story of a file's text; UserError with the place of what doesn't fit the format."""
    found: list[Example] = []
    told: tuple[str, ...] = ()
    starts: dict[int, int] = {}  # where each statement begins
    number = 0
    for row, line in enumerate(UNSEEN.sub("", text).split("\n"), 1):
        if not line.strip():
            continue

        def fault(got: str, expected: str, row: int = row) -> UserError:
            return UserError(f"{path}:{row}: got {got}, expected {expected}")

        if control := re.search(r"[\0-\x08\x0b-\x1f\x7f-\x9f]", line):
            raise fault(f"the control character U+{ord(control[0]):04X}", "none")
        first, _, rest = line.lstrip().partition(" ")
        sentence, *more = (part.strip() for part in rest.split("\t"))
        if not re.fullmatch(r"[0-9]{1,9}", first) or not words(sentence):
            tab = "; it has a tab after its number" if re.match(r"[0-9]+\t", line.lstrip()) else ""
            raise fault(f"'{printable(line, 60)}'", f"a number, a space and a sentence{tab}")
        if int(first) not in (1, number + 1):
            raise fault(f"the number {first}", f"{number + 1}, or 1 where a story begins" if number else "1")
        number = int(first)
        if number == 1:
            yield found
            found, told, starts = [], (), {}
        if not more:
            if sentence.endswith("?"):
                raise fault("a question without an answer", "a tab and its answer after it")
            if re.search(r"\?\s*[\w\\][^.!?]*$", sentence):  # a statement may quote a question, but ends with a mark
                raise UserError(f"{path}:{row}: a '?' is followed by text but no tab, expected a tab before the answer")
            starts[number] = len(told)
            told += words(sentence)
            continue
        if len(more) > 2 or not more[0]:
            raise fault(f"{len(more)} tabs" if more[0] else "an empty answer", "a tab, the answer, a tab, the support")
        support = more[1].split() if len(more) == 2 else []
        for n in support:
            if not n.isdecimal() or int(n) not in starts:
                raise fault(f"'{n}' as support", "numbers of statements before it in its story")
        read = told + words(sentence)
        start = min((starts[int(n)] for n in support), default=0)
        found.append(Example(read, words(sentence), _answer(more[0]), len(read) - 1 - start))
    yield found


@dataclass(frozen=True, eq=False)
class Data:
    """What a file holds: the examples of each split, and a digest of its text (and of its test file's)."""

    path: Path
    splits: dict[str, list[Example]]
    digest: str

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The vocabulary; token 0 is padding."""
        return ("", *sorted({w for split in self.splits.values() for e in split for w in e.words}))

    @cached_property
    def answers(self) -> tuple[str, ...]:
        return tuple(sorted({e.answer for split in self.splits.values() for e in split}))

    @cached_property
    def usual(self) -> dict[tuple[str, ...], str]:
        """The answer that each question mostly has in training; that of () is the most frequent of all."""
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for e in self.splits["train"]:
            counts[e.question][e.answer] += 1
            counts[()][e.answer] += 1
        return {question: min(c, key=lambda a: (-c[a], a)) for question, c in counts.items()}

    def guess(self, question: tuple[str, ...]) -> str:
        """What the question alone tells."""
        return self.usual.get(question, self.usual[()])

    @cached_property
    def told(self) -> float:
        """How many of the tested answers the question alone tells, in [0, 1]."""
        test = self.splits["test"]
        return sum(self.guess(e.question) == e.answer for e in test) / len(test)

    @lru_cache(maxsize=64)  # noqa: B019 (files are few, and held by the cache of `_data` anyway)
    def fitting(self, length: int) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64], list[Example]]]:
        """Of each split the inputs (T, N), answers (N,) and examples of at most `length` words."""
        fitting = {name: [e for e in split if len(e.words) <= length] for name, split in self.splits.items()}
        for name, examples in fitting.items():
            if not examples:
                least = min(len(e.words) for e in self.splits[name])
                raise UserError(f"{self.path}: no story to {name} with fits {length} words, the shortest has {least}")
        T = max(len(e.words) for examples in fitting.values() for e in examples)
        token = {word: i for i, word in enumerate(self.words)}
        of = {answer: i for i, answer in enumerate(self.answers)}
        found = {}
        for name, examples in fitting.items():
            xs = np.zeros((T, len(examples)), np.int64)
            for column, e in enumerate(examples):
                xs[T - len(e.words) :, column] = [token[w] for w in e.words]
            found[name] = (xs, np.array([of[e.answer] for e in examples]), examples)
        return found


@lru_cache(maxsize=16)
def _data(path: Path, modified: tuple[int, ...], tested: float) -> Data:
    """`modified` are the times and sizes of the files, so that one that changed is read anew."""
    files = [file for file in (path, _test_file(path)) if file]
    texts = [_files.text(file) for file in files]
    digest = hashlib.blake2b(digest_size=12)
    for text in texts:
        digest.update(hashlib.blake2b(text.encode()).digest())
    read, *tests = ([story for story in stories(*of) if story] for of in zip(files, texts, strict=True))
    test = tests[0] if tests else []
    if not tests:
        count = max(1, round(tested * len(read)))
        read, test = read[:-count], read[-count:]
    count = max(1, round(SELECT * len(read)))
    splits = {"train": read[:-count], "select": read[-count:], "test": test}
    for name, split in splits.items():
        if not split:
            raise UserError(f"{path}: got no story to {name} with, expected three stories with a question or more")
    examples = {name: [e for story in split for e in story] for name, split in splits.items()}
    return Data(path, examples, digest.hexdigest())


def _test_file(path: Path) -> Path | None:
    """`..._test.txt` beside `..._train.txt`, if there is one."""
    other = path.with_name(path.name.removesuffix("_train.txt") + "_test.txt")
    return other if path.name.endswith("_train.txt") and other.is_file() else None


@dataclass(frozen=True)
class Task(Words):
    """`path`: the file, from the current folder on. `..._train.txt` is tested on the `..._test.txt` beside it; of any
    other file the last stories are, `tested` of all. The last tenth of the stories to train on decides when to stop.
    A run is known by the path and by the `digest` of what the file holds, which is filled in; one that is given, as in
    a run that was planned, is what the file must still have. Length: the most words of a story with its question;
    longer ones are left out.

    >>> import tempfile
    >>> story = "1 Ann went {0}.\\n2 Where is Ann?\\t{0}\\t1\\n"
    >>> lines = "".join(story.format(place) for place in ("away", "away", "home"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "own.txt").write_text(lines)
    ...     task = Task(str(Path(folder) / "own.txt"))
    ...     b = task.held_out("test", 10, lambda purpose: None)
    ...     [task.words[w] for w in b.xs[:, 0]], task.answers[b.ys[0, 0]], task.lag(10).most
    (['ann', 'went', 'home', '.', 'where', 'is', 'ann', '?'], 'home', 7)
    """

    padded: ClassVar[bool] = True

    path: str = ""
    tested: Annotated[float, Interval(gt=0, lt=1)] = 0.2
    digest: str = ""

    def __post_init__(self) -> None:
        _files.there(self.path, "a file in bAbI's format")
        data = self._data  # what is wrong in it is told before anything runs
        if data.told == 1:
            raise UserError(f"{self.path}: the question alone tells every answer: nothing is left to score")
        object.__setattr__(self, "digest", data.digest)

    @property
    def _data(self) -> Data:
        path = Path(self.path)
        stats = [p.stat() for p in (path, _test_file(path)) if p]
        data = _data(path, tuple(n for s in stats for n in (s.st_mtime_ns, s.st_size)), self.tested)
        _files.unchanged(self.path, self.digest, data.digest)
        return data

    @property
    def words(self) -> tuple[str, ...]:
        return self._data.words

    @property
    def answers(self) -> tuple[str, ...]:
        return self._data.answers

    @property
    def chance(self) -> float:
        """The question alone, over all that is tested."""
        return self._data.told

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        xs, ys, _ = self._data.fitting(length)["train"]
        drawn = rng.integers(len(ys), size)
        return tasks.Batch(xs[:, drawn], ys[None, drawn], slice(-1, None))

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        xs, ys, _ = self._data.fitting(length)[split]
        return tasks.Batch(xs, ys[None], slice(-1, None))

    def lag(self, length: int) -> tasks.Lag:
        """From the first supporting statement's first word (where no support is given: the story's) to the question's
        last, over what is trained on."""
        held = [e.held for e in self._data.fitting(length)["train"][2]]
        return tasks.Lag(min(held), sum(held) / len(held), max(held))

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first supporting statement's first word, by which the answer is to be had."""
        data = self._data
        held = {e.words: e.held for split in data.splits.values() for e in split}
        read = (tuple(data.words[w] for w in column if w) for column in batch.xs.T)
        steps = len(batch.xs) - 1 - np.array([held[words] for words in read])
        return tasks.Needed(steps[None, None], batch.ys[None])

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        data = self._data
        known = {e.words: e.question for split in data.splits.values() for e in split}
        read = [tuple(data.words[w] for w in column if w) for column in batch.xs.T]
        question = [data.answers.index(data.guess(known[r])) for r in read]
        frequent = [data.answers.index(data.guess(()))] * len(read)
        choices = np.eye(len(data.answers), dtype=np.float32)
        return {"the question alone": choices[[question]], "the most frequent answer": choices[[frequent]]}
