"""The JSON schema of a suite file, for editors: made of the very classes and lists of keys that the parser reads by.

A schema sees one file and no further, so it admits what only the whole can tell: of a `base` any switch, of other
people's code any field, of an included file any entry. Whatever it refuses, the parser refuses too.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Interval

from rnnbench import registry
from rnnbench.settings import Settings
from rnnbench.suite import ablations, architectures, crossing, described, examples, lengths, resolve, training
from rnnbench.suite.reader import hints
from rnnbench.suite.seeds import LARGEST_SEED

Schema = dict[str, Any]

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}$"
FOREIGN = r"(^[^./][^/]*/|\.py$)"  # package/name, ./mine.py
SEED: Schema = {"type": "integer", "minimum": 0, "maximum": LARGEST_SEED}
ANYTHING: Schema = {}
PART: Schema = {"type": "integer", "minimum": crossing.LEAST, "maximum": crossing.MOST}
LENGTH: Schema = {"type": "integer", "minimum": 1, "maximum": lengths.LONGEST}


def _mapping(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """A mapping of these keys and no others."""
    made: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return made | ({"required": list(required)} if required else {})


def _listed(of: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": of} | ({"minItems": least} if least else {})


def value(hint: Any) -> Schema:
    """What an annotation admits.

    >>> value(hints(Settings)["lr"]), value(bool | int)
    ({'type': 'number', 'exclusiveMinimum': 0, 'maximum': 100}, {'anyOf': [{'type': 'boolean'}, {'type': 'integer'}]})
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        ends = [_ends(note) for note in inner[1:] if isinstance(note, Interval)]
        return value(inner[0]) | (ends[0] if ends else {})
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [value(each) for each in inner]}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", types.NoneType: "null", dict: "object"}
    kind = kinds.get(origin or hint)
    return {"type": kind} if kind else ANYTHING


def _ends(note: Interval) -> Schema:
    words = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
    return {word: getattr(note, end) for end, word in words.items() if getattr(note, end) is not None}


def _fields(cls: type) -> dict[str, Schema]:
    """The fields of a class, with their defaults and what they are."""
    found = {}
    for field in described.fields(cls):
        told = "; ".join(filter(None, [field.says, f"default: {field.default}" if field.default else ""]))
        found[field.name] = value(hints(cls)[field.name]) | ({"description": told} if told else {})
    return found


def _reference(*path: str) -> Schema:
    return {"$ref": "/".join(["#/$defs", *path])}


CROSSED = _mapping({"init": PART, "data": PART, "from": SEED}, ["init", "data"])
SETTINGS, ARCHITECTURE, ABLATION, TASK = "settings", "architecture", "ablation", "task"  # a schema each


def _chosen(key: str, kind: str) -> Schema:
    """A name of one of ours, or of somebody's own."""
    return {"anyOf": [{"enum": list(registry.names(kind))}, {"type": "string", "pattern": FOREIGN}],
            "description": f"a {key} of ours, ./mine.py or package/name"}  # fmt: skip


def _when(key: str, name: str, then: Schema) -> Schema:
    return {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then}


def _of_ours(fields: Mapping[str, Schema], entry: str) -> Schema:
    """These fields, besides what an entry of that kind may have, and no others."""
    every = _reference("keys", entry)
    names = {"anyOf": [every, {"enum": list(fields)}]} if fields else every
    return {"properties": dict(fields), "propertyNames": names}


def _architecture(every: Mapping[str, Schema]) -> Schema:
    """One of its kinds; of one of our cells and layers only its own switches."""
    rules = [
        _when(kind[:-1], name, _of_ours(_fields(cls(name)), ARCHITECTURE))
        for kind, cls in (("cells", registry.cell_class), ("layers", registry.layer_class))
        for name in registry.names(kind)
    ]
    rules.append({"if": {"required": ["module"]}, "then": _of_ours({"args": {"type": "object"}}, ARCHITECTURE)})
    return {
        "type": "object",
        "properties": dict(every),
        "oneOf": [{"required": [kind]} for kind in architectures.KINDS],
        "allOf": rules,
    }


def _task(every: Mapping[str, Schema]) -> Schema:
    """What any entry of `tasks` may have, with `task` if it is under a name of its own."""
    return {
        "type": "object",
        "properties": dict(every),
        "required": ["lengths"],
        "allOf": [_when(TASK, name, _reference("tasks", name)) for name in registry.names("tasks")],
    }


def _of_task(name: str) -> Schema:
    """What one of our tasks may have besides."""
    fields, train = _fields(registry.task_class(name)), _reference(training.KEY)
    # a difficulty of that name, and lengths to train on
    fields[training.KEY] = {"anyOf": [fields[training.KEY], train]} if training.KEY in fields else train
    return {"description": registry.about("tasks", name)} | _of_ours(fields, TASK)


ABOUT = {
    "rnnbench": "the version of the format",
    "name": "what reports call it; default: the file's name",
    "about": "what a report says first",
    "include": "suites to take in, relative to this file",
    "defaults": "settings for every run",
    "seeds": "5 (0 to 4), [3, 7], {from: 1000, count: 5} or {init: 5, data: 5}, initialisations crossed with data; "
    f"default: {resolve.SEEDS}",
    "architectures": "name -> cell, layer, module or base, its switches and settings",
    "ablate": "parts of an architecture, each taken out or put in",
    "tasks": "name -> difficulty, lengths, settings",
    "claims": "sentences about the results, and what decides them",
    "prune": "false: climb on after two rungs in a row that no seed solved",
}


STEPPED = _mapping({"from": LENGTH, "to": LENGTH, "per_octave": {"type": "integer", "minimum": 1}},
                   ["from", "to", "per_octave"])  # fmt: skip
SEARCH: Schema = {"enum": list(lengths.WAYS)}
TRAIN = _mapping({"upto": LENGTH, "from": LENGTH, "over": {"type": "integer", "minimum": 1}}, ["upto"])
NUMBER: Schema = {"type": "integer", "minimum": 1, "maximum": examples.MOST}
OF_TASK = {
    TASK: _chosen("task", "tasks"),
    "lengths": {"anyOf": [_listed(LENGTH) | {"uniqueItems": True}, STEPPED]},
    "search": SEARCH,
    "primary": _listed({"type": "string"}, 0),
    examples.KEY: {"anyOf": [NUMBER, _listed(NUMBER) | {"uniqueItems": True, "minItems": 2}]},
}


def _top() -> dict[str, Schema]:
    """The keys of a suite; of one that isn't told of here, anything."""
    text: Schema = {"type": "string"}
    count, named = SEED | {"minimum": 1}, {"allOf": [_reference(TASK)], "required": [TASK]}
    known: dict[str, Schema] = {
        "rnnbench": {"const": 1},
        "name": text | {"pattern": NAME},
        "about": text,
        "include": {"anyOf": [text, _listed(text, 0)]},
        "defaults": _reference(SETTINGS),
        "seeds": {
            "anyOf": [count, _listed(SEED), _mapping({"from": SEED, "count": count}, ["from", "count"]), CROSSED]
        },
        "architectures": _by_name(_reference(ARCHITECTURE)),
        "ablate": _listed(_reference(ABLATION), 0),
        "tasks": _by_name(named, {name: _of_name(name) for name in registry.names("tasks")}),
        "claims": _listed(_mapping({"says": text, "that": text}, ["says", "that"]), 0),
        "prune": {"type": "boolean"},
        "search": SEARCH,
    }
    told = {key: {"description": about} for key, about in ABOUT.items()}
    return {key: known.get(key, ANYTHING) | told.get(key, {}) for key in resolve.TOP}


def _by_name(of: Schema, ours: Mapping[str, Schema] | None = None) -> Schema:
    """A mapping of names to what they are; `ours` are names that mean something by themselves."""
    made: Schema = {"type": "object", "minProperties": 1, "additionalProperties": of}
    return made | ({"properties": dict(ours)} if ours else {})


def _of_name(name: str) -> Schema:
    """An entry of `tasks` under the name of one of ours: that task, unless it says which other it is."""
    return {"allOf": [_reference(TASK)], "if": {"required": [TASK]}, "else": _reference("tasks", name)}


def schema() -> Schema:
    """The schema of a suite file (JSON Schema 2020-12)."""
    settings = {name: _reference(SETTINGS, "properties", name) for name in hints(Settings)}
    grid = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array", "minItems": 1}}
    kinds: dict[str, Schema] = {
        "cell": _chosen("cell", "cells"),
        "layer": _chosen("layer", "layers"),
        "module": {"type": "string", "description": "the dotted name of a torch.nn.Module, or of what makes one"},
        "base": {"type": "string", "description": "the architecture from which this one is a difference"},
    }
    of_architecture = kinds | {key: {"grid": grid}.get(key, ANYTHING) for key in architectures.OWN} | settings
    of_task = {key: OF_TASK.get(key, ANYTHING) for key in resolve.OF_TASK} | settings
    parts = _listed({"type": "string"})
    ablation = {"base": {"type": "string"}, "without": parts, "with": parts, "pairs": {"type": "boolean"}}
    top = _top()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "a suite of rnnbench",
        "type": "object",
        "properties": top,
        "additionalProperties": False,
        "anyOf": [{"required": ["include"]}, {"required": ["rnnbench", "architectures", "tasks"]}],
        "$defs": {
            SETTINGS: _mapping(_fields(Settings)),
            ARCHITECTURE: _architecture(of_architecture),
            ABLATION: _mapping({key: ablation.get(key, ANYTHING) for key in ablations.KEYS}, ["base"]),
            TASK: _task(of_task),
            "tasks": {name: _of_task(name) for name in registry.names("tasks")},
            training.KEY: TRAIN,
            "keys": {ARCHITECTURE: {"enum": list(of_architecture)}, TASK: {"enum": list(of_task)}},
        },
    }
