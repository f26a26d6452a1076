"""The live display at several sizes, and the log lines that stand in for it."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import replace

import ladders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ladders import STATUS
from rich.cells import cell_len
from rich.console import Console

from rnnbench.plan import Plan, cost, plan
from rnnbench.plan.ladders import view
from rnnbench.records import Point, Record, Run, Rung, Status
from rnnbench.report.events import EventLines
from rnnbench.report.inplace import InPlace
from rnnbench.report.live import Display, display
from rnnbench.report.log import LogLines
from rnnbench.report.pace import Pace
from rnnbench.report.progress import sparkline
from rnnbench.running.listeners import Label, Listener, Several, Silent
from rnnbench.suite import Budgets, Suite, TaskEntry, Variant
from rnnbench.text import clock

NAMES = ("rnn", "gru", "lstm", "lstm-forget_gate", "lstm-input_gate", "lstm-output_gate", "bilstm")

RNN, GRU, BILSTM = (Label(name, "adding") for name in ("rnn", "gru", "bilstm"))


def run(length: int, seed: int) -> Run:
    return Run(Rung({"cell": "gru"}, {"task": "adding"}, length, {"steps": 3000}), seed)


def suite(names: tuple[str, ...] = NAMES) -> Suite:
    return Suite(
        name="small",
        variants=tuple(
            Variant(n, {"cell": "rnn", "activation": str(k)}, {"bidirectional": n == "bilstm"})
            for k, n in enumerate(names)
        ),
        tasks=(
            TaskEntry("adding", {"task": "adding"}, (10, 20, 40, 80)),
            TaskEntry("counting", {"task": "counting"}, (5, 10)),
        ),
        seeds=(0, 1),
    )


def records(asked: Plan) -> dict[str, Record]:
    """rnn: all solved. gru: 10 solved, 20 by one of two, 40 begun. lstm: 10 and 20 not solved, the rest pruned."""
    marks = {"rnn": ["ss"] * 4, "gru": ["ss", "su", "u."], "lstm": ["uu", "ud"], "lstm-forget_gate": ["ux"]}

    def record(run: Run, letter: str) -> Record:
        status: Status = "timeout" if letter == "x" else STATUS[letter]
        return Record(run, status, 0.98, steps=700, seconds=1.25, error="timeout after 9 s")

    out: dict[str, Record] = {}
    for ladder in asked.ladders:
        words = (
            marks.get(ladder.variant.name, []) if ladder.task.name == "adding" or ladder.variant.name == "rnn" else []
        )
        out |= ladders.records(ladder.rungs, words, record)
    return out


def shown(
    width: int,
    height: int,
    *,
    names: tuple[str, ...] = NAMES,
    tell: Callable[[Display], None] | None = None,
    now: float = 0,
) -> list[str]:
    """The lines of the display after a while."""
    time = Time()
    console = Console(width=width, height=height, force_terminal=True, color_system=None, file=io.StringIO())
    display = Display(console, clock=time)
    asked = plan(suite(names))
    display.started(asked)
    display.climbs(view(asked, records(asked)))
    (tell or told)(display)
    time.now = now
    return display.render().plain.split("\n")


class Time:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(display: Display) -> None:
    display.work(30e4, 100e4)  # there before this run began
    display.work(50e4, 100e4)
    display.begun(0, [(GRU, run(40, 0)), (GRU, run(40, 1))])
    for step, score in ((200, 0.0), (400, 0.1), (600, 0.5), (800, 0.87)):
        display.looked(0, GRU, run(40, 0), Point(step, 0.5, 0.9))
        display.looked(0, GRU, run(40, 1), Point(step, 0.5, score))
    display.begun(1, [(Label("lstm-forget_gate", "adding"), run(20, 0))])
    display.ready(1)
    display.begun(2, [(RNN, run(10, 0))])
    display.begun(3, [(BILSTM, run(10, 0))])
    display.preparing(3, compiles=True)
    display.idle(4)


def test_what_compiles_says_nothing_of_the_pace() -> None:
    pace = Pace()
    pace.work(0.0, 100.0)
    pace.training(1, 60.0)  # it compiled for a minute
    pace.work(50.0, 100.0)
    pace.training(0, 70.0)  # and does again
    assert pace.left(200.0, 1)[0] == "about 0:10 left"
    pace.training(2, 200.0)
    pace.work(90.0, 100.0)
    assert pace.left(205.0, 2)[0] == "about 0:01 left"


def test_everything_at_once() -> None:
    assert [line.rstrip() for line in shown(80, 40, now=40.0)] == [
        "small  ━━━━━━━━━━━━━━━━━━━━━━━━━─────────────────────────  50 %, about 0:50 left",
        "15 solved  6 unsolved  1 diverged  1 failed  of 80, 0:40  23 known before",
        "",
        " 0  gru adding 40 seed 1                          ▁▁▅▇            .87   800/3000",
        " 1  lstm-forget_gate adding 20 seed 0                                     0/3000",
        " 2  rnn adding 10 seed 0                                           starting 0:40",
        " 3  bilstm adding 10 seed 0                                       compiling 0:40",
        " 4  idle",
        "",
        "                  adding     counting",
        "─────────────────────────────────────",
        "rnn               ●●●● ≥ 80  ●● ≥ 10",
        "gru               ●●◐· 20    ··",
        "lstm              ○○–– < 10  ··",
        "lstm-forget_gate  ◐···       ··",
        "lstm-input_gate   ····       ··",
        "lstm-output_gate  ····       ··",
        "bilstm            ····       n/a",
        "● solved by half or more  ○ by fewer  ◐ under way  – pruned  · to do",
    ]


def test_what_a_worker_does_until_it_trains() -> None:
    time = Time()
    display = Display(Console(width=60, height=20, force_terminal=True, file=io.StringIO()), clock=time)

    def line() -> str:
        return display.render().plain.split("\n")[3].split("seed 0")[1].strip()

    display.begun(0, [(GRU, run(40, 0))])
    time.now = 3
    assert line() == "starting 0:03"
    display.preparing(0, compiles=False)
    assert line() == "loading 0:00"
    display.preparing(0, compiles=True)
    assert line() == "compiling 0:00"
    time.now = 7
    assert line() == "compiling 0:04"
    display.ready(0)
    assert line() == "0/3000"
    display.idle(0)
    display.ready(0)  # late, of a worker that is through
    assert display.render().plain.endswith("idle")


def left(display: Display) -> str:
    return display.render().plain.split("\n")[0].partition("%, ")[2]


def test_the_time_left_is_at_most_the_estimate_until_something_is_known() -> None:
    """One worker; each run is estimated at `each` seconds and takes twice that, but stops after half of its steps."""
    time, each = Time(), cost.estimate(run(40, 0).rung)
    display = Display(Console(width=80, height=20, force_terminal=True, file=io.StringIO()), clock=time)
    display.work(10 * each, 20 * each)  # ten known before
    assert left(display) == ""  # nobody works yet
    time.now = 100.0
    display.begun(0, [(GRU, run(40, 0))])
    assert left(display) == f"at most about {clock(10 * each)} of training"
    time.now = 200.0
    display.ready(0)
    time.now += each * 2 / 10
    display.looked(0, GRU, run(40, 0), Point(300, 0.1, 0.5))
    assert (
        left(display) == f"at most about {clock(9.9 * each)} of training"
    )  # one look tells no pace: where did it begin?
    time.now += each * 2 / 10
    display.looked(0, GRU, run(40, 0), Point(600, 0.1, 0.5))
    assert left(display) == f"at most about {clock(9.8 * 2 * each)} of training"
    time.now += each * 6 / 10
    display.recorded(Record(run(40, 0), "solved", 0.99), GRU)
    display.work(11 * each, 20 * each)
    assert left(display) == f"about {clock(9 * each)} left"


def test_a_run_that_goes_on_from_a_checkpoint_says_nothing_of_what_it_did_before() -> None:
    time, each = Time(), cost.estimate(run(40, 0).rung)
    display = Display(Console(width=80, height=20, force_terminal=True, file=io.StringIO()), clock=time)
    display.work(0, 2 * each)
    display.begun(0, [(GRU, run(40, 0))])
    display.ready(0)
    for step in (2700, 2850):
        time.now += each / 20
        display.looked(0, GRU, run(40, 0), Point(step, 0.1, 0.5))
    assert left(display) == f"at most about {clock(1.05 * each)} of training"


def test_rows_are_left_out_where_the_terminal_is_low() -> None:
    lines = shown(80, 18)
    assert len(lines) <= 17
    assert lines[-1] == "… 2 more variants"
    assert not any(line.startswith("rnn ") for line in lines)  # nothing left to do goes first


def test_tasks_are_left_out_where_the_terminal_is_narrow() -> None:
    lines = shown(32, 40)
    assert "… 1 more task" in lines
    assert any(line.startswith("gru") and "●●◐· 20" in line for line in lines)
    assert " 0  g… 40 seed 1  .87   800/3000" in lines


def test_workers_are_left_out_where_there_are_many() -> None:
    def many(display: Display) -> None:
        for k in range(40):
            display.begun(k, [(GRU, run(40, 0))])

    lines = shown(80, 24, tell=many)
    assert len(lines) <= 23
    assert any(line.startswith("    … ") and line.endswith(" more") for line in lines)
    assert lines[-1].startswith(("bilstm", "… ", "●"))


def test_what_the_signs_mean_takes_two_lines_where_one_is_too_narrow() -> None:
    assert shown(60, 40)[-2:] == ["● solved by half or more  ○ by fewer  ◐ under way  – pruned", "· to do"]
    assert not any("to do" in line for line in shown(20, 40))


def test_a_wide_terminal_leaves_no_gap_in_a_line() -> None:
    lines = shown(200, 40, now=40.0)
    assert {len(lines[k]) for k in (0, 3, 4, 5, 6)} == {100}
    long = shown(
        200, 40, names=(*NAMES[:-1], "a" * 120), tell=lambda d: d.begun(0, [(Label("a" * 120, "b"), run(5, 0))])
    )
    assert f" 0  {'a' * 120} b 5 seed 0  starting 0:00" in long


@settings(max_examples=60, deadline=None)
@given(st.integers(10, 230), st.integers(2, 45), st.integers(0, 3))
def test_it_always_fits(width: int, height: int, extra: int) -> None:
    lines = shown(width, height, names=(*NAMES, "家族" * 20, "x" * 200, "y")[: 7 + extra])
    assert len(lines) <= height - 1
    assert max(map(cell_len, lines)) <= width


def test_it_fits_before_anything_is_known() -> None:
    display = Display(Console(width=40, height=10, force_terminal=True, file=io.StringIO()), clock=lambda: 0.0)
    assert "0 solved" in display.render().plain


def test_a_run_tried_again_counts_once() -> None:
    asked = plan(suite())
    console = Console(width=80, height=30, force_terminal=True, color_system=None, file=io.StringIO())
    display = Display(console)
    run = next(asked.runs())
    display.recorded(Record(run, "crashed", error="Traceback\nMemoryError: no \x1b[31mroom\n"), RNN)
    assert "1 failed" in display.render().plain
    display.recorded(Record(run, "solved", 0.99), RNN)
    assert "1 solved  0 unsolved  0 diverged  0 failed" in display.render().plain


def test_live_on_a_terminal_leaves_only_messages_behind() -> None:
    out = io.StringIO()
    console = Console(width=70, height=20, force_terminal=True, color_system=None, file=out)
    asked = plan(suite())
    with Display(console) as display:
        display.started(asked)
        display.climbs(view(asked, records(asked)))
        display.message("worker 1 came back \x1b]0;title\x07[bold]")
        display.recorded(Record(next(asked.runs()), "timeout", error="after 9 s"), RNN)
    text = out.getvalue()
    assert "small  ───" in text
    assert "worker 1 came back \\x1b]0;title\\x07[bold]\n" in text
    assert "timeout   rnn adding 10 seed 0: after 9 s\n" in text


def test_log_lines() -> None:
    out = io.StringIO()
    asked = plan(suite())
    with LogLines(out) as lines:
        lines.started(asked)
        lines.climbs(view(asked, records(asked)))
        lines.work(1.0, 2.0)
        lines.begun(0, [(RNN, run(10, 0))])
        lines.looked(0, RNN, run(10, 0), Point(1, 0.5, 0.5))
        lines.idle(0)
        first = Run(asked.ladders[6].rungs[0], 0)
        lines.recorded(Record(first, "solved", 0.998, steps=700, seconds=3.21), BILSTM)
        second = Run(asked.ladders[6].rungs[0], 1)
        lines.recorded(Record(second, "crashed", error="Traceback\n\nOSError: \x1b[31mred\n"), BILSTM)
        lines.recorded(Record(second, "failed"), BILSTM)
        lines.message("done\x07")
    assert out.getvalue().splitlines() == [
        "small: 80 runs at most",
        "[24/80] solved    bilstm adding 10 seed 0: score .99 after 700 steps, 3.2 s",
        "[25/80] crashed   bilstm adding 10 seed 1: OSError: \\x1b[31mred",
        "[25/80] failed    bilstm adding 10 seed 1",
        "done\\x07",
    ]


def test_each_budget_is_counted_and_has_a_column() -> None:
    asked = plan(replace(suite(), budgets=Budgets((1, 4), 1)))
    out = io.StringIO()
    display = Display(Console(width=80, height=40, force_terminal=True, color_system=None, file=io.StringIO()))
    with LogLines(out) as lines:
        for listener in (lines, display):
            listener.started(asked)
            listener.climbs(view(asked, records(asked)))
        lines.recorded(Record(Run(asked.ladders[6].rungs[0], 0), "solved", 0.998), BILSTM)
    assert asked.count == 80 + 40
    assert out.getvalue().splitlines()[0] == "small: 120 runs at most"
    assert "/120] " in out.getvalue().splitlines()[1]
    text = display.render().plain
    assert "of 120" in text
    assert "adding ×4" in text


def test_log_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    LogLines().message("here")
    assert capsys.readouterr() == ("", "here\n")


@pytest.mark.parametrize("kind", [Display, InPlace, LogLines, EventLines, Silent, Several])
def test_all_listeners_hear_the_same(kind: type[object]) -> None:
    events = {name for name in vars(Listener) if not name.startswith("_")}
    assert events == {name for name in dir(kind) if not name.startswith("_")} - {"render", "drawn"}


def test_curves_of_many_or_odd_scores() -> None:
    assert sparkline([k / 99 for k in range(100)], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([-1.0, 2.0, math.nan, 0.5]) == "▁█ ▅"
    assert sparkline([]) == ""
    assert clock(-3) == "0:00"


@pytest.mark.parametrize(
    ("tty", "term", "kind"), [(True, "xterm", Display), (True, "dumb", LogLines), (False, "xterm", LogLines)]
)
def test_a_display_only_where_a_cursor_can_move(
    tty: bool, term: str, kind: type[Display | LogLines], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: tty)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert type(display()) is kind


def test_a_message_is_folded_between_words() -> None:
    out = io.StringIO()
    shown = Display(Console(file=out, width=30, force_terminal=True, color_system=None))
    shown.message("it is compiled, and kept for the next time that it is wanted")
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "it is compiled, and kept for", "the next time that it is", "wanted"]  # fmt: skip
