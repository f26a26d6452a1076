"""Events as files of TensorBoard: a folder a run with its curves, and what it came to beside what it was.

`loss`, `score` and `validation` are scalars over steps, `test/score` and `test/loss` are at the last. The table of
TensorBoard's HPARAMS has a row a run: variant, task, length, seed, every setting, and `test/score`.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench import seeds, strict
from rnnbench.errors import UserError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

ODD = re.compile(r"[^A-Za-z0-9_.+-]")
FLUSH_SECONDS = 10  # between what happens and what TensorBoard may see
CURVES = ("loss", "score", "validation")


def write(events: Iterable[Mapping[str, Any]], folder: Path) -> int:
    """Writes what there is of training into a folder, as it comes; how many runs it was. UserError where tensorboard
    isn't installed, or a field isn't what it should be."""
    if importlib.util.find_spec("tensorboard") is None:
        raise UserError("tensorboard: isn't installed here; next: pip install 'rnnbench[tensorboard]'")
    board = _Board(folder)
    try:
        for event in events:
            try:
                board.take(event)
            except (ValueError, TypeError, KeyError) as error:
                raise UserError(f"{event['event']}: not as `rnnbench run --events` wrote it: {error}") from error
    finally:
        board.close()
    return board.count


class _Board:
    """A writer for each run under way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0
        self.writers: dict[str, SummaryWriter] = {}
        self.settings: dict[str, dict[str, Any]] = {}  # of the runs of cohorts that were started, by run

    def take(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "cohort_started":
            settings = _flat(event["rung"]["settings"])
            self.settings |= {str(run["run"]): settings | {"lr": run["lr"]} for run in event["runs"]}
        elif event["event"] == "progress":
            step, writer = strict.whole("step", event["step"]), self._writer(event)
            for name in CURVES:
                if event[name] is not None:
                    writer.add_scalar(name, strict.number(name, event[name]), step, event["at"])
        elif event["event"] == "run_ended":
            self._end(event)

    def _writer(self, event: Mapping[str, Any]) -> SummaryWriter:
        """That of a run. One that goes on, or is tried again, takes back what its folder has from this step on."""
        from torch.utils.tensorboard import SummaryWriter

        run = str(event["run"])
        if run not in self.writers:
            self.count += 1
            place = self.folder.joinpath(*_parts(event))
            step = event.get("step", event["steps"])
            self.writers[run] = SummaryWriter(str(place), purge_step=step, flush_secs=FLUSH_SECONDS)
        return self.writers[run]

    def _end(self, event: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard.summary import hparams

        writer, run = self._writer(event), str(event["run"])
        step = strict.whole("steps", event["steps"])
        if event["score"] is not None:
            results = {"test/score": strict.number("score", event["score"], 0, 1)}
            if event["loss"] is not None:
                results["test/loss"] = strict.number("loss", event["loss"])
            for name, value in results.items():
                writer.add_scalar(name, value, step, event["at"])
            named = _flat({name: event[name] for name in ("variant", "task", "length", "examples")})
            named["seed"] = _seed(event["seed"])
            told = hparams(self.settings.get(run, {}) | named, results)  # type: ignore[no-untyped-call]
            for summary in told:  # add_hparams would write each result twice
                writer._get_file_writer().add_summary(summary)  # type: ignore[no-untyped-call]
        writer.close()
        del self.writers[run]
        self.settings.pop(run, None)

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.writers.clear()


def _seed(value: Any) -> int | str:
    """A seed as one value, however it is told."""
    found = seeds.from_plain(value)
    return str(found) if isinstance(found, seeds.Pair) else found


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's settings HPARAMS can show."""
    return {name: value for name, value in settings.items() if isinstance(value, str | int | float)}


def _parts(event: Mapping[str, Any]) -> list[str]:
    """The folders of a run, below each other: nothing in them leads elsewhere.

    >>> run = {"variant": "lstm", "task": "adding", "length": 20, "seed": 0, "budget": 1, "choice": "own",
    ...        "run": "5e", "examples": None}
    >>> _parts(run), _parts(run | {"variant": "../x", "budget": 4, "choice": "pilot"})
    (['lstm', 'adding', '20', 'seed-0'], ['_.._x', 'adding', '20', 'seed-0-times-4-pilot-5e'])
    >>> _parts(run | {"seed": {"init": 3, "data": 1}, "examples": 500})[-2:]
    ['20-with-500-examples', 'seed-3_1']
    """
    seed = f"seed-{_seed(event['seed'])}"
    if event["budget"] != 1:
        seed += f"-times-{event['budget']}"
    if event["choice"] != "own":
        seed += f"-{event['choice']}" + (f"-{str(event['run'])[:8]}" if event["choice"] == "pilot" else "")
    few = "" if event["examples"] is None else f"-with-{event['examples']}-examples"
    names = (str(event["variant"]), str(event["task"]), f"{event['length']}{few}", seed)
    return [ODD.sub("_", f"_{name}" if name.startswith(".") else name)[:100] for name in names]
