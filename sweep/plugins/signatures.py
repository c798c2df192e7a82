"""What a plugin file offers: its parts with their settings, read from the text of the file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import StudyFileError
from sweep.plugins.kinds import DIRECTIONS, KINDS, Kind
from sweep.plugins.parameters import NEXT, Parameter, models_in, parameter_of, parameters_of_model, wrong
from sweep.plugins.source import PluginSource, parsed

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


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
    models = models_in(tree)
    for node, decorator, kind in _marked(tree):
        name = _part_name(decorator, kind, path)
        if name in [part.name for part in parts if part.kind == kind]:
            raise wrong(path, node, f"two parts of kind {kind} are called `{name}`")
        better = _direction(decorator, kind, path) if KINDS[kind].has_direction else None
        parts.append(Signature(kind, name, _settings(node, KINDS[kind], path, models), better))
    if not parts:
        raise StudyFileError(f"{path}: no part is marked in this plugin file", next=NEXT)
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
        raise wrong(path, node, f"`{kind}` takes the name in quotes: {rule}, as `{example}`")
    return name.value


def _direction(node: ast.expr, kind: str, path: Path) -> str:
    assert isinstance(node, ast.Call)
    (keyword,) = node.keywords
    value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
    if keyword.arg != "better" or value not in DIRECTIONS:
        raise wrong(path, node, f"`{kind}` says which values are better: one of {', '.join(DIRECTIONS)}, in quotes")
    return str(value)


def _settings(node: ast.stmt, kind: Kind, path: Path, models: Mapping[str, ast.ClassDef]) -> dict[str, Parameter]:
    """Settings of a part: the arguments of its constructor or function that the harness does not pass."""
    function = _constructor(node, kind, path) if kind.is_class else node
    if not isinstance(function, ast.FunctionDef):
        raise wrong(path, node, f"a {kind.label} is a function")
    arguments = function.args
    what = "its constructor" if kind.is_class else function.name
    if arguments.vararg is not None or arguments.kwarg is not None or arguments.posonlyargs:
        raise wrong(path, function, f"{what} takes arguments that have no name, or any name")
    named = arguments.args[kind.is_class :] + arguments.kwonlyargs
    if missing := [name for name in kind.required if name not in [each.arg for each in named]]:
        raise wrong(path, function, f"{what} does not take {', '.join(missing)}")
    positional = [None] * (len(arguments.args) - len(arguments.defaults)) + [*arguments.defaults]
    every_default = positional + arguments.kw_defaults
    defaults = dict(zip([each.arg for each in arguments.args + arguments.kwonlyargs], every_default, strict=True))
    settings = {name: Parameter("float", default) for name, default in kind.settings}
    for each in named:
        if each.arg in settings and each.arg in dict(kind.settings):
            raise wrong(path, each, f"`{each.arg}` is a setting of every {kind.label}, which the harness reads itself")
        if each.arg in kind.given:
            continue
        model = models.get(each.annotation.id) if isinstance(each.annotation, ast.Name) else None
        new = {each.arg: parameter_of(each, each.annotation, defaults[each.arg], kind, path)} if model is None else {}
        if model is not None:
            new = parameters_of_model(model, models, each.arg, kind, path)
        if twice := sorted(new.keys() & settings.keys()):
            raise wrong(path, each, f"two settings of {what} are called `{twice[0]}`")
        settings |= new
    return settings


def _constructor(node: ast.stmt, kind: Kind, path: Path) -> ast.FunctionDef:
    if not isinstance(node, ast.ClassDef):
        raise wrong(path, node, f"`{kind.label}` marks a class")
    constructors = [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"]
    if not constructors:
        raise wrong(path, node, f"{node.name} has no constructor; it must take {', '.join(kind.required)}")
    return constructors[-1]
