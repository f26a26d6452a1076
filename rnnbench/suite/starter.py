"""The suite that `rnnbench init` writes: small enough to run at once, with a comment for whatever may be changed."""

from __future__ import annotations

import ast
from pathlib import Path

KINDS = ("cell", "layer", "module", "task")

TEXT = """\
# yaml-language-server: $schema=./schema.json
# With the schema that the line above names, an editor completes and checks this file: rnnbench schema -o schema.json
#   rnnbench validate {file}    is it right?
#   rnnbench plan {file}        how many runs, how long?
#   rnnbench run {file}         train; interrupted, it goes on later
#   rnnbench report {file}      what became of it
rnnbench: 1
name: {name}
about: How far back does each variant remember?

# Settings for every run; each variant and each task may have its own. All of them: rnnbench list settings
defaults: {{hidden: 16, steps: 600, lr: 1e-2}}

# How often each run is repeated, from other initial bits and data. Claims and effects need 6.
seeds: 6

# What is compared: cells (rnnbench list cells) and layers (rnnbench list layers); their switches: rnnbench list lstm.
architectures:
{architectures}
# One part at a time taken out (without) or put in (with).
ablate:
{ablate}
# What they must learn, at lengths that grow (rnnbench list tasks); a length that nobody solves ends the climb.
tasks:
{tasks}
# Sentences that the results decide: holds, fails or undecided.
claims:
{claims}"""

RNN = "  rnn: {cell: rnn}"
LSTM = "  lstm: {cell: lstm}"
DIFFERENCE = "  # {name}-wide: {{base: {name}, hidden: 32}}          # a difference from another, never a copy"
OWN_PART = "  # - {base: mine, without: [some_switch]}             # a switch of yours that is true\n"
OWN_NAME = "mine"
GATES = ("forget_gate", "input_gate", "output_gate")
COPY = "  copy: {items: 1, alphabet: 4, lengths: [4, 8, 16, 32]}"
ADDING = "  adding: {lengths: [5, 10, 20, 40]}"


def suite(file: Path, kind: str = "", what: str = "", parts: tuple[str, ...] = ()) -> str:
    """The text of a suite in that file: of our LSTM, or of somebody's own cell, layer, module or task (`what`, as a
    suite names it), whose switches that can be taken out are `parts`."""
    own = kind in ("cell", "layer", "module")
    name, tasks = OWN_NAME if own else "lstm", [COPY, ADDING]
    architectures = [RNN, LSTM, *([f"  {OWN_NAME}: {{{kind}: {what}}}"] if own else [])]
    parts = parts if own else GATES
    ablate = f"  - {{base: {name}, without: [{', '.join(parts)}]}}\n"
    if not parts:
        ablate = "  - {base: lstm, without: [forget_gate]}\n" + OWN_PART
    task = "adding"
    if kind == "task":
        tasks, task = [f"  {OWN_NAME}: {{task: {what}, lengths: [4, 8, 16, 32]}}", COPY], OWN_NAME
    claims = [(f"{name} outlasts the plain RNN", f"span({name}, {task}) >= 2 * span(rnn, {task})")]
    claims += [(f"{part} matters", f"effect({part}, {task}) < 0") for part in parts]
    return TEXT.format(
        file=file.name,
        name=file.stem,
        architectures="\n".join([*architectures, DIFFERENCE.format(name=name)]) + "\n",
        ablate=ablate,
        tasks="\n".join(tasks) + "\n",
        claims="".join(f'  - {{says: {says}, that: "{that}"}}\n' for says, that in claims),
    )


def switches(path: Path, kind: str) -> tuple[str, ...]:
    """The fields of the class in somebody's file that are true unless told otherwise: what can be taken out. Nothing is
    imported; OSError or SyntaxError where the file can't be read as Python."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ClassDef) and node.name == kind.capitalize():
            return tuple(
                each.target.id
                for each in node.body
                if isinstance(each, ast.AnnAssign)
                and isinstance(each.target, ast.Name)
                and isinstance(each.value, ast.Constant)
                and each.value.value is True
            )
    return ()
