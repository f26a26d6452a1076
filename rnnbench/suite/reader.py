"""Reading a document as what a suite means: types and ranges by pydantic, faults at the places where the text is.

pydantic says *that* a value doesn't fit the annotation of a dataclass's field, and where within the value; what was
expected is told from the annotation itself, so that every message names the whole range. It is imported when the
first value is checked, and nowhere else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval

from rnnbench.errors import nearest
from rnnbench.suite.document import Document
from rnnbench.suite.faults import WIDTH, Faults, Path, printable, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@cache
def hints(cls: type) -> dict[str, Any]:
    """The annotations of a dataclass's fields, by name.

    >>> from rnnbench.settings import Settings
    >>> hints(Settings)["stop"]
    typing.Literal['solved', 'never']
    """
    every = get_type_hints(cls, include_extras=True)
    return {f.name: every[f.name] for f in dataclasses.fields(cls)}


def expected(hint: Any) -> str:
    """What an annotation admits, in words.

    >>> from rnnbench.settings import Settings
    >>> expected(bool | int), expected(hints(Settings)["lr"]), expected(hints(Settings)["momentum"])
    ('true or false or a whole number', 'a number over 0 and at most 100', 'a number from 0 to below 1')
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return expected(args[0]) + "".join(_range(i) for i in args[1:] if isinstance(i, Interval))
    if origin is Literal:
        return ("one of " if len(args) > 1 else "") + ", ".join(repr(a) for a in args)
    if origin in (Union, UnionType):
        return " or ".join(expected(a) for a in args)
    if origin is dict:
        return "a mapping"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "nothing"}
    return words.get(hint, str(hint))


def _range(i: Interval) -> str:
    if i.ge is not None:
        low, (to, below) = f" from {i.ge}", (" to ", " to below ")
    elif i.gt is not None:
        low, (to, below) = f" over {i.gt}", (" and at most ", " and below ")
    else:
        low, (to, below) = "", (" of at most ", " below ")
    high = f"{to}{i.le}" if i.le is not None else f"{below}{i.lt}" if i.lt is not None else ""
    return low + high


def values(instance: object) -> dict[str, Any]:
    """The fields of a dataclass's instance, by name."""
    cls: Any = type(instance)
    return {name: getattr(instance, name) for name in hints(cls)}


@cache
def adapter(cls: type, name: str) -> TypeAdapter[Any]:
    """What holds a value to the annotation of a dataclass's field."""
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(hints(cls)[name], config=ConfigDict(strict=True))


Imports = Callable[[str], bool]  # whether what is named of other people's code, `cell ./mine.py`, may be imported


def everything(name: str) -> bool:
    """Imports whatever a suite names."""
    return True


def nothing(name: str) -> bool:
    """Imports nothing that a suite names."""
    return False


class Reader:
    """A document and the faults found in it. What has a fault is left out of what is returned."""

    def __init__(self, document: Document, faults: Faults, imports: Imports = everything) -> None:
        self.document = document
        self.faults = faults
        self.imports = imports
        self.unread: set[str] = set()  # what was named of other people's code and wasn't to be imported
        self.refused: set[str] = set()  # what was named of it and can't be had
        self.foreign: dict[str, str] = {}  # what was named of it, `cell ./mine.py`, and the file that it is

    def got(self, path: Path, want: str, name: str = "", known: Collection[str] = ()) -> None:
        """A fault: what stands at the path isn't what was wanted."""
        self.fault(path, f"got {shown(self.document.get(path))}, expected {want}", name, known)

    def fault(self, path: Path, what: str, name: str = "", known: Collection[str] = (), key: bool = False) -> None:
        """A fault in words of its own, at the value or the key of a path."""
        self.faults.add(self.document.place(path, key), path, what, name, known)

    def missing(self, path: Path, want: str) -> None:
        """A fault: the last key of the path isn't there."""
        self.faults.add(self.document.place(path[:-1], key=True), path, f"got nothing, expected {want}")

    def mapping(self, path: Path, want: str, keys: Iterable[str] = (), of: str = "") -> dict[str, Any] | None:
        """The mapping at a path, None if there is none; with `of`, a fault for each key that isn't one of `keys`."""
        value = self.document.get(path)
        if not isinstance(value, dict):
            self.got(path, want)
            return None
        if not of:
            return value
        known = tuple(keys)
        for key in value:
            if key not in known:
                self.unknown((*path, key), of, known)
        return {key: v for key, v in value.items() if key in known}

    def entries(self, path: Path, want: str) -> dict[str, Any]:
        """The mapping at a path, which isn't empty; empty where that is a fault."""
        value = self.document.get(path)
        if isinstance(value, dict) and value:
            return value
        self.got(path, want)
        return {}

    def items(self, path: Path, want: str, least: int = 1) -> list[Any]:
        """The list at a path, of `least` values or more; empty where that is a fault. What a suite may say besides, and
        may leave out, may be empty: `ablate`, `claims`, `include`, `skip`, `primary`."""
        value = self.document.get(path)
        if isinstance(value, list) and len(value) >= least:
            return value
        self.got(path, want)
        return []

    def unknown(self, path: Path, want: str, known: Collection[str]) -> None:
        """A fault: nobody knows the key at the end of the path."""
        self.fault(path, f"got an unknown key, expected {want}", str(path[-1]), known, key=True)

    def text(self, path: Path, want: str = "text") -> str | None:
        """The text at a path."""
        value = self.document.get(path)
        if isinstance(value, str) and value.strip():
            return value
        self.got(path, want)
        return None

    def whole(self, path: Path, least: int, most: int, want: str = "a whole number") -> int | None:
        """The whole number at a path, least to most."""
        value = self.document.get(path)
        if type(value) is int and least <= value <= most:
            return value
        self.got(path, f"{want} from {least} to {most}")
        return None

    def distinct(self, path: Path, want: str, each: str, least: int, most: int) -> list[int]:
        """The distinct whole numbers of a list."""
        first: dict[int, int] = {}
        for i, _ in enumerate(self.items(path, want)):
            number = self.whole((*path, i), least, most, each)
            if number is not None and first.setdefault(number, i) != i:
                place = self.document.place((*path, first[number]))
                self.fault((*path, i), f"got a second {number}, expected it once; the first is at {place}")
        return list(first)

    def field(self, cls: type, path: Path, name: str = "") -> dict[str, Any]:
        """`{name: value}` of the dataclass's field of that name, or that the path ends with, as its annotation has it
        (1 becomes 1.0 in a float); empty if it doesn't fit."""
        from pydantic import ValidationError

        name, value = name or str(path[-1]), self.document.get(path)
        try:
            return {name: adapter(cls, name).validate_python(value)}
        except ValidationError as e:
            hint = hints(cls)[name]
            choices = get_args(hint) if get_origin(hint) is Literal and isinstance(value, str) else ()
            near = nearest(str(value)[:WIDTH], choices)
            for error in e.errors(include_url=False):
                where = path
                for part in error["loc"]:  # pydantic's own parts, such as the member of a union, are no places
                    where = (*where, part) if (*where, part) in self.document.values else where
                want = expected(hint) if where == path else f"another value: {printable(error['msg'], 200)}"
                self.got(where, want + (f"; {near}" if near.startswith("did") else ""))
            return {}

    def fields(self, cls: type, path: Path, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the entry's keys that are fields of the dataclass, checked."""
        values: dict[str, Any] = {}
        for key in entry:
            if key in hints(cls):
                values |= self.field(cls, (*path, key))
        return values

    def build(self, cls: type, values: Mapping[str, Any], path: Path) -> Any:
        """The instance, or None and a fault where its fields contradict each other."""
        try:
            return cls(**values)
        except ValueError as e:  # "field: why", as cells and tasks say it
            self.impossible(path, str(e))
            return None

    def impossible(self, path: Path, why: str) -> None:
        """A fault: what stands at the path contradicts itself; `why` is "field: reason"."""
        where = (*path, why.partition(":")[0])
        there = where in self.document.values
        what = printable(why.replace(": ", " ", 1), 200)
        self.fault(where if there else path, f"got an impossible combination: {what}", key=not there)
