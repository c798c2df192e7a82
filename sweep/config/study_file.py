"""From a study file to a study: read, checked and explained. Nothing is written or computed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from sweep.config.composed_file import read_study_file, with_extends
from sweep.config.explain import explain
from sweep.config.plugin_files import PluginFiles, plugins_of, with_plugins
from sweep.config.study import Study
from sweep.config.yaml_file import YamlFile
from sweep.plugins.kinds import KINDS


def load_study(path: str | os.PathLike[str], *, overrides: Mapping[str, object] | None = None) -> Study:
    """Read and check a study file, with the files that it extends. Nothing is written or computed.

    Args:
        path: The file, in YAML.
        overrides: Dotted key -> value that replaces or adds to what the file says; None for none.

    Returns:
        The study, with the default of every field that the file leaves out.

    Raises:
        StudyFileError: The file is wrong. The error names file, line, key, what was found and what is allowed.

    Example:
        sweep.load_study("studies/digits.yaml", overrides={"baseline.lr": 3e-4, "seeds": 5}).seeds
    """
    return study_in(read_study_file(Path(path), overrides))


def study_in(file: YamlFile) -> Study:
    """Check a study file that was read.

    Raises:
        StudyFileError: names file, line, key, what was found and what is allowed.
    """
    plugins = plugins_of(file)
    try:
        study = Study.model_validate(with_plugins(file, plugins))
    except ValidationError as error:
        raise explain(file, error, Study) from None
    folder = file.path.parent
    protocol = study.protocol.with_extractor(lambda part: part.within(folder))
    study = study.with_data(study.baseline.data.within(folder)).model_copy(update={"protocol": protocol})
    return study.with_sources(plugins.sources)


def study_json_schema(plugins: PluginFiles | None = None) -> dict[str, Any]:
    """JSON schema of a study file, for editors; with the parts of its plugins, where they are given."""
    schema = with_extends(Study.model_json_schema(schema_generator=GenerateJsonSchema))
    fields = schema["$defs"]["Setting"]["properties"]
    for name, field in fields.items():  # a part of no plugin is written by its name
        if len(field.get("oneOf", ())) == 1:
            fields[name] = {key: value for key, value in field.items() if key != "oneOf"} | field["oneOf"][0]
    if plugins is not None:
        for kind, own in plugins.parts.items():
            forms = [form for part in own.values() for form in part.json_schemas()]
            name = KINDS[kind].field
            if kind == "feature_extractor":
                protocol = schema["$defs"]["ProtocolRequest"]["properties"]
                protocol[name] = _with_forms(protocol[name], forms)
            else:
                fields[name] = _with_forms(fields[name], forms) if name in fields else _list_of(forms)
    return {"$schema": GenerateJsonSchema.schema_dialect} | schema


def _list_of(forms: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "array", "items": {"anyOf": forms}}


def _with_forms(field: dict[str, Any], forms: list[dict[str, Any]]) -> dict[str, Any]:
    """The schema of a field that may be written in further forms."""
    about = {key: field[key] for key in ("default", "description", "title") if key in field}
    rest = {key: value for key, value in field.items() if key not in about}
    return about | {"anyOf": [*(rest["anyOf"] if list(rest) == ["anyOf"] else [rest]), *forms]}
