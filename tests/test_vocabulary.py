"""The glossary is held: words that were replaced name nothing, and a public name has one meaning."""

from __future__ import annotations

import ast
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for path in (ROOT / "sweep").rglob("*.py") if "migrations" not in path.parts)
TABLE = (ROOT / "sweep" / "docs" / "glossary.md").read_text().partition("## Words that we replaced")[2]
REPLACED = {
    word for line in TABLE.splitlines() for word in re.findall(r"`(\w+)`", line.split("|")[1] if "|" in line else "")
}
# Those that plain sentences have no use for either; the others are bad names and good words.
OURS = [
    "asking",
    "askings",
    "climb",
    "climbs",
    "depot",
    "exploration",
    "explorations",
    "outlives",
    "rig",
    "teaches",
    "whereabouts",
    "yardstick",
]
# Names of Python and of libraries, and the old name of a field of the study file.
THEIRS = {"most_common", "tick_params", "tick_values", "in_place", "at_most", "NoResultFound"}


def names_in(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each name that a module uses."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string


def words_of(name: str) -> set[str]:
    """The words of a name, in lower case: those between underscores and those that begin with a capital."""
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name.replace("NotFound", "Missing"))}


def test_the_glossary_lists_the_words_that_were_replaced() -> None:
    assert {"told", "look", *OURS} <= REPLACED
    assert words_of("KeptWorker") == {"kept", "worker"}
    assert words_of("_MOST_X") == {"most", "x"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_made_of_a_word_that_was_replaced(path: Path) -> None:
    used = sorted(
        {f"line {line}: {name}" for line, name in names_in(path) if name not in THEIRS and words_of(name) & REPLACED}
    )
    assert used == []


@pytest.mark.parametrize(
    "path", [*MODULES, *sorted((ROOT / "sweep" / "docs").glob("*.md"))], ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_text_uses_a_word_that_was_ours_alone(path: Path) -> None:
    text = path.read_text().partition("## Words that we replaced")[0]
    assert re.findall(rf"(?i)\b(?:{'|'.join(OURS)})\b", text) == []


def test_a_public_name_is_defined_once() -> None:
    homes = defaultdict(list)
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(path.relative_to(ROOT / "sweep")))
    twice = {name: paths for name, paths in homes.items() if len(paths) > 1 and not _is_one_meaning(paths)}
    assert twice == {}


def _is_one_meaning(paths: list[str]) -> bool:
    """Whether the definitions are one verb in several layers, or the published names of two kinds of curves."""
    below = [path for path in paths if not path.startswith(("cli/", "api/"))]
    registries = {"diffusion/schedules.py", "diffusion/spacing.py", "training/lr_schedules.py"}
    return len(below) <= 1 or set(below) <= registries
