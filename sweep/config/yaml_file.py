"""Reading YAML that a person wrote: safe, strict, and every value knows its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from sweep.config.problems import LONG, cut
from sweep.config.text_file import read_text
from sweep.config.yaml_loader import StrictLoader
from sweep.config.yaml_merge_keys import resolve_merge_keys
from sweep.errors import StudyFileError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a person wrote a value.

    Attributes:
        document: The path of a file, or an option such as `-s baseline.lr`.
        line: 1-based line of a file; None for an option.
    """

    document: str
    line: int | None = None

    def __str__(self) -> str:
        return self.document if self.line is None else f"{self.document}, line {self.line}"


@dataclass(frozen=True)
class YamlFile:
    """A file that was read, with the files that it extends.

    Attributes:
        path: The file that was named.
        data: The top-level mapping.
        origins: Origin of every key and item, by its path from the top.
    """

    path: Path
    data: dict[str, Any]
    origins: Mapping[Location, Origin]

    def origin_of(self, location: Location) -> Origin | None:
        """Origin of the deepest part of `location` that is written.

        Args:
            location: Keys and indices from the top of the file.
        """
        for length in range(len(location), 0, -1):
            if (origin := self.origins.get(location[:length])) is not None:
                return origin
        return None


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML mapping.

    Args:
        path: The file.

    Raises:
        StudyFileError: As `read_text` and `parse`, or it is not a mapping.
    """
    data, lines = parse(read_text(path), str(path))
    if not isinstance(data, dict):
        kind = "nothing" if data is None else f"a {type(data).__name__}"
        raise StudyFileError(
            f"{path}: expected keys and values at the top, found {kind}",
            next="Start from a shipped study: studies/digits.yaml.",
        )
    return YamlFile(path, data, {location: Origin(str(path), line) for location, line in lines.items()})


def parse(text: str, document: str) -> tuple[Any, dict[Location, int]]:
    """Read one YAML document.

    Args:
        text: The document.
        document: Name of the document in errors: the path of its file, or an option.

    Returns:
        Its value, and the 1-based line of every key and item, by its path from the top.

    Raises:
        StudyFileError: As `StrictLoader`; a key given twice or no word, or not YAML.
    """
    loader = None
    lines: dict[Location, int] = {}
    try:
        loader = StrictLoader(text, document)
        node = loader.get_single_node()
        if node is None:
            return None, lines
        _walk(loader, document, node, (), lines)
        return loader.construct_document(node), lines
    except yaml.YAMLError as error:
        raise _not_yaml(document, text, error) from None
    finally:
        if loader is not None:
            loader.dispose()


def _walk(loader: StrictLoader, document: str, node: yaml.Node, at: Location, lines: dict[Location, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        _check_keys(document, node)
        resolve_merge_keys(node, loader.anchored, document)
        for key_node, value_node in node.value:
            location = (*at, _key(document, key_node))
            lines[location] = key_node.start_mark.line + 1
            _walk(loader, document, value_node, location, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _walk(loader, document, item, (*at, index), lines)


def _check_keys(document: str, node: yaml.MappingNode) -> None:
    """Refuse keys that are no words, and keys that are given twice."""
    first: dict[str, int] = {}
    for key_node, _ in node.value:
        key, line = _key(document, key_node), key_node.start_mark.line + 1
        if key in first:
            raise StudyFileError(
                f"{document}, line {line}: key `{cut(key)}` is given twice",
                why=f"It stands first on line {first[key]}.",
                next="Keep one of the two.",
            )
        first[key] = line


def _key(document: str, node: yaml.Node) -> str:
    if node.tag != "tag:yaml.org,2002:str":
        shown = f"key `{cut(node.value)}`" if isinstance(node, yaml.ScalarNode) else "this key"
        line = node.start_mark.line + 1
        raise StudyFileError(f"{document}, line {line}: {shown} is not a word", next="Put it in quotes.")
    return str(node.value)


# What people meant, by what PyYAML says.
_HINTS = {
    "mapping values are not allowed here": "Put a text that holds a colon in quotes; indent keys of one level alike.",
    "found character '\\t' that cannot start any token": "Indent with spaces, not with a tab.",
    "but found another document": "Keep one document: remove the line of three dashes in the middle.",
    "second occurrence": "Give the two anchors different names.",
}


def _not_yaml(document: str, text: str, error: yaml.YAMLError) -> StudyFileError:
    mark = getattr(error, "problem_mark", None)
    location = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        location, problem = f", line {line}", f"Character {error.position} is a control character."
    following = _HINTS.get(str(problem), "Correct that line.")
    return StudyFileError(f"{document}{location}: not valid YAML", why=cut(str(problem), LONG), next=following)
