"""Reports: one table model, one file a format. `render` and `files` import only the format that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rnnbench.errors import UserError
from rnnbench.report import formats

if TYPE_CHECKING:
    from rnnbench.plan.ladders import Climb
    from rnnbench.report.probed import Probes
    from rnnbench.suite import Suite


def render(
    suite: Suite,
    climbs: Sequence[Climb],
    format: str,
    *,
    width: int | None = None,
    color: bool = False,
    notes: Sequence[str] = (),
    by: str | None = None,
    only: Sequence[str] | None = None,
    brief: bool = False,
    probes: Probes | None = None,
) -> str:
    """The report on a suite's view of a store, as a text that ends in a newline.

    `width` in columns and `color` (which NO_COLOR overrules) are the terminal's business: other formats ignore them.
    None is the width of the terminal, or 100 where there is none. `notes` are warnings that stand at the end; csv,
    which has no place for them, leaves them out. `by`: spans and effects by a factor instead of the whole report.
    `only`: these parts of it; `brief`: what is to be seen at once. `probes`: of a format that has a place for them.
    UserError for an unknown format or factor, and for a format that has no tables, or makes several files.
    """
    if by is not None:
        return _by_factor(suite, climbs, format, by, width, color, notes)
    if brief or only is not None:
        return _in_part(suite, climbs, format, only, width, color, notes)
    found = formats.named(format)
    if not hasattr(found, "render"):
        raise UserError(f"--format {format}: makes several files; next: -o FOLDER")
    more = {"probes": probes} if probes else {}
    return str(found.render(suite, climbs, width=width, color=color, notes=tuple(notes), **more))


def files(suite: Suite, climbs: Sequence[Climb], format: str) -> Iterator[tuple[str, bytes]] | None:
    """The name and the bytes of each file of a report, one after another; None of a format that makes one text."""
    found = formats.named(format)
    return found.files(suite, climbs) if hasattr(found, "files") else None


def _by_factor(
    suite: Suite, climbs: Sequence[Climb], format: str, by: str, width: int | None, color: bool, notes: Sequence[str]
) -> str:
    from rnnbench.report import by as factor
    from rnnbench.report.formats import markdown, table

    if format not in ("markdown", "table"):
        formats.named(format)
        raise UserError(
            f"--by: got it beside --format {format}, expected table or markdown; csv and json say it anyway"
        )
    found = factor.report(suite, climbs, by, notes)
    return markdown.show(found) if format == "markdown" else table.show(found, width, color)


def _in_part(
    suite: Suite,
    climbs: Sequence[Climb],
    format: str,
    only: Sequence[str] | None,
    width: int | None,
    color: bool,
    notes: Sequence[str],
) -> str:
    from rnnbench.report import brief
    from rnnbench.report.formats import latex, markdown, table

    found = brief.report(suite, climbs, notes) if only is None else brief.only(suite, climbs, only, notes)
    if format == "latex":
        return latex.show(found)
    return markdown.show(found) if format == "markdown" else table.show(found, width, color)
