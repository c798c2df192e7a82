"""Parts of plugins where a setting names them, in full: what a study file or an arm writes becomes what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from sweep.config.own_part import OwnPart, problem_with_setting
from sweep.config.part_names import BUILT_IN
from sweep.plugins.kinds import KINDS
from sweep.plugins.parameters import Parameter
from sweep.similar_names import no_such


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


def with_own_extractor(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a study, with the feature extractor of a plugin in full where its protocol names one.

    Args:
        fields: Fields of a study as they are written; `own_parts` of the baseline has what the plugins offer.

    Raises:
        PydanticCustomError: of type `misfit`; there is no extractor of that name, or it has no such setting.
    """
    protocol, baseline = fields.get("protocol"), fields.get("baseline")
    offered = baseline.get("own_parts", {}) if isinstance(baseline, Mapping) else {}
    own = offered.get("feature_extractor", {})
    written = protocol.get("extractor") if isinstance(protocol, Mapping) else None
    if not isinstance(protocol, Mapping) or not own or written is None or written == "own":
        return dict(fields)
    resolved = _resolved("feature_extractor", written, own)
    if isinstance(resolved, str):
        return dict(fields)
    return dict(fields) | {"protocol": dict(protocol) | {"extractor": "own", "extractor_part": resolved}}


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
        if problem := problem_with_setting(f"{KINDS[kind].label} {fields['part']}", parameters, name, fields[name]):
            raise _misfit(KINDS[kind].field, problem, name)
    return fields


def _misfit(field: str, problem: str, *within: str) -> PydanticCustomError:
    return PydanticCustomError(
        "misfit",
        "{message}",
        {"at": ("protocol" if field == "extractor" else "baseline", field, *within), "message": problem},
    )
