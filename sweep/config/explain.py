"""Turning pydantic's errors into sentences: file, line, key, what was found, what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sweep.commands import command
from sweep.config.old_names import NEW_NAMES, OLD_NAMES
from sweep.config.overrides import OPTION
from sweep.config.problems import LONG, cut, problem_of
from sweep.config.yaml_file import Location, YamlFile
from sweep.errors import StudyFileError
from sweep.similar_names import nearest, no_such

SHOWN = 5


def explain(file: YamlFile, error: ValidationError, model: type[BaseModel]) -> StudyFileError:
    """One error for all that is wrong in a file, the first places in full.

    Args:
        file: The file that was read.
        error: What pydantic found.
        model: The model that the file was checked against.
    """
    details = error.errors(include_url=False)
    lines = [_sentence(file, detail, model) for detail in details[:SHOWN]]
    if len(details) > SHOWN:
        lines.append(f"... and {len(details) - SHOWN} more")
    again = command("plan", Path(file.path))
    return StudyFileError(
        "\n".join(lines),
        why="Nothing was written.",
        next="Correct the option." if lines[0].startswith(OPTION) else f"Correct the file, then: {again}",
    )


def _sentence(file: YamlFile, detail: ErrorDetails, model: type[BaseModel]) -> str:
    at = _in_file(file, detail.get("ctx", {}).get("at", detail["loc"]))
    origin = file.origin_of(at)
    key = cut(".".join(str(part) for part in at), LONG)
    location = str(origin or file.path)
    where = f"{location}: `{key}`" if key and not location.endswith(f" {key}") else location
    return f"{where}: {cut(_problem(detail, model, at), LONG)}"


def _in_file(file: YamlFile, loc: Location) -> Location:
    """`loc` without the parts that pydantic adds for unions, which stand nowhere in the file."""
    at: Location = ()
    for index, part in enumerate(loc):
        if at == () and (OLD_NAMES.get(str(part)),) in file.origins:
            at = (OLD_NAMES[str(part)],)
        elif (*at, part) in file.origins or (index == len(loc) - 1 and _is_missing_key(file, at, part)):
            at = (*at, part)
    return at


def _is_missing_key(file: YamlFile, at: Location, part: str | int) -> bool:
    return isinstance(part, str) and re.fullmatch(r"\w+", part) is not None and (at == () or at in file.origins)


def _problem(detail: ErrorDetails, model: type[BaseModel], at: Location) -> str:
    if detail["type"] != "extra_forbidden":
        return problem_of(detail)
    key, allowed = str(at[-1]), sorted(_keys_beside(model, at))
    unknown = no_such("key", key, allowed)
    if nearest(key, allowed) is not None:
        return unknown
    elsewhere = _elsewhere(model, key)
    return f"{unknown}; did you mean {elsewhere}?" if elsewhere else f"{unknown}; allowed: {', '.join(allowed)}"


def _elsewhere(model: type[BaseModel], key: str) -> str | None:
    """Where else a key of this name stands, such as `'baseline.lr'`."""
    if key in model.model_fields:
        return f"{key!r} at the top of the file"
    outer = ((name, inner) for name, field in model.model_fields.items() for inner in _models_in(field.annotation))
    return next((repr(f"{name}.{key}") for name, inner in outer if key in inner.model_fields), None)


def _keys_beside(model: type[BaseModel], at: Location) -> set[str]:
    """Keys that the mapping holding `at` may have."""
    models: list[Any] = [model]
    for depth, part in enumerate(at[:-1]):
        name = NEW_NAMES.get(str(part), part) if depth == 0 else part
        inner = [m.model_fields[name].annotation for m in models if isinstance(name, str) and name in m.model_fields]
        # Below a dict (factors) the key is free, and the model of its values goes on.
        models = [m for annotation in inner for m in _models_in(annotation)] or models
    return {key for m in models for key in m.model_fields}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for argument in get_args(annotation) for m in _models_in(argument)]
