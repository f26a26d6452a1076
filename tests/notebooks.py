"""The example notebook, executed by a kernel: `python -m tests.notebooks` writes docs/example.ipynb with what its cells
give today, for a change that is meant; with the path of another file, that one, and leaves the document alone."""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parent.parent / "docs" / "example.ipynb"
SECONDS = 300  # that a cell may take


def executed(path: Path, folder: str) -> str:
    """A notebook's file with the outputs of its cells, run in a folder; nothing in it tells when or where."""
    nbclient, nbformat = map(importlib.import_module, ("nbclient", "nbformat"))  # without types
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, resources={"metadata": {"path": folder}}
    )
    client.execute()
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def outputs(text: str) -> list[list[Any]]:
    """What each cell of a notebook's file gave, as text: what is drawn differs with the package that draws it."""
    cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
    return [[_text(output) for output in cell["outputs"]] for cell in cells]


def without_compiling(text: str) -> str:
    """What a run tells, without the lines on what was compiled: a machine does that once."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("compiled what "))


def _text(output: dict[str, Any]) -> str:
    kind = output["output_type"]
    if kind == "stream":
        return f"{output['name']}: {''.join(output['text'])}"
    if "data" not in output:
        return f"{kind}: {output['evalue']}"
    return without_compiling("".join(output["data"]["text/plain"]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        target = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLE
        target.write_text(executed(EXAMPLE, place), "utf-8")
