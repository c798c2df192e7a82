"""Versions and source state that a study's numbers depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

from sweep.errors import StoreMismatch

LIBRARIES = ("torch", "torchvision", "torch-fidelity", "optuna", "numpy", "scipy", "sqlalchemy")


def versions() -> dict[str, str]:
    """Library -> version, python and this package included; read from metadata, so nothing heavy is loaded."""
    return {"python": platform.python_version(), "ddpm-sweep": version("ddpm-sweep")} | {
        name: version(name) for name in LIBRARIES
    }


def check_optuna(recorded: str) -> None:
    """Refuse to mix Optuna majors on one study: they draw otherwise.

    Raises:
        StoreMismatch: the study was started under another major version.
    """
    installed = version("optuna")
    if recorded.split(".", maxsplit=1)[0] != installed.split(".", maxsplit=1)[0]:
        raise StoreMismatch(
            f"this study was started with Optuna {recorded}; here is {installed}",
            why="Other majors draw other trials from the same history.",
            next=f"Install optuna=={recorded}, or start the study under a new name.",
        )
