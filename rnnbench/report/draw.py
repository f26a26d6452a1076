"""A chart's specification -> SVG, PDF or PNG, by vl-convert: Vega itself, without a browser and without the network."""

from __future__ import annotations

import re
from typing import Any

BEYOND = re.compile("[\U00010000-\U0010ffff]")
PIXELS = 300  # an inch, of a PNG
TAG = re.compile(r"<[a-z][^>]*>")  # a text has its < and > escaped
# Attributes that a page forbids, or that say nothing: a chart is read out by its own text, not mark by mark.
IDLE = re.compile(
    r' (?:(?:style|aria-hidden|xmlns:xlink|role|aria-roledescription)="[^"]*"'
    r'|transform="translate\(0,0\)"|stroke-dasharray="1,0")'
)
UNSEEN = re.compile(r'<path class="(?:background|foreground)" d="[^"]*"(?: pointer-events="none"| display="none")?/>')
LONG = re.compile(r"(\d\.\d)\d+")  # a tenth of a point is all that anybody sees


def _drawable(value: Any) -> Any:
    """A specification whose texts have no letter beyond the basic plane, which may be cut in two where a text is
    measured: they become U+FFFD."""
    if isinstance(value, str):
        return BEYOND.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_drawable(key): _drawable(each) for key, each in value.items()}
    return [_drawable(each) for each in value] if isinstance(value, list | tuple) else value


def svg(spec: dict[str, Any]) -> str:
    """One <svg> element, without style attributes, which a page's content security policy forbids, and without what
    isn't seen: of many curves that is a third."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(_drawable(spec), allowed_base_urls=[])
    return UNSEEN.sub("", TAG.sub(lambda tag: LONG.sub(r"\1", IDLE.sub("", tag.group())), drawn))


def pdf(spec: dict[str, Any]) -> bytes:
    """One page, of the size of the chart in points, its fonts in it."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf(_drawable(spec), allowed_base_urls=[]))


def png(spec: dict[str, Any]) -> bytes:
    """At 300 pixels an inch."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(_drawable(spec), ppi=PIXELS, scale=1, allowed_base_urls=[]))
