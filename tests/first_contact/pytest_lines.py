"""A plugin of pytest that adds the outcome of each test to a file of JSON lines, as soon as it is known."""

from __future__ import annotations

import pytest

from tests.helpers.json_lines import append_line


class Lines:
    def __init__(self, config: pytest.Config) -> None:
        self._path, self._part = config.getoption("--lines"), config.getoption("--part")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            reason = str(report.longrepr).splitlines()[-1] if report.longrepr else ""
            append_line(
                self._path,
                {
                    "part": self._part,
                    "state": "measured",
                    "test": report.nodeid,
                    "outcome": report.outcome,
                    "seconds": round(report.duration, 2),
                    "note": reason,
                },
            )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--lines", required=True)
    parser.addoption("--part", default="")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Lines(config))
