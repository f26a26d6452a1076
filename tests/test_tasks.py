"""What must hold for every task. Each has a file of its own, `tests/tasks/test_NAME.py`, with its EXAMPLES."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rnnbench import registry
from rnnbench.kernels.readout import Readout
from rnnbench.kernels.scan import vectors
from rnnbench.kernels.vector import WIDTH
from rnnbench.records import canonical, given
from rnnbench.rng import stream
from rnnbench.tasks import SIZES, Batch, Task

HERE = Path(__file__).parent


def examples(name: str) -> list[tuple[Task, int]]:
    """(task, length) pairs from the task's own test file; a task without one fails here, at collection."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", HERE / "tasks" / f"test_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[tuple[Task, int]] = module.EXAMPLES
    return found


CASES = [(task, length) for name in registry.names("tasks") for task, length in examples(name)]
GOLDEN: dict[str, str] = json.loads((HERE / "golden" / "tasks.json").read_text())


def decided(task: Task) -> bool:
    """Whether what is read decides an answer: in a text it doesn't."""
    return getattr(task, "decided", True)


def tensors(b: Batch) -> tuple[torch.Tensor, torch.Tensor | None]:
    return torch.from_numpy(b.ys), None if b.weights is None else torch.from_numpy(b.weights)


def lengths(drawn: Sequence[Batch]) -> set[int]:
    """How many steps examples have: where every step is answered, up to where answers count."""

    def of(b: Batch) -> list[int]:
        if b.weights is None or b.at != slice(None) or (np.diff(b.weights, axis=0) > 0).any():
            return [len(b.xs)]
        return [int(n) for n in b.weights.sum(0)]

    return {n for b in drawn for n in of(b)}


def inputs(drawn: Sequence[Batch]) -> dict[Any, float]:
    """Which tokens are read, and how often; of numbers the mean and the deviation of each."""
    return counted([b.xs for b in drawn], [b.weights if b.at == slice(None) else None for b in drawn])


def answers(drawn: Sequence[Batch]) -> dict[Any, float]:
    """What is asked for, and how often."""
    return counted([b.ys for b in drawn], [b.weights for b in drawn])


def counted(found: Sequence[NDArray[Any]], weights: Sequence[NDArray[Any] | None]) -> dict[Any, float]:
    """Values (T, B), or (T, B, I), of which some count -> the share of each; the mean and the deviation of numbers."""
    kept = [(x if w is None else x[w > 0]).reshape(-1, *x.shape[2:]) for x, w in zip(found, weights, strict=True)]
    rows = np.concatenate(kept)
    if len(np.unique(rows)) > 1000:
        return dict(enumerate([*rows.mean(0), *rows.std(0)]))
    values, counts = np.unique(rows, axis=0, return_counts=True)
    return dict(zip(map(str, values.tolist()), (counts / len(rows)).tolist(), strict=True))


def golden(task: Task, length: int) -> str:
    """The hash of a task's first three batches and of its test split."""
    digest = hashlib.blake2b(digest_size=8)
    batches = [task.batch(4, length, stream(0, "train", step)) for step in range(3)]
    for b in [*batches, task.held_out("test", length, partial(stream, 0))]:
        for array in (b.xs, b.ys, b.weights):
            if array is not None:
                digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def key(task: Task, length: int) -> str:
    """The name of a case, also where it has a file: which is known by its name, as what it holds is in the hash."""
    fields = {k: Path(v).name if k == "path" else v for k, v in given(task).items() if k != "digest"}
    return f"{type(task).__module__.rpartition('.')[2]} {canonical(fields)} {length}"


def long_golden(task: Task) -> str:
    """The hash of a training batch of long sequences."""
    b = task.batch(32, LONG, stream(0, "train"))
    digest = hashlib.blake2b(digest_size=8)
    for array in (b.xs, b.ys, b.weights):
        if array is not None:
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def golden_files() -> dict[str, str]:
    """For a change that is meant, and for a task that is new: `python -m tests.golden`."""
    return {
        "tests/golden/tasks.json": _json({key(*c): golden(*c) for c in CASES}),
        "tests/golden/long_tasks.json": _json({k: long_golden(task) for k, task in LONG_CASES.items()}),
    }


def _json(hashes: dict[str, str]) -> str:
    return json.dumps(hashes, indent=1, sort_keys=True) + "\n"


LONG = 300
LONG_CASES = {key(task, LONG): task for task, _ in CASES if not hasattr(task, "path")}  # whose file has what it has
LONG_GOLDEN: dict[str, str] = json.loads((HERE / "golden" / "long_tasks.json").read_text())


@pytest.mark.parametrize("name", LONG_CASES)
def test_batches_of_long_sequences_are_golden(name: str) -> None:
    assert long_golden(LONG_CASES[name]) == LONG_GOLDEN.get(name), "if that is meant: python -m tests.golden"


@pytest.mark.parametrize(("task", "length"), CASES, ids=[key(*case) for case in CASES])
class TestEveryTask:
    def test_sizes_are_as_stated(self, task: Task, length: int) -> None:
        b = task.batch(6, length, stream(0, "train", 1))
        T, B = b.xs.shape[:2]
        K = len(range(T)[b.at])
        assert B == 6
        assert b.ys.shape[:2] == (K, 6)
        if task.tokens:
            assert b.xs.dtype == np.int64
            assert 0 <= b.xs.min() <= b.xs.max() < task.inputs
        else:
            assert b.xs.dtype == np.float32
            assert b.xs.shape[2] == task.inputs
        if task.last:
            assert (K, range(T)[b.at][0]) == (1, T - 1)

    def test_draws_depend_on_seed_purpose_and_step_alone(self, task: Task, length: int) -> None:
        def draw(seed: int, purpose: str, step: int) -> bytes:
            return task.batch(64, length, stream(seed, purpose, step)).xs.tobytes()

        assert draw(0, "train", 3) == draw(0, "train", 3)
        assert len({draw(0, "train", 3), draw(1, "train", 3), draw(0, "test", 3), draw(0, "train", 4)}) == 4

    def test_shortcuts_score_nothing(self, task: Task, length: int) -> None:
        scores: dict[str, list[float]] = defaultdict(list)
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(4):  # one test set alone is off by up to .04 where chance is a half
            b = task.held_out("test", length, partial(stream, seed))
            ys, weights = tensors(b)
            for name, a in task.shortcuts(b).items():
                scores[name].append(float(task.score(torch.from_numpy(a), ys, weights)))
                found[name].append(float(task.accuracy(torch.from_numpy(a), ys, weights)))
        assert max(map(fmean, scores.values())) < 0.04, scores
        if ys.dtype == torch.int64:  # the best is at chance: the score takes off neither too little nor too much
            assert max(map(fmean, found.values())) == pytest.approx(task.chance, abs=0.02)

    def test_right_answers_score_one_and_cost_little(self, task: Task, length: int) -> None:
        b = task.held_out("test", length, partial(stream, 5))
        ys, weights = tensors(b)
        if ys.dtype == torch.int64:
            answers = 50 * torch.nn.functional.one_hot(ys, task.outputs).float()
        else:
            answers = 50 * (2 * ys - 1) if task.tokens else ys
        assert float(task.score(answers, ys, weights)) == 1
        assert float(task.loss(answers, ys, weights)) < 1e-6

    def test_no_answer_needs_what_comes_later(self, task: Task, length: int) -> None:
        """An answer is a function of the inputs up to its step, so that a model that may not look ahead can give it."""
        if not decided(task):
            return
        known: dict[bytes, bytes] = {}
        for b in (task.batch(64, length, stream(0, "train")), task.held_out("test", length, partial(stream, 5))):
            for column in range(min(b.xs.shape[1], 256)):
                xs = np.ascontiguousarray(b.xs[:, column])
                for k, t in enumerate(range(xs.shape[0])[b.at]):
                    if b.weights is None or b.weights[k, column]:
                        answer = b.ys[k, column].tobytes()
                        assert known.setdefault(xs[: t + 1].tobytes(), answer) == answer

    def test_the_inputs_that_are_needed_lie_as_far_back_as_the_lag_says(self, task: Task, length: int) -> None:
        if not decided(task):
            assert task.needed(task.batch(2, length, stream(0, "train"))) is None
            return

        def held(b: Batch) -> NDArray[np.int64]:
            needed = task.needed(b)
            assert needed is not None
            at = np.arange(len(b.xs))[b.at][:, None]
            found = (at - needed.steps[0])[needed.steps[0] >= 0]
            assert (found >= 0).all()
            assert needed.values.shape == needed.steps.shape
            return np.asarray(found)

        stated = task.lag(length)
        drawn = (task.batch(2000, length, stream(0, "train")), task.held_out("test", length, partial(stream, 0)))
        lags = [held(b) for b in drawn]  # of some tasks it is that of training, of others of what is tested
        near = 0.5 + 0.03 * stated.mean
        assert any(
            (x.min(), x.max()) == (stated.least, stated.most) and abs(x.mean() - stated.mean) < near for x in lags
        ), [(x.min(), x.mean(), x.max()) for x in lags]

    def test_what_is_needed_decides_the_answer(self, task: Task, length: int) -> None:
        """A token that may be swapped is one of those that may stand there; of numbers the sum is what is asked for."""
        if not decided(task):
            return
        b = task.batch(200, length, stream(0, "train"))
        needed = task.needed(b)
        assert needed is not None
        first, count = (np.broadcast_to(x, needed.steps.shape) for x in (needed.first, needed.choices))
        n, k, column = np.nonzero((needed.steps >= 0) & (count > 0))
        token = b.xs[needed.steps[n, k, column], column] if task.tokens else np.zeros(len(n))
        assert ((token >= first[n, k, column]) & (token < first[n, k, column] + count[n, k, column])).all()
        scored = np.ones(b.ys.shape[:2], bool) if b.weights is None else b.weights > 0
        assert not (needed.steps >= 0)[:, ~scored].any(), "an answer that is not scored hangs on nothing"
        if not task.tokens:
            assert not len(n)
            total = needed.values.sum(0)
            assert abs(np.corrcoef(total.ravel(), b.ys.ravel())[0, 1]) == pytest.approx(1, abs=1e-5)

    def test_what_is_compiled_is_the_loss_and_its_gradient(self, task: Task, length: int) -> None:
        b = task.batch(5, length, stream(0, "train"))
        ys, weights = tensors(b)
        answers = torch.from_numpy(stream(0, "answers").normal((*b.ys.shape[:2], task.outputs)))
        leaf = answers.double().requires_grad_()
        loss = task.loss(leaf, ys if ys.dtype == torch.int64 else ys.double(), weights)
        (expected,) = torch.autograd.grad(loss, leaf)
        readout = Readout(np.zeros((3, task.outputs), np.float32), np.zeros((1, task.outputs), np.float32), task.nats)
        padded = np.full((*b.ys.shape[:2], vectors(task.outputs) * WIDTH), 7, np.float32)
        padded[..., : task.outputs] = answers
        found, slopes = readout.losses(padded, b.ys, b.weights)
        assert float(found) == pytest.approx(float(loss.detach()), rel=1e-6)
        torch.testing.assert_close(
            torch.from_numpy(slopes[..., : task.outputs]), expected.float(), rtol=1e-5, atol=1e-8
        )
        assert not slopes[..., task.outputs :].any()

    def test_parts_of_a_batch_are_its_examples(self, task: Task, length: int) -> None:
        """Held-out examples go through a model in parts: with their own answers and weights."""
        b = task.batch(20, length, stream(0, "train"))
        parts = [b.part(start, start + 8) for start in (0, 8, 16)]
        for whole, columns in ((b.xs, [p.xs for p in parts]), (b.ys, [p.ys for p in parts])):
            assert np.array_equal(whole, np.concatenate(columns, 1))
        if b.weights is not None:
            assert np.array_equal(b.weights, np.concatenate([p.weights for p in parts if p.weights is not None], 1))
        assert all(p.at == b.at for p in parts)

    def test_a_run_of_a_stack_is_scored_as_alone(self, task: Task, length: int) -> None:
        batches = [task.batch(5, length, stream(s, "train")) for s in range(3)]
        answers = torch.from_numpy(stream(0, "answers").normal((3, *batches[0].ys.shape[:2], task.outputs)))
        ys = torch.stack([tensors(b)[0] for b in batches])
        weights = (
            None
            if batches[0].weights is None
            else torch.from_numpy(np.stack([b.weights for b in batches if b.weights is not None]))
        )
        for measure in (task.loss, task.score):
            together: Any = measure(answers, ys, weights)
            assert together.shape == (3,)
            for r, b in enumerate(batches):
                torch.testing.assert_close(together[r], measure(answers[r], *tensors(b)))

    def test_the_inputs_are_as_many_as_stated(self, task: Task, length: int) -> None:
        space = task.space(length)
        if space is None or space > 2000:
            return
        drawn = [task.held_out(split, length, partial(stream, seed)) for seed in range(16) for split in SIZES]
        found = {xs.tobytes() for b in drawn for xs in b.xs.T}
        assert len(found) == (space // 4 if task.split(length) else space)
        assert task.all_seen(length) == (not task.split(length))

    def test_held_out_sets_are_large_enough_or_whole(self, task: Task, length: int) -> None:
        for split, size in SIZES.items():
            drawn = task.held_out(split, length, partial(stream, 0))
            again = task.held_out(split, length, partial(stream, 1))
            finite = drawn.xs.tobytes() == again.xs.tobytes()
            assert finite or drawn.xs.shape[1] >= size

    def test_what_decides_when_to_stop_is_of_the_kinds_and_lengths_that_are_tested(
        self, task: Task, length: int
    ) -> None:
        """No model is tested on what is shorter, longer or otherwise than all that it had to pass to stop."""
        if hasattr(task, "path"):
            return  # the file decides what it holds
        drawn = {split: [task.held_out(split, length, partial(stream, seed)) for seed in range(4)] for split in SIZES}
        select, test = (lengths(drawn[split]) for split in ("select", "test"))
        assert min(select) <= min(test) <= max(test) <= max(select)
        assert all(2 * min(abs(n - other) for other in select) < n for n in test)
        for kinds in (inputs, answers):
            decide, tested = (kinds(drawn[split]) for split in ("select", "test"))
            assert set(decide) == set(tested)
            if set(select) == set(test):  # all is drawn alike, of few strings (8, in parity at 8) by a hash
                assert decide == pytest.approx(tested, abs=0.05)

    def test_first_batches_are_golden(self, task: Task, length: int) -> None:
        assert golden(task, length) == GOLDEN.get(key(task, length)), "if that is meant: python -m tests.golden"

    def test_lag_is_ordered_and_grows(self, task: Task, length: int) -> None:
        lag = task.lag(length)
        assert 0 <= lag.least <= lag.mean <= lag.most
        assert lag.least > 0 or not decided(task)  # of the present step alone no memory is needed, where that is known
        assert task.lag(2 * length).most > lag.most

    def test_the_shortest_length_works(self, task: Task, length: int) -> None:
        if hasattr(task, "path"):
            return  # the file decides what is shortest: the task's own tests ask
        task.batch(2, task.shortest, stream(0, "train"))
        task.held_out("test", task.shortest, partial(stream, 0))
