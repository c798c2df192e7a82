"""`import sweep` is quick, and offers every public name."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

import sweep
from sweep import api, errors

HEAVY = ["torch", "optuna", "pandas", "sqlalchemy", "pydantic", "numpy", "yaml", "rich", "typer"]


def test_import_loads_nothing_heavy() -> None:
    code = (
        "import json, sys, time\n"
        "before = time.process_time()\n"
        "import sweep, sweep.api\n"
        "dir(sweep)\n"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]\n"
        "print(json.dumps([time.process_time() - before, heavy]))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, heavy = json.loads(ran.stdout)
    assert heavy == []
    assert seconds <= 0.2


@pytest.mark.parametrize("name", sweep.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(sweep, name)
    assert name in dir(sweep)
    assert name == "__version__" or inspect.getdoc(value)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="tune"):
        assert sweep.tune
    with pytest.raises(AttributeError, match="tune"):
        assert api.tune


def test_functions_stay_functions_after_their_modules_were_imported() -> None:
    """A module of the same name as a function must not take its place."""
    import sweep.api.launch
    import sweep.api.report

    for name in ("compare", "extend", "frames", "launch", "plan", "report", "status"):
        assert inspect.isfunction(getattr(sweep, name))
    assert inspect.ismodule(sweep.control)


def test_the_errors_are_those_of_the_tree() -> None:
    assert sweep.errors is errors
    for name in ("DataError", "InfeasibleConfig", "StoreError", "StudyFileError", "SweepError", "UsageError"):
        assert getattr(sweep, name) is getattr(errors, name)


@pytest.mark.parametrize(
    "function",
    [getattr(sweep, name) for name in sweep.__all__ if inspect.isfunction(getattr(sweep, name))]
    + [getattr(sweep.control, name) for name in sweep.control.__all__ if name.islower()],
    ids=lambda function: function.__name__,
)
def test_docstrings_name_every_argument_and_error(function: object) -> None:
    documentation = inspect.getdoc(function) or ""
    for argument in inspect.signature(function).parameters:
        assert f"\n    {argument}: " in documentation
    assert "Raises:" in documentation
