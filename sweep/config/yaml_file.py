"""Reading a YAML file a person wrote: safe, strict, and every value knows its line."""

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
from sweep.errors import StudyFileError

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """A parsed file.

    Attributes:
        data: The top-level mapping.
        lines: 1-based line of every key and item, by its path from the top.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[Location, int]

    def line_of(self, location: Location) -> int | None:
        """Line of the deepest part of `location` that stands in the file."""
        for length in range(len(location), 0, -1):
            if (line := self.lines.get(location[:length])) is not None:
                return line
        return None


def read_yaml(path: Path) -> YamlFile:
    """Read a YAML mapping.

    Raises:
        StudyFileError: As `read_text` and `StrictLoader`; a key given twice or no word, not YAML, or not a mapping.
    """
    loader = None
    text = read_text(path)
    lines: dict[Location, int] = {}
    try:
        loader = StrictLoader(text, path)
        node = loader.get_single_node()
        if node is not None:
            _walk(path, node, (), lines)
        data = loader.construct_document(node) if node is not None else None
    except yaml.YAMLError as error:
        raise _not_yaml(path, text, error) from None
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(data, dict):
        kind = "nothing" if data is None else f"a {type(data).__name__}"
        raise StudyFileError(
            f"{path}: expected keys and values at the top, found {kind}",
            next="Start from a shipped study: studies/digits.yaml.",
        )
    return YamlFile(path, data, lines)


def _walk(path: Path, node: yaml.Node, at: Location, lines: dict[Location, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            location = (*at, _key(path, key_node, line))
            if location in lines:
                raise StudyFileError(
                    f"{path}, line {line}: key `{cut(key_node.value)}` is given twice",
                    why=f"It stands first on line {lines[location]}.",
                    next="Keep one of the two.",
                )
            lines[location] = line
            _walk(path, value_node, location, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*at, index)] = item.start_mark.line + 1
            _walk(path, item, (*at, index), lines)


def _key(path: Path, node: yaml.Node, line: int) -> str:
    if node.tag != "tag:yaml.org,2002:str":
        shown = f"key `{cut(node.value)}`" if isinstance(node, yaml.ScalarNode) else "this key"
        raise StudyFileError(f"{path}, line {line}: {shown} is not a word", next="Put it in quotes.")
    return str(node.value)


# What people meant, by what PyYAML says.
_HINTS = {
    "mapping values are not allowed here": "Put a text that holds a colon in quotes; indent keys of one level alike.",
    "found character '\\t' that cannot start any token": "Indent with spaces, not with a tab.",
    "but found another document": "Keep one document: remove the line of three dashes in the middle.",
}


def _not_yaml(path: Path, text: str, error: yaml.YAMLError) -> StudyFileError:
    mark = getattr(error, "problem_mark", None)
    location = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        location, problem = f", line {line}", f"Character {error.position} is a control character."
    following = _HINTS.get(str(problem), "Correct that line.")
    return StudyFileError(f"{path}{location}: not valid YAML", why=cut(str(problem), LONG), next=following)
