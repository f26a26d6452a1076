"""Shares and tables of them, in markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def share(x: float, digits: int = 3) -> str:
    """A share; only what never happened is 0, and only what always did is 1.

    >>> [share(x) for x in (0.95, 1.0, 0.0, 0.0004, 0.9999)]
    ['.950', '1', '0', '<.001', '>.999']
    """
    if x <= 1e-12 or x >= 1 - 1e-12:
        return f"{x:.0f}"
    least = 10.0**-digits
    sign = "<" if x < least / 2 else ">" if x > 1 - least / 2 else ""
    return sign + f"{min(max(x, least), 1 - least) if sign else x:.{digits}f}".removeprefix("0")


def table(header: Sequence[object], rows: Mapping[str, Sequence[str]]) -> str:
    """A markdown table; each row begins with its name."""
    every = [list(map(str, header)), ["---"] * len(header), *([name, *cells] for name, cells in rows.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in every)
