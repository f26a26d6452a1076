"""Digits (sequential MNIST; Le et al., 2015): of which class is an image that is read pixel by pixel?

`order: permuted` reads the pixels in one random order, the same for all images and seeds, so that nothing is near what
it belongs to. After the image come zeros up to the length: longer ones ask to hold what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from rnnbench import tasks
from rnnbench.errors import UserError
from rnnbench.rng import Stream, stream
from rnnbench.tasks import _files
from rnnbench.tasks._images import Images, files, read


@dataclass(frozen=True)
class Task(tasks.Task):
    """`path`: a file of images, in MNIST's format (IDX, unpacked) or .npy, from the current folder on; the classes are
    beside it, `labels` in the name for `images`. `train-...` is tested on the `t10k-...` or `test-...` beside it; of
    any other file the last images are, `tested` of all. The last tenth to train on decides when to stop, and no image
    is trained on that is also held out. A run is known by the path and by the `digest` of what the files hold. Inputs:
    a pixel a step, 0 the least that there is in training and 1 the most. Length: how many steps there are, of pixels
    and, after them, of zeros. Score 0 is the most frequent class.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/images.npy", np.arange(40).reshape(10, 2, 2))
    ...     np.save(f"{folder}/labels.npy", np.arange(10) % 2)
    ...     b = Task(f"{folder}/images.npy").held_out("test", 5, lambda purpose: None)
    >>> b.xs[:, 0, 0].round(2).tolist(), b.ys.tolist()
    ([1.190000057220459, 1.2200000286102295, 1.2599999904632568, 1.2999999523162842, 0.0], [[0, 1]])
    """

    tokens: ClassVar[bool] = False

    path: str = ""
    order: Literal["rows", "permuted"] = "rows"
    tested: Annotated[float, Interval(gt=0, lt=1)] = 0.2
    digest: str = ""

    def __post_init__(self) -> None:
        _files.there(self.path, "a file of images")
        if self.chance == 1:  # which reads the files: what is wrong in them is told before anything runs
            raise UserError(f"{self.path}: every tested image is of one class: nothing is left to score")
        object.__setattr__(self, "digest", self._images.digest)

    @property
    def _images(self) -> Images:
        path = Path(self.path)
        stats = [p.stat() for p in files(path) if p.is_file()]
        found = read(path, tuple(n for s in stats for n in (s.st_mtime_ns, s.st_size)), self.tested)
        _files.unchanged(self.path, self.digest, found.digest, "the files")
        return found

    @property
    def inputs(self) -> int:
        return 1

    @property
    def outputs(self) -> int:
        return self._images.classes

    @property
    def last(self) -> bool:
        return True

    @property
    def chance(self) -> float:
        """The most frequent class, over all that is tested."""
        found = self._images
        return float((found.splits["test"][1] == found.frequent).mean())

    def batch(self, size: int, length: int, rng: Stream) -> tasks.Batch:
        return self._asked("train", rng.integers(len(self._images.splits["train"][1]), size), length)

    def held_out(self, split: tasks.Split, length: int, stream: tasks.Streams) -> tasks.Batch:
        return self._asked(split, np.arange(len(self._images.splits[split][1])), length)

    def _asked(self, split: str, which: NDArray[np.int64], length: int) -> tasks.Batch:
        self._check(length)
        images, labels = self._images.splits[split]
        shown = images[which].T
        if self.order == "permuted":
            shown = shown[_order(len(shown))]
        xs = np.zeros((length, which.size, 1), np.float32)
        xs[: len(shown), :, 0] = shown
        return tasks.Batch(xs, labels[None, which], slice(-1, None))

    def _check(self, length: int) -> None:
        if length < self._images.pixels:
            raise UserError(f"{self.path}: an image has {self._images.pixels} pixels, more than the length {length}")

    def lag(self, length: int) -> tasks.Lag:
        """From the first pixel to the answer at the last step."""
        self._check(length)
        return tasks.Lag(length - 1, length - 1, length - 1)

    def needed(self, batch: tasks.Batch) -> tasks.Needed:
        """The first pixel, which stands for all."""
        return tasks.Needed(np.zeros((1, *batch.ys.shape), np.int64), batch.ys[None].astype(np.float32))

    def shortcuts(self, batch: tasks.Batch) -> dict[str, NDArray[Any]]:
        frequent = np.full_like(batch.ys, self._images.frequent)
        return {"the most frequent class": np.eye(self.outputs, dtype=np.float32)[frequent]}


@cache
def _order(pixels: int) -> NDArray[np.int64]:
    """The order in which permuted pixels are read, (pixels,)."""
    order: NDArray[np.int64] = stream(0, "digits").shuffled(1, pixels)[0]
    return order
