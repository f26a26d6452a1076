"""The language of claims: what it reads, what it refuses and where; generated trees are written out and read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnbench.suite import expression
from rnnbench.suite.expression import (
    About,
    Arithmetic,
    Comparison,
    Join,
    Measure,
    Node,
    Not,
    Number,
    Wrong,
    kind,
    unknown,
)
from rnnbench.suite.grammar import DEEPEST, LONGEST, marked, parse

SIZE = Measure("parameters", ("a",))
A, B = Measure("span", ("a", "t")), Measure("span", ("b", "t"))
LESS = Comparison("<", A, B)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("span(a,t)<span(b,t)", LESS),
        ("  span ( a , t )\n < span(b, t) ", LESS),
        ("(span(a, t) < span(b, t))", LESS),
        ("not span(a, t) < span(b, t)", Not(LESS)),
        ("not not span(a, t) < span(b, t)", LESS),
        ("not (span(a, t) < span(b, t))", Not(LESS)),
        ("span(lstm-forget_gate, t) <= 1e2", Comparison("<=", Measure("span", ("lstm-forget_gate", "t")), Number(100))),
        ("span(lstm+peepholes, t.2) > .5", Comparison(">", Measure("span", ("lstm+peepholes", "t.2")), Number(0.5))),
        ("score(2, 3, 40) >= 1", Comparison(">=", Measure("score", ("2", "3", "40")), Number(1))),
        ("parameters(a) == parameters(b)", Comparison("==", SIZE, Measure("parameters", ("b",)))),
        ("span(a,t) < span(b,t) < 9", Join("and", (LESS, Comparison("<", B, Number(9))))),
        ("span(a,t) < span(b,t) or span(a,t) < span(b,t) and span(a,t) < span(b,t)",
         Join("or", (LESS, Join("and", (LESS, LESS))))),
        ("about(span(a,t), span(b,t), 2)", About(A, B, Number(2))),
        ("about(span(a,t), span(b,t), span(b,t)/2)", About(A, B, Arithmetic("/", B, Number(2)))),
        ("2 * span(a,t) + 1 < 3",
         Comparison("<", Arithmetic("+", Arithmetic("*", Number(2), A), Number(1)), Number(3))),
        ("9 - 1 - 2 < span(a,t)",
         Comparison("<", Arithmetic("-", Arithmetic("-", Number(9), Number(1)), Number(2)), A)),
        ("-span(a,t) < --1", Comparison("<", Arithmetic("*", Number(-1), A), Number(1))),
        ("span(a,t) / span(b,t) > 2", Comparison(">", Arithmetic("/", A, B), Number(2))),
        ("and_(1) < 2", None),
    ],
)  # fmt: skip
def test_what_is_read(text: str, tree: Node | None) -> None:
    if tree is None:
        with pytest.raises(Wrong):
            parse(text)
    else:
        assert parse(text) == tree


REFUSED = [
    ("", 0, "got the end, expected a number, '(' or a function"),
    ("span(a, t)", 0, "got a number, expected a claim: a comparison, or several joined by and, or, not"),
    ("span(a t) < 1", 7, "got 't', expected ',': span(variant, task)"),
    ("span(a, t, 3) < 1", 9, "got ',', expected ')': span(variant, task)"),
    ("span() < 1", 5, "got ')', expected a variant: span(variant, task)"),
    ("span < 1", 5, "got '<', expected '(' after span"),
    ("score(a, t, x) < 1", 12, "got 'x', expected a length: score(variant, task, length)"),
    ("score(a, t, 1.5) < 1", 12, "got '1.5', expected a length: score(variant, task, length)"),
    ("spam(a, t) < 1", 0, "got 'spam', expected a number, '(' or a function"),
    ("span(a, t) < ", 13, "got the end, expected a number, '(' or a function"),
    ("span(a, t) = 1", 11, "got '=', expected the end, or one of and or + - * / < <= > >="),
    ("(span(a, t) < 1", 15, "got the end, expected ')'"),
    ("span(a, t) < 1)", 14, "got ')', expected the end, or one of and or + - * / < <= > >="),
    ("span(a, t) < 1 and 2", 19, "got a number, expected a comparison after 'and'"),
    ("2 or span(a, t) < 1", 0, "got a number, expected a comparison before 'or'"),
    ("not span(a, t)", 4, "got a number, expected a comparison after 'not'"),
    ("1 < 2", 2, "got two numbers, expected measures of one kind, or one and a number"),
    ("span(a, t) < score(a, t, 3)", 11, "got score and span, expected measures of one kind, or one and a number"),
    ("span(a, t) + score(a, t, 3) < 1", 11, "got score and span, expected measures of one kind, or one and a number"),
    ("span(a, t) * span(b, t) < 1", 11, "got a product of span and span, expected a number on one side"),
    ("1 / span(a, t) < 1", 2,
     "got number by span, expected a number below, or span, reach, need, steps or parameters by the same"),
    ("score(a, t, 1) / score(b, t, 1) < 1", 15,
     "got score by score, expected a number below, or span, reach, need, steps or parameters by the same"),
    ("span(a, t) / 0 < 1", 11, "got a division by 0, expected another number"),
    ("span(a, t) == 5", 11,
     "got '==' for what is estimated, expected < <= > or >=; about(a, b, margin) says that two are as good as equal"),
    ("(span(a, t) < 1) < 2", 17, "got '<' after a truth, expected 'and', 'or' or the end"),
    ("(span(a, t) < 1) + 2", 17, "got '+' after a truth, expected 'and', 'or' or the end"),
    ("1 + (span(a, t) < 1) < 2", 4, "got a truth, expected a number"),
    ("about(span(a, t), 5) > 2", 19, "got ')', expected ',': about(a, b, margin)"),
    ("about(span(a, t), 5, 0)", 23, "got a margin of 0, expected one over 0: nothing estimated is exactly equal"),
    ("about(1, 2, 3)", 0, "got two numbers, expected measures of one kind, or one and a number"),
    ("span(a, t) < 1e16", 13, "got '1e16', expected a number of at most 1e15"),
    ("span(a, t) < ٣", 13, "got '٣', expected a number, '(' or a function"),
    ("span(a, t) < __import__('os')", 13, "got '_', expected a number, '(' or a function"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "at", "what"), REFUSED)
def test_what_is_refused_and_where(text: str, at: int, what: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse(text)
    assert (caught.value.what, caught.value.at) == (what, at)


def test_depth_and_length_are_limited() -> None:
    for text in ("(" * 400, "about(" * 150, "-" * 900, "not " * 240, "span(a,t)<1" + "+1" * 400):
        with pytest.raises(Wrong):
            parse(text)
    with pytest.raises(Wrong, match=f"got more than {DEEPEST} levels, expected at most that"):
        parse("(" * 400)
    with pytest.raises(Wrong, match=f"got {LONGEST + 1} characters, expected at most {LONGEST}"):
        parse(" " * (LONGEST + 1))
    deep = "(" * (DEEPEST - 1) + "span(a, t) < 1" + ")" * (DEEPEST - 1)
    assert parse(deep) == Comparison("<", A, Number(1))


def test_the_caret_stays_on_one_line_and_in_sight() -> None:
    assert marked("a\nb", 2) == "a ^b"
    long = marked("x" * 500, 300)
    assert long == "..." + "x" * 25 + "^" + "x" * 25 + "..."


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["span", "about", "(", ")", "a", ",", "1", "<", "and", "not", "-", "*", "/", "score(a, t, 3)", " "]
), max_size=25).map(" ".join))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_at_a_place_within_it(text: str) -> None:
    wrong = None
    try:
        assert kind(parse(text)) == "truth"
    except Wrong as error:
        wrong = error
    if wrong:
        assert 0 <= wrong.at <= len(text)
        assert wrong.what.startswith("got ")
        assert "\n" not in marked(text, wrong.at)


def written(node: Node) -> str:
    """A tree as a text with every bracket."""
    if isinstance(node, Number):
        return repr(node.value)
    if isinstance(node, Measure):
        return str(node)
    if isinstance(node, Arithmetic | Comparison):
        return f"({written(node.left)} {node.sign} {written(node.right)})"
    if isinstance(node, About):
        return f"about({written(node.left)}, {written(node.right)}, {written(node.margin)})"
    if isinstance(node, Not):
        return f"not ({written(node.inner)})"
    return "(" + f" {node.word} ".join(map(written, node.parts)) + ")"


numbers = st.floats(0.001, 1e6).map(Number)
spans = st.sampled_from([A, B])


def sums(depth: int) -> st.SearchStrategy[expression.Sum]:
    if not depth:
        return spans
    inner = sums(depth - 1)
    return st.one_of(
        inner,
        st.builds(Arithmetic, st.sampled_from("+-"), inner, inner | numbers),
        st.builds(Arithmetic, st.just("*"), numbers, inner),
        st.builds(Arithmetic, st.just("/"), inner, numbers),
    )


def truths(depth: int) -> st.SearchStrategy[expression.Truth]:
    compared = st.builds(Comparison, st.sampled_from(["<", "<=", ">", ">="]), sums(2), sums(1) | numbers)
    if not depth:
        return compared | st.builds(About, sums(1), sums(1), numbers)
    inner = truths(depth - 1)
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(inner, st.builds(Join, st.sampled_from(["and", "or"]), several), st.builds(Not, compared))


@given(truths(3))
@settings(max_examples=100, deadline=None)
def test_a_tree_that_is_written_out_is_read_back(tree: expression.Truth) -> None:
    text = written(tree)
    if len(text) <= LONGEST:
        assert parse(text) == tree


def test_unknown_names_are_told_with_those_that_are_known() -> None:
    tree = parse("span(lstn, addin) < score(x, y, 5) + 1 or effect(gate, adding) < 0"
                 .replace("score(x, y, 5)", "span(lstm, adding)"))  # fmt: skip
    parts = {"gate": ["lstm-gate", "gru-gate"], "lstm-gate": ["lstm-gate"]}
    found = [(w.at, w.what, w.name) for w in unknown(tree, ["lstm", "rnn"], {"adding": (5, 10)}, parts, {})]
    assert found == [
        (5, "got 'lstn', expected a variant", "lstn"),
        (11, "got 'addin', expected a task", "addin"),
        (
            53,
            "got 'gate', which lstm-gate and gru-gate have, expected a part or the variant that differs by it",
            "gate",
        ),
    ]
    wrong = list(unknown(parse("solved(lstm, adding, 6) < 1"), ["lstm"], {"adding": (5, 10)}, {}, {}))
    assert [w.what for w in wrong] == ["got 6, expected a length of adding: 5, 10"]
    assert not list(unknown(parse("solved(lstm, adding, 6) < 1"), ["lstm"], {"adding": None}, None, {}))
