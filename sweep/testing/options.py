"""The option `--plugin` of the contract tests. pytest loads this module in every session, so that it does no more."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--plugin`."""
    group = parser.getgroup("sweep.testing", "contracts of the parts of a plugin of ddpm-sweep")
    group.addoption("--plugin", action="append", default=[], metavar="FILE", help="A plugin file; repeatable.")
