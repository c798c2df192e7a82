"""A net of a plugin, as a run stores it: its name, the hash of its source, and its settings with their types.

Types and defaults are kept beside the values, so that a stored study is read and checked without its plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.config.presets import NET_PRESETS
from sweep.config.values import Name
from sweep.plugins.signatures import Parameter, problem_with
from sweep.similar_names import no_such

KINDS = ("unet", "mlp", "own")


class OwnNet(BaseModel):
    """A net of a plugin. Its settings are further fields, which `parameters` describes."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: Literal["own"] = "own"
    part: Name = Field(description="Name of the net in its plugin.")
    source: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the plugin's source.")
    parameters: dict[Name, Parameter] = Field(description="Name of each setting -> its type and default.")

    @model_validator(mode="after")
    def _settings_fit(self) -> OwnNet:
        for name, value in self.settings.items():
            if name not in self.parameters:
                unknown = no_such(f"setting of net {self.part}", name, sorted(self.parameters))
                problem = f"{unknown}; allowed: {', '.join(self.parameters) or 'none'}"
            elif (misuse := problem_with(self.parameters[name], value)) is None:
                continue
            else:
                problem = f"{name}: {misuse}"
            at = ("baseline", "net", name)
            raise PydanticCustomError("misfit", "{message}", {"at": at, "message": problem})
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """Name of each setting -> its value."""
        return dict(self.__pydantic_extra__ or {})

    def json_schemas(self) -> list[dict[str, Any]]:
        """How the net may be written in a study file: by its name, or with settings."""
        types = {"int": "integer", "float": "number", "bool": "boolean", "str": "string"}
        settings: dict[str, Any] = {"kind": {"const": self.part}}
        for name, parameter in self.parameters.items():
            choices = {"enum": list(parameter.choices)} if parameter.choices else {}
            settings[name] = {"type": types[parameter.type], "default": parameter.default} | choices
        with_settings = {"type": "object", "properties": settings, "required": ["kind"], "additionalProperties": False}
        return [{"const": self.part}, with_settings]


def own_net(part: str, source: str, parameters: Mapping[str, Parameter]) -> OwnNet:
    """A net of a plugin at its defaults.

    Args:
        part: Name of the net.
        source: Hash of the plugin's source.
        parameters: Name of each setting -> its type and default.
    """
    defaults: dict[str, Any] = {name: parameter.default for name, parameter in parameters.items()}
    return OwnNet(part=part, source=source, parameters=dict(parameters), **defaults)


def with_own_net(fields: Mapping[Any, Any]) -> dict[Any, Any]:
    """The fields of a setting, where `net` may name a net of a plugin, with that net in full.

    Args:
        fields: Fields of a setting as they are written; `own_nets` has the nets of the plugins.

    Raises:
        PydanticCustomError: of type `misfit`; there is no net of that name.
    """
    net, own = fields.get("net"), fields["own_nets"]
    written = dict(net) if isinstance(net, Mapping) else {"preset": net}
    for key in ("kind", "preset"):
        name = written.get(key)
        if isinstance(name, str) and name in own:
            changes = {field: value for field, value in written.items() if field != key}
            whole = own[name] if isinstance(own[name], Mapping) else own[name].model_dump()
            return dict(fields) | {"net": dict(whole) | changes}
    key = "preset" if "preset" in written else "kind"
    name, known = written.get(key), [*own, *(NET_PRESETS if key == "preset" else KINDS)]
    if isinstance(name, str) and name not in known:
        problem = f"{no_such('net', name, known)}; allowed: {', '.join(known)}"
        raise PydanticCustomError("misfit", "{message}", {"at": ("baseline", "net"), "message": problem})
    return dict(fields)
