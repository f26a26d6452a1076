"""From Python and in a notebook: what stands for a suite, progress in place, interruptions, figures, the example."""

from __future__ import annotations

import asyncio
import html
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import notebooks
import numpy as np
import pytest
from fakes import Fake, at_most
from test_figures import ONE
from test_frames import of, small
from test_report import climbs, paired

import rnnbench
from rnnbench import plot
from rnnbench.errors import UserError
from rnnbench.interrupts import Interrupted
from rnnbench.plan import plan
from rnnbench.plan.ladders import view
from rnnbench.records import Point, Record
from rnnbench.report import charts, inplace, looks
from rnnbench.report.inplace import InPlace
from rnnbench.report.live import display
from rnnbench.report.results import Results
from rnnbench.report.study import Study
from rnnbench.running import executors
from rnnbench.running.executors import Event, Job
from rnnbench.running.listeners import Label
from rnnbench.suite import Suite
from rnnbench.suite.load import shipped

TEXT = """\
rnnbench: 1
name: mine
defaults: {hidden: 4, lr: 0.01, steps: 100}
seeds: {from: 3, count: 2}
architectures: {lstm: {cell: lstm}}
ablate: [{base: lstm, without: [forget_gate]}]
tasks: {adding: {lengths: [5, 10]}}
"""
MAPPING = {
    "name": "mine",
    "defaults": {"hidden": np.int64(4), "lr": 1e-2, "steps": 100},
    "seeds": range(3, 5),
    "architectures": {"lstm": {"cell": "lstm"}},
    "ablate": ({"base": "lstm", "without": ["forget_gate"]},),
    "tasks": {"adding": {"lengths": [5, 10]}},
}


# What stands for a suite


def plain(suite: Suite) -> dict[str, Any]:
    return {key: value for key, value in suite.as_dict().items() if key not in ("path", "text")}


def test_a_dict_a_text_a_path_and_a_suite_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT)
    first, *others = [rnnbench.load(each) for each in (MAPPING, TEXT, path, str(path), rnnbench.load(path))]
    assert first.seeds == (3, 4)
    assert all(plain(other) == plain(first) for other in others)
    assert plain(rnnbench.load("quick")) == plain(rnnbench.load(shipped()["quick"]))


def test_settings_and_seeds_go_over_it() -> None:
    found = rnnbench.load(MAPPING, set={"lr": 1e-5, "optimizer": "adam", "bidirectional": False}, seeds="7..8")
    assert found.overrides == {"lr": 1e-5, "optimizer": "adam", "bidirectional": False}
    assert found.seeds == (7, 8)
    with pytest.raises(UserError, match="give them to load"):
        rnnbench.load(found, seeds=2)


def circle() -> dict[str, Any]:
    whole: dict[str, Any] = dict(MAPPING)
    whole["defaults"] = whole
    return whole


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (MAPPING | {"defaults": {"hiden": 4}}, r"<mapping>:\d+:\d+: defaults.hiden: .*; did you mean 'hidden'\?"),
        (MAPPING | {"defaults": {"optimizer": "1e-3"}}, r"<mapping>:\d+:\d+: defaults.optimizer: got '1e-3', "),
        (MAPPING | {"defaults": {"lr": float("nan")}}, r"<mapping>:\d+:\d+: defaults.lr: got 'NaN', "),
        (MAPPING | {"name": "no\x1b[0m"}, r"<mapping>:\d+:\d+: name: got .*U\+001B"),
        (MAPPING | {"about": object()}, r"<mapping>: got a object; expected what a YAML file can say"),
        (circle(), r"<mapping>: Circular reference detected; expected what a YAML file can say"),
        ({}, r"<mapping>:1:1: architectures: got nothing"),
        (TEXT.replace("lstm}}", "lstn}}"), r"<text>:5:\d+: architectures.lstm.cell: .*; did you mean 'lstm'\?"),
        ("nowhere.yaml", r"nowhere.yaml: got no such file"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_a_fault(source: Any, told: str) -> None:
    with pytest.raises(UserError) as caught:
        rnnbench.load(source)
    assert re.match(told, caught.value.lines[0]), caught.value.lines
    assert not any(c in str(caught.value) for c in "\x1b")


def test_a_notebook_shows_a_fault_without_a_traceback() -> None:
    with pytest.raises(UserError) as caught:
        rnnbench.load(MAPPING | {"seeds": -1})
    shown = caught.value._render_traceback_()
    assert shown[0].startswith("<mapping>:")
    assert shown[-1].endswith("^")


# Running


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[Fake]:
    """Nothing is trained: lengths up to 5 are solved. The executors that were made."""
    made: list[Fake] = []

    def named(name: str, options: object = None) -> Callable[..., Fake]:
        return lambda *_: made.append(Fake(at_most(5))) or made[-1]  # type: ignore[func-returns-value]

    monkeypatch.setattr(executors, "named", named)
    return made


def stopping(after: int, number: signal.Signals) -> type[Fake]:
    """An executor in the midst of which a signal comes, once."""

    class Stopping(Fake):
        struck = False

        def answers(self, worker: int, job: Job) -> Iterator[Event]:
            for event in super().answers(worker, job):
                yield event
                if len(self.asked) >= after and not self.struck:
                    self.struck = True
                    signal.raise_signal(number)

    return Stopping


def state() -> tuple[Any, ...]:
    """What a call must leave as it was."""
    return [signal.getsignal(s) for s in signal.valid_signals()], threading.enumerate()


def test_it_is_quiet_and_leaves_nothing_behind(
    tmp_path: Path, fake: list[Fake], capfd: pytest.CaptureFixture[str]
) -> None:
    before = state()
    found = rnnbench.run(MAPPING, tmp_path)
    assert state() == before
    assert capfd.readouterr() == ("", "")
    assert len(found.runs()) == 8
    assert len(fake[0].asked) == 8
    assert len(rnnbench.run(TEXT, tmp_path, filter="lstm").runs()) == 4
    assert not fake[1].asked


def test_progress_without_a_terminal_is_lines(
    tmp_path: Path, fake: list[Fake], capfd: pytest.CaptureFixture[str]
) -> None:
    rnnbench.run(MAPPING, tmp_path, progress=True)
    rnnbench.run(MAPPING, tmp_path, progress=True)
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert not out
    assert lines[0] == "mine: 8 runs at most"
    assert lines[1].startswith("[1/8] solved    lstm adding 5 seed 3: score")
    assert lines[-2] == "mine: 8 runs trained, 0 known before, 0 pruned"
    assert lines[-1] == "mine: nothing to do: 8 runs known, 0 pruned"


@pytest.mark.parametrize("progress", [False, True])
def test_an_interruption_says_what_is_stored_and_the_same_call_goes_on(
    progress: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: list[Fake]
) -> None:
    interrupted = stopping(3, signal.SIGINT)(at_most(5))
    with monkeypatch.context() as patch:
        patch.setattr(executors, "named", lambda *_: lambda *_: interrupted)
        before = state()
        with pytest.raises(KeyboardInterrupt) as caught:
            rnnbench.run(MAPPING, tmp_path, progress=progress)
        assert state() == before
    stored = len(rnnbench.results(MAPPING, tmp_path).runs())
    assert 3 <= stored < 8
    told = f"mine: {stored} runs trained, 0 known before, 0 pruned, {8 - stored} still missing"
    assert str(caught.value) == f"{told}; the same call goes on from there"
    assert isinstance(caught.value, Interrupted)
    assert caught.value._render_traceback_() == [f"KeyboardInterrupt: {caught.value}"]
    assert len(rnnbench.run(MAPPING, tmp_path, progress=progress).runs()) == 8
    assert len(fake[0].asked) == 8 - stored


def test_another_signal_goes_on_to_whoever_had_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        monkeypatch.setattr(executors, "named", lambda *_: lambda *_: stopping(3, signal.SIGTERM)(at_most(5)))
        assert len(rnnbench.run(MAPPING, tmp_path).runs()) < 8
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_it_runs_in_a_thread_and_while_a_loop_runs(tmp_path: Path, fake: list[Fake]) -> None:
    async def called() -> int:
        return len(rnnbench.run(MAPPING, tmp_path / "called").runs())

    async def awaited() -> int:
        return len((await asyncio.to_thread(rnnbench.run, MAPPING, tmp_path / "awaited")).runs())

    assert asyncio.run(called()) == asyncio.run(awaited()) == 8


# In place


class Shell:
    """What a notebook's display is told."""

    def __init__(self) -> None:
        self.kernel = object()
        self.display_pub = self
        self.shown: list[tuple[dict[str, str], str, bool]] = []

    def publish(self, data: dict[str, str], metadata: Any, transient: dict[str, str], update: bool) -> None:
        self.shown.append((data, transient["display_id"], update))


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    """This process as a notebook's kernel."""
    made = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: made))
    return made


def test_a_notebook_has_one_output_that_ends_as_a_line(tmp_path: Path, fake: list[Fake], shell: Shell) -> None:
    before = state()
    rnnbench.run(MAPPING, tmp_path, progress=True)
    assert state() == before
    assert len({id for _, id, _ in shell.shown}) == 1
    assert [update for _, _, update in shell.shown] == [False] + [True] * (len(shell.shown) - 1)
    assert "0 %" in shell.shown[0][0]["text/plain"]
    assert shell.shown[-1][0]["text/plain"] == "mine: 8 runs trained, 0 known before, 0 pruned"
    rnnbench.run(MAPPING, tmp_path, progress=True)
    last, id, update = shell.shown[-1]
    assert last["text/plain"] == "mine: nothing to do: 8 runs known, 0 pruned"
    assert not update
    assert id != shell.shown[0][1]


def test_it_moves_while_nothing_is_told_and_stops_when_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inplace, "SECONDS", 0.01)
    shell, seen = Shell(), threading.Event()
    publish = shell.publish

    def publishing(*arguments: Any, **named: Any) -> None:
        publish(*arguments, **named)
        if len(shell.shown) > 3:
            seen.set()

    monkeypatch.setattr(shell, "publish", publishing)
    ticks = itertools.count()
    with InPlace(shell, clock=lambda: float(next(ticks))) as shown:
        assert seen.wait(20)
        run = next(plan(rnnbench.load(MAPPING)).runs())
        shown.recorded(Record(run, "crashed", error="<b>no room"), Label("lstm", "<i>adding"))
    count = len(shell.shown)
    data = shell.shown[-1][0]
    assert data["text/plain"] == "crashed   lstm <i>adding 5 seed 3: <b>no room"
    assert html.escape("lstm <i>adding 5 seed 3: <b>no room") in data["text/html"]
    assert "<i>" not in data["text/html"]
    shown.message("one more")
    assert len(shell.shown) == count + 1
    assert shell.shown[-1][0]["text/plain"].endswith("\none more")


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    assert isinstance(display(), InPlace)
    del shell.kernel
    assert not isinstance(display(), InPlace)


# Figures


@pytest.mark.parametrize("name", charts.names())
def test_a_figure_is_the_chart_of_the_page(name: str) -> None:
    lost = ["1", "1", ".1", ".1"]
    suite, found = paired(8, base=["1", "1", "1", ".1"], a=lost, b=lost, both=lost)
    curve = (Point(50, 1.0, 0.5), Point(100, 0.1, 0.99))
    curved = view(plan(suite), {r.id: replace(r, curve=curve) for climb in found for r in climb.records})
    if name in ("tuning", "trials"):  # of a suite that tunes
        with pytest.raises(UserError, match="there is nothing to draw yet"):
            getattr(plot, name)(Results(suite, found, lambda: curved))
        return
    made = getattr(plot, name)(Results(suite, found, lambda: curved))
    drawn_of = curved if name == "curves" else found
    chart = charts.named(name).chart(suite.tasks[0], Study(drawn_of), looks.series(suite.variants), plot.LOOK)
    assert (made.spec, made.title, made.about, made.alt) == (chart.spec, chart.title, chart.about, chart.alt)
    bundle = made._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")
    symbols = re.findall(r'<path [^>]*stroke="#[^>]*>', bundle["image/svg+xml"].partition("role-legend")[2])
    if name == "curves":  # nothing but lines
        assert len(symbols) == len(suite.variants)
        assert all('stroke-width="2"' in symbol for symbol in symbols)
    assert bundle["text/plain"] == made.alt


def test_a_figure_is_saved_as_its_name_says(tmp_path: Path) -> None:
    made = plot.scores(of(ONE, climbs(ONE)), look=looks.COLUMN)
    starts = {name: made.save(tmp_path / name).read_bytes()[:4] for name in ("a.svg", "b.pdf", "c.PNG")}
    assert starts == {"a.svg": b"<svg", "b.pdf": b"%PDF", "c.PNG": b"\x89PNG"}
    with pytest.raises(UserError, match=r"save: got '.*d.jpg', expected a name that ends in .svg, .pdf, .png"):
        made.save(tmp_path / "d.jpg")


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(UserError, match=r"plot.spans: task: got none, expected one of .*; known: adding, counting"):
        plot.spans(small())
    with pytest.raises(UserError, match=r"task: got 'ading', expected one of .*; did you mean 'adding'\?"):
        plot.spans(small(), "ading")
    with pytest.raises(UserError, match=r"plot.curves: adding: there is nothing to draw yet; what it shows: Learning"):
        plot.curves(small(), "adding")
    with pytest.raises(AttributeError, match=r"did you mean 'curves'\?"):
        plot.curve(small(), "adding")
    assert set(charts.names()) <= set(dir(plot))


# The package


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    heavy = {"IPython", "pandas", "scipy", "torch", "vl_convert"}
    code = (
        f"import sys, rnnbench; names = dir(rnnbench); rnnbench.plot.spans; rnnbench.load('quick'); "
        f"print(sorted({heavy} & set(sys.modules)), [n for n in names if n[0] != '_'])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert told.stdout == "[] ['Any', 'TYPE_CHECKING', 'load', 'plot', 'results', 'run']\n"


# The example


def test_the_example_gives_what_it_shows(tmp_path: Path) -> None:
    """By a kernel, every cell in order; bits are the same on every machine, so that what is told is too."""
    committed = notebooks.EXAMPLE.read_text("utf-8")
    made = tmp_path / "made.ipynb"
    done = subprocess.run([sys.executable, "-m", "tests.notebooks", str(made)], cwd=notebooks.EXAMPLE.parent.parent,
                          capture_output=True, text=True, check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert notebooks.outputs(made.read_text("utf-8")) == notebooks.outputs(committed)
    assert len(committed.encode()) < 300_000
    shown = [text for cell in notebooks.outputs(committed) for text in cell]
    assert not any(text.startswith(("stderr", "error")) for text in shown)
