"""Running the source of a plugin, under module names that no other module can have."""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from sweep.errors import DataError
from sweep.plugins.kinds import KINDS
from sweep.plugins.mark import MARK
from sweep.plugins.source import PluginSource

_PREFIX = "_sweep_plugin_"


def load_source(source: PluginSource) -> None:
    """Run the modules of a plugin, unless this process has run them.

    They are a package of their own, named by their hash: a plugin called `json` takes no other module's place, and two
    versions of a plugin can be loaded beside each other.

    Args:
        source: The source, whose hash was checked.

    Raises:
        Exception: Whatever the plugin raises.
    """
    package_name = _PREFIX + source.sha256
    if package_name in sys.modules:
        return
    package = ModuleType(package_name)
    package.__path__ = []
    sys.modules[package_name] = package
    try:
        for name, text in source.modules.items():
            _run(package, name, text, source.modules)
    except BaseException:
        for name in [name for name in sys.modules if name.split(".")[0] == package_name]:
            del sys.modules[name]
        raise


def is_loaded(source_sha256: str) -> bool:
    """Whether this process has run a plugin.

    Args:
        source_sha256: Hash of its source.
    """
    return _PREFIX + source_sha256 in sys.modules


def call_part(
    source_sha256: str, kind: str, name: str, settings: Mapping[str, object], given: Mapping[str, object]
) -> Any:
    """What a part of a plugin returns; of a class, an instance.

    Args:
        source_sha256: Hash of the source, which this process has loaded.
        kind: Name of the kind of the part.
        name: Name of the part in study files.
        settings: Values of its settings by their names.
        given: Values of the arguments that the kind gives; the part receives those that it takes.

    Raises:
        DataError: This process has not loaded that source, or it has no such part.
        Exception: Whatever the part raises.
    """
    part = part_named(source_sha256, kind, name)
    taken, read_by_harness = _arguments(part), dict(KINDS[kind].settings)
    passed = {argument: value for argument, value in given.items() if argument in taken}
    return part(**passed, **{name: value for name, value in settings.items() if name not in read_by_harness})


@cache
def _arguments(part: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(part).parameters)


@cache
def part_named(source_sha256: str, kind: str, name: str) -> Callable[..., Any]:
    """A part of a plugin that was loaded.

    Args:
        source_sha256: Hash of the source.
        kind: Kind of the part, such as `net`.
        name: Name of the part in study files.

    Raises:
        DataError: This process has not loaded that source, or it has no such part.
    """
    for module in [module for at, module in sys.modules.items() if at.startswith(f"{_PREFIX}{source_sha256}.")]:
        for value in vars(module).values():
            if callable(value) and getattr(value, "__dict__", {}).get(MARK) == (kind, name):
                return value  # type: ignore[no-any-return] # what the plugin made
    raise DataError(
        f"no {kind} named {name!r} was loaded", why=f"The plugin with hash {source_sha256[:16]} is missing."
    )


def _run(package: ModuleType, name: str, text: str, modules: Mapping[str, str]) -> None:
    module = ModuleType(f"{package.__name__}.{name}")
    module.__package__, module.__file__ = package.__name__, f"{name}.py"
    sys.modules[module.__name__] = module
    shown = f"<plugin {name}.py {package.__name__[-64:][:16]}>"
    linecache.cache[shown] = (len(text), None, text.splitlines(keepends=True), shown)
    tree = ast.fix_missing_locations(_WithinPackage(modules).visit(ast.parse(text)))
    exec(compile(tree, shown, "exec"), vars(module))  # noqa: S102 - the person who launched the study has allowed it
    setattr(package, name, module)


class _WithinPackage(ast.NodeTransformer):
    """`import blocks` becomes `from . import blocks`, so that modules of the folder are found in the package alone."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def visit_Import(self, node: ast.Import) -> ast.AST:
        if node.names[0].name not in self._modules:
            return node
        return ast.copy_location(ast.ImportFrom(module=None, names=node.names, level=1), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.level == 0 and node.module in self._modules:
            node.level = 1
        return node
