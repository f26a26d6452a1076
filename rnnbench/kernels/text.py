"""The text of a program under construction: lines in blocks, and where each part of scratch memory starts."""

from __future__ import annotations

from dataclasses import dataclass, field


class Text:
    """Lines of a program, indented by blocks."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    def __call__(self, line: str = "") -> None:
        self.lines.append("    " * self.depth + line if line else "")

    def block(self, line: str) -> Block:
        self(line)
        return Block(self)


class Block:
    """Indents what is printed inside of it."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __enter__(self) -> None:
        self.text.depth += 1

    def __exit__(self, *error: object) -> None:
        self.text.depth -= 1


@dataclass
class Memory:
    """Scratch memory: a name and a number of floats, as an expression in the scan's sizes, for each part."""

    guard: int  # floats behind each part that nobody may write to
    parts: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, name: str, floats: str) -> None:
        if not floats.startswith("0 "):  # nothing of this kind
            self.parts.append((name, floats))

    def places(self, add: Text) -> None:
        for name, size in self.parts:
            add(f"at_{name} = scratch")
            add(f"{name} = floats(scratch)")
            add(f"scratch += 4 * ({size}{f' + {self.guard}' if self.guard else ''})")

    def size(self, add: Text) -> None:
        ends = ", ".join(f"{size}" for _, size in self.parts) or "0"
        add(f"return [{ends}]")
