"""Every line of the tables of README.md names tests that are there."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (Path(__file__).parent / "README.md").read_text()
HEADS = ("| fault ", "| threads ")
LINES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(HEADS)]
# A line that is not covered says so.
UNCOVERED = "not covered"


def names_in(path: Path) -> list[str]:
    return re.findall(r"^(?: {4})?def (test_\w+)", path.read_text(), re.MULTILINE)


def named(line: str) -> list[tuple[str, str]]:
    """(file, pattern of tests) of each test that a line names."""
    return [(file, pattern) for file, _, pattern in re.findall(r"`([\w/]+\.py)(::([\w*]+))?`", line)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split(" | ")[0].strip("| ")[:40])
def test_tests_that_are_named_are_there(line: str) -> None:
    found = named(line)
    assert found or UNCOVERED in line
    for file, pattern in found:
        path = next(path for path in (TESTS / "faults" / file, TESTS / file) if path.exists())
        assert not pattern or any(fnmatch(name, pattern) for name in names_in(path)), f"{file} has no {pattern}"


def test_threads_are_named_in_their_form() -> None:
    threads = [line.split("|")[1].strip() for line in LINES if "#" in line.split("|")[1]]
    assert len(threads) > 20
    for thread in ", ".join(threads).split(", "):
        assert re.fullmatch(r"[\w./-]+( PR)?#\d+", thread), thread
