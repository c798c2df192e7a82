"""What a plugin file offers: its parts with their settings, read from the text of the file."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweep.errors import StudyFileError
from sweep.plugins.source import PluginSource, parsed

SettingType = Literal["int", "float", "bool", "str"]
GIVEN = ("image_channels", "image_size", "out_channels")
"""What every net receives beside its settings."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TYPES: Mapping[str, SettingType] = {"int": "int", "float": "float", "bool": "bool", "str": "str"}
_NEXT = "sweep docs plugins shows a complete example."


@dataclass(frozen=True)
class Parameter:
    """A setting of a part.

    Attributes:
        type: Its type.
        default: Its value where the study file says nothing.
        choices: The texts that are allowed; none for any value of the type.
    """

    type: SettingType
    default: int | float | bool | str
    choices: tuple[str, ...] = ()


def nets_in(source: PluginSource, path: Path) -> dict[str, dict[str, Parameter]]:
    """Name of each net in a plugin file -> its settings.

    Args:
        source: The source that was read.
        path: The file, for messages.

    Raises:
        StudyFileError: A name or a signature is wrong, or there is no part. The error names file and line.
    """
    tree = parsed(path, source.modules[source.name])
    decorators = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "sweep.plugins"
        for alias in node.names
        if alias.name == "net"
    }
    nets: dict[str, dict[str, Parameter]] = {}
    for node in tree.body:
        for decorator in getattr(node, "decorator_list", ()):
            if not (
                _called(decorator) in decorators or (isinstance(decorator, ast.Name) and decorator.id in decorators)
            ):
                continue
            name = _part_name(decorator, path)
            if not isinstance(node, ast.ClassDef):
                raise _wrong(path, node, "`net` marks a class")
            if name in nets:
                raise _wrong(path, node, f"two nets are called `{name}`")
            nets[name] = _settings(node, path)
    if not nets:
        raise StudyFileError(f"{path}: no part is marked in this plugin file", next=_NEXT)
    return nets


def _called(node: ast.expr) -> str | None:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _part_name(node: ast.expr, path: Path) -> str:
    name = node.args[0] if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords else None
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str) and _NAME.fullmatch(name.value)):
        raise _wrong(
            path, node, '`net` takes the name in quotes: lower-case letters, digits, underscore, as `net("dit")`'
        )
    return name.value


def _settings(node: ast.ClassDef, path: Path) -> dict[str, Parameter]:
    constructors = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    if not constructors:
        raise _wrong(path, node, f"{node.name} has no constructor; it must take {', '.join(GIVEN)}")
    arguments = constructors[-1].args
    if arguments.vararg is not None or arguments.kwarg is not None or arguments.posonlyargs:
        raise _wrong(path, constructors[-1], "its constructor takes arguments that have no name, or any name")
    named = arguments.args[1:] + arguments.kwonlyargs
    if missing := [name for name in GIVEN if name not in [each.arg for each in named]]:
        raise _wrong(path, constructors[-1], f"its constructor does not take {', '.join(missing)}")
    positional = [None] * (len(arguments.args) - len(arguments.defaults)) + [*arguments.defaults]
    defaults = dict(
        zip(
            [each.arg for each in arguments.args + arguments.kwonlyargs],
            positional + arguments.kw_defaults,
            strict=True,
        )
    )
    return {each.arg: _parameter(each, defaults[each.arg], path) for each in named if each.arg not in GIVEN}


def _parameter(argument: ast.arg, default: ast.expr | None, path: Path) -> Parameter:
    annotation = argument.annotation
    choices: tuple[str, ...] = ()
    kind: SettingType | None = _TYPES.get(annotation.id) if isinstance(annotation, ast.Name) else None
    if (
        isinstance(annotation, ast.Subscript)
        and isinstance(annotation.value, ast.Name)
        and annotation.value.id == "Literal"
    ):
        kind, choices = "str", _texts(annotation.slice)
    if kind is None or (isinstance(annotation, ast.Subscript) and not choices):
        raise _wrong(
            path, argument, f"setting `{argument.arg}` must be typed int, float, bool, str or Literal of texts"
        )
    try:
        value = ast.literal_eval(default) if default is not None else None
    except ValueError:
        value = None
    parameter = Parameter(kind, value, choices) if isinstance(value, int | float | str) else None
    if parameter is None or (problem := problem_with(parameter, value)) is not None:
        reason = "it has none that is written out" if parameter is None else problem
        raise _wrong(path, argument, f"setting `{argument.arg}` needs a default of its type: {reason}")
    return parameter


def _texts(node: ast.expr) -> tuple[str, ...]:
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    values = [item.value if isinstance(item, ast.Constant) else None for item in items]
    return tuple(value for value in values if isinstance(value, str)) if all(isinstance(v, str) for v in values) else ()


def problem_with(parameter: Parameter, value: object) -> str | None:
    """Why a value is not one of a setting; None where it is.

    Args:
        parameter: The setting.
        value: A value as a study file has it.
    """
    expected = {"int": int, "float": int | float, "bool": bool, "str": str}[parameter.type]
    if not isinstance(value, expected) or (isinstance(value, bool) and parameter.type != "bool"):
        words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
        return f"found {value!r}; {words[parameter.type]} is expected"
    if parameter.choices and value not in parameter.choices:
        return f"found {value!r}; allowed: {', '.join(parameter.choices)}"
    return None


def _wrong(path: Path, node: ast.stmt | ast.expr | ast.arg, problem: str) -> StudyFileError:
    return StudyFileError(f"{path}, line {node.lineno}: {problem}", next=_NEXT)
