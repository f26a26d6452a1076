"""`python -m rnnbench` is `rnnbench`, and both begin here: before anything that takes its time is imported."""

import os
import sys


def main() -> None:
    """Runs the command line and ends the process with one of `errors.Exit`."""
    _library_first()
    from rnnbench import interrupts

    interrupts.end_at_once()
    from rnnbench import cli

    try:
        cli.main()
    except SystemExit as ended:
        if getattr(sys.modules.get("rnnbench.foreign"), "here", False):
            sys.stderr.flush()
            os._exit(
                ended.code if isinstance(ended.code, int) else 1
            )  # no thread or exit handler that it left keeps us
        raise


def _library_first() -> None:
    """`python -m` looks in the current directory first, whose copy.py or json.py would be taken for the library's."""
    try:
        here = os.getcwd()
    except OSError:
        return
    if not sys.flags.safe_path and sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(here):
        sys.path.append(sys.path.pop(0))


if __name__ == "__main__":
    main()
