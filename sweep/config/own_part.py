"""A part of a plugin, as a run stores it: its name, the hash of its source, and its settings with their types.

Types and defaults are kept beside the values, so that a stored study is read and checked without its plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema

from sweep.config.values import Name
from sweep.plugins.data_files import checked_path, pinned_file
from sweep.plugins.kinds import KIND_OF_FIELD
from sweep.plugins.loading import call_part, is_loaded
from sweep.plugins.parameters import Parameter, problem_with
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
            if problem := problem_with_setting(self.part, self.parameters, name, value):
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

    @property
    def files(self) -> list[str]:
        """Names of the settings that name files."""
        return [name for name, parameter in self.parameters.items() if parameter.type == "file"]

    def within(self, folder: Path) -> OwnPart:
        """The part with the paths of its files from a folder on. No file is read.

        Args:
            folder: Folder in which relative paths begin: that of the study file.
        """
        paths = {
            name: str((folder / str(self.settings[name])).absolute())
            for name in self.files
            if isinstance(self.settings[name], str)
        }
        return self.with_settings(paths) if paths else self

    def pinned(self) -> OwnPart:
        """The part with the hash of the content of each file that it reads.

        Raises:
            DataError: There is no such file, or it has another content than before.
        """
        files = {name: pinned_file(self.settings[name], Path()) for name in self.files}
        return self.with_settings(files) if files else self

    def with_settings(self, settings: Mapping[str, object]) -> OwnPart:
        """The part with other values of some settings."""
        return OwnPart.model_validate(self.model_dump() | dict(settings))

    def __call__(self, kind: str, given: Mapping[str, object]) -> Any:
        """What the part returns.

        Args:
            kind: Name of its kind.
            given: Values of the arguments that the kind gives.

        Raises:
            DataError: This process has not loaded its plugin, or a file that it reads has another content.
            Exception: Whatever the part raises.
        """
        files = {name: checked_path(self.settings[name]) for name in self.files}
        arguments: dict[str, Any] = {}
        for name, value in (self.settings | files).items():
            model = self.parameters[name].model
            into = arguments.setdefault(model, {}) if model else arguments
            into[name] = value
        return call_part(self.source, kind, self.part, arguments, given)

    def json_schemas(self) -> list[dict[str, Any]]:
        """How the part may be written in a study file: by its name, or with settings."""
        types = {"int": "integer", "float": "number", "bool": "boolean", "str": "string", "file": "string"}
        settings: dict[str, Any] = {"kind": {"const": self.part}}
        for name, parameter in self.parameters.items():
            choices = {"enum": list(parameter.choices)} if parameter.choices else {}
            bounds = {_BOUNDS[bound]: limit for bound, limit in parameter.bounds}
            settings[name] = {"type": types[parameter.type], "default": parameter.default} | choices | bounds
        with_settings = {"type": "object", "properties": settings, "required": ["kind"], "additionalProperties": False}
        return [{"const": self.part}, with_settings]


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


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


def problem_with_setting(what: str, parameters: Mapping[str, Parameter], name: str, value: object) -> str | None:
    """Why a part has no such setting, or not with this value; None where it has.

    Args:
        what: The part, in words.
        parameters: Name of each setting of the part -> its type and default.
        name: Name of the setting.
        value: Value of the setting.
    """
    if name not in parameters:
        return f"{no_such(f'setting of {what}', name, sorted(parameters))}; allowed: {', '.join(parameters) or 'none'}"
    misuse = problem_with(parameters[name], value)
    return None if misuse is None else f"{name}: {misuse}"
