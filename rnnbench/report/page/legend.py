"""The legend of a page: a button a variant, which shows and hides it in every chart."""

from __future__ import annotations

from collections.abc import Sequence

from rnnbench.report.looks import Series
from rnnbench.report.page.markup import Markup, join, tag

PATHS = {  # of the shapes, about (0, 0)
    "circle": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z",
    "square": "M-3.5,-3.5h7v7h-7Z",
    "triangle-up": "M0,-4.5L4.5,3.5H-4.5Z",
    "triangle-down": "M0,4.5L4.5,-3.5H-4.5Z",
    "diamond": "M0,-5L4,0L0,5L-4,0Z",
}


def buttons(series: Sequence[Series]) -> Markup:
    """Without script they are only a legend: the script enables them."""
    each = (
        tag("button", _swatch(one), one.name, type="button", disabled=True, aria_pressed="true", data_series=one.key)
        for one in series
    )
    intervals = tag("button", "intervals", type="button", disabled=True, aria_pressed="true", data_kind="band")
    return join(*each, intervals)


def _swatch(one: Series) -> Markup:
    dash = " ".join(map(str, one.dash)) if one.dash[1] else None
    line = tag("path", d="M0,6H28", stroke=one.colour, stroke_width=2, stroke_dasharray=dash)
    dot = tag("path", d=PATHS[one.shape], fill=one.colour, transform="translate(14,6)")
    return tag("svg", line, dot, width=28, height=12, viewBox="0 0 28 12", aria_hidden="true", focusable="false")
