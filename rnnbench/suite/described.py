"""What a suite may give of a cell, a layer, a task or the settings: each field with what it may be, its default, and
what the comment beside it says of it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import tokenize
import types
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

WORDS = {bool: ("true", "false"), str: ("a text",), float: ("a number",), int: ("a whole number",)}


@dataclass(frozen=True)
class Field:
    """A field: `may_be` in words, of which those are `literal` that can be typed as they stand; `default` as a suite
    would have it, empty where there is none."""

    name: str
    may_be: tuple[str, ...]
    literal: tuple[bool, ...]
    default: str
    says: str

    def admits(self, quote: str = "") -> str:
        """What it may be, in one text; what can be typed stands in quotes of that kind."""
        pairs = zip(self.may_be, self.literal, strict=True)
        return ", ".join(f"{quote}{word}{quote}" if literal else word for word, literal in pairs)


def fields(cls: Any) -> Iterator[Field]:
    """Each field that a suite may give.

    >>> from rnnbench.settings import Settings
    >>> [(f.admits(), f.default) for f in fields(Settings) if f.name in ("stop", "lr", "residual")]
    [('true, false', 'false'), ('over 0 to 100', '0.01'), ('solved, never', 'solved')]
    """
    hints, comments = get_type_hints(cls, include_extras=True), _comments(cls)
    for field in dataclasses.fields(cls):
        if field.init:
            default = "" if field.default is dataclasses.MISSING else _text(field.default)
            words, literal = zip(*_may_be(hints[field.name]), strict=True)
            yield Field(field.name, words, literal, default, comments.get(field.name, ""))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _may_be(hint: Any) -> list[tuple[str, bool]]:
    """The words for what a field may hold, and which of them can be typed."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return [(_text(value), True) for value in inner]
    if origin in (Union, types.UnionType):
        return [pair for each in inner for pair in _may_be(each)]
    if origin is Annotated:
        found = [_ends(note) for note in inner[1:] if hasattr(note, "ge")]
        return [(found[0], False)] if found else _may_be(inner[0])
    return [(word, hint is bool) for word in WORDS.get(hint, ("see its file",))]


def _ends(note: Any) -> str:
    """The ends of an interval, in words where an end is left out."""
    low = f"over {note.gt:g}" if note.gt is not None else f"{note.ge:,.8g}" if note.ge is not None else "any"
    high = f"under {note.lt:g}" if note.lt is not None else f"{note.le:,.8g}" if note.le is not None else "any"
    return f"{low} to {high}"


def _comments(cls: type) -> dict[str, str]:
    """The comments beside the fields of a dataclass and of those that it is made from."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__[:-1]):
        try:
            source = textwrap.dedent(inspect.getsource(each))
        except (OSError, TypeError):  # no file has it
            continue
        tokens = tokenize.generate_tokens(StringIO(source).readline)
        comments = {t.start[0]: t.string.lstrip("#: ") for t in tokens if t.type == tokenize.COMMENT}
        (definition,) = ast.parse(source).body
        for node in getattr(definition, "body", ()):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = comments.get(node.end_lineno or 0, "")
    return found
