"""Versions and source state that a study's numbers depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

LIBRARIES = ("torch", "torchvision", "torch-fidelity", "optuna", "numpy", "scipy", "sqlalchemy")


def versions() -> dict[str, str]:
    """Library -> version, python and this package included; read from metadata, so nothing heavy is loaded."""
    return {"python": platform.python_version(), "ddpm-sweep": version("ddpm-sweep")} | {
        name: version(name) for name in LIBRARIES
    }
