"""The source of a plugin and of what it imports from its folder or package: its identity, and the modules as text."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import DataError, StudyFileError
from sweep.limits import MAX_PLUGIN_BYTES, MAX_PLUGINS
from sweep.plugins.locating import Folder, Modules, modules_named


@dataclass(frozen=True)
class PluginSource:
    """A plugin with the modules of its folder or package that it needs.

    Attributes:
        modules: Name of a module -> its text, each after those that it imports; the last one is the plugin file.
        sha256: Hash of what the modules do: comments, docstrings and formatting do not count.
    """

    modules: Mapping[str, str]
    sha256: str

    @property
    def name(self) -> str:
        """Module name of the plugin."""
        return list(self.modules)[-1]

    def __str__(self) -> str:
        return self.name if "." in self.name else f"{self.name}.py"

    def as_text(self) -> str:
        """The source as it is archived; `source_from` reads it back."""
        return json.dumps(list(self.modules.items()))


def read_source(path: Path) -> PluginSource:
    """Read a plugin file and what it imports from its folder. Nothing of it is run.

    Args:
        path: The file.

    Raises:
        StudyFileError: A file cannot be read, is too large or not Python, or the modules import each other.
    """
    return _read(path.stem, path, Folder(path.parent))


def read_plugin(name: str, folder: Path) -> list[tuple[PluginSource, Path]]:
    """Read what a study file names under `plugins`. Nothing of it is run.

    Args:
        name: Path of a Python file, name of a module, or name of an installed distribution.
        folder: Folder of the study file, where the path of a file begins.

    Returns:
        The source of each module with parts, and its file.

    Raises:
        StudyFileError: There is no such plugin, or it cannot be read.
    """
    if name.endswith(".py"):
        if not Path(name).stem.isidentifier():
            raise StudyFileError(f"{name!r} is not named like a module", next="plugins: [my_nets.py]")
        return [(read_source(folder / name), folder / name)]
    read = []
    for module, package in modules_named(name):
        path = package.path_of(module)
        assert path is not None
        read.append((_read(module, path, package), path))
    return read


def _read(name: str, path: Path, within: Modules) -> PluginSource:
    modules: dict[str, str] = {}
    _collect(name, path, within, modules, ())
    try:
        return PluginSource(modules, _identity(modules))
    except RecursionError:
        raise StudyFileError(f"{path}: its expressions are nested too deep", next="Simplify the plugin.") from None


def source_from(text: str, sha256: str) -> PluginSource:
    """The source in an archive.

    Args:
        text: What `PluginSource.as_text` wrote.
        sha256: The identity that it must have.

    Raises:
        DataError: It is another source, or none.
    """
    try:
        modules = dict(json.loads(text))
        actual = _identity(modules)
    except (ValueError, TypeError, SyntaxError, AttributeError, RecursionError) as error:
        raise DataError("the archive of a plugin is damaged", why=str(error)) from error
    if actual != sha256:
        raise DataError(
            f"the archived source of plugin {list(modules)[-1]!r} is another version",
            why=f"Its hash is {actual[:16]}, and the run was planned with {sha256[:16]}.",
            next="Launch the study again from the machine that has its plugin file.",
        )
    return PluginSource(modules, actual)


def _collect(name: str, path: Path, within: Modules, modules: dict[str, str], importing: tuple[str, ...]) -> None:
    if name in modules:
        return
    if len(modules) + len(importing) >= MAX_PLUGINS:
        raise StudyFileError(f"{path}: {MAX_PLUGINS} modules are the most that a plugin may import from its folder")
    if name in importing:
        raise StudyFileError(f"{path}: modules of a plugin import each other", why=" -> ".join([*importing, name]))
    text = _text(path)
    for line, names in within.imported_by(parsed(path, text), name):
        if len(names) > 1:
            raise StudyFileError(
                f"{path}, line {line}: import the modules of your folder one a line", next="Split the line."
            )
        file = within.path_of(names[0])
        assert file is not None
        _collect(names[0], file, within, modules, (*importing, name))
    modules[name] = text


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise StudyFileError(f"{path}: a plugin is a regular file")
        if path.stat().st_size > MAX_PLUGIN_BYTES:
            raise StudyFileError(f"{path}: {MAX_PLUGIN_BYTES:,} bytes are the most that a plugin file may have")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "It is not UTF-8."
        raise StudyFileError(
            f"{path}: cannot read this plugin file", why=why or "", next="Correct `plugins`."
        ) from None


def parsed(path: Path, text: str) -> ast.Module:
    """The syntax tree of a plugin file.

    Args:
        path: The file, for the message.
        text: Its text.

    Raises:
        StudyFileError: It is not Python.
    """
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise StudyFileError(f"{path}{line}: not Python", why=str(error), next="Correct the plugin file.") from None


def _identity(modules: Mapping[str, str]) -> str:
    trees = [[name, _plain(ast.parse(text))] for name, text in modules.items()]
    trees[-1][0] = ""  # a plugin file may be renamed
    return hashlib.sha256(json.dumps(trees).encode()).hexdigest()


def _plain(node: object) -> object:
    """A syntax tree as lists, equal in every supported Python: positions, empty fields and docstrings are left out."""
    if isinstance(node, ast.AST):
        fields = [[name, _plain(value)] for name, value in ast.iter_fields(node) if value not in (None, [])]
        return [type(node).__name__, *fields]
    if isinstance(node, list):
        return [_plain(item) for item in node if not _is_text_alone(item)]
    return f"{type(node).__name__} {node!r}"


def _is_text_alone(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
