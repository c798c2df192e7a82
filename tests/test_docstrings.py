"""Docstrings of the package say what each argument is, and the examples in them hold."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import sweep

ROOT = Path(sweep.__file__).parent
PACKAGES = sorted(
    path.name for path in ROOT.iterdir() if path.is_dir() and (path / "__init__.py").exists() and path.name != "docs"
)


def documented(docstring: str) -> set[str]:
    """Names in the section Args, or Attributes, of a docstring."""
    section = re.search(r"(?ms)^(?:Args|Attributes):\n(.*?)(?=^\S|\Z)", inspect.cleandoc(docstring))
    return set(re.findall(r"(?m)^    (\w+):", section[1])) if section else set()


def arguments(function: ast.FunctionDef) -> list[str]:
    """Arguments that a caller may name: not self, and none that the function ignores."""
    spec = function.args
    names = [argument.arg for argument in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls") and not name.startswith("_")]


def functions(body: list[ast.stmt], inside: ast.ClassDef | None = None) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Public functions and methods, with their qualified names and docstrings; a constructor has its class's."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions(node.body, node)
        elif isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            docstring = ast.get_docstring(inside if inside and node.name == "__init__" else node) or ""
            yield f"{inside.name}.{node.name}" if inside else node.name, node, docstring


def inherited(classes: dict[str, ast.ClassDef], name: str) -> set[str]:
    """Arguments of a method that a base class in the same package documents: it takes the same ones."""
    class_name, _, method = name.rpartition(".")
    names: set[str] = set()
    for base in classes[class_name].bases if class_name in classes else ():
        if isinstance(base, ast.Name) and base.id in classes:
            for found, _, docstring in functions([classes[base.id]]):
                names |= documented(docstring) if found == f"{base.id}.{method}" else set()
            names |= inherited(classes, f"{base.id}.{method}")
    return names


def has_help(annotation: ast.expr | None) -> bool:
    """Whether a type says what `--help` prints of it. Typer would print a section Args, too."""
    calls = [node for node in ast.walk(annotation or ast.Constant(None)) if isinstance(node, ast.Call)]
    return any(keyword.arg in ("help", "hidden") for call in calls for keyword in call.keywords)


def shown_by_help(function: ast.FunctionDef, shared: set[str]) -> set[str]:
    """Arguments of a command that its `--help` describes."""
    return {
        each.arg
        for each in function.args.args
        if has_help(each.annotation) or (isinstance(each.annotation, ast.Name) and each.annotation.id in shared)
    }


def shared_options(modules: Iterable[ast.Module]) -> set[str]:
    """Names of types that several commands share, and that `--help` describes."""
    assigned = [node for module in modules for node in module.body if isinstance(node, ast.Assign)]
    targets = [target for node in assigned if has_help(node.value) for target in node.targets]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def undocumented(package: str) -> list[str]:
    missing = []
    trees = {path: ast.parse(path.read_text()) for path in sorted((ROOT / package).rglob("*.py"))}
    classes = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    shared = shared_options(trees.values()) if package == "cli" else set()
    for path, tree in trees.items():
        for name, function, docstring in functions(tree.body):
            names = arguments(function)
            absent = set(names) - documented(docstring) - inherited(classes, name)
            absent = sorted(absent - shown_by_help(function, shared) if package == "cli" else absent)
            if len(names) > 1 and absent:
                missing.append(f"{path.relative_to(ROOT)}: {name} does not say what {', '.join(absent)} is")
    return missing


@pytest.mark.parametrize("package", PACKAGES)
def test_every_argument_of_a_public_function_is_documented(package: str) -> None:
    assert undocumented(package) == []


def test_the_examples_hold() -> None:
    tried = 0
    for module in pkgutil.walk_packages([str(ROOT)], "sweep."):
        path = ROOT.parent / (module.name.replace(".", "/") + ".py")
        if path.exists() and ">>> " in path.read_text():
            result = doctest.testmod(importlib.import_module(module.name))
            assert result.failed == 0, module.name
            tried += result.attempted
    assert tried > 0
