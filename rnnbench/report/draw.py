"""A chart's specification -> SVG, PDF or PNG, by vl-convert: Vega itself, without a browser and without the network."""

from __future__ import annotations

import re
from typing import Any

PIXELS = 300  # an inch, of a PNG
TAG = re.compile(r"<[a-z][^>]*>")  # a text has its < and > escaped
STYLE = re.compile(r' (?:style|aria-hidden|xmlns:xlink)="[^"]*"')


def svg(spec: dict[str, Any]) -> str:
    """One <svg> element, without style attributes, which a page's content security policy forbids."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return TAG.sub(lambda tag: STYLE.sub("", tag.group()), drawn)


def pdf(spec: dict[str, Any]) -> bytes:
    """One page, of the size of the chart in points, its fonts in it."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_pdf(spec, allowed_base_urls=[]))


def png(spec: dict[str, Any]) -> bytes:
    """At 300 pixels an inch."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, ppi=PIXELS, scale=1, allowed_base_urls=[]))
