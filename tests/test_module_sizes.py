"""Modules and functions stay as short as CONTRIBUTING says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sweep

MAX_MODULE_LINES = 250
MAX_FUNCTION_LINES = 40
PACKAGE = Path(sweep.__file__).parent
# A released migration is never edited.
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def lines_of_body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its signature and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_read_at_one_go(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_MODULE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert {each.name for each in functions if lines_of_body(each) > MAX_FUNCTION_LINES} == set()


def test_no_module_has_a_name_that_fits_everything() -> None:
    assert [path for path in MODULES if path.stem in {"utils", "helpers", "common", "manager", "misc"}] == []


def test_lines_of_a_body_leave_out_signature_and_docstring() -> None:
    text = 'def f(\n    a,\n    b,\n):\n    """What.\n\n    More.\n    """\n    c = a\n\n    return c\n'
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert lines_of_body(function) == 3
