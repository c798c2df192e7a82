"""What docstrings, comments and pages refer to is there: files by their path, names by their spelling."""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md", *(f"sweep/docs/{p.name}" for p in (ROOT / "sweep" / "docs").glob("*.md"))]
PAGES += [str(page.relative_to(ROOT)) for page in (ROOT / "tests").rglob("README.md")]
MODULES = sorted(path for folder in ("sweep", "tests") for path in (ROOT / folder).rglob("*.py"))

A_PATH = re.compile(r"(?<![\w/.{}-])((?:[\w-]+/)*[\w-]+\.(?:py|md|toml|yaml|j2|css))\b(?!\w)")
A_NAME = re.compile(r"`([A-Za-z_][\w.]*)(?:\([^`]*\))?`")
ELSEWHERE = {
    "sweep.py",
    "torch.py",
    "random.py",
    "study.yaml",
    "my-optimizers.yaml",
    "my_nets.py",  # a user's own
    "my_parts.py",
    "base.yaml",
    "flowers.yaml",
    "five-seeds.yaml",
    "lr.yaml",
    "pipeline.py",  # of an exported folder
    # What sweep/docs/extending.md shows how to write.
    "sweep/executors/kubernetes.py",
    "sweep/config/designs/pairs.py",
    "sweep/reporting/sections/seeds.py",
    "sweep/nets/dit.py",
    "sweep/nets/dit_spec.py",
    "examples/unconditional_image_generation/train_unconditional.py",  # of diffusers
    "upload_artifact",  # of Optuna
    "hidepid",  # of Linux
}


@cache
def files() -> frozenset[str]:
    """Paths from the root of everything that may be referred to."""
    folders = ("sweep", "tests", "studies", "reports", ".ci")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.*")] + list(ROOT.glob("*.*"))
    return frozenset(str(path.relative_to(ROOT)) for path in found)


@dataclass(frozen=True)
class Read:
    """A module in two parts."""

    prose: tuple[str, ...]
    """Docstrings and comments."""
    words: frozenset[str]
    """Names, and words of its other texts."""


@cache
def read(path: Path) -> Read:
    text = path.read_text()
    docs = {
        node.value.lineno: node.value.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    prose, words = list(docs.values()), set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            prose.append(token.string)
        elif token.type == tokenize.NAME:
            words.add(token.string)
        elif token.type == tokenize.STRING and token.start[0] not in docs:
            words.update(re.findall(r"\w+", token.string))
    return Read(tuple(prose), frozenset(words))


@cache
def names() -> frozenset[str]:
    """Every word of the code, of its plain texts, and of its paths."""
    paths = (part for path in MODULES for part in path.relative_to(ROOT).with_suffix("").parts)
    return frozenset(dir(builtins)).union(paths, *(read(path).words for path in MODULES))


def is_there(path: str) -> bool:
    return path in ELSEWHERE or any(file == path or file.endswith(f"/{path}") for file in files())


def test_files_that_are_referred_to_are_there():
    texts = [(str(path.relative_to(ROOT)), text) for path in MODULES for text in read(path).prose]
    texts += [(page, (ROOT / page).read_text()) for page in PAGES]
    missing = {(where, path) for where, text in texts for path in A_PATH.findall(text) if not is_there(path)}
    assert not missing


def test_names_that_docstrings_put_in_backticks_are_in_the_code():
    known = names() | ELSEWHERE
    missing = {
        (str(path.relative_to(ROOT)), name)
        for path in MODULES
        for text in read(path).prose
        for name in A_NAME.findall(text)
        if not known.issuperset(filter(None, name.split(".")))
    }
    assert not missing


def test_the_check_sees_what_is_not_there():
    assert is_there("scoring/fidelity.py")
    assert not is_there("scoring/fid.py")
    assert "no_such_thing_" + "anywhere" not in names()
