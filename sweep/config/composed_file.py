"""A study file put together: the files that it extends, itself, and what the command line sets.

A later layer wins. Keys and values are merged at every depth; lists and plain values are replaced. A design, a net or a
data set of another kind replaces the one below it, and a factor that is set to null is taken out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweep.config.layers import Layers
from sweep.config.overrides import override_layer
from sweep.config.problems import cut
from sweep.config.yaml_file import YamlFile, read_yaml
from sweep.errors import StudyFileError
from sweep.limits import MAX_EXTENDED_FILES

EXTENDS = "extends"


def read_study_file(path: Path, overrides: Mapping[str, object] | None = None) -> YamlFile:
    """Read a study file with all that it extends. Plugins are named from the folder of `path`.

    Args:
        path: The study file.
        overrides: Dotted key -> value that replaces or adds to what the files say, e.g. {"baseline.lr": 3e-4}.

    Returns:
        The merged values, each with the file and line, or the option, that it comes from.

    Raises:
        StudyFileError: A file cannot be read, or files extend each other in a circle.
        UsageError: A key of `overrides` cannot be set.
    """
    layers = Layers()
    for file in _chain(path):
        layers.lay(file.data, file.origins)
    for key, value in (overrides or {}).items():
        layers.lay(*override_layer(key, value, layers.data))
    return YamlFile(path, layers.data, layers.origins)


def with_extends(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of a study as that of a study file, which may extend another and then needs no key of its own.

    Args:
        schema: JSON schema of a study.
    """
    extends = {"type": "string", "minLength": 1, "description": "Study file whose values this one adds to or replaces."}
    required = {"anyOf": [{"required": [EXTENDS]}, {"required": schema["required"]}]}
    whole = {key: value for key, value in schema.items() if key != "required"}
    return whole | {"properties": {EXTENDS: extends} | schema["properties"]} | required


def _chain(path: Path) -> list[YamlFile]:
    """The files to merge, the one that extends no other first."""
    chain: list[YamlFile] = []
    read: list[Path] = []
    next_path: Path | None = path
    while next_path is not None:
        file = read_yaml(next_path)
        read.append(_identity(next_path))
        base = _extended(file)
        if base is not None and _identity(base) in read:
            raise StudyFileError(
                f"{file.origin_of((EXTENDS,))}: `{EXTENDS}`: {base} extends this file in turn",
                why=f"The circle is: {' -> '.join(map(str, [*read, _identity(base)]))}.",
                next="Let one of these files extend none.",
            )
        if len(chain) > MAX_EXTENDED_FILES:
            raise StudyFileError(
                f"{file.path}: more than {MAX_EXTENDED_FILES} files extend one another", next="Merge some of them."
            )
        chain.append(_seen_from(path, file))
        next_path = base
    return chain[::-1]


def _identity(path: Path) -> Path:
    """One path for one file, however it is named."""
    with suppress(OSError, RuntimeError):
        return path.resolve()
    return path.absolute()


def _extended(file: YamlFile) -> Path | None:
    """The file that a study file extends; None for none."""
    if EXTENDS not in file.data:
        return None
    name = file.data[EXTENDS]
    origin = file.origin_of((EXTENDS,))
    if not isinstance(name, str) or not name or "\0" in name:
        raise StudyFileError(
            f"{origin}: `{EXTENDS}`: found {cut(repr(name))}; the path of one study file is expected",
            next=f"{EXTENDS}: base.yaml",
        )
    base = file.path.parent / _expanded(name)
    if not _exists(base):
        raise StudyFileError(
            f"{origin}: `{EXTENDS}`: {base}: no such file",
            why="The path begins in the folder of the file that names it.",
            next="Correct the path.",
        )
    return base


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except OSError:
        return False
    return True


def _expanded(name: str) -> Path:
    with suppress(RuntimeError):  # no such user
        return Path(name).expanduser()
    return Path(name)


def _seen_from(path: Path, file: YamlFile) -> YamlFile:
    """A file without `extends`, and with its relative paths as the study file at `path` has to write them."""
    data = {key: value for key, value in file.data.items() if key != EXTENDS}
    if file.path != path:
        folder = file.path.parent
        for field in ("data", "init_from"):
            data = _with_absolute_path(data, field, folder)
        data = _with_plugins_seen_from(path.parent, data, folder)
    return replace(file, data=data)


def _with_absolute_path(data: dict[str, Any], field: str, folder: Path) -> dict[str, Any]:
    """The values of a base with the path of its images, or of its weights, from the root on."""
    baseline = data.get("baseline")
    written = baseline.get(field) if isinstance(baseline, dict) else None
    named = {"path": written} if field == "init_from" and isinstance(written, str) else written
    if not isinstance(baseline, dict) or not isinstance(named, dict) or not isinstance(named.get("path"), str):
        return data
    path = (folder / _expanded(named["path"])).absolute()
    plain = str(_identity(path) if ".." in path.parts else path)
    return data | {"baseline": baseline | {field: plain if isinstance(written, str) else named | {"path": plain}}}


def _with_plugins_seen_from(folder_of_study: Path, data: dict[str, Any], folder: Path) -> dict[str, Any]:
    plugins = data.get("plugins")
    if not isinstance(plugins, list):
        return data
    return data | {
        "plugins": [_seen(folder_of_study, folder, each) if isinstance(each, str) else each for each in plugins]
    }


def _seen(folder_of_study: Path, folder: Path, name: str) -> str:
    if not name.endswith(".py"):
        return name  # a module or a distribution
    path = Path(folder, name)
    try:
        return Path(os.path.relpath(path, folder_of_study or ".")).as_posix()
    except ValueError:  # on another drive
        return str(path.absolute())
