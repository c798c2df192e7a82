"""The parts that the tests are about: those of the files that `--plugin` names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.testing.cases import cases_of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test the plugin files, or their parts with the settings to try.

    Raises:
        UsageError: No plugin is named.
    """
    files = [Path(name) for name in metafunc.config.getoption("--plugin")]
    if not files:
        raise pytest.UsageError("name a plugin: pytest --pyargs sweep.testing --plugin my_parts.py")
    if "file" in metafunc.fixturenames:
        metafunc.parametrize("file", files, ids=str)
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", [case for file in files for case in cases_of(file)], ids=str)
