"""What parameters a model has, and where each lies in one flat buffer. Counting them trains nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rnnbench.cells import Shapes
from rnnbench.layers import Layer, attention, conv
from rnnbench.settings import Settings

# Every parameter starts at a multiple of 64 bytes, and so does every run: the bits of a product can depend on that.
ALIGN = 16


@dataclass(frozen=True)
class Layout:
    """The parameters of layers and of what is built around them, for `inputs` numbers a step (or tokens) and answers
    `outputs` wide."""

    layer: Layer
    inputs: int
    outputs: int
    settings: Settings

    @property
    def directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.settings.bidirectional else ("forward",)

    @cached_property
    def groups(self) -> dict[str, Shapes]:
        """The parameters of each layer, `<depth>/<direction>`, of what is around it, and of the read-out."""
        s, O = self.settings, self.outputs
        groups: dict[str, Shapes] = {}
        given = self.inputs
        for depth in range(s.layers):
            width = self.layer.width(given, s.hidden)
            for direction in self.directions:
                if s.conv:
                    groups[f"conv/{depth}/{direction}"] = conv.shapes(s.conv, given)
                shapes = self.layer.shapes(given, s.hidden, depth == 0, depth == s.layers - 1)
                groups[f"{depth}/{direction}"] = shapes
                if s.layer_norm:
                    groups[f"norm/{depth}/{direction}"] = {"g": (1, width), "b": (1, width)}
            given = width * len(self.directions)
        readout = {"W": (given, O), "b": (1, O)}
        if s.attention != "none":
            groups["attention"] = attention.shapes(s.attention, given, s.hidden)
            readout["A"] = (given, O)
        return groups | {"readout": readout}

    @cached_property
    def places(self) -> dict[str, tuple[int, tuple[int, int]]]:
        """Where each parameter starts in the flat buffer, and its shape."""
        places, start = {}, 0
        for group, shapes in self.groups.items():
            for name, (rows, columns) in shapes.items():
                places[f"{group}/{name}"] = (start, (rows, columns))
                start += -(-rows * columns // ALIGN) * ALIGN
        return places

    @property
    def size(self) -> int:
        """P: the length of the flat buffer."""
        start, (rows, columns) = list(self.places.values())[-1]
        return start + -(-rows * columns // ALIGN) * ALIGN

    @property
    def parameters(self) -> int:
        """How many numbers are trained."""
        every = sum(rows * columns for _, (rows, columns) in self.places.values())
        return every - sum(size for _, size in self.kept)

    @cached_property
    def kept(self) -> list[tuple[int, int]]:
        """Where what is not trained starts in the flat buffer, and how many numbers it is."""
        return [
            (start, rows * columns)
            for name, (start, (rows, columns)) in self.places.items()
            if name[0].isdigit() and self.layer.untrained(name.split("/", 2)[2])
        ]
