"""Strict YAML with positions: bytes -> plain Python values, and where each key and each value stands.

PyYAML only tells the events; values are made here. So an alias is refused before anything is built from it, a
second key of the same name is seen, nothing recurses, and what a word means is decided by our rules: `1e-3` is a
number, `no`, `010` and `1:30` are text, and `true` and `false` are the only truths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from rnnbench.suite.faults import Faults, Path, Place, printable, shown

LARGEST = 1_000_000  # bytes
DEEPEST = 50  # levels of nesting
MOST_VALUES = 30_000  # keys and values

_DIGITS = 100  # a longer number is text: nothing here is that exact, and int() of thousands of digits raises
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# Control characters, line breaks that only YAML 1.1 knows, bidirectional controls, byte order marks, surrogates.
_CONTROL = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass
class Document:
    """A file's value, and the places of the keys and the values in it, by path.

    >>> document = read(b"a:\\n  - 1e-3\\n  - no", "f.yaml", Faults())
    >>> document.value, str(document.values["a", 1]), str(document.keys["a",])
    ({'a': [0.001, 'no']}, 'f.yaml:3:5', 'f.yaml:1:1')
    """

    file: str
    value: Any = None
    text: str = ""
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def get(self, path: Path) -> Any:
        """The value at a path."""
        value = self.value
        for key in path:
            value = value[key]
        return value

    def place(self, path: Path, key: bool = False) -> Place:
        """Where the value (or the key) at a path stands; what isn't there stands where its nearest parent does."""
        for end in range(len(path), -1, -1):
            found = (key and self.keys.get(path[:end])) or self.values.get(path[:end])
            if found:
                return found
            key = True  # of a parent the key says more: its value may start lines below
        return Place(self.file, 1, 1)


def scalar(text: str) -> Any:
    """What an unquoted word means.

    >>> [scalar(word) for word in ("1e-3", "10", ".5", "true", "~", "no", "010", "1:30", ".nan")]
    [0.001, 10, 0.5, True, None, 'no', '010', '1:30', '.nan']
    """
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if len(text) <= _DIGITS:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            value = float(text) + 0.0  # -0.0 becomes 0.0: they would be equal settings with two ids
            return value if abs(value) != float("inf") else text
    return text


def read(data: bytes, file: str, faults: Faults) -> Document | None:
    """The document in a file's bytes. Faults are added to `faults`; None if the rest of the file can't be known."""
    text = _decoded(data, file, faults)
    faults.texts[file] = text or ""
    if text is None or _characters(text, file, faults):
        return None
    builder = _Builder(Document(file, text=text), faults)
    return builder.document if builder.build(text.replace("\t", " ")) else None


def _decoded(data: bytes, file: str, faults: Faults) -> str | None:
    if len(data) > LARGEST:
        faults.add(Place(file, 1, 1), (), f"got more than {LARGEST} bytes, expected at most that")
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        faults.add(Place(file, 1, 1), (), "got UTF-16 or UTF-32, expected UTF-8")
    else:
        data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        try:
            return data.decode()
        except UnicodeDecodeError as e:
            before = data[: e.start]
            line, column = before.count(b"\n") + 1, len(before[before.rfind(b"\n") + 1 :].decode()) + 1
            faults.add(Place(file, line, column), (), f"got the byte 0x{data[e.start]:02x}, expected UTF-8")
    return None


def _characters(text: str, file: str, faults: Faults) -> bool:
    """Faults for characters that no suite may hold, one a line; true if the structure is in doubt from then on."""
    lost = False
    for number, line in enumerate(text.split("\n"), 1):
        if wrong := list(_CONTROL.finditer(line)):
            tab = wrong[0][0] == "\t"
            what = "a tab, expected spaces" if tab else f"{_named(wrong[0][0])}, expected printable text"
            faults.add(Place(file, number, wrong[0].start() + 1), (), f"got {what}")
            # a tab between words is as good as a space, so that the rest can be looked at
            lost = lost or any(w[0] != "\t" for w in wrong) or not line[: wrong[0].start()].strip(" ")
    return lost


def _named(character: str) -> str:
    return f"the character U+{ord(character):04X}"


class _Frame:
    """A list or a mapping that is being read. `path` is None inside of what is dropped."""

    def __init__(self, value: Any, path: Path | None) -> None:
        self.value = value
        self.path = path
        self.key: str | None = None  # of the value that comes next in a mapping; None: a key comes next
        self.drop = False  # the value that comes next belongs to a key that was refused

    def next(self) -> Path | None:
        """The path of what comes next; None where it isn't kept."""
        if self.path is None or self.drop:
            return None
        if isinstance(self.value, list):
            return (*self.path, len(self.value))
        return None if self.key is None else (*self.path, self.key)


class _Builder:
    """A document from events, with a stack of its own: depth costs no recursion."""

    def __init__(self, document: Document, faults: Faults) -> None:
        self.document = document
        self.faults = faults
        self.stack: list[_Frame] = []
        self.count = 0
        self.lost = False

    def build(self, text: str) -> bool:
        """Whether all of the text was read."""
        roots = 0
        for event in self._events(text):
            if isinstance(event, yaml.DocumentStartEvent):
                roots += 1
                if roots == 2:
                    self._fault(event, "got a second document, expected one a file")
                    return False
            elif isinstance(event, yaml.CollectionEndEvent):
                self.stack.pop()
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
                self.count += 1
                if self.count > MOST_VALUES:
                    what = f"got more than {MOST_VALUES} keys and values, expected at most that"
                    self.faults.add(self._place(event.start_mark), (), what)
                    return False
                if len(self.stack) > DEEPEST:
                    what = f"got more than {DEEPEST} levels of nesting, expected at most that"
                    self.faults.add(self._place(event.start_mark), (), what)
                    return False
        if self.document.value is None and not self.lost:
            self.faults.add(Place(self.document.file, 1, 1), (), "got an empty file, expected a suite")
            self.lost = True
        return not self.lost

    def _events(self, text: str) -> Iterator[yaml.Event]:
        loader: Any = yaml.SafeLoader(text)
        try:
            while loader.check_event():
                yield loader.get_event()
        except yaml.MarkedYAMLError as e:
            problem = ", ".join(part for part in (e.context, e.problem) if part)
            self._invalid(e.problem_mark or e.context_mark, problem)
        except (ValueError, OverflowError):  # PyYAML's chr() of an escape like "\UFFFFFFFF"
            self._invalid(loader.get_mark(), "an escape that is no character")

    def _invalid(self, mark: Any, problem: str) -> None:
        self.faults.add(self._place(mark), (), f"got invalid YAML: {printable(problem, 200)}")
        self.lost = True

    def _place(self, mark: Any) -> Place:
        return Place(self.document.file, mark.line + 1, mark.column + 1) if mark else Place(self.document.file, 1, 1)

    def _fault(self, event: yaml.Event, what: str) -> None:
        path = (self.stack[-1].next() or ()) if self.stack else ()
        self.faults.add(self._place(event.start_mark), path, what)

    def _node(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent):
            self._fault(event, f"got the alias {shown(f'*{event.anchor}')}, expected a value: write it out")
            self.lost = True
        elif event.anchor is not None:
            self._fault(event, f"got the anchor {shown(f'&{event.anchor}')}, expected none")
        if tag is not None:
            self._fault(event, f"got the tag {shown(tag)}, expected none")
        if isinstance(event, yaml.MappingStartEvent):
            self._put(event, {})
        elif isinstance(event, yaml.SequenceStartEvent):
            self._put(event, [])
        elif isinstance(event, yaml.ScalarEvent):
            value = scalar(event.value) if event.style is None else event.value
            if found := _CONTROL.search(event.value):
                self._fault(event, f"got {_named(found[0])}, expected printable text")
                self.lost = True
            self._put(event, value)
        else:
            self._put(event, None)

    def _put(self, event: yaml.NodeEvent, value: Any) -> None:
        """A value, or a key, into the frame on top; a list or a mapping becomes the frame on top."""
        place = self._place(event.start_mark)
        path: Path | None = ()
        if not self.stack:
            self.document.value = value
        else:
            top = self.stack[-1]
            if isinstance(top.value, dict) and top.key is None and not top.drop:
                self._key(top, value, place)
                path = None
            else:
                path = top.next()
                if isinstance(top.value, list):
                    top.value.append(value)
                elif not top.drop:
                    top.value[top.key] = value
                top.key, top.drop = None, False
        if path is not None:
            self.document.values[path] = place
        if isinstance(value, dict | list):
            self.stack.append(_Frame(value, path))

    def _key(self, top: _Frame, value: Any, place: Place) -> None:
        top.drop = True
        if isinstance(value, dict | list):
            self._wrong_key(top, place, f"got a {'list' if value == [] else 'mapping'} as a key, expected text")
        elif not isinstance(value, str):
            cure = "" if value is None else f": quote it, '{shown(value)}'"
            self._wrong_key(top, place, f"got {shown(value)} as a key, expected text{cure}")
        elif value in top.value:
            first = self.document.keys.get((*(top.path or ()), value), place)
            self._wrong_key(top, place, f"got a second {shown(value)}, expected one; the first is at {first}")
        else:
            top.key, top.drop = value, False
            if top.path is not None:
                self.document.keys[*top.path, value] = place

    def _wrong_key(self, top: _Frame, place: Place, what: str) -> None:
        self.faults.add(place, top.path or (), what)
