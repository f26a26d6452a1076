"""`-k`: what it selects, and what it says of what it can't read."""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnbench.errors import UserError
from rnnbench.plan.filter import DEEPEST, matcher

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
WORDS = ("a", "b", "c")
expressions = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: (
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda x: f"({' '.join(x)})")
        | inner.map(lambda x: f"not {x}")
    ),
    max_leaves=12,
)


@given(expressions)
def test_it_means_what_it_means_in_python(expression: str) -> None:
    matches = matcher(expression)
    for chosen in itertools.product((False, True), repeat=3):
        names = frozenset(w for w, there in zip(WORDS, chosen, strict=True) if there)
        assert matches(names) == eval(expression, {w: w in names for w in WORDS})


def test_and_binds_before_or() -> None:
    assert matcher("a or b and c")(frozenset("a"))
    assert not matcher("(a or b) and c")(frozenset("a"))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(" * 9000, f"got more than {DEEPEST} levels"),
        ("not " * 5000 + "rnn", f"got more than {DEEPEST} levels"),
        ("lstm and", "got the end in 'lstm and', expected a word, 'not' or '('"),
        ("a )", "got ')' in 'a )', expected the end, 'and' or 'or'"),
        ("(a", "got the end in '(a', expected ')'"),
        ("", "got the end in '', expected a word"),
        ("\x1b[31m", r"got '\x1b[31m' in '\x1b[31m', expected words"),
        ("\u202ecba", r"got '\u202ecba'"),
        ("a b" * 40_000, "got 'ba' in 'a ba b"),
        ("x" * 100_000 + "!", "got '!' in 'xxx"),
    ],
)
def test_nonsense_is_one_short_line(expression: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        matcher(expression)
    (line,) = refused.value.lines
    assert message in line
    assert line.isprintable()
    assert len(line) < 200


def test_a_long_one_is_read() -> None:
    start = time.process_time()
    assert matcher(" or ".join(["rnn"] * 20_000))(frozenset({"rnn"}))
    assert matcher("x" * 100_000 + " or rnn")(frozenset({"rnn"}))
    assert time.process_time() - start < 5


def test_the_command_line_shows_no_control_characters(cli: Cli) -> None:
    for pattern, code in (("(" * 9000, 2), ("\x1b[31m", 2), ("\u202e", 2), ("y" * 100_000, 5)):
        done = cli("run", "quick", "-n", "-k", pattern)
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, "", 1)
        assert done.stderr.strip().isprintable()
        assert len(done.stderr) < 300
