"""The plugins that a study file names, read beside it. Their text is read; nothing of it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sweep.config.own_part import OwnParts, own_part
from sweep.config.part_names import BUILT_IN
from sweep.config.yaml_file import YamlFile
from sweep.errors import StudyFileError
from sweep.plugins.signatures import Signature, parts_in
from sweep.plugins.source import PluginSource, read_plugin


@dataclass(frozen=True)
class PluginFiles:
    """What the plugins of a study offer.

    Attributes:
        sources: The source of each plugin, in the order of the study file.
        parts: Name of a kind -> name of a part -> the part at its defaults.
    """

    sources: tuple[PluginSource, ...] = ()
    parts: OwnParts = field(default_factory=dict)


def plugins_of(file: YamlFile) -> PluginFiles:
    """Read the plugins that a study file names.

    Args:
        file: The study file.

    Raises:
        StudyFileError: A plugin cannot be read, or offers a name that is taken. The error names file and line.
    """
    named = file.data.get("plugins") or ()
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        return PluginFiles()  # the check of the study file says what is wrong
    sources: list[PluginSource] = []
    parts: OwnParts = {}
    for index, name in enumerate(named):
        for source, path in _read(file, index, name):
            for part in parts_in(source, path):
                of_kind = parts.setdefault(part.kind, {})
                _check_names(part, {*BUILT_IN[part.kind], *of_kind}, path)
                of_kind[part.name] = own_part(part.name, source.sha256, part.parameters, part.better)
            sources.append(source)
    return PluginFiles(tuple(sources), parts)


def _read(file: YamlFile, index: int, name: str) -> list[tuple[PluginSource, Path]]:
    """The modules of one plugin; an error about its name says where it is written."""
    try:
        return read_plugin(name, file.path.parent)
    except StudyFileError as error:
        if name in error.what and not error.what.startswith(str(file.path.parent)):
            origin = file.origin_of(("plugins", index))
            raise StudyFileError(f"{origin}: `plugins.{index}`: {error.what}", why=error.why, next=error.next) from None
        raise


_RESERVED = {"kind", "part", "source", "parameters", "preset", "settings", "json_schemas", "is_loaded", "better"}


def _check_names(part: Signature, taken: set[str], path: Path) -> None:
    if part.name in taken:
        raise StudyFileError(
            f"{path}: the name of {part.kind} `{part.name}` is taken",
            why=f"A name means one {part.kind} in a study.",
            next=f"Give the {part.kind} another name.",
        )
    if reserved := [each for each in part.parameters if hasattr(BaseModel, each) or each in _RESERVED]:
        raise StudyFileError(
            f"{path}: {part.kind} `{part.name}` calls a setting `{reserved[0]}`", next="Rename that setting."
        )


def with_plugins(file: YamlFile, plugins: PluginFiles) -> dict[str, Any]:
    """The values of a study file, with the parts of its plugins where its baseline finds them.

    Args:
        file: The study file.
        plugins: What its plugins offer.

    Raises:
        StudyFileError: The file writes what only a plugin may say.
    """
    baseline = file.data.get("baseline", {})
    if isinstance(baseline, Mapping) and "own_parts" in baseline:
        origin = file.origin_of(("baseline", "own_parts"))
        raise StudyFileError(f"{origin}: `baseline.own_parts`: no key named 'own_parts'", next="Use `plugins`.")
    if not plugins.parts or not isinstance(baseline, Mapping | None):
        return file.data
    own_parts = {kind: {name: part.model_dump() for name, part in own.items()} for kind, own in plugins.parts.items()}
    return file.data | {"baseline": {**(baseline or {}), "own_parts": own_parts}}
