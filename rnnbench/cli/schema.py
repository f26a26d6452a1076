"""`rnnbench schema`: the JSON schema of suite files, for editors."""

from __future__ import annotations

from rnnbench.cli import app, common, options


@app.command()
def schema(output: options.Output = None) -> None:
    """Print the JSON schema of suite files: an editor that knows it completes keys and marks wrong ones."""
    import json

    from rnnbench.suite.schema import schema as made

    common.write(json.dumps(made(), indent=1), output)
