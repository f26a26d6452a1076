from __future__ import annotations

import atexit
import gzip
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnbench.errors import UserError
from rnnbench.records import given
from rnnbench.rng import stream
from rnnbench.tasks._images import array
from rnnbench.tasks.digits import Task


def drawn(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images of 3 by 3 of our own, brighter in the row that is their class."""
    rng = stream(seed, "images")
    labels = rng.integers(3, count)
    images = rng.integers(100, (count, 3, 3))
    images[np.arange(count), labels] += 150
    return images.astype(np.uint8), labels.astype(np.uint8)


def idx(values: NDArray[np.uint8]) -> bytes:
    """An array in MNIST's format."""
    head = bytes([0, 0, 8, values.ndim]) + b"".join(n.to_bytes(4, "big") for n in values.shape)
    return head + values.tobytes()


HERE = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, HERE)
for name, count, seed in (("train", 700, 0), ("t10k", 2000, 1)):
    images, labels = drawn(count, seed)
    (HERE / f"{name}-images-idx3-ubyte").write_bytes(idx(images))
    (HERE / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels))
images, labels = drawn(900, 2)
np.save(HERE / "own_images.npy", images.astype(np.float64) / 17)
np.save(HERE / "own_labels.npy", labels)
MNIST = str(HERE / "train-images-idx3-ubyte")
EXAMPLES = [(Task(MNIST), 9), (Task(str(HERE / "own_images.npy"), order="permuted"), 12)]


def test_an_image_is_read_row_by_row_with_its_class_at_the_end() -> None:
    images, labels = drawn(2000, 1)
    trained = drawn(700, 0)[0][:630]
    b = Task(MNIST).held_out("test", 11, partial(stream, 0))
    scale = trained.max() - trained.min()
    assert b.xs.shape == (11, 2000, 1)
    for column in range(2000):
        expected = [(int(p) - int(trained.min())) / int(scale) for row in images[column] for p in row]
        assert b.xs[:, column, 0].tolist() == pytest.approx([*expected, 0, 0], abs=1e-6)
        assert b.ys[0, column] == labels[column]


def test_permuted_pixels_are_the_same_ones_in_one_order() -> None:
    tasks = Task(MNIST), Task(MNIST, order="permuted")
    rows, permuted = (task.held_out("test", 9, partial(stream, 0)) for task in tasks)
    assert not np.array_equal(rows.xs, permuted.xs)
    np.testing.assert_array_equal(np.sort(rows.xs, 0), np.sort(permuted.xs, 0))
    order = [int((rows.xs[:, :, 0] == row).all(1).argmax()) for row in permuted.xs[:, :, 0]]
    assert sorted(order) == list(range(9))


def test_what_is_tested_is_beside_or_the_last_and_shares_nothing_with_training() -> None:
    for task, tested in ((EXAMPLES[0][0], 2000), (EXAMPLES[1][0], 180)):
        trained = {x.tobytes() for x in task.batch(8000, 12, stream(0, "train")).xs.swapaxes(0, 1)}
        held = [task.held_out(split, 12, partial(stream, 0)).xs for split in ("select", "test")]
        assert held[1].shape[1] == tested
        assert not trained & {x.tobytes() for xs in held for x in xs.swapaxes(0, 1)}


def test_an_image_that_is_there_twice_is_not_trained_on_and_tested(tmp_path: Path) -> None:
    images, labels = drawn(60, 3)
    images[0], labels[0] = images[-1], labels[-1]
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", labels)
    task = Task(str(tmp_path / "images.npy"))
    assert len(task._images.splits["train"][1]) == 60 - 12 - 5 - 1


def test_a_task_is_known_by_what_its_files_hold(tmp_path: Path) -> None:
    def write(seed: int) -> Task:
        images, labels = drawn(60, seed)
        np.save(tmp_path / "images.npy", images)
        np.save(tmp_path / "labels.npy", labels)
        return Task(str(tmp_path / "images.npy"))

    one = write(3)
    assert Task(**given(one)) == one
    two = write(4)
    assert two.digest != one.digest
    with pytest.raises(UserError, match=rf"images\.npy: the files changed: got .*, expected {one.digest}"):
        Task(**given(one))


def test_a_length_below_the_pixels_is_told() -> None:
    with pytest.raises(UserError, match="an image has 9 pixels, more than the length 8"):
        Task(MNIST).lag(8)
    with pytest.raises(UserError, match="an image has 9 pixels, more than the length 8"):
        Task(MNIST).batch(2, 8, stream(0, "train"))


GOOD = idx(np.arange(90, dtype=np.uint8).reshape(10, 3, 3))
HEAD = b"\x93NUMPY\x01\x00\x18\x00{'shape': __import__('os')("  # cut off, and no constant
CLASSES = idx(np.arange(10, dtype=np.uint8) % 2)


@pytest.mark.parametrize(("images", "labels", "fault"), [
    (b"", CLASSES, "images-idx3: got no array, expected IDX as MNIST has it, or .npy"),
    (gzip.compress(GOOD), CLASSES, "images-idx3: got no array, expected IDX as MNIST has it, or .npy; unpack it first"),
    (b"\x93NUMPY\x01\x00", CLASSES, "images-idx3: got a .npy file that can't be read, expected one of plain numbers"),
    (b"PK\3\4", CLASSES, "images-idx3: got no array, expected IDX as MNIST has it, or .npy; unpack it first"),
    (GOOD[:7], CLASSES, "images-idx3: got 7 bytes, expected a head of 16 for 3 dimensions"),
    (HEAD, CLASSES, "images-idx3: got a .npy file that can't be read, expected one of plain numbers"),
    (GOOD[:-1], CLASSES, "images-idx3: got 89 values, expected 90 as its head says"),
    (b"\0\0\x0d" + GOOD[3:], CLASSES, "images-idx3: got values of the type 0x0d, expected unsigned bytes, 0x08"),
    (CLASSES, CLASSES, "images-idx3: got an array of shape (10,), expected (images, height, width)"),
    (GOOD, GOOD, "labels-idx1: got an array of shape (10, 3, 3), expected (10,), as images are"),
    (GOOD, None, "images-idx3: got no classes of its images, expected a file of classes at "),
    (GOOD, idx(np.zeros(10, np.uint8)), "images-idx3: every tested image is of one class: nothing is left to score"),
    (idx(np.zeros((10, 3, 3), np.uint8)), CLASSES, "images-idx3: got no image to train with, expected three unlike"),
])  # fmt: skip
def test_bad_files_are_told_in_a_line(images: bytes, labels: bytes | None, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "images-idx3"
    path.write_bytes(images)
    if labels is not None:
        (tmp_path / "labels-idx1").write_bytes(labels)
    with pytest.raises(UserError) as caught:
        Task(str(path))
    assert str(caught.value).startswith(f"{tmp_path}/{fault}")
    assert len(str(caught.value).splitlines()) == 1


def test_objects_and_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}, {}], object), allow_pickle=True)
    np.save(tmp_path / "b.npy", np.array([np.nan, 1]))
    with pytest.raises(UserError, match=r"a\.npy: got a \.npy file that can't be read"):
        array(tmp_path / "a.npy")
    with pytest.raises(UserError, match=r"b\.npy: got values that are not finite"):
        array(tmp_path / "b.npy")


@pytest.mark.parametrize(("path", "fault"), [("", "path: got none"), ("no.npy", "path: there is no file 'no.npy'")])
def test_a_path_is_needed(path: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Task(path)
