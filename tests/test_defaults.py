"""What a suite leaves out: defaults are frozen, and one that changes makes every record stale that was made with it."""

from __future__ import annotations

import ast
import dataclasses
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnbench import api, records, registry, tasks
from rnnbench.records import Record, Run, Rung
from rnnbench.settings import LOOK, Settings
from rnnbench.training import fingerprint, optimiser, trainer

ROOT = Path(__file__).parent.parent
GOLDEN = "tests/golden/defaults.json"
MEANT = """\
{name}: {what}. A default that changes turns the runs of every suite that leaves it out into others, under the ids that
they had. If that is meant: say so in CHANGELOG.md, under `Makes stale:`; write this file with `python -m tests.golden`;
run the suites that have a baseline and write those with `rnnbench baseline SUITE --update`. If it isn't: a new part is
a new field, whose default is what was there before."""


def defaults(cls: type) -> dict[str, Any]:
    """What a dataclass's fields are where nothing is said; a field without a default is missing."""
    return {
        f.name: "(must be given)" if f.default is dataclasses.MISSING else f.default for f in dataclasses.fields(cls)
    }


def frozen() -> dict[str, dict[str, Any]]:
    """Everything that a suite may leave out, and the numbers that decide a result and can't be given."""
    found = {"settings": defaults(Settings)}
    found |= {f"cell {name}": defaults(registry.cell_class(name)) for name in registry.names("cells")}
    found |= {f"layer {name}": defaults(registry.layer_class(name)) for name in registry.names("layers")}
    for name in registry.names("tasks"):
        cls = registry.task_class(name)
        found[f"task {name}"] = defaults(cls) | {"(bar)": cls.bar, "(causal)": cls.causal, "(shortest)": cls.shortest}
    found["held-out examples"] = {"select": tasks.SIZES["select"], "test": tasks.SIZES["test"]}
    found["looks"] = {"LOOK": LOOK, "LISTEN": trainer.LISTEN, "SLACK": trainer.SLACK}
    found["optimisers"] = {name: getattr(optimiser, name) for name in ("BETA1", "BETA2", "ALPHA", "EPSILON")}
    return found


def golden_files() -> dict[str, str]:
    """For a default that is meant to change, and for what is new: `python -m tests.golden`."""
    return {GOLDEN: json.dumps(frozen(), indent=1, sort_keys=True) + "\n"}


def test_no_default_changed_by_accident() -> None:
    was, now = json.loads((ROOT / GOLDEN).read_text("utf-8")), json.loads(json.dumps(frozen()))
    for name in sorted({*was, *now}):
        old, new = was.get(name, {}), now.get(name, {})
        for key in sorted({*old, *new}):
            if key not in old or key not in new or old[key] != new[key] or type(old[key]) is not type(new[key]):
                what = f"{key} is {new.get(key, 'gone')!r}, was {old.get(key, 'not there')!r}"
                pytest.fail(MEANT.format(name=name, what=what), pytrace=False)


# A model, and files whose change makes its record stale: (file, what stands there, what is planted).
LSTM, TRANSFORMER, LRU = {"cell": "lstm"}, {"layer": "transformer"}, {"cell": "lru"}
CHANGES = [
    (LSTM, "settings.py", '"sgd"] = "adam"', '"sgd"] = "sgd"'),
    (LSTM, "settings.py", "] = 1.0  #", "] = 1e-4  #"),
    (TRANSFORMER, "settings.py", "] = 1e-2  #", "] = 1e-3  #"),
    (LSTM, "cells/lstm.py", "forget_bias", "forget_bias_"),
    (LSTM, "cells/__init__.py", "0.5", "0.6"),
    (TRANSFORMER, "layers/transformer.py", "= 4\n", "= 2\n"),
    (LSTM, "tasks/copy.py", "items: Annotated", "item: Annotated"),
    (LSTM, "tasks/_split.py", "SHARE = 8", "SHARE = 9"),
    (LSTM, "tasks/__init__.py", '"test": 2048', '"test": 1024'),
    (LSTM, "settings.py", "LOOK = 100", "LOOK = 50"),
    (LSTM, "training/optimiser.py", "0.999", "0.99"),
    (LSTM, "rng.py", "count + 1", "count + 2"),
    (LSTM, "kernels/backward.py", "def ", "def _"),
    (LSTM, "kernels/vector.py", "WIDTH", "WIDE"),
    (TRANSFORMER, "kernels/vector.py", "WIDTH", "WIDE"),
    (TRANSFORMER, "kernels/selfattention.py", "QUERIES, KEYS = 8", "QUERIES, KEYS = 9"),
    (TRANSFORMER, "kernels/lanewise.py", "1e-5", "1e-6"),
    (TRANSFORMER, "kernels/panels.py", "def ", "def _"),
    (TRANSFORMER, "kernels/compile.py", '"numpy"', '"python"'),
    (TRANSFORMER, "layers/attention.py", "softmax", "softmin"),
    (LSTM, "kernels/attention.py", "def ", "def _"),
    (LSTM, "layers/conv.py", "-0.5", "-0.4"),
    (LSTM, "kernels/conv.py", "def ", "def _"),
    ({"cell": "deltanet"}, "cells/decay.py", "15", "16"),
    ({"cell": "esn"}, "cells/matrices.py", "SQUARINGS = 20", "SQUARINGS = 19"),
    (LSTM, "cells/rotation.py", "SQUARINGS, TERMS = 6", "SQUARINGS, TERMS = 7"),
    (LRU, "cells/lru.py", "theta", "beta"),
]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, str], None]]:
    """Lets fingerprints be taken of a copy of the package, in which something is changed."""
    copy = Path(
        shutil.copytree(fingerprint.PACKAGE, tmp_path / "rnnbench", ignore=shutil.ignore_patterns("__pycache__"))
    )
    cached = [f for f in vars(fingerprint).values() if hasattr(f, "cache_clear") and f.__name__ in ("_of", "_of_file")]

    def change(file: str, old: str, new: str) -> None:
        text = (copy / file).read_text("utf-8")
        assert old in text, f"{file} has no {old!r}: plant it anew"
        (copy / file).write_text(text.replace(old, new), "utf-8")
        ast.parse((copy / file).read_text("utf-8"))
        monkeypatch.setattr(fingerprint, "PACKAGE", copy)
        for each in cached:
            each.cache_clear()

    yield change
    for each in cached:
        each.cache_clear()


def record(model: dict[str, Any], task: str = "copy", **settings: Any) -> Record:
    run = Run(Rung(model, {"task": task}, 4, settings), 0)
    here = trainer.Trainer()
    return Record(run, "solved", 1.0, numerics=here.numerics(run), fingerprint=here.fingerprint(run))


@pytest.mark.parametrize(("model", "file", "old", "new"), CHANGES, ids=lambda x: x if isinstance(x, str) else None)
def test_what_decides_a_result_makes_it_stale(
    model: dict[str, Any], file: str, old: str, new: str, elsewhere: Callable[[str, str, str], None]
) -> None:
    around = {"attention": "dot"} if "attention" in file else {"conv": 3} if "conv" in file else {}
    made = record(model, **around)
    assert not api.is_stale(made)
    elsewhere(file, old, new)
    assert api.is_stale(made)


def test_every_kernel_is_in_the_fingerprint_of_a_fused_run() -> None:
    there = {f"kernels/{path.name}" for path in (fingerprint.PACKAGE / "kernels").glob("[a-z]*.py")}
    sources = {name for each in (LSTM, TRANSFORMER) for name in registry.layer(each).sources(True)}
    assert there <= {*fingerprint.SHARED, *fingerprint.AROUND, *fingerprint.ATTENTION, *fingerprint.CONV, *sources}


def test_what_another_run_goes_through_makes_nothing_stale(elsewhere: Callable[[str, str, str], None]) -> None:
    made = record(LSTM)
    for file, old, new in (
        ("cells/gru.py", "def ", "def _"), ("tasks/adding.py", "def ", "def _"), ("store/rows.py", "def ", "def _"),
        ("layers/transformer.py", "= 4\n", "= 2\n"), ("kernels/conv.py", "def ", "def _"),
        ("settings.py", "How a model is built", "Of what a model is"),
    ):  # fmt: skip
        elsewhere(file, old, new)
    assert not api.is_stale(made)


def test_a_module_of_tasks_counts_where_it_is_imported_and_nowhere_else(
    elsewhere: Callable[[str, str, str], None],
) -> None:
    """So a task that comes with a module of its own makes no record stale; five have always counted everywhere."""
    copy, group = record(LSTM), record(LSTM, "group")
    elsewhere("tasks/_groups.py", "LARGEST = 1000", "LARGEST = 999")
    assert api.is_stale(group)
    assert not api.is_stale(copy)
    made = record(LSTM, "group")
    elsewhere("tasks/_apart.py", "LEAST = 100", "LEAST = 99")  # by way of the class that group is made from
    assert api.is_stale(made)
    assert not api.is_stale(copy)


def test_ids_hold_only_what_differs_from_a_default() -> None:
    assert records.given(Settings()) == {}
    assert records.given(Settings(optimizer="sgd", clip=1.0)) == {"optimizer": "sgd"}
