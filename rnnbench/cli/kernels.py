"""`rnnbench kernels`: the fused scans that are derived from cells, as text, and why one is not."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
import yaml

from rnnbench.cli import app, common
from rnnbench.errors import UserError

kernels = typer.Typer(help="The fused scans that are derived from cells.", no_args_is_help=True)
app.add_typer(kernels, name="kernels")


@kernels.command("list")
def list_() -> None:
    """Say of every cell whether a fused scan is derived from its step, and if not, why."""
    from rnnbench import registry
    from rnnbench.kernels import refusal

    for name in registry.names("cells"):
        reason = refusal(registry.cell({"cell": name}))
        common.say(f"{name}: {f'stepped through: {reason}' if reason else 'fused'}")


@kernels.command()
def show(
    cell: Annotated[str, typer.Argument(help="A cell, as a suite names it: its name, ./FILE.py or package/name.")],
    switches: Annotated[
        list[str] | None, typer.Argument(metavar="[SWITCH=VALUE]...", help="Its switches, as in a suite.")
    ] = None,
) -> None:
    """Print the scans that are derived from a cell's step, as they are compiled."""
    from rnnbench import registry
    from rnnbench.kernels import refusal
    from rnnbench.suite.document import scalar
    from rnnbench.suite.load import loads

    model: dict[str, object] = {"cell": cell}
    for switch in switches or ():
        name, equals, value = switch.partition("=")
        if not equals:
            raise UserError(f"{switch}: expected SWITCH=VALUE, as in peepholes=true")
        model[name] = scalar(value)
    document = {"rnnbench": 1, "name": "kernels", "architectures": {"cell": model}, "tasks": {"copy": {"lengths": [1]}}}
    try:
        suite = loads(yaml.safe_dump(document, sort_keys=False).encode(), "kernels")
    except UserError as error:  # its places are those of a suite that the user never saw
        raise UserError(*(line.split("architectures.cell.", 1)[-1] for line in error.lines)) from error
    found = registry.cell(suite.variants[0].model)
    if reason := refusal(found):
        raise UserError(f"{cell}: no fused scan is derived from its step, which is stepped through: {reason}")
    from rnnbench.kernels.derived import source

    sys.stdout.write(source(found))
