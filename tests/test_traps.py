"""The table of traps names tests that exist, and no trap is without one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
TABLE = TESTS / "diffusion" / "README.md"


def rows() -> list[list[str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| ") and line[2].isdigit()]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def exists(named: str) -> bool:
    file, *path = named.split("::")
    nodes: list[ast.stmt] = ast.parse((TESTS / file).read_text()).body
    for name in path:
        found = [n for n in nodes if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == name]
        if not found:
            return False
        nodes = found[0].body
    return path[-1].startswith("test_")


def test_every_trap_has_tests_and_they_exist() -> None:
    assert [int(row[0]) for row in rows()] == list(range(1, 29))
    for number, trap, tests in rows():
        named = re.findall(r"`([^`]+)`", tests)
        assert trap, number
        assert named, number
        missing = [name for name in named if not exists(name)]
        assert not missing, (number, missing)


def test_the_check_sees_a_name_that_is_none() -> None:
    assert exists("diffusion/test_levels.py::test_one_step")
    assert not exists("diffusion/test_levels.py::test_two_steps")
    assert not exists("diffusion/test_levels.py::TestPosterior::test_one_step")
