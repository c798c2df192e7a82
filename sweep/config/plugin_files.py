"""The plugins that a study file names, read beside it. Their text is read; nothing of it is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sweep.config.own_net import KINDS, OwnNet, own_net
from sweep.config.presets import NET_PRESETS
from sweep.config.yaml_file import YamlFile
from sweep.errors import StudyFileError
from sweep.plugins.signatures import nets_in
from sweep.plugins.source import PluginSource, read_source

_TAKEN_NETS = {*KINDS, *NET_PRESETS}


@dataclass(frozen=True)
class PluginFiles:
    """What the plugins of a study offer.

    Attributes:
        sources: The source of each plugin, in the order of the study file.
        nets: Name of each net -> the net at its defaults.
    """

    sources: tuple[PluginSource, ...] = ()
    nets: Mapping[str, OwnNet] = field(default_factory=dict)


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
    nets: dict[str, OwnNet] = {}
    for index, name in enumerate(named):
        line = file.line_of(("plugins", index))
        if Path(name).suffix != ".py" or not Path(name).stem.isidentifier():
            raise StudyFileError(
                f"{file.path}, line {line}: `plugins.{index}`: {name!r} is not the path of a Python file",
                why="A plugin is a file beside the study file, named like a module.",
                next="plugins: [my_nets.py]",
            )
        path = file.path.parent / name
        source = read_source(path)
        for part, parameters in nets_in(source, path).items():
            if part in _TAKEN_NETS or part in nets:
                raise StudyFileError(
                    f"{path}: the name of net `{part}` is taken",
                    why="A name means one net in a study.",
                    next="Give the net another name.",
                )
            if taken := [each for each in parameters if hasattr(BaseModel, each) or each in _RESERVED]:
                raise StudyFileError(f"{path}: net `{part}` calls a setting `{taken[0]}`", next="Rename that setting.")
            nets[part] = own_net(part, source.sha256, parameters)
        sources.append(source)
    return PluginFiles(tuple(sources), nets)


_RESERVED = {"kind", "part", "source", "parameters", "preset", "settings", "json_schemas"}


def with_plugins(file: YamlFile, plugins: PluginFiles) -> dict[str, Any]:
    """The values of a study file, with the nets of its plugins where its baseline finds them.

    Args:
        file: The study file.
        plugins: What its plugins offer.

    Raises:
        StudyFileError: The file writes what only a plugin may say.
    """
    baseline = file.data.get("baseline", {})
    if isinstance(baseline, Mapping) and "own_nets" in baseline:
        line = file.line_of(("baseline", "own_nets"))
        raise StudyFileError(
            f"{file.path}, line {line}: `baseline.own_nets`: no key named 'own_nets'", next="Use `plugins`."
        )
    if not plugins.nets or not isinstance(baseline, Mapping | None):
        return file.data
    own_nets = {name: net.model_dump() for name, net in plugins.nets.items()}
    return file.data | {"baseline": {**(baseline or {}), "own_nets": own_nets}}
