"""From a study file to a study: read, checked and explained. Nothing is written or computed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from sweep.config.explain import explain
from sweep.config.plugin_files import PluginFiles, plugins_of, with_plugins
from sweep.config.study import Study
from sweep.config.yaml_file import YamlFile, read_yaml


def load_study(path: str | os.PathLike[str]) -> Study:
    """Read and check a study file. Nothing is written or computed.

    Args:
        path: The file, in YAML.

    Returns:
        The study, with the default of every field that the file leaves out.

    Raises:
        StudyFileError: The file is wrong. The error names file, line, key, what was found and what is allowed.

    Example:
        sweep.load_study("studies/digits.yaml").seeds
    """
    return study_in(read_yaml(Path(path)))


def study_in(file: YamlFile) -> Study:
    """Check a study file that was read.

    Raises:
        StudyFileError: names file, line, key, what was found and what is allowed.
    """
    plugins = plugins_of(file)
    try:
        return Study.model_validate(with_plugins(file, plugins)).with_sources(plugins.sources)
    except ValidationError as error:
        raise explain(file, error, Study) from None


def study_json_schema(plugins: PluginFiles | None = None) -> dict[str, Any]:
    """JSON schema of a study file, for editors; with the parts of its plugins, where they are given."""
    schema = Study.model_json_schema(schema_generator=GenerateJsonSchema)
    if plugins is not None:
        written = schema["$defs"]["Setting"]["properties"]["net"]
        written["anyOf"] += [as_written for net in plugins.nets.values() for as_written in net.json_schemas()]
    return {"$schema": GenerateJsonSchema.schema_dialect} | schema
