"""What is known of a number: that it lies between two ends. Arithmetic and comparisons of such, in three values.

A span is known up to the ladder's rungs (from 40 to below 80), steps to solve up to the budget (from 1500 on).
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`; an end that is `open` is not one of them.

    >>> a, b = Range(40, 80, high_open=True), Range(20, 40, high_open=True)
    >>> (a - b).compare(">"), (a - b * 2).compare(">="), (b - a).compare(">=")
    (True, None, False)
    """

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __add__(self, other: Range) -> Range:
        open_ends = self.low_open or other.low_open, self.high_open or other.high_open
        return Range(self.low + other.low, self.high + other.high, *open_ends)

    def __neg__(self) -> Range:
        return Range(-self.high, -self.low, self.high_open, self.low_open)

    def __sub__(self, other: Range) -> Range:
        return self + -other

    def __mul__(self, factor: float) -> Range:
        if factor == 0:
            return Range(0.0, 0.0)
        if factor < 0:
            return -self * -factor
        return Range(self.low * factor, self.high * factor, self.low_open, self.high_open)

    def __truediv__(self, other: Range) -> Range:
        """Of positive numbers."""
        low = self.low / other.high if math.isfinite(other.high) else 0.0
        high = self.high / other.low if other.low > 0 and math.isfinite(self.high) else math.inf
        return Range(low, high, self.low_open or other.high_open, self.high_open or other.low_open)

    def log2(self) -> Range:
        low = math.log2(self.low) if self.low > 0 else -math.inf
        return Range(low, math.log2(self.high), self.low_open, self.high_open)

    def compare(self, sign: str) -> bool | None:
        """Whether it compares so to 0; None where only some of its numbers do.

        >>> [Range(0, 1).compare(sign) for sign in (">=", ">", "<", "==")]
        [True, None, False, None]
        """
        if sign in (">", ">="):
            all_over = self.low > 0 or (self.low == 0 and (sign == ">=" or self.low_open))
            none_over = self.high < 0 or (self.high == 0 and (sign == ">" or self.high_open))
            return True if all_over else False if none_over else None
        if sign in ("<", "<="):
            return (-self).compare(">" if sign == "<" else ">=")
        apart = self.compare(">") or self.compare("<")
        equal = True if self.low == self.high == 0 else False if apart else None
        return equal if sign == "==" or equal is None else not equal


def point(x: float) -> Range:
    """A number that is known exactly."""
    return Range(x, x)
