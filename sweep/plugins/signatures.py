"""What a plugin file offers: its parts with their settings, read from the text of the file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweep.errors import StudyFileError
from sweep.plugins.data_files import problem_with_file
from sweep.plugins.kinds import DIRECTIONS, KINDS, Kind
from sweep.plugins.source import PluginSource, parsed

SettingType = Literal["int", "float", "bool", "str", "file"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TYPES: Mapping[str, SettingType] = {"int": "int", "float": "float", "bool": "bool", "str": "str", "File": "file"}
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


@dataclass(frozen=True)
class Signature:
    """A part of a plugin file, as its text has it.

    Attributes:
        kind: Name of its kind.
        name: Name of the part in study files.
        parameters: Name of each setting -> its type and default.
        better: Which values are better, of a kind whose decorator says it.
    """

    kind: str
    name: str
    parameters: Mapping[str, Parameter]
    better: str | None = None


def parts_in(source: PluginSource, path: Path) -> list[Signature]:
    """The parts of a plugin file, in its order.

    Args:
        source: The source that was read.
        path: The file, for messages.

    Raises:
        StudyFileError: A name or a signature is wrong, or there is no part. The error names file and line.
    """
    tree = parsed(path, source.modules[source.name])
    parts: list[Signature] = []
    for node, decorator, kind in _marked(tree):
        name = _part_name(decorator, kind, path)
        if name in [part.name for part in parts if part.kind == kind]:
            raise _wrong(path, node, f"two parts of kind {kind} are called `{name}`")
        better = _direction(decorator, kind, path) if KINDS[kind].has_direction else None
        parts.append(Signature(kind, name, _settings(node, KINDS[kind], path), better))
    if not parts:
        raise StudyFileError(f"{path}: no part is marked in this plugin file", next=_NEXT)
    return parts


def _marked(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.expr, str]]:
    """Each statement that a decorator of `sweep.plugins` marks, with the decorator and the kind that it means."""
    decorators = {
        alias.asname or alias.name: alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "sweep.plugins"
        for alias in node.names
        if alias.name in KINDS
    }
    for node in tree.body:
        for decorator in getattr(node, "decorator_list", ()):
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(name, ast.Name) and name.id in decorators:
                yield node, decorator, decorators[name.id]


def _part_name(node: ast.expr, kind: str, path: Path) -> str:
    has_name = isinstance(node, ast.Call) and len(node.args) == 1 and len(node.keywords) == KINDS[kind].has_direction
    name = node.args[0] if isinstance(node, ast.Call) and has_name else None
    if not (isinstance(name, ast.Constant) and isinstance(name.value, str) and _NAME.fullmatch(name.value)):
        rule = "lower-case letters, digits, underscore"
        example = f'{kind}("mine", better="lower")' if KINDS[kind].has_direction else f'{kind}("mine")'
        raise _wrong(path, node, f"`{kind}` takes the name in quotes: {rule}, as `{example}`")
    return name.value


def _direction(node: ast.expr, kind: str, path: Path) -> str:
    assert isinstance(node, ast.Call)
    (keyword,) = node.keywords
    value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
    if keyword.arg != "better" or value not in DIRECTIONS:
        raise _wrong(path, node, f"`{kind}` says which values are better: one of {', '.join(DIRECTIONS)}, in quotes")
    return str(value)


def _settings(node: ast.stmt, kind: Kind, path: Path) -> dict[str, Parameter]:
    """Settings of a part: the arguments of its constructor or function that the harness does not pass."""
    function = _constructor(node, kind, path) if kind.is_class else node
    if not isinstance(function, ast.FunctionDef):
        raise _wrong(path, node, f"a {kind.label} is a function")
    arguments = function.args
    what = "its constructor" if kind.is_class else function.name
    if arguments.vararg is not None or arguments.kwarg is not None or arguments.posonlyargs:
        raise _wrong(path, function, f"{what} takes arguments that have no name, or any name")
    named = arguments.args[kind.is_class :] + arguments.kwonlyargs
    if missing := [name for name in kind.required if name not in [each.arg for each in named]]:
        raise _wrong(path, function, f"{what} does not take {', '.join(missing)}")
    positional = [None] * (len(arguments.args) - len(arguments.defaults)) + [*arguments.defaults]
    every_default = positional + arguments.kw_defaults
    defaults = dict(zip([each.arg for each in arguments.args + arguments.kwonlyargs], every_default, strict=True))
    settings = {name: Parameter("float", default) for name, default in kind.settings}
    for each in named:
        if each.arg in settings and each.arg in dict(kind.settings):
            raise _wrong(path, each, f"`{each.arg}` is a setting of every {kind.label}, which the harness reads itself")
        if each.arg not in kind.given:
            settings[each.arg] = _parameter(each, defaults[each.arg], kind, path)
    return settings


def _constructor(node: ast.stmt, kind: Kind, path: Path) -> ast.FunctionDef:
    if not isinstance(node, ast.ClassDef):
        raise _wrong(path, node, f"`{kind.label}` marks a class")
    constructors = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    if not constructors:
        raise _wrong(path, node, f"{node.name} has no constructor; it must take {', '.join(kind.required)}")
    return constructors[-1]


def _parameter(argument: ast.arg, default: ast.expr | None, kind: Kind, path: Path) -> Parameter:
    type_, choices = _type_of(argument.annotation)
    if type_ is None or (type_ == "file" and not kind.reads_files):
        files = ", File" if kind.reads_files else ""
        given = f"; a {kind.label} is given {', '.join(kind.given)}" if kind.given else ""
        raise _wrong(
            path,
            argument,
            f"setting `{argument.arg}` must be typed int, float, bool, str{files} or Literal of texts{given}",
        )
    try:
        value = ast.literal_eval(default) if default is not None else None
    except ValueError:
        value = None
    parameter = Parameter(type_, value, choices) if isinstance(value, int | float | str) else None
    if parameter is None or (problem := problem_with(parameter, value)) is not None:
        reason = "it has none that is written out" if parameter is None else problem
        raise _wrong(path, argument, f"setting `{argument.arg}` needs a default of its type: {reason}")
    return parameter


def _type_of(annotation: ast.expr | None) -> tuple[SettingType | None, tuple[str, ...]]:
    """Type of a setting and the texts that it allows; no type where the annotation is none of a setting."""
    if isinstance(annotation, ast.Name):
        return _TYPES.get(annotation.id), ()
    if not isinstance(annotation, ast.Subscript) or not isinstance(annotation.value, ast.Name):
        return None, ()
    choices = _texts(annotation.slice) if annotation.value.id == "Literal" else ()
    return ("str" if choices else None), choices


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
    if parameter.type == "file":
        return problem_with_file(value)
    expected = {"int": int, "float": int | float, "bool": bool, "str": str}[parameter.type]
    if not isinstance(value, expected) or (isinstance(value, bool) and parameter.type != "bool"):
        words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
        return f"found {value!r}; {words[parameter.type]} is expected"
    if parameter.choices and value not in parameter.choices:
        return f"found {value!r}; allowed: {', '.join(parameter.choices)}"
    return None


def _wrong(path: Path, node: ast.stmt | ast.expr | ast.arg, problem: str) -> StudyFileError:
    return StudyFileError(f"{path}, line {node.lineno}: {problem}", next=_NEXT)
