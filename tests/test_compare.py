"""What findings of `check` come to together."""

from __future__ import annotations

import pytest

from rnnbench.check.compare import Finding, Outcome, compare, verdict
from rnnbench.errors import Exit


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["fine", "fine"], Exit.OK),
        (["fine", "worse"], Exit.FAILED),
        (["unclear", "worse", "fine"], Exit.FAILED),
        (["fine", "unclear"], Exit.INCONCLUSIVE),
        ([], Exit.INCONCLUSIVE),  # nothing was looked at
    ],
)
def test_the_worst_decides(outcomes: list[Outcome], code: Exit) -> None:
    assert verdict([Finding("exact", "x", outcome, "") for outcome in outcomes]) == code


def test_what_may_have_lost_a_margin_is_not_fine() -> None:
    assert compare([3] * 5, [3, 3, 2, 2, 2], 1.0)[0] == "unclear"
    assert compare([3] * 5, [2] * 5, 1.0)[0] == "worse"
    assert compare([3] * 5, [3, 3, 2, 3, 3], 1.0)[0] == "fine"
