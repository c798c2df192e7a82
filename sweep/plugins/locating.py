"""From the name of a plugin in a study file to the files of its modules. Nothing is imported.

A name that ends in `.py` is a file beside the study file. Any other is a module that Python could import, such as
`my_package.diffusion`, or else an installed distribution whose entry points of the group `sweep.plugins` name modules.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from sweep.errors import StudyFileError

GROUP = "sweep.plugins"
"""Entry points of this group name the modules of a distribution that hold parts."""

# A file of the user with such a name is never taken for the module.
_NEVER = sys.stdlib_module_names | {"sweep", "torch", "torchvision", "numpy"}


class Modules(Protocol):
    """The modules that a plugin may import and that belong to it: those of its folder, or of its package."""

    def path_of(self, name: str) -> Path | None:
        """File of a module; None where it is none of these.

        Args:
            name: Name of the module, from the top package on.
        """

    def imported_by(self, tree: ast.Module, name: str) -> Iterator[tuple[int, list[str]]]:
        """Line of each import statement that names modules of the plugin, and these modules.

        Args:
            tree: Syntax tree of the module that imports.
            name: Its name.
        """


@dataclass(frozen=True)
class Folder:
    """The modules beside a plugin file."""

    folder: Path

    def path_of(self, name: str) -> Path | None:
        """File of a module of the folder; None where it has none of that name.

        Args:
            name: Name of the module.
        """
        file = self.folder / f"{name}.py"
        return file if name not in _NEVER and name.isidentifier() and file.is_file() else None

    def imported_by(self, tree: ast.Module, _name: str) -> Iterator[tuple[int, list[str]]]:
        """As `Modules.imported_by`.

        Args:
            tree: Syntax tree of the module that imports.
        """
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if any(self.path_of(each) for each in names):
                yield node.lineno, names


@dataclass(frozen=True)
class Package:
    """The modules of an importable package, or a module on its own.

    Attributes:
        top: Name of the package that Python imports.
        roots: Its folders; or the file of a module on its own.
    """

    top: str
    roots: tuple[Path, ...]

    def path_of(self, name: str) -> Path | None:
        """File of a module of the package; None where it has none of that name.

        Args:
            name: Name of the module, from the top package on.
        """
        top, *below = name.split(".")
        if top != self.top:
            return None
        for root in self.roots:
            if root.suffix == ".py":
                candidates = [] if below else [root]
            else:
                inner = root.joinpath(*below)
                candidates = [inner / "__init__.py", inner.with_name(f"{inner.name}.py")] if below else []
                candidates = candidates or [root / "__init__.py"]
            for file in candidates:
                if file.is_file():
                    return file
        return None

    def imported_by(self, tree: ast.Module, name: str) -> Iterator[tuple[int, list[str]]]:
        """As `Modules.imported_by`.

        Args:
            tree: Syntax tree of the module that imports.
            name: Its name.
        """
        path = self.path_of(name)
        package = name if path is not None and path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                if names := [alias.name for alias in node.names if self.path_of(alias.name)]:
                    yield node.lineno, names
            elif isinstance(node, ast.ImportFrom):
                source = absolute_name(node, package)
                if source.split(".")[0] == self.top:
                    modules = [f"{source}.{alias.name}" for alias in node.names]
                    named = [each if self.path_of(each) else source for each in modules]
                    yield from ((node.lineno, [each]) for each in dict.fromkeys(named) if self.path_of(each))


def absolute_name(node: ast.ImportFrom, package: str) -> str:
    """Name of the module that `from ... import` names, from the top package on.

    Args:
        node: The statement.
        package: Package of the module that it stands in.
    """
    if not node.level:
        return node.module or ""
    parents = package.split(".") if package else []
    base = parents[: len(parents) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def modules_named(name: str) -> list[tuple[str, Package]]:
    """The modules that a plugin which is no file names, each with its package.

    Args:
        name: Name of a module, or of an installed distribution.

    Raises:
        StudyFileError: There is neither.
    """
    if (package := _package_of(name)) is not None:
        return [(name, package)]
    try:
        entry_points = distribution(name).entry_points.select(group=GROUP)
    except (PackageNotFoundError, ValueError):
        raise StudyFileError(
            f"no plugin named {name!r}",
            why="It is no file that ends in .py, no module that can be imported here, and no installed distribution.",
            next="plugins: [my_parts.py], [my_package.my_module] or [my-distribution]",
        ) from None
    located = [(module, _package_of(module)) for module in dict.fromkeys(each.module for each in entry_points)]
    if not located or any(package is None for _, package in located):
        raise StudyFileError(
            f"distribution {name!r} offers no plugins",
            why=f"It has no entry point of the group {GROUP} that names a module of it.",
            next=f'[project.entry-points."{GROUP}"] in its pyproject.toml names them.',
        )
    return [(module, package) for module, package in located if package is not None]


def _package_of(module: str) -> Package | None:
    """The package of a module; None where there is no such module. Only the finders of Python run, no module does."""
    top = module.split(".", maxsplit=1)[0]
    if top in _NEVER or not all(part.isidentifier() for part in module.split(".")):
        return None
    spec = PathFinder.find_spec(top) or find_spec(top)
    if spec is None:
        return None
    roots = tuple(map(Path, spec.submodule_search_locations or ())) or (Path(spec.origin or ""),)
    package = Package(top, roots)
    return package if package.path_of(module) is not None else None
