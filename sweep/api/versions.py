"""Versions of this package and of the libraries that change numbers, and the schema of study files."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("torch", "torchvision", "optuna", "sqlalchemy", "torch-fidelity", "numpy", "pandas")


def versions(*, libraries: bool = False) -> dict[str, str]:
    """The version of this package.

    Args:
        libraries: Whether to add the versions of the main libraries.

    Returns:
        Name of each package and its version; this package first.
    """
    import sweep

    return {"ddpm-sweep": sweep.__version__} | ({name: version(name) for name in LIBRARIES} if libraries else {})


def study_schema(file: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """The JSON schema of study files, with which an editor completes and checks them.

    Args:
        file: A study file, whose plugins are read, not run: their parts are in the schema, too. None for no file.

    Raises:
        StudyFileError: The file or one of its plugins cannot be read.
    """
    from sweep.config.composed_file import read_study_file
    from sweep.config.plugin_files import plugins_of
    from sweep.config.study_file import study_json_schema

    return study_json_schema(None if file is None else plugins_of(read_study_file(Path(file))))
