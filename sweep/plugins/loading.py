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
    _package(package_name)
    try:
        for name, text in source.modules.items():
            _run(package_name, name, text, source.modules)
    except BaseException:
        for name in [name for name in sys.modules if name.split(".")[0] == package_name]:
            del sys.modules[name]
        raise


def _package(name: str) -> ModuleType:
    """A package of the plugin; without code, unless the plugin imports from its `__init__`."""
    if name not in sys.modules:
        module = sys.modules[name] = ModuleType(name)
        module.__path__ = []
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(_package(parent), own, module)
    return sys.modules[name]


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
        settings: Values of its settings by their names; of a model, a mapping of those of its fields.
        given: Values of the arguments that the kind gives; the part receives those that it takes.

    Raises:
        DataError: This process has not loaded that source, or it has no such part.
        Exception: Whatever the part raises.
    """
    part = part_named(source_sha256, kind, name)
    taken, read_by_harness = _arguments(part), dict(KINDS[kind].settings)
    passed = {argument: value for argument, value in given.items() if argument in taken}
    own = {name: _value(part, name, value) for name, value in settings.items() if name not in read_by_harness}
    return part(**passed, **own)


@cache
def _arguments(part: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(part).parameters)


def _value(part: Callable[..., Any], name: str, value: object) -> object:
    """The value of an argument; of one that is typed as a model, the model of its fields."""
    if not isinstance(value, Mapping):
        return value
    model = inspect.signature(part).parameters[name].annotation
    if isinstance(model, str):  # of a file with `from __future__ import annotations`
        model = vars(sys.modules[part.__module__])[model]
    return model(**value)


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


def _run(root: str, name: str, text: str, modules: Mapping[str, str]) -> None:
    whole = f"{root}.{name}"
    _package(whole.rpartition(".")[0])
    holds_others = any(other.startswith(f"{name}.") for other in modules)
    module = _package(whole) if holds_others else ModuleType(whole)
    module.__package__ = whole if holds_others else whole.rpartition(".")[0]
    module.__file__ = f"{name}.py"
    sys.modules[whole] = module
    setattr(sys.modules[whole.rpartition(".")[0]], name.rpartition(".")[2], module)
    shown = f"<plugin {name}.py {root[-64:][:16]}>"
    linecache.cache[shown] = (len(text), None, text.splitlines(keepends=True), shown)
    tree = ast.fix_missing_locations(_WithinPlugin(root, modules).visit(ast.parse(text)))
    exec(compile(tree, shown, "exec"), vars(module))  # noqa: S102 - the person who launched the study has allowed it


class _WithinPlugin(ast.NodeTransformer):
    """Names of modules of the plugin become those under which they were loaded, so that no other is found for them."""

    def __init__(self, root: str, modules: Mapping[str, str]) -> None:
        self._root = root
        self._packages = {name.split(".")[0] for name in modules}

    def visit_Import(self, node: ast.Import) -> ast.AST:
        first = node.names[0]
        if first.name.split(".")[0] not in self._packages:
            return node
        if "." not in first.name:
            return ast.copy_location(ast.ImportFrom(module=self._root, names=node.names, level=0), node)
        if first.asname is None:
            raise ImportError(f"write `import {first.name} as name`: a plugin is loaded under a name of its own")
        return ast.copy_location(ast.Import([ast.alias(f"{self._root}.{first.name}", first.asname)]), node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.level == 0 and node.module is not None and node.module.split(".")[0] in self._packages:
            node.module = f"{self._root}.{node.module}"
        return node
