"""Foreign modules: what is found out about them, that they train as torch's own, and that neighbours notice nothing."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from rnnbench import registry
from rnnbench.errors import UserError
from rnnbench.foreign import digest, named
from rnnbench.layers import module as foreign
from rnnbench.layers.probe import Probed
from rnnbench.records import Record, Run, Rung, canonical
from rnnbench.rng import stream
from rnnbench.tasks import SIZES
from rnnbench.training import trainer as training
from rnnbench.training.checkpoint import Checkpoint
from rnnbench.training.fingerprint import fingerprint
from rnnbench.training.model import Model
from rnnbench.training.trainer import Trainer

if TYPE_CHECKING:
    from conftest import Cli

ODD = '''
import numpy as np
import torch
from torch import nn

class Plain(nn.Module):
    """Time first, output and state, sizes by keyword; numbers of every shape, one of them tied, one frozen."""
    def __init__(self, input_size, hidden_size, gain=True):
        super().__init__()
        self.W = nn.Parameter(torch.randn(1, input_size, hidden_size))
        self.U = nn.Linear(hidden_size, hidden_size)
        self.again = self.U
        self.scale = nn.Parameter(torch.tensor(1.0)) if gain else 1.0
        self.frozen = nn.Parameter(torch.randn(hidden_size), requires_grad=False)
    def forward(self, xs):
        h, ys = 0, []
        for x in xs:
            h = torch.tanh(x @ self.W[0] + self.again(h + self.frozen)) * self.scale
            ys.append(h)
        return torch.stack(ys), h

class BatchFirst(Plain):
    """Batch first without saying so, the output alone, sizes by place under other names, twice as wide."""
    def __init__(self, n_in, num_units):
        super().__init__(n_in, num_units)
    def forward(self, xs):
        ys = super().forward(xs.transpose(0, 1))[0].transpose(0, 1)
        return torch.cat([ys, ys], -1)

class Lying(Plain):
    batch_first = True

class Alone(nn.Module):
    """Nothing is carried along: only the attribute tells."""
    batch_first = True
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W = nn.Linear(input_size, hidden_size)
    def forward(self, xs):
        return self.W(xs), None

class Running(Plain):
    """Running means that training changes, and noise."""
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.norm, self.drop = nn.BatchNorm1d(hidden_size), nn.Dropout(0.5)
    def forward(self, xs):
        ys = super().forward(xs)[0]
        return self.drop(self.norm(ys.flatten(0, 1)).reshape(ys.shape))

class Ahead(Plain):
    def forward(self, xs):
        return super().forward(xs.flip(0))[0].flip(0)

class Remembers(Plain):
    last = 0
    def forward(self, xs):
        self.last = super().forward(xs)[0] + self.last
        return self.last

class Mixes(Plain):
    def forward(self, xs):
        ys = super().forward(xs)[0]
        return ys + ys.mean(1, keepdim=True)

class Elsewhere(Plain):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.W.data += float(np.random.default_rng().random())

class Flat(Plain):
    def forward(self, xs):
        return super().forward(xs)[1]

class Empty(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()

class Dictionary(Plain):
    def forward(self, xs):
        return {"ys": xs}

class Invalid(Plain):
    def forward(self, xs):
        return torch.log(super().forward(xs)[0])

class Detached(Plain):
    def forward(self, xs):
        return super().forward(xs)[0].detach()

class Half(Plain):
    def forward(self, xs):
        return super().forward(xs)[0].half()

class Complex(Plain):
    def forward(self, xs):
        return super().forward(xs)[0] + 0j

class Other(Plain):
    """Neither of its first two is a size by name: another model, of 7 units."""
    def __init__(self, dim, factor, hidden=7):
        super().__init__(dim, hidden)

class Inner(Plain):
    """By place the hidden size would be the output's."""
    def __init__(self, input_size, output_size, hidden=7):
        super().__init__(input_size, hidden)

class Swallows(Plain):
    def __init__(self, units=7, **ignored):
        super().__init__(2, units)

class Passes(Plain):
    def __init__(self, **options):
        super().__init__(**options)

class Breaks(Plain):
    def forward(self, xs):
        raise RuntimeError("not\\n  today")

ODD = 'text'

def factory(input_size, hidden_size, count=1):
    return Plain(input_size, hidden_size)

def nothing(input_size, hidden_size):
    return 3
'''
SMALL = {"hidden": 5, "batch": 3, "steps": 45, "stop": "never"}
TRAINED: list[tuple[str, dict[str, Any]]] = [
    ("odd.Plain", {}), ("odd.Plain", {"gain": False}), ("odd.BatchFirst", {}), ("odd.Lying", {}), ("odd.Alone", {}),
    ("odd.Running", {}), ("odd.factory", {"count": 3}), ("torch.nn.GRU", {"num_layers": 2, "dropout": 0.5}),
    ("torch.nn.RNN", {"batch_first": True, "nonlinearity": "relu"}), ("torch.nn.LSTM", {"bias": False}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The module `odd`, and few held-out examples."""
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "odd", raising=False)
    monkeypatch.setitem(SIZES, "select", 100)
    monkeypatch.setitem(SIZES, "test", 300)
    (tmp_path / "layered").mkdir()
    (tmp_path / "layered/__init__.py").write_text("from layered.Outer import Outer\n")
    (tmp_path / "layered/Outer.py").write_text(ODD + "\nclass Outer(Plain):\n    Inner = Running\n")
    (tmp_path / "layered/cells.py").write_text("from layered.Outer import Plain\nclass Inner(Plain): pass\n")
    (tmp_path / "layered/broken.py").write_text("import nosuch.thing\n")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("odd", "layered")]:
        sys.modules.pop(name)


def run(module: str, args: dict[str, Any], seed: int = 0, task: str = "adding", **settings: Any) -> Run:
    return Run(Rung({"module": module, "args": args}, {"task": task}, 6, SMALL | settings), seed)


def records(runs: list[Run], **options: Any) -> dict[str, Record]:
    return {e.id: e for e in Trainer().train(runs, **options) if isinstance(e, Record)}


@pytest.mark.parametrize(("module", "args"), TRAINED, ids=str)
def test_a_run_has_the_same_bits_beside_others_and_resumed(
    module: str, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LOOK", 20)
    runs = [run(module, args, seed, layers=2, bidirectional=True, dropout=0.1) for seed in range(2)]
    before = torch.get_rng_state()
    together = {id: canonical(r.results()) for id, r in records(runs).items()}
    assert torch.equal(before, torch.get_rng_state())
    assert len(set(together.values())) == 2
    torch.rand(3)
    alone = records([runs[1]])[runs[1].id]
    assert canonical(alone.results()) == together[runs[1].id]
    assert alone.numerics.startswith("solo")
    assert alone.curve[-1].loss is not None
    calls = iter(range(100))
    saved = [
        e
        for e in Trainer().train([runs[1]], stop=lambda: next(calls) >= 23)
        if isinstance(e, Checkpoint)
    ]  # fmt: skip
    raw = {c.run_id: Checkpoint.from_bytes(c.to_bytes()) for c in saved}
    assert raw[runs[1].id].state["step"] == 24
    assert canonical(records([runs[1]], checkpoints=raw)[runs[1].id].results()) == together[runs[1].id]


def test_what_is_found_out() -> None:
    def built(module: str, **args: Any) -> Probed:
        layer = foreign.Foreign(module, args)
        layer.shapes(3, 4, True, True)
        return layer._built[3]

    for module, batch_first, width in [
        ("odd.Plain", False, 4), ("odd.BatchFirst", True, 8), ("odd.Lying", False, 4), ("odd.Alone", True, 4),
    ]:  # fmt: skip
        found = built(module)
        assert (found.batch_first, found.width, found.looks_ahead) == (batch_first, width, False), module
    assert built("odd.Ahead").looks_ahead
    both = built("torch.nn.LSTM", bidirectional=True, batch_first=True)
    assert (both.batch_first, both.width, both.looks_ahead) == (True, 8, True)
    assert built("odd.Plain").kept == {"frozen"}
    assert "norm.running_mean" in built("odd.Running").kept
    assert "norm.num_batches_tracked" not in built("odd.Running").shapes


def test_only_what_is_trained_is_counted_and_changed() -> None:
    r = run("odd.Running", {}, steps=30).rung
    model = Model.of(r)
    start = model.init(4)
    views = model.views(torch.from_numpy(start))
    trained = {n: v for n, v in views.items() if "running" not in n and "frozen" not in n}
    assert model.parameters == sum(v.numel() for v in trained.values())
    calls = iter(range(100))
    (saved,) = (e for e in Trainer().train([Run(r, 4)], stop=lambda: next(calls) >= 9) if isinstance(e, Checkpoint))
    after = model.views(torch.from_numpy(saved.arrays["flat"]))
    same = {n for n, v in views.items() if torch.equal(v, after[n])}
    assert same == {"0/forward/frozen"}
    assert not torch.equal(views["0/forward/frozen"], model.views(torch.from_numpy(model.init(5)))["0/forward/frozen"])


REFUSED = {
    "odd.Remembers": "answers differently the second time: it keeps a state between calls",
    "odd.Mixes": "mixes the examples of a batch",
    "odd.Elsewhere": "starts differently from one seed: it draws from a generator of its own",
    "odd.Flat": r"got an output \(3, 5\), one step alone, expected \(5, 3, width\)",
    "odd.Empty": "has no parameter to train",
    "odd.Dictionary": "got an output of dict of ys, expected a tensor, or it and a state; next: name a function",
    "odd.Breaks": r"failed on an input \(5, 3, 2\): RuntimeError: not today",
    "odd.nothing": "got a int, expected a torch.nn.Module",
    "odd.Invalid": "gives NaN at its start",
    "odd.Detached": "its output is cut off from its parameters: they can't be trained",
    "odd.Complex": r"got an output of torch.complex64, expected real numbers",
    "odd.Other": r"got parameters \(dim, factor, hidden=7\), expected a size of the input and a hidden size first .*; "
    "next: name a function of input_size and hidden_size that makes it",
    "odd.Inner": r"got parameters \(input_size, output_size, hidden=7\), expected",
    "odd.Swallows": "takes any keyword, and hidden_size changes nothing of its parameters",
    "odd.ODD": "got a str, expected a torch.nn.Module",
    "torch.nn": "got a module of Python, expected a torch.nn.Module by its dotted name",
    "layered.cells": "got a module of Python, expected a torch.nn.Module such as layered.cells.Inner",
    "odd.Nowhere": "can't be imported: AttributeError",
    "nosuch.Nowhere": "can't be imported: ModuleNotFoundError: No module named 'nosuch'",
}


@pytest.mark.parametrize("module", REFUSED)
def test_what_cannot_be_trained_is_told_in_one_line(module: str) -> None:
    with pytest.raises(UserError, match=f"^module {module}: {REFUSED[module]}") as caught:
        records([run(module, {})])
    assert len(str(caught.value).splitlines()) == 1


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(UserError, match=r"can't be made with 2, 5, \{'gian': False\}: TypeError: .*'gian'"):
        records([run("odd.Plain", {"gian": False})])


def test_looking_ahead_is_refused_where_answers_are_given_while_reading() -> None:
    for module, args in (("odd.Ahead", {}), ("torch.nn.GRU", {"bidirectional": True})):
        assert records([run(module, args, task="copy")])
        with pytest.raises(UserError, match="sees later steps, on a task that answers while it reads"):
            records([run(module, args, task="counting")])
    assert records([run("torch.nn.GRU", {}, task="counting")])


def test_looking_ahead_is_refused_where_there_is_one_answer() -> None:
    """Of its backward half the last step has read one step, and trains nothing of it."""
    for module, args in (("odd.Ahead", {}), ("torch.nn.GRU", {"bidirectional": True})):
        with pytest.raises(
            UserError, match=r"sees later steps, on a task with one answer: .*; next: the setting `bidi"
        ):
            records([run(module, args, task="adding")])
        assert records([run("torch.nn.GRU", {}, task="adding", bidirectional=True)])


def test_sizes_go_by_place_only_where_names_say_that_they_are_sizes() -> None:
    for names in ("n_in, n_hid", "in_features, out_features", "input_dim, hidden_dim", "inputSize, hiddenSize",
                  "in_channels, out_channels", "input_size, units", "d_input, d_hidden", "ninp, nhid"):  # fmt: skip
        first, second = (name.strip().lower().replace("_", "") for name in names.split(","))
        assert foreign.INPUT.fullmatch(first), names
        assert foreign.HIDDEN.fullmatch(second), names
    for name in (
        "dim",
        "width",
        "size",
        "state",
        "cell",
        "input",
        "out",
        "expansion",
        "config",
        "bias",
        "heads",
        "depth",
    ):
        assert not foreign.INPUT.fullmatch(name), name
        assert not foreign.HIDDEN.fullmatch(name), name
    assert records([run("odd.Passes", {})])
    assert records([run("odd.Half", {})])
    assert records([run("odd.Inner", {"hidden": 5})])  # what is given is no guess


def test_a_dotted_name_means_what_it_means_to_python() -> None:
    outer = named("layered.Outer")  # the class that the package imports, not the submodule of its name
    assert outer.__name__ == "Outer"
    assert named("layered.Outer.Outer") is outer
    assert named("layered.Outer.Plain.forward").__name__ == "forward"
    assert named("layered.cells.Inner").__name__ == "Inner"  # a submodule that its parent doesn't import
    assert records([run("layered.Outer", {}), run("layered.cells.Inner", {})])
    with pytest.raises(ModuleNotFoundError, match="No module named 'nosuch'"):
        named("layered.broken.Thing")
    with pytest.raises(AttributeError, match="'layered' has no attribute 'Nothing'"):
        named("layered.Nothing")


SELFISH = """
import torch
torch.set_default_dtype(torch.float64)
torch.set_num_threads(2)
torch.set_float32_matmul_precision("medium")
torch.use_deterministic_algorithms(True, warn_only=True)
torch.set_grad_enabled(False)
torch.set_flush_denormal(True)
"""


@pytest.mark.parametrize("where", ["import", "start", "step"])
def test_what_a_module_does_to_torch_does_not_reach_its_neighbours(where: str, tmp_path: Path) -> None:
    def settings() -> list[object]:
        return [
            torch.get_default_dtype(), torch.get_num_threads(), torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(), torch.is_grad_enabled(), sys.float_info.min * 0.5,
        ]  # fmt: skip

    before = settings()
    ours = [Run(Rung({"cell": "mgu"}, {"task": "copy"}, 4, SMALL | {"steps": 20}), 0)]
    alone = [canonical(r.results()) for r in records(ours).values()]
    body = SELFISH.strip().replace("\n", "\n        ")
    text = (
        ODD
        + {
            "import": SELFISH + "class Selfish(Plain): pass\n",
            "start": f"class Selfish(Plain):\n    def __init__(self, input_size, hidden_size):\n        {body}\n"
            "        super().__init__(input_size, hidden_size)\n",
            "step": "class Selfish(Plain):\n    def forward(self, xs):\n        ys = super().forward(xs)[0]\n"
            f"        {body}\n        return ys\n",
        }[where]
    )
    (tmp_path / "odd.py").write_text(text)
    try:
        (theirs,) = records([run("odd.Selfish", {}, steps=20)]).values()
        assert theirs.finished
        assert settings() == before
        assert [canonical(r.results()) for r in records(ours).values()] == alone
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_num_threads(1)
        torch.set_float32_matmul_precision("highest")
        torch.use_deterministic_algorithms(False)
        torch.set_grad_enabled(True)
        torch.set_flush_denormal(False)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_torchs_own_train_as_in_a_loop_of_torchs_own(kind: str) -> None:
    r = run(f"torch.nn.{kind}", {}, seed=3, steps=40, hidden=7)
    model = Model.of(r.rung)
    start = {n: v.clone() for n, v in model.views(torch.from_numpy(model.init(3))).items()}
    theirs = getattr(torch.nn, kind)(2, 7)
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            p.copy_(start[f"0/forward/{name}"].reshape(p.shape))
    W, b = (torch.nn.Parameter(start[f"readout/{name}"]) for name in "Wb")
    everything = [*theirs.parameters(), W, b]
    adam = torch.optim.Adam(everything, lr=1e-2)
    losses = []
    for step in range(1, 41):
        batch = model.task.batch(3, 6, stream(3, "train", step))
        ys = theirs(torch.from_numpy(batch.xs))[0][-1] @ W + b
        loss = (ys - torch.from_numpy(batch.ys[0])).square().mean()
        losses.append(loss.item())
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(everything, 1.0)
        adam.step()
    (record,) = records([r]).values()
    assert record.curve[-1].loss == pytest.approx(sum(losses) / 40, rel=1e-4)


def test_a_cell_of_ours_and_torchs_module_agree() -> None:
    """Given the same numbers, `cell: rnn` and `module: torch.nn.RNN` are one function."""
    ours, theirs = registry.layer({"cell": "rnn"}), foreign.Foreign("torch.nn.RNN", {"bias": False})
    shapes = theirs.shapes(3, 4, True, True)
    p = {n: torch.from_numpy(v) for n, v in theirs.init(shapes, partial(stream, 1), tokens=False).items()}
    xs = torch.from_numpy(stream(1, "xs").normal((5, 2, 3)))
    q = {"W": p["weight_ih_l0"].T, "U": p["weight_hh_l0"].T, "b": torch.zeros(1, 4)}
    torch.testing.assert_close(theirs.scan(p, xs, causal=True), ours.scan(q, xs, causal=True))


def test_its_fingerprint_is_its_source_and_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def current(module: str) -> str:
        digest.cache_clear()
        return fingerprint(run(module, {}).rung, fused=False)

    before = current("odd.Plain")
    assert before == current("odd.Plain") == current("odd.Lying")
    (tmp_path / "odd.py").write_text(ODD.replace("tanh", "relu"))
    assert current("odd.Plain") != before
    lstm = current("torch.nn.LSTM")
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0")
    assert current("torch.nn.LSTM") != lstm
    assert current("nosuch.Thing")
    before = current("layered.Outer")  # a class that the package has from elsewhere: any file of it may decide
    (tmp_path / "layered/more.py").write_text("x = 1\n")
    assert current("layered.Outer") != before
    (tmp_path / "odd.py").write_text("from beside import x\n" + ODD)
    before = current("odd.Plain")
    (tmp_path / "beside.py").write_text("x = 1\n")
    assert current("odd.Plain") != before


SUITE = """\
rnnbench: 1
name: mine
seeds: 1
defaults: {hidden: 4, batch: 2, steps: 20, stop: never}
architectures:
  theirs: {module: odd.Plain, args: {gain: true}}
  wider: {base: theirs, hidden: 6}
  broken: {module: nosuch.Thing}
ablate: [{base: theirs, without: [gain]}]
tasks: {adding: {lengths: [4]}}
"""


def test_a_suite_is_validated_without_importing_and_run_where_it_stands(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE)
    (tmp_path / "odd.py").write_text(ODD + "open('imported', 'w').close()\n")
    told = cli("validate", "suite.yaml", "--no-import")
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[1:] == ["unverified: module odd.Plain", "unverified: module nosuch.Thing"]
    assert not (tmp_path / "imported").exists()
    ran = cli("run", "suite.yaml")
    assert ran.returncode == 1
    assert "module nosuch.Thing: can't be imported: ModuleNotFoundError: No module named 'nosuch'" in ran.stderr
    assert (tmp_path / "imported").exists()
    rows = cli("export", "suite.yaml", "--format", "csv").stdout
    assert (rows.count("unsolved"), rows.count("failed")) == (3, 1), rows
    assert "stale" not in cli("report", "suite.yaml").stdout
    (tmp_path / "odd.py").write_text(ODD + "more = 1\n")
    assert "3 of 4 records are stale" in cli("report", "suite.yaml").stdout


@pytest.mark.peers
def test_every_layer_of_torchrecurrent_trains(capsys: pytest.CaptureFixture[str]) -> None:
    """A few steps of each; those that can't are known by name."""
    reason = "NOT TESTED: torchrecurrent is not installed; pip install '.[peers]'"
    theirs = pytest.importorskip("torchrecurrent", reason=reason)
    names = [name for name in theirs.__all__ if not name.endswith("Cell")]
    failed: dict[str, str] = {}
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                (record,) = records([run(f"torchrecurrent.{name}", {}, steps=5)]).values()
            if record.status == "diverged":
                failed[name] = "diverged"
        except UserError as e:
            failed[name] = str(e)
    with capsys.disabled():
        print(f"\ntorchrecurrent: {len(names) - len(failed)} of {len(names)} layers train; not: {failed or 'none'}")
    assert len(names) >= 30
    assert set(failed) <= {"IntersectionRNN"}  # it needs an input as wide as its state
