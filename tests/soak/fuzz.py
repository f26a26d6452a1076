"""Inputs that are cut, flipped and forged: stores, checkpoints, exports, baselines, suites, `-k` and `--set`.

No traceback, no control character, one of the exit codes that may come of it; a damaged store never reads as another.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import json
import os
import pkgutil
import random
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rnnbench
from rnnbench import api
from rnnbench.errors import Exit
from rnnbench.records import Run
from rnnbench.training.checkpoint import DIGEST, Checkpoint

from .program import Chain
from .tally import Options, Tally
from .trial import ROOT, Trial, ladders

BASELINE = ROOT / "suites" / "baselines" / "ci.json"
SUITE = ROOT / "suites" / "long_deps.yaml"
LOST = 99  # the exit status of a process that ended in no other way
SECONDS = 60  # that a command may take
BYTES = 8 * 2**30  # of memory that it may map
WORDS = (
    "null", "true", "[]", "{}", '""', "-1", "0", "1e400", "NaN", "-Infinity", "1e-3", "010", "1:30", "no", "\t", "\x00",
    "\x1b[31m", "\u202e", "\ufeff", "\U0001f600", "&a", "*a", "<<", "!!python/object:os.system", "---",
    "...", "|", ">", "../..", "[[[[[[[[", "((((((((", "not ", " and ", " or ", "=", "%",
    "'", '"', "\\", "#", ":", ": ", "- ", "?", ",", "9" * 400,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 10**400, 0.5, -0.0, 1e308, float("nan"), float("inf"), "", "abc", "\x1b[31m",
    "\u202e", "\ud800", "9" * 400, [], {}, [1], ["a"], {"a": 1}, [[[[]]]], [None] * 40,
)  # fmt: skip


def bytes_of(raw: bytes, rng: random.Random) -> bytes:
    """Bytes with one thing wrong: a bit, a cut, a piece that is gone, doubled or replaced by a word."""
    place, size = rng.randrange(len(raw) + 1), rng.choice((1, 1, 2, 8, 100))
    how = rng.randrange(5)
    if how == 0 and place < len(raw):
        return raw[:place] + bytes([raw[place] ^ 1 << rng.randrange(8)]) + raw[place + 1 :]
    if how == 1:
        return raw[:place]
    if how == 2:
        return raw[:place] + raw[place + size :]
    if how == 3:
        return raw[: place + size] + raw[place:]
    return raw[:place] + rng.choice(WORDS).encode() + raw[place + rng.choice((0, size)) :]


def value_of(value: Any, rng: random.Random) -> Any:
    """A JSON value with one of its parts, however deep, gone or replaced."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if rng.random() < 0.1:
            return value | {rng.choice(WORDS): rng.choice(VALUES)}
        return value | {key: value_of(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = rng.randrange(len(value))
        return [*value[:place], value_of(value[place], rng), *value[place + 1 :]]
    return rng.choice(VALUES)


def command(arguments: list[str], folder: Path) -> tuple[int, str, str]:
    """The command line in a process forked from this one: its exit status, and what it wrote on stdout and stderr."""
    written = [folder / name for name in ("stdout", "stderr")]
    pid = os.fork()
    if not pid:
        from rnnbench.cli import main

        for number, path in enumerate(written, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        os.chdir(folder)
        sys.argv = ["rnnbench", *arguments]
        sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(n, "w"), "utf-8", line_buffering=True) for n in (1, 2))
        try:
            main()
        except SystemExit as ended:
            os._exit(ended.code if isinstance(ended.code, int) else LOST)
        finally:
            os._exit(LOST)
    _, status = os.waitpid(pid, 0)
    out, err = (path.read_text("utf-8", errors="replace") for path in written)
    return os.waitstatus_to_exitcode(status), out, err


def judged(code: int, out: str, err: str, allowed: Collection[int]) -> Iterator[str]:
    """What is wrong with how a command took a bad input."""
    if code == -signal.SIGALRM:
        yield f"hung: not ended after {SECONDS} s"
    elif "Traceback" in err or code in (Exit.BUG, LOST):
        yield f"traceback: ended with {code}: {err[-300:]!r}"
    elif code not in allowed:
        yield f"code: ended with {code}, and said {err[:300]!r}"
    elif code and not err.strip() and not out.strip():
        yield f"silent: ended with {code} without a word"
    if not all(line.isprintable() for line in err.splitlines()):
        yield f"unprintable: {err[:300]!r}"


@dataclass(frozen=True)
class Good:
    """What inputs are made from: a trial that ended well and its exports; a baseline, a suite and a checkpoint."""

    trial: Trial
    canonical: str
    full: str
    baseline: dict[str, Any]
    suite: bytes
    checkpoint: bytes

    @property
    def here(self) -> list[str]:
        return [str(self.trial.file), "-r", str(self.trial.results)]


Kind = Callable[[Good, Path, random.Random], Iterator[str]]


def store(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """A store that reads as it was, or is told to be damaged."""
    results = folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    raw = (good.trial.results / "records.sqlite").read_bytes()
    if rng.random() < 0.1:
        (results / "records.sqlite-journal").write_bytes(bytes_of(rng.randbytes(1000), rng))
    else:
        raw = bytes_of(raw, rng)
    (results / "records.sqlite").write_bytes(raw)
    code, out, err = command(["export", str(good.trial.file), "-r", str(results), "--canonical"], folder)
    yield from judged(code, out, err, (Exit.OK, Exit.STORE))
    if code == Exit.OK and out != good.canonical and raw:
        yield "other: a damaged store reads as another"


def checkpoint(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """Bytes that are a checkpoint, or a ValueError; some are forged, with a digest that fits."""
    raw = good.checkpoint
    try:
        Checkpoint.from_bytes(forged(raw, rng) if rng.random() < 0.5 else bytes_of(raw, rng)).fits("", "", "")
    except ValueError:
        return
    except Exception as error:
        yield f"traceback: {type(error).__name__}: {error}"


def forged(raw: bytes, rng: random.Random) -> bytes:
    """A checkpoint with another header, and the digest of that."""
    magic, header, rest = raw.split(b"\n", 2)
    fresh = json.dumps(value_of(json.loads(header), rng)).encode()
    if rng.random() < 0.3:
        fresh = bytes_of(fresh, rng)
    body = b"\n".join((magic, fresh, rest[:-DIGEST]))
    return body + hashlib.blake2b(body, digest_size=DIGEST).digest()


def export(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """An export that `report` reads, or refuses in a line."""
    lines = good.full.splitlines()
    if rng.random() < 0.5:
        raw = bytes_of(good.full.encode(), rng)
    else:
        place = rng.randrange(len(lines))
        lines[place] = json.dumps(value_of(json.loads(lines[place]), rng))
        raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    path = folder / "export.jsonl"
    if rng.random() < 0.3:
        path, raw = folder / "export.jsonl.gz", gzip.compress(raw, 1)
        raw = bytes_of(raw, rng) if rng.random() < 0.7 else raw
    path.write_bytes(raw)
    yield from judged(*command(["report", str(good.trial.file), "--from", str(path)], folder), (Exit.OK, Exit.USAGE))


def baseline(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """A baseline of a suite that has not been trained is never green, whatever is done to it."""
    raw = json.dumps(value_of(good.baseline, rng)).encode("utf-8", "surrogatepass")
    path = folder / "baseline.json"
    path.write_bytes(raw if rng.random() < 0.7 else bytes_of(raw, rng))
    against = [
        "check",
        "ci",
        "--baseline",
        str(path),
        "--tier",
        "statistical",
        "--no-run",
        "-r",
        str(folder / "nothing"),
    ]
    yield from judged(*command(against, folder), (Exit.FAILED, Exit.USAGE, Exit.INCONCLUSIVE))


def suite(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """A suite that is read, or refused in lines."""
    raw = good.suite
    for _ in range(rng.choice((1, 1, 1, 3, 10))):
        raw = bytes_of(raw, rng)
    (folder / "suite.yaml").write_bytes(raw)
    asked = ["plan", "suite.yaml", "-r", str(folder / "nothing")]
    yield from judged(*command(asked, folder), (Exit.OK, Exit.USAGE, Exit.NOTHING_SELECTED))


def filter(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """An expression for -k: words and what else there is, in any order, and sometimes very many of one."""
    words = ("rnn", "adding", "3", "not", "and", "or", "(", ")", *WORDS)
    many = 5000 if rng.random() < 0.05 else rng.randrange(12)
    text = " ".join(rng.choices(words, k=many) if rng.random() < 0.8 else [rng.choice(words)] * many)
    asked = ["plan", *good.here, "-k", text.replace("\x00", "")]
    yield from judged(*command(asked, folder), (Exit.OK, Exit.USAGE, Exit.NOTHING_SELECTED))


def setting(good: Good, folder: Path, rng: random.Random) -> Iterator[str]:
    """A --set, of a key that there is or not."""
    key = rng.choice(("lr", "steps", "seeds", "defaults.lr", "tasks.adding.lengths", "architectures.rnn.cell", *WORDS))
    text = f"{key}{rng.choice(('=', '=', '=', '', '==', '.='))}{rng.choice(WORDS)}".replace("\x00", "")
    yield from judged(
        *command(["plan", *good.here, "--set", text], folder), (Exit.OK, Exit.USAGE, Exit.NOTHING_SELECTED)
    )


KINDS: tuple[Kind, ...] = (store, checkpoint, export, baseline, suite, filter, setting)


def imported() -> None:
    """Imports all of rnnbench, so that a process that is forked begins with what it is asked."""
    for module in pkgutil.walk_packages(rnnbench.__path__, "rnnbench."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    api.load("quick")


def made(folder: Path) -> Good:
    """What inputs are made from."""
    trial = Trial(folder / "good", ladders(2, 2))
    code, said = trial.run()
    if code:
        raise RuntimeError(f"an undisturbed run ended with {code}: {said}")
    here = [str(trial.file), "-r", str(trial.results)]
    _, canonical, _ = command(["export", *here, "--canonical"], folder)
    _, full, _ = command(["export", *here], folder)
    chain = Chain(Run.from_dict(json.loads(canonical.splitlines()[0])["run"]), None)
    chain.look()
    return Good(trial, canonical, full, json.loads(BASELINE.read_bytes()), SUITE.read_bytes(), chain.checkpoint())


def soak(tally: Tally, options: Options) -> None:
    """So many inputs of each kind."""
    imported()
    good = made(options.folder)
    number = 0
    while options.more(number):
        for kind in KINDS:
            rng = random.Random(f"{options.seed} {kind.__name__} {number}")
            tally.add(f"inputs: {kind.__name__}")
            tally.judge(f"seed {options.seed}, {kind.__name__} {number}", kind(good, options.folder, rng))
        number += 1
