"""What came from outside, taken in strictly: one way to open a file, one to read JSON, and checks of single values.

Whatever is wrong raises ValueError with one line: `KEY: got X, expected Y`. The text of an error is safe to show.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from rnnbench.text import printable

DEEPEST = 32  # levels of a value that may hold anything
LONGEST = 1_000_000  # characters of one text
LARGEST = 2**63 - 1  # what a database and other readers of JSON hold; no count of ours comes near
WIDTH = 60  # characters of a value that a message shows


def loads(text: str | bytes) -> Any:
    r"""The value of a JSON text in UTF-8. Refused besides what is no JSON: a key given twice, NaN, Infinity and numbers
    beyond those of IEEE 754, integers of more than 4300 digits, nesting beyond what Python can follow.

    >>> loads('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: key 'a' is given twice
    """
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return _DECODER.decode(decoded)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is no UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at character {error.pos + 1}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"key {shown(twice)} is given twice")
    return found


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{printable(digits, 30)} is no number that a computer holds")
    return value


def _whole(digits: str) -> int:
    if len(digits) > 4300:  # what Python itself takes, whatever it was told
        raise ValueError(f"got an integer of {len(digits)} digits")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_int=_whole, parse_constant=_constant)


def shown(value: object) -> str:
    """A value as a message shows it, in JSON's words and cut.

    >>> shown("no"), shown(True), shown(None), shown([1]), shown(0.001)
    ("'no'", 'true', 'null', 'a list', '0.001')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return f"'{printable(value, WIDTH)}'"
    if isinstance(value, int) and abs(value) > LARGEST:
        return f"an integer of {value.bit_length()} bits"
    return printable(repr(value), WIDTH)


def refuse(name: str, value: object, expected: str) -> NoReturn:
    raise ValueError(f"{printable(name, WIDTH)}: got {shown(value)}, expected {expected}")


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in a range, as a float.

    >>> number("score", 1, 0, 1)
    1.0
    """
    if (type(value) is float or type(value) is int) and low <= value <= high and -_MOST <= value <= _MOST:
        return float(value)
    bounds = "a finite number" if math.isinf(high) and math.isinf(low) else f"a number of at least {low:g}"
    refuse(name, value, bounds if math.isinf(high) else f"a number from {low:g} to {high:g}")


_MOST = 1.7976931348623157e308


def whole(name: str, value: object, low: int = 0, high: int = LARGEST) -> int:
    """An integer in a range; true and 1.0 are none."""
    if type(value) is int and low <= value <= high:
        return value
    refuse(name, value, f"an integer of at least {low}" if high == LARGEST else f"an integer from {low} to {high}")


def text(name: str, value: object) -> str:
    """A text that can be written down: of whole characters, and not endless."""
    if type(value) is not str:
        refuse(name, value, "a text")
    if len(value) > LONGEST:
        raise ValueError(f"{name}: got {len(value)} characters, expected at most {LONGEST}")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            refuse(name, value, "a text of whole characters")
    return value


def keys(name: str, value: object, needed: Collection[str], more: Collection[str] = ()) -> dict[str, Any]:
    """An object with these keys and no others; `more` may be left out. `name` is empty for the whole."""
    at = f"{name}: " if name else ""
    if type(value) is not dict:
        raise ValueError(f"{at}got {shown(value)}, expected an object")
    if missing := [key for key in needed if key not in value]:
        raise ValueError(f"{at}got no '{missing[0]}', expected one")
    if unknown := [key for key in value if key not in needed and key not in more]:
        raise ValueError(f"{at}got key {shown(unknown[0])}, expected one of {', '.join([*needed, *more])}")
    return value


def plain(name: str, value: object, depth: int = DEEPEST) -> None:
    """What may hold anything that JSON can: texts, numbers, lists and objects of them, to some depth."""
    if value is None or type(value) is bool:
        return
    if type(value) is str:
        text(name, value)
    elif type(value) is int:
        whole(name, value, -LARGEST)
    elif type(value) is float:
        number(name, value)
    elif depth == 0:
        refuse(name, value, f"at most {DEEPEST} levels")
    elif type(value) is list:
        for each in value:
            plain(name, each, depth - 1)
    elif type(value) is dict:
        for key, each in value.items():
            plain(name, key, depth - 1)
            plain(key, each, depth - 1)
    else:
        refuse(name, value, "what JSON can hold")


def opened(path: Path, follow: bool = True) -> BinaryIO:
    """A file to be read, if it is a regular one: what would keep a reader waiting raises ValueError; OSError as usual.
    Where links aren't followed, they are none."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW))
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ValueError("got no regular file")
    return open(number, "rb")
