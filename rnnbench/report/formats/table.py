"""A report for a terminal, at any width: a table that is too wide is drawn as several, one below the other, with some
of its columns each. Nothing is cut short: names and sentences are folded, numbers never."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.style import Style
from rich.text import Text

from rnnbench import environment
from rnnbench.plan.ladders import Climb
from rnnbench.report import tables
from rnnbench.report.model import NBSP, Cell, Report, Table, Tone
from rnnbench.suite import Suite

SUFFIXES = (".txt",)

GAP = 2  # blanks between columns
NAME = 10  # a column of names is folded no narrower than this
INDENT = 2
STYLES: dict[Tone, str] = {
    "plain": "",
    "full": "green",
    "much": "yellow",
    "some": "dark_orange3",
    "little": "red",
    "quiet": "bright_black",
    "alarm": "bold magenta",
}


def render(
    suite: Suite, climbs: Sequence[Climb], *, width: int | None = None, color: bool = False, notes: Sequence[str] = ()
) -> str:
    return show(tables.report(suite, climbs, notes), width, color)


def show(report: Report, width: int | None, color: bool) -> str:
    """Any report, at a width in columns (None: the terminal's)."""
    width = width or shutil.get_terminal_size((100, 24)).columns
    lines = [
        *_prose(report.title, width, "bold"),
        *_prose(report.about, width),
        *_prose(report.summary, width, "bright_black"),
    ]
    if report.answer:
        lines += [Text(), *(line for sentence in report.answer for line in _prose(sentence, width))]
    for table in report.tables:
        lines += [Text(), *draw(table, width)]
    if report.legend:
        lines += [Text(), *(line for text in report.legend for line in _prose(text, width, "bright_black"))]
    if report.notes:
        lines += [Text(), *(line for note in report.notes for line in _prose(f"note: {note}", width, "yellow"))]
    return _text(lines, color)


def _text(lines: Sequence[Text], color: bool) -> str:
    """The lines as one text, with escape sequences only if wanted."""
    out = io.StringIO()
    colored = color and environment.color()
    console = Console(
        file=out, width=10**6, color_system="256" if colored else None, force_terminal=colored, legacy_windows=False
    )
    for line in lines:
        line.rstrip()
        console.print(line, soft_wrap=True, highlight=False)
    return out.getvalue()


def _prose(text: str, width: int, style: str = "") -> list[Text]:
    """Sentences, folded between words; a word that is wider than a line is folded too."""
    words = [piece for word in text.split(" ") for piece in chop_cells(word, width)]
    return [Text(line.replace(NBSP, " "), style) for line in flow(words, width)]


def draw(table: Table, width: int) -> list[Text]:
    """The lines of a table, none wider than width."""
    lines = [*_prose(table.title, width, "bold cyan"), *_prose(table.about, width, "bright_black")]
    columns = [[row[k] for row in table.rows] for k in range(len(table.columns))]
    names = [cell.text for cell in columns[0]]
    wide = [Drawn(c.title, cells, c.number) for c, cells in zip(table.columns[1:], columns[1:], strict=True)]
    wide = [column for column in wide if column.width]
    longest = max((cell_len(name) for name in names), default=0)
    widest = max((column.width for column in wide), default=0)
    room = width - GAP - widest
    if room >= min(longest, NAME):
        folded = min(longest, room)
        keys = _keys(names, wide, room - longest)
        rest, taken = wide[len(keys) :], sum(column.width + GAP for column in keys)
        for chosen in blocks([column.width for column in rest], width - folded - taken):
            lines += [Text(), *block(names, folded, [*keys, *(rest[k] for k in chosen)])]
    else:
        lines += _stacked(names, wide, width)
    for note in table.notes:
        lines += _prose(note, width, "bright_black")
    return lines


def _keys(names: Sequence[str], columns: Sequence[Drawn], room: int) -> Sequence[Drawn]:
    """The columns of words beside names that are not each one row's, which stand in every block as the names do; none
    where there is no room for them."""
    if len(set(names)) == len(names):
        return ()
    first = next((k for k, column in enumerate(columns) if column.number), 0)
    return columns[:first] if sum(column.width + GAP for column in columns[:first]) <= room else ()


class Drawn:
    """A column's cells, each part padded to the widest of its place. A mark (one part, no value) ends where its place
    does and makes no place wider."""

    def __init__(self, title: str, cells: Sequence[Cell], number: bool) -> None:
        self.title, self.cells, self.number = title, cells, number
        full = [cell.parts for cell in cells if not _is_mark(cell)]
        places = max((len(parts) for parts in full), default=0)
        self._wide = [max(cell_len(parts[k]) if k < len(parts) else 0 for parts in full) for k in range(places)]
        marks = max((cell_len(cell.text) for cell in cells if _is_mark(cell)), default=0)
        self.width = max(self._end(places), marks, cell_len(title))

    def _end(self, places: int) -> int:
        """Where the first so many places end, counted from the first's beginning."""
        used = [w for w in self._wide[:places] if w]
        return sum(used) + max(0, len(used) - 1)

    def head(self) -> Text:
        return Text(self._pad(self.title, self.width), "bold")

    def line(self, row: int) -> Text:
        cell = self.cells[row]
        inner = self._end(len(self._wide))
        if _is_mark(cell):
            end = max(self._end(len(cell.parts)), cell_len(cell.text))
            text = self._pad(cell.text, end) + " " * (inner - end)
        else:
            parts = [*cell.parts, *[""] * (len(self._wide) - len(cell.parts))]
            text = " ".join(self._pad(part, w) for part, w in zip(parts, self._wide, strict=True) if w)
        return Text(self._pad(text, self.width), style(cell))

    def _pad(self, text: str, width: int) -> str:
        blanks = " " * (width - cell_len(text))
        return blanks + text if self.number else text + blanks


def _is_mark(cell: Cell) -> bool:
    return cell.value is None and sum(map(bool, cell.parts)) == 1


def style(cell: Cell) -> Style:
    """How a cell looks."""
    return Style.parse(STYLES[cell.tone] or "none") + Style(bold=True if cell.best else None)


def blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns in as few blocks as fit into room, and these as even as can be."""

    def fill(limit: int) -> list[list[int]]:
        out: list[list[int]] = []
        used = limit + 1
        for k, w in enumerate(widths):
            if used + GAP + w > limit:
                out.append([])
                used = 0
            out[-1].append(k)
            used += GAP + w
        return out

    fewest = len(fill(room))
    narrow = max((GAP + w for w in widths), default=0)
    return next(blocks for limit in range(narrow, room + 1) if len(blocks := fill(limit)) == fewest)


def block(names: Sequence[str], folded: int, columns: Sequence[Drawn]) -> list[Text]:
    """A heading, a rule, and a line a row (more where its name is folded)."""
    gap = " " * GAP
    lines = [Text(gap).join([Text(" " * folded), *(c.head() for c in columns)])]
    lines.append(Text("─" * (folded + sum(GAP + c.width for c in columns)), "bright_black"))
    for row, name in enumerate(names):
        first, *rest = chop_cells(name, folded) or [""]
        padded = Text(first + " " * (folded - cell_len(first)))
        lines.append(Text(gap).join([padded, *(c.line(row) for c in columns)]))
        lines += [Text(more) for more in rest]
    return lines


def _stacked(names: Sequence[str], columns: Sequence[Drawn], width: int) -> list[Text]:
    """For the narrowest terminals: column by column, each name on a line of its own, its cell on the next, broken
    between its parts if need be."""
    lines = []
    for column in columns:
        lines += [Text(), *(Text(part, "bold") for part in chop_cells(column.title, width))]
        lines.append(Text("─" * width, "bright_black"))
        for row, name in enumerate(names):
            cell = column.cells[row]
            lines += [Text(part) for part in chop_cells(name, width)]
            room = width - INDENT
            folded = flow(cell.text.split(), room) if column.number else chop_cells(cell.text, room)
            lines += [Text(" " * INDENT + line, style(cell)) for line in folded]
    return lines


def flow(words: Sequence[str], width: int, gap: str = " ") -> list[str]:
    """Words in lines no wider than width, where each word is not; a word is never broken."""
    lines: list[str] = []
    for word in words:
        if lines and cell_len(lines[-1] + gap + word) <= width:
            lines[-1] += gap + word
        else:
            lines.append(word)
    return lines
