"""States of work and exit codes are written by the names of their enums, so that a wrong one cannot pass unseen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import sweep
from sweep.errors import ExitCode
from sweep.store import states

ROOT = Path(sweep.__file__).parent
HOME = ROOT / "store/states.py"
VALUES = {
    member.value
    for kind in vars(states).values()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind.__module__ == states.__name__
    for member in kind
}
ENDS_A_PROCESS = ("exit", "_exit", "Exit", "SystemExit")
# Words that are also something else: a kind of item, a type of error of pydantic, a split, the axis of a curve, a
# column, a key of evidence.
OTHER_WORDS = {
    ("config/given.py", "images"),
    ("config/problems.py", "missing"),
    ("data/arrangement.py", "train"),
    ("data/shards.py", "train"),
    ("reporting/figures/lines.py", "images"),
    ("reporting/sections/search_claims.py", "confirmed"),
    ("reporting/text/decisions.py", "revision"),
}


def literals(node: ast.AST) -> Iterator[str]:
    """Texts in a value, or in a tuple, list or set of values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        for element in node.elts:
            yield from literals(element)


def suspects(node: ast.AST) -> Iterator[str]:
    """Texts that a value is compared with, that name a set of states, or that are written as a state."""
    if isinstance(node, ast.Compare):
        for side in (node.left, *node.comparators):
            yield from literals(side)
    elif isinstance(node, ast.MatchValue):
        yield from literals(node.value)
    elif isinstance(node, (ast.Tuple, ast.Set)):
        texts = list(literals(node))
        yield from texts if len(texts) == len(node.elts) > 1 and set(texts) <= VALUES else ()
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield from literals(value) if isinstance(key, ast.Constant) and key.value == "state" else ()
    elif isinstance(node, ast.keyword) and node.arg == "state":
        yield from literals(node.value)


def spelt_out(source: str) -> set[str]:
    """Values of the enums that a module spells out."""
    return {text for node in ast.walk(ast.parse(source)) for text in suspects(node) if text in VALUES}


def test_states_are_compared_by_the_names_of_their_enums() -> None:
    found = {
        (str(path.relative_to(ROOT)), text)
        for path in sorted(ROOT.rglob("*.py"))
        if path != HOME
        for text in spelt_out(path.read_text())
    }
    assert found - OTHER_WORDS == set()
    assert found & OTHER_WORDS == OTHER_WORDS, "an exception that is not needed any more"


def test_every_way_of_spelling_a_state_out_is_seen() -> None:
    for source in (
        "state == 'active'",
        "'nan' != failure",
        "state in ('planned', 'training')",
        "OPEN = ('planned', 'scoring')",
        "update(x).values(state='complete')",
        "values = {'state': 'planned'}",
        "match state:\n  case 'paused': pass",
    ):
        assert spelt_out(source), source
    assert not spelt_out("rows = [('run', 'planned')]\nname = 'active'\nstate == StudyState.ACTIVE")


def exit_codes_written_as_numbers(source: str) -> set[int]:
    """Numbers with which a module ends a process, or which it compares with an exit code; 0 is success everywhere."""
    suspected: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "exit",
            "_exit",
            "Exit",
            "SystemExit",
        ):
            suspected += [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Compare) and re.search(r"exit_?code|returncode", ast.unparse(node)):
            suspected.append(node)
    numbers = (each.value for node in suspected for each in ast.walk(node) if isinstance(each, ast.Constant))
    return {number for number in numbers if isinstance(number, int) and number in set(ExitCode) - {ExitCode.OK}}


def test_exit_codes_are_written_by_the_names_of_their_enum() -> None:
    written = {
        str(path.relative_to(ROOT)): exit_codes_written_as_numbers(path.read_text()) for path in ROOT.rglob("*.py")
    }
    assert {path: numbers for path, numbers in written.items() if numbers} == {}
    assert exit_codes_written_as_numbers("raise typer.Exit(0 if well else 1)") == {1}
    assert exit_codes_written_as_numbers("stopped = process.returncode in (75, 130)") == {75, 130}
    assert not exit_codes_written_as_numbers("raise SystemExit(ExitCode.FAILED)\nprocess.returncode != 0")
