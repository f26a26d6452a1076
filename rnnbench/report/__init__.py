"""Reports: one table model, one file a format. `render` imports only the format that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rnnbench.report import formats

if TYPE_CHECKING:
    from rnnbench.plan.ladders import Climb
    from rnnbench.suite import Suite


def render(
    suite: Suite,
    climbs: Sequence[Climb],
    format: str,
    *,
    width: int | None = None,
    color: bool = False,
    notes: Sequence[str] = (),
) -> str:
    """The report on a suite's view of a store, as a text that ends in a newline.

    `width` in columns and `color` (which NO_COLOR overrules) are the terminal's business: other formats ignore them.
    None is the width of the terminal, or 100 where there is none. `notes` are warnings that stand at the end; csv,
    which has no place for them, leaves them out. UserError for an unknown format.
    """
    return str(formats.named(format).render(suite, climbs, width=width, color=color, notes=tuple(notes)))
