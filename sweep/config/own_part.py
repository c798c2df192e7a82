"""A part of a plugin, as a run stores it: its name, the hash of its source, and its settings with their types.

Types and defaults are kept beside the values, so that a stored study is read and checked without its plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from sweep.config.part_names import BUILT_IN
from sweep.config.values import Name
from sweep.plugins.kinds import KIND_OF_FIELD, KINDS
from sweep.plugins.loading import call_part, is_loaded
from sweep.plugins.signatures import Parameter, problem_with
from sweep.similar_names import no_such

BuiltIn = TypeVar("BuiltIn", bound=str)


class OwnPart(BaseModel):
    """A part of a plugin. Its settings are further fields, which `parameters` describes."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: Literal["own"] = "own"
    part: Name = Field(description="Name of the part in its plugin.")
    source: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the plugin's source.")
    parameters: dict[Name, Parameter] = Field(description="Name of each setting -> its type and default.")

    better: Literal["lower", "higher", "near_one", "neither"] | None = Field(
        None, exclude_if=lambda better: better is None, description="Which values of a metric are better."
    )

    @model_validator(mode="after")
    def _settings_fit(self) -> OwnPart:
        for name, value in self.settings.items():
            if problem := _problem_with(self.part, self.parameters, name, value):
                raise ValueError(problem)
        return self

    def __hash__(self) -> int:
        return hash((self.part, self.source))

    def __str__(self) -> str:
        return self.part

    @property
    def settings(self) -> dict[str, Any]:
        """Name of each setting -> its value."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def is_loaded(self) -> bool:
        """Whether this process has run the plugin, so that the part can be called."""
        return is_loaded(self.source)

    def __call__(self, kind: str, given: Mapping[str, object]) -> Any:
        """What the part returns.

        Args:
            kind: Name of its kind.
            given: Values of the arguments that the kind gives.

        Raises:
            DataError: This process has not loaded its plugin.
            Exception: Whatever the part raises.
        """
        return call_part(self.source, kind, self.part, self.settings, given)

    def json_schemas(self) -> list[dict[str, Any]]:
        """How the part may be written in a study file: by its name, or with settings."""
        types = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}
        settings: dict[str, Any] = {"kind": {"const": self.part}}
        for name, parameter in self.parameters.items():
            choices = {"enum": list(parameter.choices)} if parameter.choices else {}
            settings[name] = {"type": types[parameter.type], "default": parameter.default} | choices
        with_settings = {"type": "object", "properties": settings, "required": ["kind"], "additionalProperties": False}
        return [{"const": self.part}, with_settings]


def _tag(value: object) -> str:
    return "of a plugin" if isinstance(value, Mapping | OwnPart) else "built in"


NamedOrOwn = Annotated[
    Annotated[BuiltIn, Tag("built in")] | Annotated[SkipJsonSchema[OwnPart], Tag("of a plugin")], Discriminator(_tag)
]
"""A name of the package, or a part of a plugin."""

OwnParts = dict[str, dict[Name, OwnPart]]
"""Name of a kind -> name of a part -> the part at its defaults."""


def own_part(part: str, source: str, parameters: Mapping[str, Parameter], better: str | None = None) -> OwnPart:
    """A part of a plugin at its defaults.

    Args:
        part: Name of the part.
        source: Hash of the plugin's source.
        parameters: Name of each setting -> its type and default.
        better: Which values are better, of a metric.
    """
    defaults: dict[str, Any] = {name: parameter.default for name, parameter in parameters.items()}
    return OwnPart.model_validate(
        {"part": part, "source": source, "parameters": dict(parameters), "better": better} | defaults
    )


def own_parts_in(*configs: BaseModel) -> list[tuple[str, OwnPart]]:
    """The parts of plugins that configs use, each with the name of its kind.

    Args:
        configs: Settings, train configs or evaluation configs.
    """
    return [
        (kind, part)
        for config in configs
        for field, kind in KIND_OF_FIELD.items()
        for part in _parts_of(getattr(config, field, None))
    ]


def _parts_of(value: object) -> list[OwnPart]:
    values = value if isinstance(value, tuple) else (value,)
    parts = [each if isinstance(each, OwnPart) else getattr(each, "part", None) for each in values]
    return [part for part in parts if isinstance(part, OwnPart)]


def with_own_parts(fields: Mapping[Any, Any]) -> dict[Any, Any]:
    """The fields of a setting, with each part of a plugin in full where it is named.

    Args:
        fields: Fields of a setting as they are written; `own_parts` has what the plugins offer.

    Raises:
        PydanticCustomError: of type `misfit`; there is no part of that name, or it has no such setting.
    """
    offered = fields.get("own_parts") or {}
    resolved = dict(fields)
    for kind, declared in KINDS.items():
        if declared.field in fields:
            resolved[declared.field] = _FIELDS.get(kind, _resolved_name)(
                kind, fields[declared.field], offered.get(kind, {})
            )
    return resolved


def _resolved_net(kind: str, value: object, own: Mapping[str, Any]) -> object:
    return _resolved(kind, value, own) if own else value  # sizes of a net are checked by their own models


def _resolved_data(kind: str, value: object, own: Mapping[str, Any]) -> object:
    written = dict(value) if isinstance(value, Mapping) else {"name": value}
    name = written.pop("name", written.pop("kind", None))
    if not isinstance(name, str) or name not in own:
        return value
    return {"name": "own", "part": _resolved(kind, {"kind": name} | written, own)}


def _resolved_metrics(kind: str, value: object, own: Mapping[str, Any]) -> object:
    if not isinstance(value, list | tuple):
        raise _misfit(KINDS[kind].field, f"found {value!r}; a list of metrics of plugins is expected: [name]")
    resolved = [each if isinstance(each, OwnPart) else _resolved(kind, each, own) for each in value]
    names = [each["part"] if isinstance(each, dict) else str(each) for each in resolved]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _misfit(KINDS[kind].field, f"metric {twice} is named twice")
    return resolved


def _resolved_name(kind: str, value: object, own: Mapping[str, Any]) -> object:
    return _resolved(kind, value, own) if own or isinstance(value, Mapping) else value


_FIELDS: Mapping[str, Callable[[str, object, Mapping[str, Any]], object]] = {
    "net": _resolved_net,
    "dataset": _resolved_data,
    "metric": _resolved_metrics,
}


def _resolved(kind: str, value: object, own: Mapping[str, Any]) -> object:
    """A field's value as it is stored, of what a study file or an arm writes."""
    written = dict(value) if isinstance(value, Mapping) else {"kind": value}
    key = "preset" if kind == "net" and "preset" in written else "kind"
    name = written.pop(key, None)
    if name == "own":
        return _with_settings(kind, written, {})
    if isinstance(name, str) and name in own:
        whole = own[name] if isinstance(own[name], Mapping) else own[name].model_dump()
        return _with_settings(kind, whole, written)
    known = [*own, *BUILT_IN[kind]]
    if not isinstance(name, str) or name not in known:
        raise _misfit(KINDS[kind].field, f"{no_such(KINDS[kind].label, name, known)}; allowed: {', '.join(known)}")
    if kind == "net":
        return value
    if written:
        first = next(iter(written))
        problem = f"{KINDS[kind].label} {name} has no setting {first!r}; only those of a plugin have settings"
        raise _misfit(KINDS[kind].field, problem)
    return name


def _with_settings(kind: str, whole: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    fields = {"kind": "own"} | dict(whole) | dict(changes)
    parameters = {
        name: each if isinstance(each, Parameter) else Parameter(**each) for name, each in fields["parameters"].items()
    }
    for name in fields.keys() - OwnPart.model_fields.keys():
        if problem := _problem_with(f"{KINDS[kind].label} {fields['part']}", parameters, name, fields[name]):
            raise _misfit(KINDS[kind].field, problem, name)
    return fields


def _problem_with(what: str, parameters: Mapping[str, Parameter], name: str, value: object) -> str | None:
    if name not in parameters:
        return f"{no_such(f'setting of {what}', name, sorted(parameters))}; allowed: {', '.join(parameters) or 'none'}"
    misuse = problem_with(parameters[name], value)
    return None if misuse is None else f"{name}: {misuse}"


def _misfit(field: str, problem: str, *within: str) -> PydanticCustomError:
    return PydanticCustomError("misfit", "{message}", {"at": ("baseline", field, *within), "message": problem})
