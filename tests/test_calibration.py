"""The calibration notices what it is there to notice, and `check` alarms and finds as often as the documents say."""

from __future__ import annotations

import doctest
import math
from types import ModuleType

import pytest

from benchmarks import alarms, calibration, crossed, simulated, tables
from rnnbench.analysis import stats
from rnnbench.analysis.stats import Estimate
from rnnbench.check import compare

DRAWS = 25
ERROR = 4 * math.sqrt(0.05 * 0.95 / DRAWS)  # four standard errors of a share of .05


@pytest.mark.parametrize("module", [simulated, tables])
def test_examples_run(module: ModuleType) -> None:
    assert doctest.testmod(module) == (0, 1)


def test_good_intervals_cover_and_good_tests_keep_their_level() -> None:
    covered, rejected, wrong, right = calibration.counted((6,), DRAWS)
    for name in ("score: middle", "effect on the score: middle", "the same and a rung each way: seeds apart"):
        assert covered[name][6] >= 0.95 - ERROR, name
    assert covered["score: fails"][6] < 0.95 - ERROR  # a mean of which one seed in ten fails: six seeds don't show it
    assert covered["effect, octaves: seeds alike"][6] < 0.5  # within a rung nothing is known
    assert all(by[6] <= 0.05 + ERROR for by in rejected.values())
    assert wrong["spans: equal"][6] == wrong["effect: none"][6] == 0
    assert right["effect: two octaves"][6] > 0.9
    assert calibration.counted((6,), 3) == calibration.counted((6,), 3)


def test_an_interval_that_is_too_narrow_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    good = stats.mean

    def narrow(*arguments: object) -> Estimate:
        value, low, high = good(*arguments)  # type: ignore[arg-type]
        return Estimate(value, value - (value - low) / 3, value + (high - value) / 3)

    monkeypatch.setattr(stats, "mean", narrow)
    covered, *_ = calibration.counted((6,), DRAWS)
    assert covered["score: middle"][6] < 0.95 - ERROR
    assert covered["effect on the score: middle"][6] < 0.95 - ERROR


def test_check_errs_as_seldom_as_is_promised() -> None:
    """Five and six seeds: twelve cells alarm in at most 1 %, and a lost octave is told in at least 95 %: that of
    two rungs at any q, and with a margin of both it is hardly ever unclear; that of one up to q = .02."""
    for n in (5, 6):
        for q in (0.0, 0.02, 0.05):
            assert alarms.any_of(alarms.exactly(n, q, 0)["worse"]) <= 0.01, (n, q)
            assert alarms.exactly(n, q, 2)["worse"] >= 0.95, (n, q)
        assert alarms.any_of(1 - alarms.exactly(n, 0.1, 0, margin=2)["fine"]) <= 0.01
        assert alarms.exactly(n, 0.1, 2, margin=2)["worse"] >= 0.95
        assert alarms.exactly(n, 0.02, 1)["worse"] >= 0.95
        assert alarms.exactly(n, 0.05, 1)["fine"] <= 0.01
    assert sum(alarms.exactly(6, 0.1, 1).values()) == pytest.approx(1)


def test_a_rule_that_alarms_too_often_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "MOST", 0.5)
    assert alarms.any_of(alarms.exactly(5, 0.05, 0)["worse"]) > 0.06


def test_intervals_of_a_crossing_cover_where_those_of_as_many_independent_numbers_do_not() -> None:
    draws = 100
    error = 4 * math.sqrt(0.05 * 0.95 / draws)
    for kind in crossed.KINDS:
        found = crossed.covered(5, 5, (1 / 3, 1 / 3, 1 / 3), kind, draws)
        assert all(found[name] >= 0.95 - error for name in ("mean", "rows", "columns")), (kind, found)
        assert found["t of all"] < 0.95 - error, kind


def test_drawn_suites_agree_with_what_was_drawn() -> None:
    still = alarms.suites(5, 2, 0.0, 5)
    assert (still["moved"], still["worse"], still["suite not green"], still["told"]) == (0, 0, 0, 1)
    assert 0 < alarms.suites(5, 1, 0.1, 5)["moved"] < 0.3


def test_the_script_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    calibration.main(["--draws", "1"])
    printed = capsys.readouterr().out
    assert printed.count("\n| --- ") == 15
    assert all(f"| {claim.about} |" in printed for claim in calibration.CLAIMS)
