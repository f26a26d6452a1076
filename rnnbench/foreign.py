"""Other people's code: importing it, by a dotted name or from a file, knowing it by its source, keeping what it does to
itself.

torch has settings that hold for a whole process. What somebody's module does to them, at import or later, would reach
every run after it, so that they are put back as they were.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from functools import cache, partial
from importlib import metadata, util
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from rnnbench.text import printable


def told(error: BaseException) -> str:
    """An exception in one line, whatever its text is made of.

    >>> told(ValueError("not\\n  today"))
    'ValueError: not today'
    """
    try:
        text = " ".join(str(error).split())
    except Exception:  # its own __str__ is broken
        text = "it can't be printed"
    return printable(f"{type(error).__name__}: {text}".removesuffix(": "), 500)


def named(dotted: str) -> Any:
    """What Python's own `from package.module import name` finds: an attribute before a submodule of that name, and a
    submodule that its parent hasn't imported yet. Raises whatever the code raises, else AttributeError.

    >>> named("collections.abc.Iterator").__name__, named("collections.OrderedDict.fromkeys").__name__
    ('Iterator', 'fromkeys')
    """
    parts = dotted.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = _module(".".join(parts[:cut]))
        if module is not None:
            found: Any = module
            for part in parts[cut:]:
                found = _attribute(found, part)
            return found
    raise ModuleNotFoundError(f"No module named {parts[0]!r}", name=parts[0])


def _module(name: str) -> ModuleType | None:
    """The module of that name; None where there is none, as against one that can't be imported."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise


def _attribute(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name)
    except AttributeError:
        below = _module(f"{holder.__name__}.{name}") if isinstance(holder, ModuleType) else None
        if below is None:
            raise
        return below


class _File(NamedTuple):
    """A user's own file as a module: what it and those beside it that it imports were when it was made, and a digest of
    their code."""

    stamps: dict[Path, tuple[int, int] | None]
    digest: str


here = False  # whether this process has imported a cell, layer or task of other people's
_files: dict[str, _File] = {}  # by the module's name
_folders: list[str] = []  # where they are; at the end of the path, so that they hide nothing, the last one used first
_beside: set[str] = set()  # the modules that came with them


def module_of(path: Path) -> ModuleType:
    """The module that a user's own file is, made again once it or a file beside it that it imports has changed. Raises
    whatever the code raises, else ImportError."""
    path = Path(os.path.realpath(path))
    name = f"rnnbench_file_{hashlib.blake2b(os.fsencode(path), digest_size=6).hexdigest()}.{path.stem}"
    if name not in _files or any(_stamp(file) != stamp for file, stamp in _files[name].stamps.items()):
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module  # where dataclasses and annotations look for it
        try:
            every = _imported(path)
            found = _File({file: _stamp(file) for file in every}, _digest(every))
            with importing(), _looking_beside(str(path.parent)):
                exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
            _held_to(path.parent, every[1:])
        except BaseException:
            del sys.modules[name]
            raise
        _files[name] = found
    return sys.modules[name]


@contextmanager
def _looking_beside(folder: str) -> Iterator[None]:
    """Lets a file import those beside it; what came from beside another file, or has been there before, is imported
    anew."""
    for name in _beside:
        sys.modules.pop(name, None)
    _beside.clear()
    if folder in _folders or folder not in sys.path:
        sys.path[:] = [each for each in sys.path if each not in _folders]
        _folders[:] = [folder, *(each for each in _folders if each != folder)]
        sys.path += _folders
    importlib.invalidate_caches()
    before = set(sys.modules)
    try:
        yield
    finally:
        new = {name: getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before}
        _beside.update(name for name, file in new.items() if file.startswith(folder + os.sep))


def search_path() -> list[str]:
    """Where Python looks for modules, but for where files of users' own lie: those come and go with what is trained."""
    return [folder for folder in sys.path if folder not in _folders]


def _held_to(folder: Path, beside: Iterable[Path]) -> None:
    """ImportError where Python took another file for a name that one beside the importing file has too."""
    for file in beside:
        inside = file.parent.parent == folder and file.name == "__init__.py"
        name = file.parent.name if inside else file.stem if file.parent == folder else ""
        other = getattr(sys.modules.get(name), "__file__", None)
        if other is not None and os.path.realpath(other) != str(file):
            raise ImportError(f"{name} is {other}, not the file beside this one; next: give that one another name")


def _stamp(path: Path) -> tuple[int, int] | None:
    """What tells a file from what it was before; None where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _imported(path: Path) -> list[Path]:
    """A user's file and those beside it that it imports, and those that these import."""
    found = [path]
    for file in found:
        for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for top in sorted({name.partition(".")[0] for name in names} - {"rnnbench"}):
                own = path.parent / f"{top}.py"
                below = path.parent / top
                new = sorted(below.rglob("*.py")) if (below / "__init__.py").exists() else [own] if own.exists() else []
                found += [f for f in new if f not in found]
    return found


def _digest(files: Iterable[Path]) -> str:
    """Of what code computes, and of compiled code as it is; where it stands doesn't matter."""
    found = []
    for file in files:
        raw = file.read_bytes()
        if file.suffix == ".py":
            with suppress(SyntaxError):
                raw = normalised(raw.decode("utf-8", "replace")).encode()
        found.append(hashlib.blake2b(raw, digest_size=8).hexdigest())
    return hashlib.blake2b(" ".join(sorted(found)).encode(), digest_size=8).hexdigest()


def source(thing: type) -> str:
    """A digest of what decides what a class of other people's computes: of its own file and the files beside it that it
    imports, or of its whole package; and so of each class that it is made from. Empty for ours."""
    if thing.__module__.partition(".")[0] == "rnnbench":
        return ""
    return " ".join(dict.fromkeys(filter(None, map(_of_class, thing.__mro__))))


def _of_class(thing: type) -> str:
    name, top = thing.__module__, thing.__module__.partition(".")[0]
    if name in _files:
        return _files[name].digest
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or top in sys.stdlib_module_names or top in ("numpy", "torch"):
        return ""
    if any(Path(os.path.realpath(file)) in known.stamps for known in _files.values()):
        return ""  # it came from beside a user's own file, which counts it
    return _of_module(name if top == "rnnbench" else top)


@cache
def _of_module(name: str) -> str:
    """Of a module, or of a package's whole code."""
    module = sys.modules[name]
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    code = [p for folder in folders for p in folder.rglob("*") if p.suffix in (".py", ".so", ".pyd")]
    return _digest(code or [Path(module.__file__ or "")])


def normalised(source: str) -> str:
    """The syntax tree as text, without docstrings, imports and positions.

    >>> normalised("def f(x):\\n    'Twice x.'\\n    return 2 * x  # twice") == normalised("def f(x): return 2*x")
    True
    >>> normalised("from rnnbench import find\\nx = 1") == normalised("from rnnbench import registry\\nx = 1")
    True
    """
    tree = _Bare().visit(ast.parse(source))
    return ast.dump(tree)


class _Bare(ast.NodeTransformer):
    """A tree without what computes nothing: where code comes from, and what is said of it."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        return super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None


@contextmanager
def importing() -> Iterator[None]:
    """Around an import: what the code prints is no output of ours, and torch's settings stay as they are."""
    with undisturbed(), redirect_stdout(sys.stderr):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whatever is done within to torch's settings of the whole process is undone; to those that torch starts with,
    where it is first imported within."""
    before = _settings() if "torch" in sys.modules else None
    try:
        yield
    finally:
        if "torch" in sys.modules:
            for name, (value, put) in _settings().items():
                was = before[name][0] if before else STARTS.get(name, value)
                if value != was:
                    put(was)


SMALLEST = sys.float_info.min  # the smallest number that is no denormal

# What torch starts with; threads are the machine's business.
STARTS: dict[str, Any] = {
    "dtype": "float32", "gradients": True, "deterministic": (False, False), "anomalies": (False, True),
    "precision": "highest", "device": "cpu", "denormals": False,
}  # fmt: skip


def _settings() -> dict[str, tuple[Any, Callable[[Any], object]]]:
    """torch's settings of the whole process by name: what each is, and what sets it."""
    torch = sys.modules["torch"]
    backends = torch.backends
    found: dict[str, tuple[Any, Callable[[Any], object]]] = {
        "dtype": (
            str(torch.get_default_dtype()).removeprefix("torch."),
            lambda name: torch.set_default_dtype(getattr(torch, name)),
        ),
        "gradients": (torch.is_grad_enabled(), torch.set_grad_enabled),
        "threads": (torch.get_num_threads(), torch.set_num_threads),
        "deterministic": (
            (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
            lambda both: torch.use_deterministic_algorithms(both[0], warn_only=both[1]),
        ),
        "anomalies": (
            (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
            lambda both: torch.autograd.set_detect_anomaly(*both),
        ),
        "precision": (torch.get_float32_matmul_precision(), torch.set_float32_matmul_precision),
        "device": (
            str(torch.get_default_device()),
            lambda name: torch.set_default_device(None if name == "cpu" else name),
        ),
        "denormals": (SMALLEST * 0.5 == 0, torch.set_flush_denormal),  # torch has no way to ask for it
    }
    for holder, name in (
        (backends.cudnn, "enabled"), (backends.cudnn, "benchmark"), (backends.cudnn, "deterministic"),
        (backends.cudnn, "allow_tf32"), (backends.mkldnn, "enabled"),
    ):  # fmt: skip
        found[f"{holder.__name__} {name}"] = (getattr(holder, name), partial(setattr, holder, name))
    return found


def settings() -> dict[str, Any]:
    """torch's settings of the whole process by name, those that `undisturbed` looks after."""
    return {name: value for name, (value, _) in _settings().items()}


@cache
def digest(dotted: str) -> str:
    """Version and source of what a dotted name reaches, without importing it: of installed code its file or its part of
    the package, of any other the whole package, or the file and those beside it that it imports."""
    top, *rest = dotted.split(".")
    spec = PathFinder.find_spec(top, [os.getcwd(), *sys.path]) or util.find_spec(top)
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        return "absent"
    here = Path(next(iter(spec.submodule_search_locations or ()), spec.origin or ""))
    if not {"site-packages", "dist-packages"} & set(here.parts):
        with suppress(SyntaxError):
            return _digest(here.rglob("*.py") if here.is_dir() else _imported(here))
    for part in rest:
        if (here / part).is_dir():
            here = here / part
        else:
            here = here / f"{part}.py" if (here / f"{part}.py").is_file() else here
            break
    found = hashlib.blake2b(digest_size=8)
    for file in sorted(here.rglob("*.py")) if here.is_dir() else [here]:
        found.update(f"{file.relative_to(here)}\n".encode() + file.read_bytes())
    try:
        version = metadata.version(top)
    except metadata.PackageNotFoundError:
        version = "no version"
    return f"{version} {found.hexdigest()}"
