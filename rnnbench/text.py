"""Text that came from outside, made safe to show: one rule for every screen, log, report and message."""

from __future__ import annotations

import json
import re

SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
JOINERS = "\u200c\u200d"  # inside emoji and Indic words; they reorder and hide nothing

TRACEBACK = "Traceback (most recent call last):\n"
FRAME = re.compile(r' +File "(?P<folder>.*[/\\])?(?P<name>[^/\\"<]+)", line (?P<line>\d+), in ')
FOREIGN = re.compile(r"[/\\](rnnbench|site-packages|lib[/\\]python[\d.]+)[/\\]")  # nobody's cell, layer or task


def printable(text: str, width: int | None = None) -> str:
    r"""The text as one line of visible characters, cut to a width if one is given. Ends of lines and tabs become a
    space; control characters, escape sequences, bidirectional overrides, half characters and spaces that look like
    others are spelled out.

    >>> print(printable("red \x1b[31m, \u202eright to left"), printable("two\nlines"), printable("x" * 99, 6))
    red \x1b[31m, \u202eright to left two lines xxx...
    """
    given = text if width is None else text[: width + 1]
    shown = given if given.isprintable() else "".join(map(_visible, given))
    return shown if width is None or len(shown) <= width else shown[: width - 3] + "..."


def raised(error: str, width: int = 300) -> str:
    r"""What an error's text comes to, in one line: of a traceback what was raised, and where in a user's file; of
    anything else its last line.

    >>> raised('Traceback (most recent call last):\n  File "my/cell.py", line 7, in step\nValueError: two\nlines\n')
    'ValueError: two lines (cell.py:7)'
    """
    lines = error.split(TRACEBACK)[-1].splitlines()
    if TRACEBACK in error:  # its frames are indented; what was raised, which comes after them, may have many lines
        first = next((i for i, line in enumerate(lines) if line and not line.startswith(" ")), 0)
        frames = [FRAME.match(line) for line in lines[:first]]
        own = [f"{f['name']}:{f['line']}" for f in frames if f and not FOREIGN.search(f["folder"] or "")]
        text = " ".join(" ".join(lines[first:]).split())
        return printable(text, width) + (f" ({printable(own[-1], 100)})" if own else "")
    return printable(next((line.strip() for line in reversed(lines) if line.strip()), ""), width)


def flow(value: object) -> str:
    """A value as a suite has it, on one line.

    >>> flow({"cell": "lstm", "peepholes": True, "args": {"sizes": [1, 2]}})
    '{cell: lstm, peepholes: true, args: {sizes: [1, 2]}}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def sentence(text: str) -> str:
    """The first sentence of a text, without its full stop, which a capital letter follows or nothing.

    >>> sentence("Adding as in Le et al. (2015), e.g. so. It can be learnt.")
    'Adding as in Le et al. (2015), e.g. so'
    """
    return re.split(r"\.\s+(?=[A-Z])", text, maxsplit=1)[0].rstrip(".")


def counted(n: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def duration(seconds: float) -> str:
    """
    >>> duration(5), duration(130), duration(7500)
    ('5 s', '2 min 10 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clock(seconds: float) -> str:
    """Seconds as a clock shows them.

    >>> clock(9.6), clock(3725)
    ('0:10', '1:02:05')
    """
    minutes, s = divmod(round(max(0.0, seconds)), 60)
    hours, m = divmod(minutes, 60)
    return f"{hours}:{m:02}:{s:02}" if hours else f"{m}:{s:02}"


def _visible(c: str) -> str:
    if c.isprintable() or c in JOINERS:
        return c
    if c in SPACES:
        return " "
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
