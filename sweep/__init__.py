"""Hyperparameter sweeps and ablations of denoising diffusion models.

    import sweep

    study = sweep.load_study("studies/digits.yaml")
    sweep.plan(study).notes                 arms, trainings, power and cost, before anything runs
    sweep.launch(study, workers=2)          train and score; the same call resumes
    sweep.frames("digits").scores           tidy pandas frames: cells, scores, curves, attempts
    sweep.report("digits")                  page, notebook and tables

Names are loaded when they are first used: `import sweep` loads neither torch nor pandas. `sweep docs python-api` and
sweep/docs/python-api.md describe them all.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep import errors as errors
    from sweep.api import control as control
    from sweep.api.compare import compare as compare
    from sweep.api.extend import Extension as Extension
    from sweep.api.extend import extend as extend
    from sweep.api.frames import StudyFrames as StudyFrames
    from sweep.api.frames import frames as frames
    from sweep.api.launch import LaunchOutcome as LaunchOutcome
    from sweep.api.launch import LaunchProgress as LaunchProgress
    from sweep.api.launch import LaunchResult as LaunchResult
    from sweep.api.launch import launch as launch
    from sweep.api.plan import StudyForecast as StudyForecast
    from sweep.api.plan import plan as plan
    from sweep.api.report import Report as Report
    from sweep.api.report import report as report
    from sweep.api.sample import sample as sample
    from sweep.api.score import Scores as Scores
    from sweep.api.score import score as score
    from sweep.api.status import status as status
    from sweep.config.study import Study as Study
    from sweep.config.study_file import load_study as load_study
    from sweep.errors import DataError as DataError
    from sweep.errors import InfeasibleConfig as InfeasibleConfig
    from sweep.errors import ProtocolError as ProtocolError
    from sweep.errors import StoreError as StoreError
    from sweep.errors import StudyFileError as StudyFileError
    from sweep.errors import SweepError as SweepError
    from sweep.errors import UsageError as UsageError

__version__ = "0.1.0"

_MODULES = {"control": "sweep.api.control", "errors": "sweep.errors"}
_NAMES_BY_MODULE = {
    "sweep.api.compare": ("compare",),
    "sweep.api.extend": ("Extension", "extend"),
    "sweep.api.frames": ("StudyFrames", "frames"),
    "sweep.api.launch": ("LaunchOutcome", "LaunchProgress", "LaunchResult", "launch"),
    "sweep.api.plan": ("StudyForecast", "plan"),
    "sweep.api.report": ("Report", "report"),
    "sweep.api.sample": ("sample",),
    "sweep.api.score": ("Scores", "score"),
    "sweep.api.status": ("status",),
    "sweep.config.study": ("Study",),
    "sweep.config.study_file": ("load_study",),
    "sweep.errors": (
        "DataError",
        "InfeasibleConfig",
        "ProtocolError",
        "StoreError",
        "StudyFileError",
        "SweepError",
        "UsageError",
    ),
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}

__all__ = [
    "DataError",
    "Extension",
    "InfeasibleConfig",
    "LaunchOutcome",
    "LaunchProgress",
    "LaunchResult",
    "ProtocolError",
    "Report",
    "Scores",
    "StoreError",
    "Study",
    "StudyFileError",
    "StudyForecast",
    "StudyFrames",
    "SweepError",
    "UsageError",
    "__version__",
    "compare",
    "control",
    "errors",
    "extend",
    "frames",
    "launch",
    "load_study",
    "plan",
    "report",
    "sample",
    "score",
    "status",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
