"""Suites: what a file means, and every fault of one at its place, in whole lines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench import __version__
from rnnbench.errors import UserError
from rnnbench.plan import plan
from rnnbench.records import Run
from rnnbench.settings import Settings
from rnnbench.suite import Budgets, Claim, Suite, TaskEntry, Variant
from rnnbench.suite.load import load, loads, shipped
from rnnbench.suite.reader import hints
from rnnbench.suite.resolve import TOP

HEAD = "rnnbench: 1\nname: s\n"
ARCHITECTURES = "architectures: {rnn: {cell: rnn}}\n"
TASKS = "tasks: {copy: {lengths: [5]}}\n"
REST = ARCHITECTURES + TASKS
LSTM = "architectures: {lstm: {cell: lstm}}\n"

FULL = """\
rnnbench: 1
name: long_deps
about: How far back?  # a comment
defaults: {hidden: 32, layers: 1, steps: 3000, optimizer: adam, lr: 1e-2, clip: 1}
seeds: 3
architectures:
  deep: {base: lstm-2, layers: 3, lr: 1}
  rnn: {cell: rnn, activation: relu, lr: 1e-3}
  lstm: {cell: lstm, forget_bias: 1, peepholes: true}
  bilstm: {base: lstm, bidirectional: true}
  lstm-2: {base: lstm, layers: 2, chrono: 40, peepholes: false}
ablate:
  - {base: lstm, without: [input_gate, peepholes, output_activation]}
  - {base: lstm, with: [coupled_gates, chrono, bidirectional]}
  - {base: bilstm, without: [bidirectional]}
tasks:
  copy: {items: 3, alphabet: 8, lengths: [40, 5, 10]}
  copy-hard: {task: copy, items: 10, lengths: [5]}
  adding: {lengths: [10, 20], steps: 1500}
claims:
  - {says: "the LSTM outlasts", that: "span(lstm, adding) >= 2 * span(rnn, adding)"}
prune: false
"""


def suite(text: str, **options: object) -> Suite:
    return loads(text.encode(), "s.yaml", **options)  # type: ignore[arg-type]


def faults(text: str, **options: object) -> list[str]:
    """The lines of a suite's refusal, without the file's name where they start with it."""
    with pytest.raises(UserError) as caught:
        suite(text, **options)
    assert caught.value.code == 2
    return [line.removeprefix("s.yaml:") for line in caught.value.lines]


def ids(text: str) -> set[str]:
    return {run.id for run in plan(suite(text)).runs()}


# What a file means


def test_a_whole_suite() -> None:
    s = suite(FULL)
    lstm = {"cell": "lstm", "peepholes": True}
    assert s.variants == (
        Variant("deep", {"cell": "lstm", "chrono": 40}, {"layers": 3, "lr": 1.0}, "lstm-2", "layers: 3, lr: 1.0"),
        Variant("rnn", {"cell": "rnn", "activation": "relu"}, {"lr": 0.001}),
        Variant("lstm", lstm),
        Variant("bilstm", lstm, {"bidirectional": True}, "lstm", "bidirectional: true"),
        Variant(
            "lstm-2", {"cell": "lstm", "chrono": 40}, {"layers": 2}, "lstm", "chrono: 40, peepholes: false, layers: 2"
        ),
        Variant("lstm-input_gate", lstm | {"input_gate": False}, {}, "lstm", "-input_gate"),
        Variant("lstm-peepholes", {"cell": "lstm"}, {}, "lstm", "-peepholes"),
        Variant("lstm-output_activation", lstm | {"output_activation": "identity"}, {}, "lstm", "-output_activation"),
        Variant("lstm+coupled_gates", lstm | {"coupled_gates": True}, {}, "lstm", "+coupled_gates"),
        Variant("lstm+chrono", lstm | {"chrono": True}, {}, "lstm", "+chrono"),
        Variant("lstm+bidirectional", lstm, {"bidirectional": True}, "lstm", "+bidirectional"),
        Variant("bilstm-bidirectional", lstm, {"bidirectional": False}, "bilstm", "-bidirectional"),
    )
    assert s.tasks == (
        TaskEntry("copy", {"task": "copy", "items": 3}, (5, 10, 40)),
        TaskEntry("copy-hard", {"task": "copy"}, (5,)),
        TaskEntry("adding", {"task": "adding"}, (10, 20), {"steps": 1500}),
    )
    assert s.defaults == {"hidden": 32, "layers": 1, "steps": 3000, "optimizer": "adam", "lr": 0.01, "clip": 1.0}
    assert type(s.defaults["clip"]) is float
    assert s.claims == (Claim("the LSTM outlasts", "span(lstm, adding) >= 2 * span(rnn, adding)", "s.yaml:21:39"),)
    assert (s.name, s.about, s.seeds, s.prune, s.path, s.text) == (
        "long_deps", "How far back?", (0, 1, 2), False, "s.yaml", FULL,
    )  # fmt: skip
    assert s.settings(s.variants[0], s.tasks[2]).lr == 1.0
    assert s.settings(s.variants[0], s.tasks[2]).steps == 1500


LAYERS = """\
rnnbench: 1
name: s
architectures:
  transformer: {layer: transformer, layers: 2, heads: 2, lr: 1e-3}
  rotary: {base: transformer, positions: rotary}
  theirs: {module: a.b.C, args: {bias: true, size: 3, kind: x}, lr: 0.5}
  other: {base: theirs, args: {size: 4, more: [1]}, layers: 2}
  plain: {module: a.D}
  lstm: {cell: lstm, layers: 2, dropout: 0.5}
ablate:
  - {base: transformer, without: [positions]}
  - {base: theirs, without: [bias], with: [attention]}
  - {base: lstm, without: [dropout], with: [residual, layer_norm]}
tasks: {copy: {lengths: [5]}}
"""


def test_layers_modules_and_what_is_around_them() -> None:
    s = suite(LAYERS)
    args = {"bias": True, "size": 3, "kind": "x"}
    theirs, half = {"module": "a.b.C", "args": args}, {"layers": 2, "dropout": 0.5}
    two = {"layers": 2, "lr": 0.001}
    assert s.variants == (
        Variant("transformer", {"layer": "transformer", "heads": 2}, two),
        Variant("rotary", {"layer": "transformer", "heads": 2, "positions": "rotary"}, two, "transformer",
                "positions: rotary"),
        Variant("theirs", theirs, {"lr": 0.5}),
        Variant("other", {"module": "a.b.C", "args": args | {"size": 4, "more": [1]}}, {"lr": 0.5, "layers": 2},
                "theirs", "args.size: 4, args.more: a list, layers: 2"),
        Variant("plain", {"module": "a.D", "args": {}}),
        Variant("lstm", {"cell": "lstm"}, half),
        Variant("transformer-positions", {"layer": "transformer", "heads": 2, "positions": "none"}, two,
                "transformer", "-positions"),
        Variant("theirs-bias", {"module": "a.b.C", "args": args | {"bias": False}}, {"lr": 0.5}, "theirs", "-bias"),
        Variant("theirs+attention", theirs, {"lr": 0.5, "attention": "additive"}, "theirs", "+attention"),
        Variant("lstm-dropout", {"cell": "lstm"}, half | {"dropout": 0.0}, "lstm", "-dropout"),
        Variant("lstm+residual", {"cell": "lstm"}, half | {"residual": True}, "lstm", "+residual"),
        Variant("lstm+layer_norm", {"cell": "lstm"}, half | {"layer_norm": True}, "lstm", "+layer_norm"),
    )  # fmt: skip
    unpaired = [v.name for v in s.variants if not v.paired]
    assert unpaired == ["theirs", "other", "plain", "theirs-bias", "theirs+attention"]
    assert s.unverified == ("module a.b.C", "module a.D")
    assert Suite.from_dict(s.as_dict()) == s
    assert len({run.id for run in plan(s).runs()}) == 12 * 3


PAIRS = """\
rnnbench: 1
name: s
architectures:
  lstm: {cell: lstm, layers: 2}
  theirs: {module: a.b.C, args: {bias: true, gain: true}}
ablate:
  - {base: lstm, without: [forget_gate, output_activation], with: [layer_norm], pairs: true}
  - {base: theirs, without: [bias, gain], pairs: true}
  - {base: lstm, without: [input_gate, output_gate], pairs: false}
tasks: {copy: {lengths: [5]}}
claims: [{says: together, that: "effect(lstm-forget_gate+layer_norm, copy) < effect(forget_gate, copy)"}]
"""


def test_pairs_of_parts() -> None:
    s = suite(PAIRS)
    both = {"forget_gate": False, "output_activation": "identity"}
    two, normed = {"layers": 2}, {"layers": 2, "layer_norm": True}
    assert [v for v in s.variants if v.pair] == [
        Variant("lstm-forget_gate-output_activation", {"cell": "lstm"} | both, two, "lstm",
                "-forget_gate-output_activation", ("lstm-forget_gate", "lstm-output_activation")),
        Variant("lstm-forget_gate+layer_norm", {"cell": "lstm", "forget_gate": False}, normed, "lstm",
                "-forget_gate+layer_norm", ("lstm-forget_gate", "lstm+layer_norm")),
        Variant("lstm-output_activation+layer_norm", {"cell": "lstm", "output_activation": "identity"}, normed, "lstm",
                "-output_activation+layer_norm", ("lstm-output_activation", "lstm+layer_norm")),
        Variant("theirs-bias-gain", {"module": "a.b.C", "args": {"bias": False, "gain": False}}, {}, "theirs",
                "-bias-gain", ("theirs-bias", "theirs-gain")),
    ]  # fmt: skip
    assert [v.name for v in s.variants[2:6]] == [
        "lstm-forget_gate", "lstm-output_activation", "lstm+layer_norm", "lstm-forget_gate-output_activation",
    ]  # fmt: skip
    assert Suite.from_dict(s.as_dict()) == s
    before = {k: v for k, v in s.as_dict()["variants"][0].items() if k != "pair"}  # as a store of older days has it
    assert Suite.from_dict(s.as_dict() | {"variants": [before]}).variants == s.variants[:1]
    alone = PAIRS.partition("claims")[0].replace("pairs: true", "pairs: false")
    joint = {Run(rung, 0).id for ladder in plan(s).ladders if ladder.variant.pair for rung in ladder.rungs}
    assert {run.id for run in plan(s).runs() if run.seed == 0} - ids(alone) == joint


def test_pairs_are_counted_before_they_are_made() -> None:
    args = [f"a{i}" for i in range(101)]
    lines = faults(
        f"{HEAD}architectures: {{x: {{module: a.B, args: {{{': true, '.join(args)}: true}}}}}}\n"
        f"ablate: [{{base: x, pairs: true, without: [{', '.join(args)}]}}]\n{TASKS}"
    )
    assert lines == ["4:27: ablate[0].pairs: got 101 parts to pair, expected 2 to 100 parts"]


def test_a_pair_that_its_settings_rule_out_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from rnnbench.layers.recurrent import Recurrent

    def incompatible(self: Recurrent, settings: Settings) -> str:
        return "residual: not with attention" if settings.residual and settings.attention != "none" else ""

    monkeypatch.setattr(Recurrent, "incompatible", incompatible)
    text = f"{HEAD}{LSTM}ablate: [{{base: lstm, with: [residual, attention, peepholes], pairs: true}}]\n{TASKS}"
    (line,) = faults(text)
    assert line == (
        "4:70: ablate[0].pairs: got the impossible pair 'lstm+residual+attention': residual not with attention, "
        "expected parts that go together; ablate lstm+residual and lstm+attention in entries of their own"
    )


def test_defaults_of_a_suite() -> None:
    s = loads(("rnnbench: 1\n" + REST).encode(), "some/where/quick-2.yaml")
    assert (s.name, s.about, s.seeds, s.prune, s.claims, s.defaults) == ("quick-2", "", (0, 1, 2), True, (), {})


def test_a_setting_that_equals_the_builtin_default_still_beats_the_suites_own() -> None:
    s = suite(HEAD + "defaults: {hidden: 64}\narchitectures: {rnn: {cell: rnn, hidden: 32}}\n" + TASKS)
    assert s.settings(s.variants[0], s.tasks[0]).hidden == 32


@pytest.mark.parametrize(("chrono", "model"), [("true", {"chrono": True}), ("20", {"chrono": 20}), ("false", {})])
def test_chrono_is_a_time_scale_or_the_tasks_own(chrono: str, model: dict[str, object]) -> None:
    s = suite(HEAD + f"architectures: {{lstm: {{cell: lstm, chrono: {chrono}}}}}\n" + TASKS)
    assert s.variants[0].model == {"cell": "lstm"} | model
    assert type(s.variants[0].model.get("chrono", False)) is type(model.get("chrono", False))


SEEDS = [
    ("3", (0, 1, 2)),
    ("[7, 3]", (7, 3)),
    ("{from: 1000, count: 3}", (1000, 1001, 1002)),
    ("1", (0,)),
    ("[0]", (0,)),
]


@pytest.mark.parametrize(("text", "seeds"), SEEDS)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert suite(HEAD + f"seeds: {text}\n" + REST).seeds == seeds


@pytest.mark.parametrize(("text", "seeds"), [("2", (0, 1)), ("1000..1002", (1000, 1001, 1002)), ("5..5", (5,))])
def test_seeds_of_the_command_line(text: str, seeds: tuple[int, ...]) -> None:
    assert suite(HEAD + "seeds: 1000000000\n" + REST, seeds=text).seeds == seeds


def test_set_beats_the_variants_own_settings() -> None:
    s = suite(FULL, overrides=["lr=5", "optimizer=sgd", "bidirectional=true"])
    assert s.overrides == {"lr": 5.0, "optimizer": "sgd", "bidirectional": True}
    assert {s.settings(v, t).lr for v in s.variants for t in s.tasks} == {5.0}


def test_editing_comments_order_and_names_keeps_the_runs() -> None:
    before = ids(FULL)
    assert len(before) == len({run.id for run in plan(suite(FULL)).runs()})
    lines = FULL.splitlines(keepends=True)
    edited = (
        FULL.replace("# a comment", "# another")
        .replace("name: long_deps", "name: other")
        .replace("lr: 1e-2", "lr: .01")
    )
    assert ids(edited.replace("clip: 1}", "clip: 1.0, stop: solved}").replace("forget_bias: 1,", "")) == before
    swapped = [*lines[:7], lines[9], lines[8], lines[7], *lines[10:]]
    assert ids("".join(swapped)) == before
    assert (
        ids(FULL.replace("copy-hard", "hard").replace("  rnn: {", "  plain: {").replace("span(rnn", "span(plain"))
        == before
    )
    assert ids(FULL.replace("items: 3", "items: 4")) != before


# Includes


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, newline="")


COMMON = """\
rnnbench: 1
name: common
about: common
seeds: 5
defaults: {hidden: 8, lr: 0.5}
architectures:
  lstm: {cell: lstm, coupled_gates: true}
  gru: {cell: gru}
ablate: [{base: gru, without: [reset_gate]}]
tasks: {copy: {lengths: [5], items: 3}}
claims: [{says: a, that: 'parameters(lstm) > 1'}]
"""
MAIN = """\
include: common.yaml
rnnbench: 1
defaults: {lr: 0.25}
architectures:
  rnn: {cell: rnn}
  lstm: {cell: lstm}
ablate: [{base: lstm, without: [forget_gate]}]
claims: [{says: c, that: 'parameters(lstm) > 2'}]
"""


def test_include_replaces_entries_whole_and_appends_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, common=COMMON, main=MAIN)
    s = load("main.yaml")
    assert (s.name, s.about, s.seeds, s.text) == ("main", "", (0, 1, 2, 3, 4), MAIN)
    assert s.defaults == {"hidden": 8, "lr": 0.25}
    assert [v.name for v in s.variants] == ["lstm", "gru", "rnn", "gru-reset_gate", "lstm-forget_gate"]
    assert s.variants[0].model == {"cell": "lstm"}
    assert s.tasks == (TaskEntry("copy", {"task": "copy", "items": 3}, (5,)),)
    assert s.claims == (
        Claim("a", "parameters(lstm) > 1", "common.yaml:11:26"),
        Claim("c", "parameters(lstm) > 2", "main.yaml:8:26"),
    )


def test_included_faults_know_their_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    write(
        tmp_path,
        main=MAIN.replace("[forget_gate]", "[forgot_gate, outputgate]").replace("common.yaml", "sub/common.yaml"),
    )
    write(tmp_path / "sub", common=COMMON.replace("reset_gate", "rest_gate").replace("items", "itms"))
    part, key = "expected a part that", "expected a field of copy or a setting"
    assert refusal("main.yaml") == [
        f"main.yaml:7:33: ablate[1].without[0]: got 'forgot_gate', {part} lstm has; did you mean 'forget_gate'?",
        f"main.yaml:7:46: ablate[1].without[1]: got 'outputgate', {part} lstm has; did you mean 'output_gate'?",
        f"sub/common.yaml:9:32: ablate[0].without[0]: got 'rest_gate', {part} gru has; did you mean 'reset_gate'?",
        f"sub/common.yaml:10:30: tasks.copy.itms: got an unknown key, {key}; did you mean 'items'?",
    ]


def refusal(source: str | Path) -> list[str]:
    with pytest.raises(UserError) as caught:
        load(source)
    assert caught.value.code == 2
    return list(caught.value.lines)


@pytest.mark.parametrize(
    ("common", "own", "found"),
    [
        ("more_steps: {times: 4, seeds: 2}", "", Budgets((1, 4), 2)),
        ("more_steps: {times: 4, seeds: 2}", "more_steps: {times: 8}", Budgets((1, 8), 2)),
        ("more_steps: {times: 4, seeds: 2}", "more_steps: false", Budgets()),
        ("more_steps: {times: 4}", "more_steps: false\nbudgets: [1, 2, 4]", Budgets((1, 2, 4))),
        ("budgets: [1, 4]", "", Budgets((1, 4))),
        ("budgets: [1, 4]", "budgets: [1, 8]", Budgets((1, 8))),
        ("budgets: {times: [1, 4], seeds: 2}", "budgets: {times: [1, 8]}", Budgets((1, 8))),
        ("budgets: {times: [1, 4], seeds: 2}", "budgets: [1]", Budgets()),
        ("budgets: {times: [1, 4], tasks: [copy]}", "", Budgets((1, 4), None, ("copy",))),
    ],
)
def test_budgets_are_included_replaced_and_taken_back(tmp_path: Path, common: str, own: str, found: Budgets) -> None:
    write(tmp_path, common=f"{COMMON}{common}\n", main=f"include: common.yaml\nrnnbench: 1\n{own}\n")
    s = load(tmp_path / "main.yaml")
    assert s.budgets == found
    assert Suite.from_dict(s.as_dict()) == s


def test_two_ways_to_one_file_are_fine(tmp_path: Path) -> None:
    write(
        tmp_path, a="include: [b.yaml, c.yaml]\nrnnbench: 1\n", b="include: d.yaml\n", c="include: [d.yaml]\nseeds: 2\n"
    )
    write(tmp_path, d=COMMON)
    assert len(load(tmp_path / "a.yaml").variants) == 3
    assert load(tmp_path / "a.yaml").seeds == (0, 1)


def test_includes_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a="rnnbench: 1\ninclude: [b.yaml, nosuch.yaml, /etc/passwd, 3, .]\n", b="include: a.yaml\n")
    assert refusal("a.yaml") == [
        "a.yaml:2:19: include[1]: got 'nosuch.yaml', expected a suite that can be read: No such file or directory",
        "a.yaml:2:32: include[2]: got '/etc/passwd', expected a path relative to this file",
        "a.yaml:2:45: include[3]: got 3, expected a path or a list of paths",
        "a.yaml:2:48: include[4]: got '.', expected a suite that can be read: Is a directory",
        "b.yaml:1:10: include: got 'a.yaml', expected a file that doesn't lead back here: a.yaml -> b.yaml -> a.yaml",
    ]
    write(tmp_path, a="rnnbench: 1\ninclude: b.yaml\nname: x\nname: y\n", b="rnnbench: 2\n")
    assert refusal("a.yaml") == [
        "a.yaml:4:1: got a second 'name', expected one; the first is at a.yaml:3:1",
        f"b.yaml:1:11: rnnbench: got 2, expected 1, the format version that rnnbench {__version__} reads",
    ]
    write(tmp_path, **{f"n{i}": f"rnnbench: 1\ninclude: n{i + 1}.yaml\n" for i in range(30)})
    assert refusal("n0.yaml") == ["n20.yaml:2:10: include: got 'n21.yaml', expected at most 20 levels of includes"]


# Where suites are


def test_a_suite_that_ships() -> None:
    assert shipped()["quick"].name == "quick.yaml"
    assert load("quick").name == "quick"


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_suite_that_ships_is_valid(name: str) -> None:
    assert plan(load(name)).count > 0


def test_suites_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    want = "expected the path of a suite, or the name of one that ships; "
    assert refusal("quikc") == [f"quikc: got no such file, {want}did you mean 'quick'?"]
    assert refusal("../\x1b[31m\0q")[0].startswith(f"../\\x1b[31m\\x00q: got no such file, {want}")
    (tmp_path / "mine.yaml").touch()
    assert refusal("mine") == [f"mine: got no such file, {want}did you mean 'mine.yaml'?"]
    assert refusal(tmp_path)[0].startswith(f"{tmp_path}: got a folder, {want}")
    assert refusal("q" * 5000)[0].endswith(
        f"...: got no such file, {want}" + refusal("q" * 5000)[0].rpartition("; ")[2]
    )


# Faults

NAMES = "a letter or digit, then up to 99 letters, digits and any of _ . + -"
SETTINGS_KNOWN = ", ".join(sorted(hints(Settings)))


def cases() -> list[Any]:
    """The suites of bad_suites.txt, each with the lines that refuse it: `====` and a topic, the suite, `----`, them."""
    words = {"VERSION": __version__, "SETTINGS": SETTINGS_KNOWN}
    found: list[Any] = []
    for case in re.split(r"^==== ", (Path(__file__).parent / "bad_suites.txt").read_text(), flags=re.MULTILINE)[1:]:
        topic, _, rest = case.partition("\n")
        text, _, lines = rest.partition("----\n")
        lines = re.sub("|".join(words), lambda word: words[word[0]], lines)
        found.append(pytest.param(text, lines.splitlines(), id=f"{topic} {len(found)}"))
    return found


@pytest.mark.parametrize(("text", "expected"), cases())
def test_faults(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


def test_an_empty_suite() -> None:
    assert faults("") == ["1:1: got an empty file, expected a suite"]


HUGE = "1" + "0" * 23
WHOLE = {
    "0": "0", "-1": "-1", "8193": "8193", "true": "true", "'32'": "'32'", "3.0": "3.0", "no": "'no'", "010": "'010'",
    "1:30": "'1:30'", ".nan": "'.nan'", "[32]": "a list", "{}": "an empty mapping", "~": "nothing", HUGE: HUGE,
    "9" * 99: "9" * 57 + "...",
}  # fmt: skip
NUMBERS = {
    "0": "0", "-0.0": "0.0", "101": "101", ".inf": "'.inf'", "1e999": "'1e999'", "false": "false",
    "9" * 99: "9" * 57 + "...",
}  # fmt: skip


@pytest.mark.parametrize("got", WHOLE)
def test_whole_numbers_are_strict(got: str) -> None:
    want = f"3:20: defaults.hidden: got {WHOLE[got]}, expected a whole number from 1 to 8192"
    assert faults(HEAD + f"defaults: {{hidden: {got}}}\n" + REST) == [want]


@pytest.mark.parametrize("got", NUMBERS)
def test_numbers_are_strict(got: str) -> None:
    want = f"3:16: defaults.lr: got {NUMBERS[got]}, expected a number over 0 and at most 100"
    assert faults(HEAD + f"defaults: {{lr: {got}}}\n" + REST) == [want]


def test_faults_of_all_stages_come_at_once_in_order() -> None:
    text = HEAD.replace("s\n", "&a s\nname: s\n") + "defaults: {lr: x}\n" + REST.replace("cell: rnn", "cell: rnm")
    text = text.replace("[5]", "[0]")
    assert faults(text, overrides=["lr=x", "hiddn=3", "clip=1", "clip=2", "lr", "\x1b=1"], seeds="5..1") == [
        "2:7: name: got the anchor '&a', expected none",
        "3:1: got a second 'name', expected one; the first is at s.yaml:2:1",
        "4:16: defaults.lr: got 'x', expected a number over 0 and at most 100",
        "5:29: architectures.rnn.cell: got 'rnm', expected the name of a cell; did you mean 'rnn'?",
        "6:26: tasks.copy.lengths[0]: got 0, expected a length from 1 to 10000000",
        "--seeds 5..1: seeds: got '5..1', expected a number of seeds, FIRST..LAST or INITxDATA",
        "--set lr=x: lr: got 'x', expected a number over 0 and at most 100",
        "--set hiddn=3: hiddn: got an unknown key, expected a setting; did you mean 'hidden'?",
        "--set clip=2: clip: got a second value, expected one `--set` a key",
        "--set lr: got 'lr', expected KEY=VALUE",
        f"--set \\x1b=1: \\x1b: got an unknown key, expected a setting; known: {SETTINGS_KNOWN}",
    ]


@pytest.mark.parametrize(
    "text", ["0", "-1", "x", "", "1..", "..3", "1...3", "3..1", "1..2..3", "1.5", "true", "[1]", "010", "9" * 5000]
)
def test_seeds_of_the_command_line_that_are_none(text: str) -> None:
    (line,) = faults(HEAD + REST, seeds=text)
    assert line.startswith("--seeds ")
    assert "seeds: got " in line


@pytest.mark.parametrize("seeds", ["1000000000", "[0]", "{from: 5, count: 9223372036854775802}"])
def test_a_grid_is_counted_and_not_expanded(seeds: str) -> None:
    lengths = ", ".join(map(str, range(1, 1001)))
    variants = "".join(f"  v{i}: {{cell: rnn}}\n" for i in range(1001))
    text = HEAD + f"seeds: {seeds}\narchitectures:\n{variants}tasks: {{copy: {{lengths: [{lengths}]}}}}\n"
    count = {"1": 10**9, "[": 1, "{": 9223372036854775802}[seeds[0]]
    start = time.process_time()
    factors = f"1001 variants x 1000 lengths x {count} seeds"
    got = f"a grid of {1001000 * count} runs ({factors})"
    assert faults(text) == [f"3:8: seeds: got {got}, expected at most 1000000"]
    assert time.process_time() - start < 1


def test_a_grid_of_the_command_lines_seeds() -> None:
    got = "a grid of 1000001 runs (1 variants x 1 lengths x 1000001 seeds)"
    (line,) = faults(HEAD + "seeds: 1\n" + REST, seeds="0..1000000")
    assert line == f"--seeds 0..1000000: seeds: got {got}, expected at most 1000000"


def test_places_with_a_byte_order_mark_and_windows_line_ends() -> None:
    text = (HEAD + "defaults: {lr: x}\n" + REST).replace("\n", "\r\n").encode()
    for data in (text, b"\xef\xbb\xbf" + text):
        with pytest.raises(UserError) as caught:
            loads(data, "s.yaml")
        assert caught.value.lines == ("s.yaml:3:16: defaults.lr: got 'x', expected a number over 0 and at most 100",)


def test_long_chains_of_bases_do_not_recurse() -> None:
    chain = "".join(f"  a{i}: {{base: a{i - 1}, hidden: {i}}}\n" for i in range(3000, 0, -1))
    s = suite(HEAD + f"architectures:\n{chain}  a0: {{cell: rnn}}\n" + TASKS)
    assert s.variants[0].settings == {"hidden": 3000}


def test_reading_a_suite_imports_neither_torch_nor_pandas_nor_scipy() -> None:
    code = (
        "import sys, time; start = time.process_time()\n"
        "from rnnbench.suite.load import load; load('quick')\n"
        "print([m for m in ('torch', 'pandas', 'scipy', 'numba') if m in sys.modules], time.process_time() - start)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules, seconds = out.rsplit(" ", 1)
    assert modules == "[]"
    assert float(seconds) < 3  # 0.2 on an idle machine


# Fuzz: a suite loads, or is refused in printable lines that begin with a place.

PIECES = [
    b"\t", b"\0", b"\r", b"\xff\xfe", b"\xef\xbb\xbf", b"\x1b[31m", "\u202e\u2028\x85😀".encode(), b"&a ", b"*a",
    b"<<: ", b"!!x ", b"!", b"---\n", b"...\n", b"%YAML 2.0\n", b"? ", b": ", b"- ", b"[", b"]", b"{", b"}", b"'", b'"',
    b"|\n", b">-\n", b"\\U99999999", b"\\x00", b"'\\ud800'", b"~", b"null", b".nan", b"-.inf", b"1e999", b"010", b"0",
    b"-1", b"1" + b"0" * 30, b"9" * 200, b"true", b"no", b"1:30", b"#", b"\n", b"  ", b", ", b"x" * 300, b"[" * 60,
    b"base: lstm", b"cell", b"layer: x", b"include: s.yaml\n", b"include: [../x, a]\n", b"{from: 1, count: 99999999}",
    b"chrono", b"coupled_gates: true, input_gate: false", b"with", b"bidirectional", b"lstm", b"LSTM",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = FULL.encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 5, 20, 100])))
        other = draw(st.integers(0, len(data)))
        piece = draw(
            st.one_of(st.sampled_from(PIECES), st.just(data[other : other + 30]), st.binary(max_size=8), st.just(b""))
        )
        data = data[:start] + piece + data[stop:]
    return data


def refused(data: bytes, **options: object) -> UserError:
    """The refusal of a suite; one without lines if it is a good one."""
    try:
        assert loads(data, "s.yaml", **options).variants  # type: ignore[arg-type]
    except UserError as e:
        return e
    return UserError()


def check(error: UserError, start: str = r"s\.yaml:[1-9][0-9]*:[1-9][0-9]*: .") -> None:
    assert error.code == 2
    for line in error.lines:
        assert re.match(start, line)
        assert line.isprintable()
        assert len(line) < 1000


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_any_damage_is_refused_in_lines(data: bytes) -> None:
    check(refused(data))


KEYS = ["base", "cell", "without", "lengths", "from", "says", "x"]
WORDS = ["lstm", "copy", "1..5"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(TOP[1:]), VALUES))
def test_any_types_are_refused_in_lines(value: dict[str, object]) -> None:
    check(refused(json.dumps({"rnnbench": 1, **value}).encode()))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=3), st.text(max_size=20))
def test_any_options_are_refused_in_lines(overrides: list[str], seeds: str) -> None:
    check(refused((HEAD + REST).encode(), overrides=overrides, seeds=seeds), "--(set|seeds) ")


def test_primary_effects_are_named_by_part_or_by_variant() -> None:
    text = HEAD + LSTM + "ablate: [{base: lstm, without: [forget_gate, input_gate]}]\n"
    s = suite(text + "tasks: {copy: {lengths: [5], primary: [lstm-input_gate, forget_gate]}, qa: {lengths: [5]}}\n")
    assert [task.primary for task in s.tasks] == [("lstm-input_gate", "lstm-forget_gate"), ()]
    assert Suite.from_dict(json.loads(json.dumps(s.as_dict()))) == s
    assert ["primary" in task for task in s.as_dict()["tasks"]] == [
        True,
        False,
    ]  # older versions read what doesn't use it
    plain = suite(text + "tasks: {copy: {lengths: [5]}, qa: {lengths: [5]}}\n")
    assert [run.id for run in plan(plain).runs()] == [run.id for run in plan(s).runs()]


def test_what_a_suite_may_leave_out_may_be_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty list of what a suite adds is as none; what runs are made of needs at least one."""
    monkeypatch.chdir(tmp_path)
    rest = "rnnbench: 1\nname: s\narchitectures: {rnn: {cell: rnn, grid: {hidden: [2, 3]}%s}}\n"
    rest += "tasks: {copy: {lengths: [5]%s}}\n"
    empty = "ablate: []\nclaims: []\ninclude: []\n" + rest % (", skip: []", ", primary: []")
    write(tmp_path, a=rest % ("", ""), b=empty)
    a, b = load("a.yaml"), load("b.yaml")
    assert replace(b, path=a.path, text=a.text) == a
