"""Text: the next character of a file of one's own, at every step of a passage.

What comes next isn't decided by what came, so that nobody scores 1, and how far back one must look is not known: `lag`
says how far one can, and there are no inputs of which it is said that an answer hangs on them (`probe`). Score 0 is the
character that mostly follows the present one in what is trained on: all that can be told without a memory. Each further
right answer counts alike. Tables that count what followed the last two, three, four and six characters score .20, .37,
.43 and .47 on the English of this project's documents (and the same, within .02, on Python's own, `pydoc_data`): the
bar, .35, is three characters' worth of memory. Longer passages are easier, not harder, as more is known at their ends:
this is a task for one length, and to compare scores by. A loss of x nats is x / ln 2 bits a character.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.errors import UserError
from rnnbench.rng import Stream
from rnnbench.tasks import _files

SELECT = 0.1  # of what is to train on decides when to stop
LEAST = 100  # characters: fewer are no text
POINTS = 0x110000  # characters that there are in Unicode

Tokens = NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Data:
    """What a file holds: the tokens of each part, what each token stands for (of 0: all others), and what mostly
    follows it."""

    parts: dict[str, Tokens]
    characters: tuple[str, ...]
    follows: NDArray[np.int64]
    frequent: int
    digest: str


@dataclass(frozen=True)
class Task(tasks.Task):
    """`path`: the file, in UTF-8, from the current folder on. Its end is tested, `tested` of all; of what is before it
    the last tenth decides when to stop. Tokens and answers: 0 all but the `alphabet` characters that training has most
    of, which are the others; accents are one with their letter, ends of lines \\n. Length: the characters of a passage,
    each followed by its answer, the next one. Passages to train on begin anywhere, those that are held out follow one
    another (of more than are needed as many, evenly spaced). A run is known by the path and by the `digest` of what
    the file holds.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "own.txt").write_text("to and fro, " * 20)
    ...     task = Task(str(Path(folder) / "own.txt"))
    ...     b = task.held_out("test", 8, lambda purpose: None)
    ...     ["".join(task.characters[token] for token in row) for row in (b.xs[:, 0], b.ys[:, 0])]
    ['to and f', 'o and fr']
    """

    bar: ClassVar[float] = 0.35
    causal: ClassVar[bool] = True  # what is asked for comes next
    decided: ClassVar[bool] = False  # what was read does not decide the answer

    path: str = ""
    alphabet: Annotated[int, Interval(ge=1, le=4096)] = 128
    tested: Annotated[float, Interval(gt=0, lt=1)] = 0.1
    digest: str = ""

    def __post_init__(self) -> None:
        _files.there(self.path, "a text file")
        if self.chance == 1:  # which reads the file: what is wrong in it is told before anything runs
            raise UserError(f"{self.path}: each character tells the next one: nothing is left to score")
        object.__setattr__(self, "digest", self._data.digest)

    @property
    def _data(self) -> Data:
        path = Path(self.path)
        found = path.stat()
        data = _read(path, (found.st_mtime_ns, found.st_size), self.alphabet, self.tested)
        _files.unchanged(self.path, self.digest, data.digest)
        return data

    @property
    def characters(self) -> tuple[str, ...]:
        """What each token stands for."""
        return self._data.characters

    @property
    def inputs(self) -> int:
        return len(self.characters)

    @property
    def outputs(self) -> int:
        return len(self.characters)

    @property
    def chance(self) -> float:
        """What mostly follows the present character, over all that is tested."""
        data = self._data
        tested = data.parts["test"]
        return float((data.follows[tested[:-1]] == tested[1:]).mean())

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        known = self._part("train", length)
        return _passages(known, rng.integers(len(known) - length, size), length)

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        known = self._part(split, length)
        count = (len(known) - 1) // length
        which = np.arange(count)
        if count > tasks.SIZES[split]:
            which = np.arange(tasks.SIZES[split]) * count // tasks.SIZES[split]
        return _passages(known, which * length, length)

    def _part(self, name: str, length: int) -> Tokens:
        found = self._data.parts[name]
        if len(found) <= length:
            got = f"{self.path}: got {len(found):,} characters to {name} with"
            raise UserError(f"{got}, expected more than the length, {length:,}")
        return found

    def lag(self, length: int) -> tasks.Lag:
        """Unknown: from none of what was read to all of it."""
        return tasks.Lag(0, (length - 1) / 2, length - 1)

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        data, choices = self._data, np.eye(self.outputs, dtype=np.float32)
        frequent = np.full_like(batch.ys, data.frequent)
        return {"the present character alone": choices[data.follows[batch.xs]], "the most frequent": choices[frequent]}


def _passages(known: Tokens, starts: NDArray[np.int64], length: int) -> tasks.Batch:
    taken = known[starts + np.arange(length + 1)[:, None]].astype(np.int64)
    return tasks.Batch(taken[:-1], taken[1:])


@lru_cache(maxsize=4)
def _read(path: Path, modified: tuple[int, int], alphabet: int, tested: float) -> Data:
    """`modified` is the time and size of the file, so that one that changed is read anew."""
    text = unicodedata.normalize("NFC", _files.text(path))
    if len(text) < LEAST:
        raise UserError(f"{path}: got {len(text)} characters, expected {LEAST} at least")
    points = np.frombuffer(text.encode("utf-32-le"), "<u4")
    cut = len(points) - max(2, round(tested * len(points)))
    stop = cut - max(2, round(SELECT * cut))
    if stop < 2:
        raise UserError(f"{path}: got {max(stop, 0)} characters to train with, expected some: tested is {tested:g}")
    counts = np.bincount(points[:stop], minlength=POINTS)
    most = np.argsort(-counts, kind="stable")[:alphabet]
    kept = np.sort(most[counts[most] > 0])
    token = np.zeros(POINTS, np.uint16)
    token[kept] = 1 + np.arange(len(kept))
    whole, size = token[points], 1 + len(kept)
    train = whole[:stop]
    pairs = np.bincount(train[:-1].astype(np.int64) * size + train[1:], minlength=size * size).reshape(size, size)
    frequent = int(np.bincount(train).argmax())
    follows = np.where(pairs.any(1), pairs.argmax(1), frequent)
    parts = {"train": train, "select": whole[stop:cut], "test": whole[cut:]}
    digest = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    return Data(parts, ("\N{REPLACEMENT CHARACTER}", *map(chr, kept)), follows, frequent, digest)
