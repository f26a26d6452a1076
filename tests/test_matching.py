"""Differences as large as their base: what is chosen, held against a search of every width."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench import registry, report
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.records import Rung
from rnnbench.suite import Suite
from rnnbench.suite.load import loads
from rnnbench.suite.matching import nearest

HEAD = "rnnbench: 1\nname: s\n"
TASKS = "tasks: {copy: {items: 2, alphabet: 4, lengths: [5]}, adding: {lengths: [10]}}\n"


def suite(text: str, **options: object) -> Suite:
    return loads(text.encode(), "s.yaml", **options)  # type: ignore[arg-type]


def rungs(made: Suite) -> dict[tuple[str, str], Rung]:
    return {(x.variant.name, x.task.name): x.rungs[0] for x in plan(made).ladders}


COUNTS = {"parameters": registry.parameters, "state": registry.state}


@pytest.mark.parametrize("what", COUNTS)
@pytest.mark.parametrize(
    "entry",
    ["layers: 2", "bidirectional: true", "forget_gate: false", "peepholes: true", "gate_recurrence: true",
     "layers: 3, residual: true, layer_norm: true"],
)  # fmt: skip
def test_the_width_is_the_nearest_of_all(what: str, entry: str) -> None:
    made = suite(f"{HEAD}architectures: {{lstm: {{cell: lstm}}, b: {{base: lstm, {entry}, match: {what}}}}}\n{TASKS}")
    found = rungs(made)
    for task in ("copy", "adding"):
        target = COUNTS[what](found["lstm", task])
        rung = found["b", task]
        others = [Rung(rung.model, rung.task, rung.length, rung.settings | {"hidden": h}) for h in range(1, 100)]
        counts = [COUNTS[what](other) for other in others]
        assert target is not None
        best = min(range(99), key=lambda k: abs((counts[k] or 0) - target))
        assert rung.settings.get("hidden", 32) == best + 1
        assert made.variants[1].fitted[task] == {"hidden": best + 1}


@given(st.integers(1, 400), st.integers(1, 9), st.integers(1, 60))
def test_nearest_is_the_least_of_the_nearest(target: int, step: int, most: int) -> None:
    fits = [k for k in range(1, most + 1) if k % step == 0]
    expected = min(fits, key=lambda k: (abs(k * k // 7 - target), k), default=None)
    assert nearest(lambda k: k * k // 7, target, range(1, most + 1), lambda k: k % step == 0) == expected


@pytest.mark.parametrize("heads", [2, 8])
def test_heads_divide_the_width(heads: int) -> None:
    other = f"{{base: m, heads: {heads}, layers: 2, match: parameters}}"
    made = suite(f"{HEAD}architectures: {{m: {{cell: mlstm, hidden: 64}}, b: {other}}}\n{TASKS}")
    for fitted in made.variants[1].fitted.values():
        assert fitted["hidden"] % heads == 0


def test_another_whole_number_can_be_chosen() -> None:
    made = suite(f"""{HEAD}architectures:
  wide: {{layer: transformer, hidden: 32, feedforward: 8}}
  deep: {{base: wide, layers: 2, match: {{parameters: feedforward}}}}
  again: {{layer: transformer, hidden: 32, layers: 2, feedforward: 3}}
{TASKS}""")
    found = rungs(made)
    for task in ("copy", "adding"):
        target = registry.parameters(found["wide", task])
        rung = found["deep", task]

        def miss(width: int, rung: Rung = rung, target: int = target) -> int:
            return abs(
                registry.parameters(Rung(rung.model | {"feedforward": width}, rung.task, 5, rung.settings)) - target
            )

        assert made.variants[1].fitted[task] == {"feedforward": min(range(1, 65), key=miss)} == {"feedforward": 3}
        assert found["deep", task].id(0) == found["again", task].id(0)
    four = suite(f"""{HEAD}architectures:
  wide: {{layer: transformer, feedforward: 10}}
  deep: {{base: wide, layers: 2, match: {{parameters: feedforward}}}}
  again: {{layer: transformer, layers: 2}}
{TASKS}""")
    assert four.variants[1].fitted["copy"] == {"feedforward": 4}  # the default, of which no id says anything
    assert rungs(four)["deep", "copy"].id(0) == rungs(four)["again", "copy"].id(0)


def test_ids_are_those_of_the_width_written_out_whatever_is_set() -> None:
    text = f"{HEAD}architectures: {{lstm: {{cell: lstm}}}}\n"
    text += "ablate: [{base: lstm, without: [forget_gate], match: parameters}]\n"
    for overrides in ([], ["hidden=16"], ["lr=1e-3"]):
        made = suite(text + TASKS, overrides=overrides)
        name = "lstm-forget_gate.match-parameters"
        assert [v.name for v in made.variants] == ["lstm", name]
        assert made.variants[1].match == {"parameters": "hidden"}
        hidden = made.variants[1].fitted["copy"]["hidden"]
        assert (hidden > 16) if overrides == ["hidden=16"] else (hidden > 32)
        lr = "lr: 1e-3, " * (overrides == ["lr=1e-3"])
        alone = suite(f"{HEAD}architectures: {{b: {{cell: lstm, {lr}forget_gate: false, hidden: {hidden}}}}}\n{TASKS}")
        assert rungs(made)[name, "copy"].id(7) == rungs(alone)["b", "copy"].id(7)
        assert Suite.from_dict(made.as_dict()) == made


def test_at_each_point_of_a_grid_and_inherited() -> None:
    made = suite(f"""{HEAD}architectures:
  lstm: {{cell: lstm, grid: {{hidden: [16, 32]}}}}
  two: {{base: lstm, layers: 2, match: parameters}}
  normed: {{base: two, layer_norm: true}}
  other: {{base: two.hidden-16, hidden: 64}}
ablate: [{{base: lstm, without: [forget_gate, input_gate], pairs: true, match: parameters}}]
{TASKS}""")
    by_name = {v.name: v for v in made.variants}
    for width in (16, 32):
        two = by_name[f"two.hidden-{width}"]
        assert (two.base, two.factors) == (f"lstm.hidden-{width}", {"hidden": width})
        assert two.fitted["copy"]["hidden"] < width
        assert by_name[f"normed.hidden-{width}"].fitted == two.fitted
        both = by_name[f"lstm-forget_gate-input_gate.match-parameters.hidden-{width}"]
        assert both.pair[0] == f"lstm-forget_gate.match-parameters.hidden-{width}"
        assert both.fitted["copy"]["hidden"] > by_name[both.pair[0]].fitted["copy"]["hidden"] > width
    assert made.settings(by_name["other"], made.tasks[0]).hidden == 64


def test_the_report_prints_what_was_chosen_and_by_how_much_it_misses() -> None:
    made = suite(
        f"{HEAD}architectures: {{lstm: {{cell: lstm}}, two: {{base: lstm, layers: 2, match: parameters}}}}\n{TASKS}"
    )
    text = report.render(made, view(plan(made), {}), "table", width=100)
    found = rungs(made)
    count, target = (registry.parameters(found[name, "copy"]) for name in ("two", "lstm"))
    hidden = made.variants[1].fitted["copy"]["hidden"]
    percent = f"{100 * (count - target) / target:+.1f}".replace("-", "−")
    row = ["two", "lstm", "parameters", "hidden", str(hidden), f"{count:,}", f"{target:,}", percent, "%"]
    assert row in [line.split() for line in text.splitlines()]
    assert "copy: matched" in text


def test_matching_imports_no_torch() -> None:
    text = f"{HEAD}architectures: {{lstm: {{cell: lstm}}, two: {{base: lstm, layers: 2, match: parameters}}}}\n{TASKS}"
    code = (
        f"import sys; from rnnbench.suite.load import loads; loads({text.encode()!r}, 's.yaml')\n"
        "print([m for m in ('torch', 'pandas', 'scipy', 'numba') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
