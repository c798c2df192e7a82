"""Versions of this package and of the libraries that change numbers, and the schema of study files."""

from __future__ import annotations

from importlib.metadata import version
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


def study_schema() -> dict[str, Any]:
    """The JSON schema of study files, with which an editor completes and checks them."""
    from sweep.config.study import study_json_schema

    return study_json_schema()
