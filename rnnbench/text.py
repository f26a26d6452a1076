"""Text that came from outside, made safe to show: one rule for every screen, log, report and message."""

from __future__ import annotations

SPACES = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
JOINERS = "\u200c\u200d"  # inside emoji and Indic words; they reorder and hide nothing


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


def _visible(c: str) -> str:
    if c.isprintable() or c in JOINERS:
        return c
    if c in SPACES:
        return " "
    code = ord(c)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
