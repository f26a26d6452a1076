"""How charts look: the colour, dash and shape of every variant, the sizes and the ink of what they are drawn for.

Colours are those of Okabe & Ito (2008), which the colour-blind tell apart, without their yellow, which white swallows,
and black, which is the ink. Where there are more variants than colours the dash tells them apart too, the shape always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnbench.report.model import clean
from rnnbench.suite import Variant

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")
DASHES = ((1, 0), (6, 2), (2, 2), (8, 2, 2, 2))
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down")  # 5 and 7 have no common factor
LETTER = 0.6  # sizes of the font, about the width of a letter where the reader's is a wide one
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


@dataclass(frozen=True)
class Series:
    """How a variant is drawn everywhere. `key` names its layers, `name` is what is shown."""

    key: str
    name: str
    colour: str
    dash: tuple[int, ...]
    shape: str


def series(variants: Iterable[Variant]) -> dict[str, Series]:
    """The look of each variant of a suite, by its name: its place in the suite decides, whatever was selected."""
    return {
        variant.name: Series(
            f"s{k}",
            clean(variant.name),
            COLOURS[k % len(COLOURS)],
            DASHES[k // len(COLOURS) % len(DASHES)],
            SHAPES[k % len(SHAPES)],
        )
        for k, variant in enumerate(variants)
    }


@dataclass(frozen=True)
class Look:
    """What a chart is drawn for: `width` in points, size of `font` in points, the `ink` of texts and axes and the
    `paper` below, whether it brings its own `legend` (a page has one for all), and the points to `spare` at
    the left, where the reader's font may be wider than the one that is measured."""

    width: int
    font: float
    ink: str = "#000"
    paper: str | None = "#fff"
    legend: bool = True
    spare: int = 2

    def config(self) -> dict[str, Any]:
        """What all charts have in common, as Vega-Lite's `config`."""
        axis = {
            "domainColor": self.ink,
            "domainOpacity": 0.5,
            "gridColor": self.ink,
            "gridOpacity": 0.1,
            "labelColor": self.ink,
            "labelFontSize": self.font,
            "labelLimit": 0.38 * self.width,
            "tickColor": self.ink,
            "tickOpacity": 0.5,
            "titleColor": self.ink,
            "titleFontSize": self.font,
            "titleFontWeight": "normal",
        }
        legend = {
            "labelColor": self.ink,
            "labelFontSize": self.font,
            "labelLimit": 0.8 * self.width,
            "orient": "bottom",
            "symbolSize": 40,
            "symbolOpacity": 1,  # whatever the layer that it is taken from has
            "symbolStrokeWidth": 0,  # a dashed one looks torn
            "rowPadding": 1,
            "columnPadding": 2 * self.font,
            "offset": 4,
        }
        return {
            "aria": False,  # the figure around it says it all in one text
            "axis": axis,
            "background": self.paper,
            "font": FONT,
            "legend": legend,
            "text": {"color": self.ink, "fontSize": self.font},
            "rule": {"color": self.ink},
            "view": {"stroke": None},
        }

    def spec(self, layers: list[dict[str, Any]], height: float, **more: Any) -> dict[str, Any]:
        """A whole specification: so wide as the place, axes and all, and `height` points high inside."""
        return {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "config": self.config(),
            "width": self.width,
            "height": height,
            "autosize": {"type": "fit-x", "contains": "padding"},
            "padding": {"left": self.spare, "right": 2, "top": 2, "bottom": 2},
            "layer": layers,
            **more,
        }

    def _columns(self, names: Sequence[str]) -> int:
        """How many names a row of the legend has room for, in the widest font that may draw them."""
        longest = max(map(len, names)) * LETTER * self.font
        return max(1, int(self.width // (longest + 4 * self.font)))

    def encoded(self, one: Series, series: Mapping[str, Series], *channels: str, lines: bool = False) -> dict[str, Any]:
        """The colour, and the dash or shape where asked for, of a variant's layer; with all names in the legend, which
        has short lines as its symbols where nothing but `lines` is drawn."""
        every = list(series.values())
        ranges = {
            "color": [s.colour for s in every],
            "strokeDash": [list(s.dash) for s in every],
            "shape": [s.shape for s in every],
        }
        names = [s.name for s in every]
        look: dict[str, Any] = {"title": None, "columns": self._columns(names)}
        symbol = {"symbolType": "stroke", "symbolStrokeWidth": 2, "symbolSize": 160} if lines else {}

        def channel(name: str) -> dict[str, Any]:
            legend = look | symbol if self.legend and name != "strokeDash" else None  # dashed it looks torn
            scale = {"domain": names, "range": ranges[name]}
            return {"datum": one.name, "type": "nominal", "scale": scale, "legend": legend}

        return {name: channel(name) for name in ("color", *channels)}


PAGE = Look(430, 13, ink="currentColor", paper=None, legend=False, spare=18)
COLUMN = Look(252, 8, spare=14)  # 3.5 inches
COLUMNS = Look(516, 8, spare=14)  # both of two
