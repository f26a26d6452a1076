"""Images and their classes from files, in the format of MNIST (IDX) or of numpy (.npy)."""

from __future__ import annotations

import hashlib
import math
import os
from functools import lru_cache
from pathlib import Path
from tokenize import TokenError
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnbench.errors import UserError

LARGEST = 1_000_000_000  # bytes
CLASSES = 1000  # at most
SELECT = 0.1  # of the training images decide when to stop
UBYTE = 0x08  # IDX's number of the type


class Images(NamedTuple):
    """Of each split the images (N, pixels), in [0, 1] if they are like those trained on, and their classes (N,)."""

    splits: dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]
    classes: int
    digest: str

    @property
    def pixels(self) -> int:
        """Of an image."""
        return int(self.splits["train"][0].shape[1])

    @property
    def frequent(self) -> int:
        """The class of most images that are trained on."""
        return int(np.bincount(self.splits["train"][1]).argmax())


def array(path: Path) -> NDArray[Any]:
    """The array of a file; UserError, of one line, where it holds none."""
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path}: got more than {LARGEST:,} bytes, expected at most that")
        data = path.read_bytes()
    except OSError as e:
        raise UserError(f"{path}: can't be read: {e.strerror}") from None
    if data[:6] == b"\x93NUMPY":
        try:
            found: NDArray[Any] = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError, SyntaxError, MemoryError, OverflowError, TypeError, TokenError):
            raise UserError(f"{path}: got a .npy file that can't be read, expected one of plain numbers") from None
        if found.dtype.kind not in "uif":
            raise UserError(f"{path}: got values of type {found.dtype}, expected plain numbers")
        if not np.isfinite(found).all():
            raise UserError(f"{path}: got values that are not finite, expected numbers")
        return found
    if len(data) < 4 or data[:2] != b"\0\0":
        packed = "; unpack it first" if data[:2] in (b"\x1f\x8b", b"PK") else ""
        raise UserError(f"{path}: got no array, expected IDX as MNIST has it, or .npy{packed}")
    kind, dimensions = data[2], data[3]
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise UserError(f"{path}: got {len(data)} bytes, expected a head of {start} for {dimensions} dimensions")
    shape = tuple(int(n) for n in np.frombuffer(data[4:start], ">u4"))
    if kind != UBYTE:
        raise UserError(f"{path}: got values of the type 0x{kind:02x}, expected unsigned bytes, 0x08")
    if len(data) != start + math.prod(shape):
        raise UserError(f"{path}: got {len(data) - start} values, expected {math.prod(shape)} as its head says")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def labels_of(path: Path) -> Path:
    """Where the classes of a file of images are: beside it, `labels` in its name for `images`, and idx1 for idx3.

    >>> labels_of(Path("a/train-images-idx3-ubyte")).name, labels_of(Path("images.npy")).name
    ('train-labels-idx1-ubyte', 'labels.npy')
    """
    return path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))


def held_beside(path: Path) -> Path | None:
    """`t10k-...` or `test-...` beside `train-...`, if there is one."""
    if path.name.startswith("train"):
        for name in ("t10k", "test"):
            other = path.with_name(name + path.name.removeprefix("train"))
            if other.is_file():
                return other
    return None


def files(path: Path) -> list[Path]:
    """All that belong to a file of images."""
    test = held_beside(path)
    return [path, labels_of(path), *((test, labels_of(test)) if test else ())]


def _read(path: Path) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The images (N, pixels) and the classes (N,) of a file."""
    beside = labels_of(path)
    if beside == path or not os.path.isfile(beside):
        named = "'images' in its name" if beside == path else f"a file of classes at {beside}"
        raise UserError(f"{path}: got no classes of its images, expected {named}")
    images, labels = array(path), array(beside)
    if images.ndim < 2 or 0 in images.shape:
        raise UserError(f"{path}: got an array of shape {images.shape}, expected (images, height, width)")
    if labels.shape != images.shape[:1]:
        raise UserError(f"{beside}: got an array of shape {labels.shape}, expected ({len(images)},), as images are")
    if (labels != np.floor(labels)).any() or not 0 <= labels.min() <= labels.max() < CLASSES:
        raise UserError(f"{beside}: got classes from {labels.min()} to {labels.max()}, expected 0 to {CLASSES - 1}")
    return images.reshape(len(images), -1), labels.astype(np.int64)


@lru_cache(maxsize=4)
def read(path: Path, modified: tuple[int, ...], tested: float) -> Images:
    """`modified` are the times and sizes of the files, so that one that changed is read anew. Images to train on that
    are tested too, or decide when to stop, are left out."""
    digest = hashlib.blake2b(digest_size=12)
    for file in files(path):
        if os.path.isfile(file):
            found = array(file)
            digest.update(f"{found.shape} {found.dtype.str}".encode() + np.ascontiguousarray(found).tobytes())
    images, labels = _read(path)
    if other := held_beside(path):
        test, test_labels = _read(other)
        if test.shape[1] != images.shape[1]:
            raise UserError(f"{other}: got images of {test.shape[1]} pixels, expected {images.shape[1]}, as in {path}")
    else:
        count = max(1, round(tested * len(images)))
        images, test, labels, test_labels = images[:-count], images[-count:], labels[:-count], labels[-count:]
    count = max(1, round(SELECT * len(images)))
    select, select_labels = images[-count:], labels[-count:]
    held = {image.tobytes() for image in (*select, *test)}
    kept = np.array([image.tobytes() not in held for image in images], bool)
    images, labels = images[kept], labels[kept]
    if not len(images):
        raise UserError(f"{path}: got no image to train with, expected three unlike each other or more")
    low, high = float(images.min()), float(images.max())
    if high == low:
        raise UserError(f"{path}: every pixel is {low:g}, expected images that differ")
    every = {"train": (images, labels), "select": (select, select_labels), "test": (test, test_labels)}
    splits = {k: (((x - low) / (high - low)).astype(np.float32), y) for k, (x, y) in every.items()}
    return Images(splits, 1 + max(int(y.max()) for _, y in every.values()), digest.hexdigest())
