"""The verbs of the package as functions, in one module for each verb. The command calls these and nothing else.

`import sweep` offers the main ones, such as `sweep.launch`. A module is loaded when it is first used, so that a short
command does not load what it does not need. Start with `launch.py` and `frames.py`. May
import every package but `cli`.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweep.api import (
        bench,
        compare,
        control,
        dashboard,
        data,
        doctor,
        export,
        extend,
        first_study,
        frames,
        garbage,
        given_items,
        launch,
        model_export,
        plan,
        report,
        sample,
        score,
        space,
        status,
        study_files,
        train,
        trials,
        versions,
        work,
    )

__all__ = [
    "bench",
    "compare",
    "control",
    "dashboard",
    "data",
    "doctor",
    "export",
    "extend",
    "first_study",
    "frames",
    "garbage",
    "given_items",
    "launch",
    "model_export",
    "plan",
    "report",
    "sample",
    "score",
    "space",
    "status",
    "study_files",
    "train",
    "trials",
    "versions",
    "work",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
