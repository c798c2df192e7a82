"""Settings of parts: typed arguments with a default, or fields of a pydantic model, read from the text of a plugin."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sweep.errors import StudyFileError
from sweep.plugins.data_files import problem_with_file
from sweep.plugins.kinds import Kind

SettingType = Literal["int", "float", "bool", "str", "file"]
Bound = Literal["ge", "gt", "le", "lt"]
_TYPES: Mapping[str, SettingType] = {"int": "int", "float": "float", "bool": "bool", "str": "str", "File": "file"}
_COMPARISONS: Mapping[Bound, Callable[[Any, float], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
_SIGNS: Mapping[Bound, str] = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
NEXT = "sweep docs plugins shows a complete example."


@dataclass(frozen=True)
class Parameter:
    """A setting of a part.

    Attributes:
        type: Its type.
        default: Its value where the study file says nothing.
        choices: The texts that are allowed; none for any value of the type.
        bounds: Pairs of ge, gt, le or lt, as pydantic has them, and a number.
        model: Argument of the part that this is a field of; empty for an argument of its own.
    """

    type: SettingType
    default: int | float | bool | str
    choices: tuple[str, ...] = ()
    bounds: tuple[tuple[Bound, float], ...] = ()
    model: str = ""


def parameter_of(
    node: ast.arg | ast.AnnAssign,
    annotation: ast.expr | None,
    default: ast.expr | None,
    kind: Kind,
    path: Path,
    model: str = "",
) -> Parameter:
    """A setting, as an argument of a part or a field of a model declares it.

    Args:
        node: The argument or the field.
        annotation: Its type.
        default: Its default; of a field, pydantic's `Field` with a default and bounds is one.
        kind: Kind of the part.
        path: The plugin file, for messages.
        model: Argument whose model has the field; empty for an argument of its own.

    Raises:
        StudyFileError: It is no setting. The error names file and line.
    """
    name = node.arg if isinstance(node, ast.arg) else ast.unparse(node.target)
    default, bounds = _field(node, default, path) if model else (default, ())
    type_, choices = _type_of(annotation)
    if type_ is None or (type_ == "file" and not kind.reads_files):
        files = ", File" if kind.reads_files else ""
        given = f"; a {kind.label} is given {', '.join(kind.given)}" if kind.given else ""
        raise wrong(
            path,
            node,
            f"setting `{name}` must be typed int, float, bool, str{files} or Literal of texts{given}",
        )
    try:
        value = ast.literal_eval(default) if default is not None else None
    except ValueError:
        value = None
    parameter = Parameter(type_, value, choices, bounds, model) if isinstance(value, int | float | str) else None
    if parameter is None or (problem := problem_with(parameter, value)) is not None:
        reason = "it has none that is written out" if parameter is None else problem
        raise wrong(path, node, f"setting `{name}` needs a default of its type: {reason}")
    return parameter


def models_in(tree: ast.Module) -> dict[str, ast.ClassDef]:
    """Name -> class of each pydantic model that a plugin file defines, from BaseModel or from such a model."""
    models: dict[str, ast.ClassDef] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(
            isinstance(base, ast.Name) and (base.id == "BaseModel" or base.id in models) for base in node.bases
        ):
            models[node.name] = node
    return models


def parameters_of_model(
    model: ast.ClassDef, models: Mapping[str, ast.ClassDef], argument: str, kind: Kind, path: Path
) -> dict[str, Parameter]:
    """The fields of a model as settings of the part that takes it.

    Args:
        model: The model.
        models: Name -> class of each model of the file.
        argument: Argument of the part that is typed as the model.
        kind: Kind of the part.
        path: The plugin file, for messages.

    Raises:
        StudyFileError: A field is no setting. The error names file and line.
    """
    return {
        ast.unparse(field.target): parameter_of(field, field.annotation, field.value, kind, path, argument)
        for field in _fields(model, models)
    }


def _fields(model: ast.ClassDef, models: Mapping[str, ast.ClassDef]) -> Iterator[ast.AnnAssign]:
    for base in model.bases:
        if isinstance(base, ast.Name) and base.id in models:
            yield from _fields(models[base.id], models)
    for node in model.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) != "model_config":
            yield node


def _field(
    node: ast.arg | ast.AnnAssign, default: ast.expr | None, path: Path
) -> tuple[ast.expr | None, tuple[tuple[Bound, float], ...]]:
    """Default and bounds of a field: `8`, or `Field(8, ge=1, le=64)`."""
    if not (isinstance(default, ast.Call) and isinstance(default.func, ast.Name) and default.func.id == "Field"):
        return default, ()
    given = {keyword.arg: keyword.value for keyword in default.keywords}
    bounds: list[tuple[Bound, float]] = []
    for bound in get_args(Bound):
        if bound in given:
            try:
                bounds.append((bound, float(ast.literal_eval(given[bound]))))
            except (ValueError, TypeError):
                raise wrong(path, node, f"`{bound}` of a field is a number that is written out") from None
    return (default.args[0] if default.args else given.get("default")), tuple(bounds)


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
    for bound, limit in parameter.bounds:
        if not _COMPARISONS[bound](value, limit):
            return f"found {value!r}; a value {_SIGNS[bound]} {limit:g} is expected"
    if parameter.choices and value not in parameter.choices:
        return f"found {value!r}; allowed: {', '.join(parameter.choices)}"
    return None


def wrong(path: Path, node: ast.stmt | ast.expr | ast.arg, problem: str) -> StudyFileError:
    """The error about a place in a plugin file.

    Args:
        path: The file.
        node: Where in it.
        problem: What is wrong.
    """
    return StudyFileError(f"{path}, line {node.lineno}: {problem}", next=NEXT)
