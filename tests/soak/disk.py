"""A disk that power may leave at any time, as a run's system calls see it.

A call on a file's bytes is safe once that file has been synced after it, one on a name once the name's directory has
been. Of what is not safe, a disk may hold anything: writes in whatever order, torn at sectors; names up to some point
of each directory, since every file system in use keeps their order. Most lose less; POSIX promises no more.
"""

from __future__ import annotations

import random
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

SECTOR = 512  # bytes; a disk writes one whole or not at all
NOWHERE = PurePath()
CALLS = ("mkdir", "openat", "ftruncate", "pwrite64", "write", "fdatasync", "fsync", "rename", "unlink")
LINE = re.compile(r"^(\w+)\((.*)\) += (\d+)")
TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
NUMBER = re.compile(r", (\d+)")


@dataclass(frozen=True)
class Operation:
    """One call: `file` is the number of a file (0: the operation is on names alone), `name` what names it."""

    kind: str  # make, link, unlink, rename, write, cut, sync
    file: int = 0
    name: PurePath = NOWHERE
    other: PurePath = NOWHERE  # what a rename makes of the name
    data: bytes = b""
    place: int = 0  # bytes: where a write begins, or how long a file is made


@dataclass
class _Open:
    """An open file: a directory where `file` is 0."""

    file: int
    path: PurePath
    place: int = 0
    appends: bool = False


def operations(trace: Iterable[str]) -> Iterator[Operation]:
    """What a process did, from strace's lines (-xx, so that every byte of a text is a number)."""
    files: dict[PurePath, int] = {}
    sizes: dict[int, int] = {}
    handles: dict[int, _Open] = {}
    for line in trace:
        if not (found := LINE.match(line)):
            continue
        call, given, result = found[1], found[2], int(found[3])
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in TEXT.findall(given)]
        numbers = [int(n) for n in NUMBER.findall(TEXT.sub("", given))]
        paths = [PurePath(text.decode(errors="replace")) for text in texts]
        if call == "mkdir":
            yield Operation("make", name=paths[0])
        elif call == "openat":
            path = paths[0]
            if "O_DIRECTORY" in given or not re.search("O_CREAT|O_RDWR|O_WRONLY", given):
                handles[result] = _Open(0, path)
                continue
            if path not in files:
                files[path] = len(sizes) + 1
                sizes[files[path]] = 0
                yield Operation("link", files[path], path)
            if "O_TRUNC" in given:
                sizes[files[path]] = 0
                yield Operation("cut", files[path], path)
            handles[result] = _Open(files[path], path, appends="O_APPEND" in given)
        elif call == "rename":
            files[paths[1]] = files.pop(paths[0])
            yield Operation("rename", files[paths[1]], paths[0], paths[1])
        elif call == "unlink":
            yield Operation("unlink", files.pop(paths[0]), paths[0])
        else:
            handle = handles[int(given.partition(",")[0].partition("<")[0])]
            if call in ("fsync", "fdatasync"):
                yield Operation("sync", handle.file, handle.path)
            elif call == "ftruncate":
                sizes[handle.file] = numbers[-1]
                yield Operation("cut", handle.file, handle.path, place=numbers[-1])
            else:
                if call == "pwrite64":
                    place = numbers[-1]
                else:
                    place = sizes[handle.file] if handle.appends else handle.place
                    handle.place = place + result
                sizes[handle.file] = max(sizes[handle.file], place + result)
                yield Operation("write", handle.file, handle.path, data=texts[0][:result], place=place)


def directories(operation: Operation) -> set[PurePath]:
    """The directories whose names an operation changes."""
    if operation.kind in ("make", "link", "unlink"):
        return {operation.name.parent}
    return {operation.name.parent, operation.other.parent} if operation.kind == "rename" else set()


def unsafe(done: Collection[Operation]) -> list[int]:
    """The places of those operations that no later sync has made safe."""
    files: set[int] = set()
    names: set[PurePath] = set()
    found = []
    for place, operation in reversed(list(enumerate(done))):
        if operation.kind == "sync":
            files.add(operation.file) if operation.file else names.add(operation.name)
        elif (operation.kind in ("write", "cut") and operation.file not in files) or directories(operation) - names:
            found.append(place)
    return found[::-1]


def lost(done: Collection[Operation], how: str, rng: random.Random) -> dict[int, Operation | None]:
    """What the disk has instead of each operation that is not safe: nothing, or a part of a write. `how`: all of them
    are gone, or none, or some, drawn."""
    listed = list(done)
    instead: dict[int, Operation | None] = {}
    forgotten: set[PurePath] = set()  # directories of which no later name is kept
    for place in unsafe(listed):
        operation = listed[place]
        changed = directories(operation)
        if how == "none" or (how == "some" and not changed & forgotten and rng.random() < 0.5):
            if how == "some" and operation.kind == "write" and rng.random() < 0.3:
                instead[place] = _torn(operation, rng)
            continue
        forgotten |= changed
        instead[place] = None
    return instead


def _torn(write: Operation, rng: random.Random) -> Operation:
    """The first or the last sectors of a write."""
    cut = rng.randrange(0, len(write.data) + 1, SECTOR)
    if rng.random() < 0.5:
        return Operation("write", write.file, write.name, data=write.data[:cut], place=write.place)
    return Operation("write", write.file, write.name, data=write.data[cut:], place=write.place + cut)


def after(
    done: Iterable[Operation], instead: dict[int, Operation | None]
) -> tuple[set[PurePath], dict[PurePath, bytes]]:
    """The directories and the files that are there, in a world that began empty."""
    made: set[PurePath] = set()
    names: dict[PurePath, int] = {}
    contents: dict[int, bytearray] = {}
    for place, whole in enumerate(done):
        operation = instead.get(place, whole)
        if operation is None:
            continue
        content = contents.setdefault(operation.file, bytearray())
        if operation.kind == "make":
            made.add(operation.name)
        elif operation.kind == "link":
            names[operation.name] = operation.file
        elif operation.kind == "unlink":
            names.pop(operation.name, None)
        elif operation.kind == "rename":
            names.pop(operation.name, None)
            names[operation.other] = operation.file
        elif operation.kind == "cut":
            content[:] = content[: operation.place].ljust(operation.place, b"\0")
        elif operation.kind == "write":
            end = operation.place + len(operation.data)
            content.extend(bytes(max(0, end - len(content))))
            content[operation.place : end] = operation.data
    return made, {name: bytes(contents[file]) for name, file in names.items()}


def lay(made: set[PurePath], files: dict[PurePath, bytes], moved: tuple[Path, Path]) -> None:
    """Makes these below another folder than they were below; what has lost its directory is gone with it."""
    before, to = moved
    for name in sorted(made):
        target = to / name.relative_to(before)
        if target.parent.is_dir():
            target.mkdir()
    for name, content in files.items():
        target = to / name.relative_to(before)
        if target.parent.is_dir():
            target.write_bytes(content)
