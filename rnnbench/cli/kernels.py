"""`rnnbench kernels`: the fused scans that are derived from cells, as text, and why one is not."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer
import yaml

from rnnbench.cli import app, common
from rnnbench.errors import UserError
from rnnbench.settings import Settings
from rnnbench.text import flow

UNITS = Settings.hidden  # at which sizes are told

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
    code: Annotated[bool, typer.Option("--code", help="The scans themselves, as they are compiled.")] = False,
) -> None:
    """Say what is derived from a cell's step: with which parameters and states, and in how many lines, or why not."""
    from rnnbench import registry
    from rnnbench.kernels import refusal
    from rnnbench.suite.document import scalar
    from rnnbench.suite.load import loads
    from rnnbench.suite.reader import values

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

    text = source(found)
    if code:
        sys.stdout.write(text)
        return
    typed = shlex.join([cell, *(switches or ())])
    told = {
        "switches": ", ".join(f"{name}={flow(value)}" for name, value in values(found).items()) or "none",
        "parameters": ", ".join(found.shapes(1, UNITS)),
        "states": ", ".join(map(str, found.widths(UNITS))) + f" numbers of an example, at {UNITS} units",
        "code": f"{len(text.splitlines())} lines; next: rnnbench kernels show {typed} --code",
    }
    common.say(f"{cell}: fused: a scan forwards and one back are derived from its step")
    for name, what in told.items():
        common.say(f"{name:<{max(map(len, told))}}  {what}")
