"""What a class of other people's declares: whether a suite could give each of its switches as it stands there.

A switch is a field of a dataclass, so it needs an annotation; what it may be is read off that, so its default must be
such a value too. Python minds neither: `gate = True` makes no field, and `gate: bool = "yes"` is a text that is true.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from rnnbench import registry
from rnnbench.foreign import told
from rnnbench.suite.faults import printable, shown
from rnnbench.suite.reader import adapter, expected, hints

PLAIN = (bool, int, float, str)


@cache
def wrong(cls: type) -> tuple[str, ...]:
    """What is wrong with the switches of a cell or a layer, or the fields of a task, a line each."""
    try:
        known = hints(cls)
    except Exception as error:  # whatever reading other people's annotations raises
        return (f"class {cls.__name__}: got an annotation that can't be read: {told(error)}",)
    return tuple(f"class {cls.__name__}: {line}" for line in (*_bare(cls), *_defaults(cls, known)))


def _defaults(cls: Any, known: dict[str, Any]) -> Iterator[str]:
    """Defaults that no suite could give."""
    from pydantic import PydanticUserError, ValidationError

    kind = "field" if issubclass(cls, registry.BASES["tasks"]) else "switch"
    for field in dataclasses.fields(cls):
        made = field.default_factory
        default, hint = field.default if made is dataclasses.MISSING else made(), known[field.name]
        try:
            adapter(cls, field.name).validate_python(default)
        except ValidationError:
            yield f"{kind} {field.name!r}: got the default {shown(default)}, expected {expected(hint)}, as annotated"
        except PydanticUserError:
            want = "of bool, int, float, str, Literal and Annotated"
            yield f"{kind} {field.name!r}: got the annotation {printable(str(hint))}, expected one {want}"


def _bare(cls: type) -> Iterator[str]:
    """Values in the body of a class that look like switches and lack an annotation, so that they are none. What a class
    that this one is made from says otherwise than as a field (`stacks`, `bar`, `inputs`) may be said so."""
    for place, each in enumerate(cls.__mro__):
        if each.__module__.partition(".")[0] in ("rnnbench", "builtins", "abc"):
            continue
        annotated = inspect.get_annotations(each)
        for name, value in vars(each).items():
            if name.startswith("_") or name.isupper() or name in annotated or type(value) not in PLAIN:
                continue
            below = next((base for base in cls.__mro__[place + 1 :] if name in vars(base)), None)
            if below is not None and name not in _fields(below):
                continue
            kind, text = type(value).__name__, printable(repr(value))
            constant = f"`{name}: ClassVar[{kind}] = {text}` if it never changes"
            yield f"got `{name} = {text}`, which makes no switch, expected `{name}: {kind} = {text}`, or {constant}"


def _fields(cls: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
