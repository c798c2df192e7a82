"""The tables of README.md name tests that are there, and every row has a test that is named for it."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (Path(__file__).parent / "README.md").read_text()
LINES = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| row ", "| threads "))]
# A row that is not covered says so.
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


def test_every_row_has_a_test_that_is_named_for_it() -> None:
    everywhere = {name for path in TESTS.rglob("test_*.py") for name in names_in(path)}
    rows = {int(line.split("|")[1]): line for line in LINES if line.split("|")[1].strip().isdecimal()}
    assert sorted(rows) == list(range(1, 36))
    missing = [row for row in rows if not any(name.startswith(f"test_row_{row:02}_") for name in everywhere)]
    assert all(UNCOVERED in rows[row] for row in missing), missing


def test_threads_are_named_in_their_form() -> None:
    threads = [line.split("|")[1].strip() for line in LINES if "#" in line.split("|")[1]]
    assert len(threads) > 20
    for thread in ", ".join(threads).split(", "):
        assert re.fullmatch(r"[\w./-]+( PR)?#\d+", thread), thread
