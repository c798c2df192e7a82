"""What tells a tool to look away says why."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sweep

HERE = Path(__file__)
SOURCES = sorted(
    path for folder in (Path(sweep.__file__).parent, HERE.parent) for path in folder.rglob("*.py") if path != HERE
)
WITH_REASON = re.compile(r"# (?:type: ignore|noqa)(?:\[[\w, -]+\]|: [\w, ]+?) (?:#|-) \w")


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_formatting_is_skipped_and_every_exception_says_why(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert "fmt: skip" not in line, number
        assert "fmt: off" not in line, number
        if "# type: ignore" in line or "# noqa" in line:
            assert WITH_REASON.search(line), f"line {number} does not say why"
